"""Exit codes, and what is said where the daemon cannot be asked."""

import grp
import os
import shlex
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import pytest

from dropstreamd.control.client import commands
from dropstreamd.control.messages.refusal import RefusalKind
from tests.control.fake_api import UNCLOSED, ctl, fake_api, refusal

NOBODY = 65534

CODES = {"unconfirmed": 4, "too slow": 1, "unreachable": 1, "state full": 1, "fault": 1}
"""Of every other kind it is 2: what was asked is refused. 1: it failed, and might go well another time."""

WHY = ("--why", "it was lost")
EVERY = {
    "status": (),
    "enable": ("acme",),
    "disable": ("acme", "inventory"),
    "run": ("acme", "sales_orders", "--wait"),
    "backlog": ("acme",),
    "schedule": ("acme", "inventory.smart", "hourly", "--yes"),
    "runs": ("acme",),
    "log": ("acme",),
    "order": ("acme", "1"),
    "order show": ("acme", "1"),
    "sku": ("acme", "A"),
    "order resend": ("acme", "1", *WHY),
    "order hold": ("acme", "1", *WHY),
    "order release": ("acme", "1", *WHY),
    "order cancel": ("acme", "1", *WHY),
    "order replace": ("acme", "1", *WHY),
    "order edit-address": ("acme", "1", "--city", "Ghent", *WHY),
    "order mark-shipped": ("acme", "1", *WHY),
    "rules": ("try", "acme"),
    "catalog": ("acme",),
    "po": ("acme",),
    "return": ("acme", "1"),
    "parked": ("acme",),
    "in-doubt": ("acme",),
    "tasks": ("acme",),
    "release": ("acme", "sales_orders", "1"),
    "resolve": ("acme", "sales_orders", "1", "--sent"),
    "approve": ("acme.main",),
    "audit": ("acme", "orders"),
    "plan": ("acme", "resend", "1"),
    "apply": ("acme", "01J", *WHY),
    "authorize": ("acme",),
    "same-store": ("acme",),
    "same-warehouse": ("acme",),
    "test": ("acme",),
    "preflight": ("acme",),
    "try-file": ("acme.main", __file__),
    "secret": ("list",),
    "reload": (),
    "backup": ("backup",),
}
"""Each command that asks the daemon, as it may be typed."""

pytestmark = pytest.mark.filterwarnings(UNCLOSED)


@pytest.mark.parametrize("kind", get_args(RefusalKind))
def test_every_refusal_has_its_code(tmp_path: Path, kind: str) -> None:
    with fake_api(tmp_path) as api:
        api.answer("POST /v1/reload", refusal(kind, 500, "no", remedy="do that"))
        told = ctl(api, "reload")
        code = CODES.get(kind, 2)
        assert (told.code, told.out) == (code, "")
        assert told.err == f"{'Failed' if code == 1 else 'Refused'}: no\nWhat to do: do that\n"


def test_every_command_has_the_codes_of_the_table(tmp_path: Path) -> None:
    assert {*EVERY, "restore"} == set(commands({}).names)
    with fake_api(tmp_path) as api:
        api.otherwise = refusal("not possible", 409, "no")
        for command, argv in EVERY.items():
            told = ctl(api, *command.split(), *argv)
            assert (command, told.code, told.out, told.err) == (command, 2, "", "Refused: no\n")


def test_no_daemon(tmp_path: Path) -> None:
    told = ctl(tmp_path / "control.sock", "status")
    assert (told.code, told.out) == (3, "")
    assert told.err == (
        f"dropstreamctl: {tmp_path}/control.sock does not exist: the daemon does not run, or it listens"
        " elsewhere\nWhat to do: start it (systemctl start dropstreamd), or name the right one by --socket"
        " or DROPSTREAMD_SOCKET\n"
    )


