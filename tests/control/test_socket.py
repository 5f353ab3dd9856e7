"""The socket: who may open it, what it replaces, and what it leaves alone."""

import grp
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import trio

from dropstreamd.control.server import CLIENTS_LIMIT, SEND_LIMIT_S
from dropstreamd.control.unix_socket import PATH_LIMIT_BYTES, listening
from dropstreamd.errors import Misconfigured
from tests.control.ear import listening_to
from tests.control.office import Client, Office, open_office, short_folder


@pytest.fixture
def path() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder / "control.sock"


def test_it_has_its_mode_and_group_whatever_the_umask(path: Path) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    before = os.umask(0)
    try:
        with listening(path, 0o660, group):
            found = path.stat()
    finally:
        os.umask(before)
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, os.getgid())
    assert not path.exists()


def test_a_dead_daemons_socket_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    with listening(path, 0o600, None), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_living_daemons_socket_is_left_alone(path: Path) -> None:
    with (
        listening(path, 0o600, None),
        pytest.raises(Misconfigured, match="another process serves there"),
        listening(path, 0o600, None),
    ):
        pass


def test_another_programs_socket_is_left_alone(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(Misconfigured, match="another process serves there"), listening(path, 0o600, None):
            pass
        assert path.exists()


def test_a_file_of_that_name_is_left_alone(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(Misconfigured, match="something else has this name"), listening(path, 0o600, None):
        pass
    assert path.read_text() == "mine"


def test_what_took_its_place_is_not_removed(path: Path) -> None:
    with listening(path, 0o600, None):
        path.unlink()
        path.write_text("mine")
    assert path.read_text() == "mine"


def test_a_group_that_is_not_there(path: Path) -> None:
    with (
        pytest.raises(Misconfigured, match="there is no group 'no-such-group'"),
        listening(path, 0o660, "no-such-group"),
    ):
        pass
    assert not path.exists()


def test_a_folder_that_is_not_there(path: Path) -> None:
    with (
        pytest.raises(Misconfigured, match="No such file or directory"),
        listening(path.parent / "none" / "x.sock", 0o660, None),
    ):
        pass


def test_a_path_that_is_too_long(path: Path) -> None:
    with (
        pytest.raises(Misconfigured, match="too long"),
        listening(path.parent / ("x" * PATH_LIMIT_BYTES), 0o660, None),
    ):
        pass


# ---- served


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_is_a_client(office: Office) -> None:
    command = ["curl", "--silent", "--fail", "--unix-socket", str(office.socket), "http://daemon/v1/status"]
    done = await trio.run_process(command, capture_stdout=True)
    assert len(msgspec.json.decode(done.stdout)["connections"]) == 2


async def test_one_client_too_many_is_closed_and_a_free_place_is_used_again(office: Office) -> None:
    silent = [await trio.open_unix_socket(str(office.socket)) for _ in range(CLIENTS_LIMIT)]
    while await _answered(office):
        await trio.lowlevel.checkpoint()  # the silent ones are not all let in yet
    for stream in silent:
        await stream.aclose()
    while not await _answered(office):
        await trio.lowlevel.checkpoint()


async def _answered(office: Office) -> bool:
    async with await trio.open_unix_socket(str(office.socket)) as stream:
        try:
            await stream.send_all(b"GET /v1/openapi.json HTTP/1.1\r\nHost: daemon\r\n\r\n")
            return await stream.receive_some() != b""
        except trio.BrokenResourceError:
            return False


async def test_a_client_that_stops_reading_does_not_keep_the_daemon_from_ending() -> None:
    request = b"GET /v1/openapi.json HTTP/1.1\r\nHost: daemon\r\n\r\n"
    with trio.fail_after(SEND_LIMIT_S / 2):
        async with open_office() as office:
            stream = await trio.open_unix_socket(str(office.socket))
            with trio.move_on_after(0.5):
                while True:
                    await stream.send_all(request)
        await stream.aclose()


async def test_a_watcher_that_goes_away_is_forgotten(office: Office, client: Client) -> None:
    async with listening_to(office, "/events") as ear:
        await ear.until("200")
        while not office.events.watched():
            await trio.lowlevel.checkpoint()
    while office.events.watched():
        await trio.lowlevel.checkpoint()


def test_child_processes_do_not_get_it(path: Path) -> None:
    with listening(path, 0o600, None) as made:
        assert not os.get_inheritable(made.fileno())
