"""`dropstreamctl` as a process: pipes, signals, terminals, the environment."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.runs import Began, RunAsked, Switched
from dropstreamd.control.messages.setup import PutSecret, SecretNames
from tests.control.fake_api import FakeApi, fake_api, sse
from tests.control.shown import RUN, RUNNING

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-c", "from dropstreamd.control.client import main; raise SystemExit(main())")
# Whoever runs the tests in the background has every child ignore Ctrl-C: at a terminal none does.
AT_A_TERMINAL = (
    sys.executable,
    "-c",
    f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {PROGRAM[-1]}",
)
SECRET = "hunter2"
GOES_ON = f"""\
Run {RUN}; Ctrl-C stops waiting, not the run.
Interrupted: run {RUN} goes on. To see what comes of it: dropstreamctl runs acme
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with fake_api(tmp_path) as api:
        yield api


def environ(api: FakeApi, more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {
        "PYTHONPATH": str(ROOT),
        "DROPSTREAMD_SOCKET": str(api.socket),
        "PATH": os.defpath,
        "TERM": "xterm",
        **(more or {}),
    }


def test_the_socket_may_come_from_the_environment(api: FakeApi) -> None:
    api.answer("GET /v1/secrets", SecretNames(names=("a",)))
    done = subprocess.run([*PROGRAM, "secret", "list"], env=environ(api), capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"a\n", b"")


def test_a_terminal_that_knows_only_ascii(api: FakeApi) -> None:
    switched = Switched(connection="größe", channel="", on=True)
    api.answer("POST /v1/connections/gr%C3%B6%C3%9Fe/enable", switched)
    done = subprocess.run(
        [*PROGRAM, "enable", "größe"],
        env=environ(api, {"PYTHONIOENCODING": "ascii", "LC_ALL": "C.UTF-8"}),
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"gr\\xf6\\xdfe is on.\n"


def test_who_reads_the_output_may_close_it(api: FakeApi) -> None:
    api.answer("GET /v1/secrets", SecretNames(names=("a", "b")))
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [*PROGRAM, "secret", "list"], env=environ(api), stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


class Hanging:
    """A stream that says one thing, then nothing until it is released."""

    def __init__(self, first: bytes) -> None:
        self._first = first
        self.began = threading.Event()
        self.released = threading.Event()

    def __call__(self, send: Callable[[bytes], None]) -> None:
        send(self._first)
        self.began.set()
        self.released.wait(60)


@pytest.mark.parametrize(
    ("line", "argv", "said"),
    [
        (f"GET /v1/events?run={RUN}", ("run", "acme", "sales_orders", "--wait"), GOES_ON),
        ("GET /v1/status", ("status",), "Interrupted.\n"),
    ],
)
def test_an_interruption_ends_the_client_only(
    api: FakeApi, line: str, argv: tuple[str, ...], said: str
) -> None:
    hanging = Hanging(sse(Began(run=RUNNING)))
    api.answer("POST /v1/connections/acme/channels/sales_orders/jobs/import/run", RunAsked(run=RUN), 202)
    api.answer(line, hanging)
    with subprocess.Popen(
        [*AT_A_TERMINAL, *argv], env=environ(api), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as client:
        assert hanging.began.wait(60)
        if "--wait" in argv:
            assert client.stdout is not None
            assert client.stdout.readline() == b"1 staged\n"
        client.send_signal(signal.SIGINT)
        _, err = client.communicate(timeout=60)
    hanging.released.set()
    assert (client.returncode, err.decode()) == (130, said)


def test_a_secret_is_typed_unseen(api: FakeApi) -> None:
    api.answer("PUT /v1/secrets/acme-key", Done(text="acme-key was stored"))
    ours, theirs = os.openpty()
    client = subprocess.Popen(
        [*PROGRAM, "secret", "set", "acme-key"],
        env=environ(api),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while b"it is not shown): " not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, f"{SECRET}\n".encode())
    with contextlib.suppress(OSError):  # so Linux says that the other end is closed
        while chunk := os.read(ours, 4096):
            seen += chunk
    os.close(ours)
    assert client.wait(60) == 0
    assert b"acme-key was stored" in seen
    assert SECRET.encode() not in seen
    assert api.asked[0].read(PutSecret) == PutSecret(value=SECRET)