def test_the_socket_of_a_daemon_that_has_ended(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control.sock"))
    told = ctl(tmp_path / "control.sock", "status")
    assert told.code == 3
    assert "nobody listens there" in told.err


def test_a_path_that_no_socket_can_have(tmp_path: Path) -> None:
    told = ctl(tmp_path / ("x" * 200), "status")
    assert told.code == 3
    assert "cannot be connected to" in told.err


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may use every socket: be somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(("folder_mode", "group"), [(0o755, None), (0o700, "dropstreamd")])
def test_a_socket_that_one_may_not_use(folder_mode: int, group: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder, fake_api(Path(folder)) as api:
        api.socket.chmod(0)
        named = group or grp.getgrgid(api.socket.stat().st_gid).gr_name
        Path(folder).chmod(folder_mode if os.geteuid() == 0 or folder_mode == 0o755 else 0)
        with _as_nobody():
            told = ctl(api, "status")
        Path(folder).chmod(0o700)
    assert (told.code, told.out) == (3, "")
    assert told.err == (
        f"dropstreamctl: {api.socket}: you may not use it\n"
        f"What to do: ask to be added to its group (usermod -aG {named} YOU), then log in again\n"
    )


def test_a_daemon_that_hangs_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control.sock"))
        listener.listen()

        def hang_up() -> None:
            accepted, _ = listener.accept()
            accepted.recv(65_536)
            accepted.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        told = ctl(tmp_path / "control.sock", "reload")
        thread.join()
    assert told.code == 3
    assert "closed the connection before it answered" in told.err


@pytest.mark.parametrize(("body", "status"), [(b"<html>", 200), (b"{}", 200), (b"\xff", 502), (b"{}", 307)])
def test_an_answer_that_is_none_of_ours(tmp_path: Path, body: bytes, status: int) -> None:
    with fake_api(tmp_path) as api:
        api.answer("GET /v1/status", body, status)
        told = ctl(api, "status")
    assert (told.code, told.out) == (1, "")
    assert "the daemon's answer cannot be read" in told.err
    assert "of one version" in told.err


@pytest.mark.parametrize(
    "argv", [(), ("stats",), ("status", "a", "b"), ("--nosuch",), ("run", "a", "--sin", "x")]
)
def test_wrong_usage(tmp_path: Path, argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert ctl(tmp_path / "no.sock", *argv).code == 2
    assert "usage: dropstreamctl" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("secret set", "NAME"),
        ("secret delete", "NAME"),
        ("schedule acme", "CHANNEL.JOB"),
        ("authorize", "CONNECTION"),
        ("rules try", "CONNECTION"),
    ],
)
def test_what_may_be_left_out_is_not_asked_for(
    tmp_path: Path, line: str, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctl(tmp_path / "no.sock", *line.split()).code == 2
    assert capsys.readouterr().err.endswith(f"arguments are required: {wanted}\n")


def test_a_time_for_a_wait_wants_a_wait(tmp_path: Path) -> None:
    told = ctl(tmp_path / "no.sock", "run", "acme", "shipments", "--timeout", "5")
    assert told.code == 2
    assert "--timeout with --wait" in told.err


@pytest.mark.parametrize(
    ("plain", "mixed"),
    [
        ("run acme sales_orders --wait --timeout 9", "run acme --wait sales_orders --timeout 9"),
        ("run acme sales_orders --wait", "run --wait acme sales_orders"),
        ("test acme warehouse --write", "test acme --write warehouse"),
        ("status acme --json", "status --json acme"),
        ("runs acme shipments --limit 5", "runs acme --limit 5 shipments"),
        ("po acme 77 --ended", "po acme --ended 77"),
        ("plan acme resend 1 2 --json", "plan acme resend 1 --json 2"),
        (
            "schedule acme inventory.smart hourly 'x y' --yes",
            "schedule acme --yes inventory.smart hourly 'x y'",
        ),
        ("resolve acme sales_orders 1 --sent", "resolve acme --sent sales_orders 1"),
        ("rules try acme 1 2 --file x", "rules try acme 1 --file x 2"),
        ("secret set name --json", "secret set --json name"),
        ("order hold acme 1 --why x", "order hold --why x acme 1"),
        ("order acme 1 --json", "order acme --json -- 1"),
    ],
)
def test_options_stand_anywhere(plain: str, mixed: str) -> None:
    parse = commands({}).parse
    found, wanted = vars(parse(shlex.split(mixed))), vars(parse(shlex.split(plain)))
    assert {**found, "execute": 0} == {**wanted, "execute": 0}


def test_what_begins_with_a_dash_follows_two() -> None:
    assert commands({}).parse(["order", "acme", "--", "-1"]).number == "-1"
    assert commands({}).parse(["plan", "acme", "resend", "--", "-1", "--json"]).orders == ["-1", "--json"]


def test_help_lists_the_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ctl(tmp_path / "no.sock", "--help").code == 0
    shown = capsys.readouterr().out
    for code in ("0  ", "1  ", "2  ", "3  ", "4  ", "5  ", "130", "141"):
        assert f"\n  {code}  " in shown
