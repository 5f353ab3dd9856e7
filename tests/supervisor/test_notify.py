"""sd_notify against a real datagram socket, and the watchdog in virtual time."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import trio
from trio.testing import MockClock

from dropstreamd.errors import Misconfigured, StoreError
from dropstreamd.supervisor.notify import SEND_LIMIT_S, STATUS_LENGTH, Notifier, watchdog, watchdog_interval_s


class Manager:
    """A service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.settimeout(0)

    def heard(self) -> list[str]:
        """Everything since the last look."""
        messages = []
        while True:
            try:
                messages.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return messages


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(
        str(tmp_path / "notify") if request.param == "path" else f"@dropstreamd-test-{os.getpid()}"
    )
    yield manager
    manager.socket.close()


async def test_the_messages(manager: Manager) -> None:
    notifier = Notifier(manager.address)
    await notifier.ready("2 connections\nWATCHDOG=trigger")
    await notifier.status("x" * 1_000)
    await notifier.alive()
    await notifier.stopping()
    assert manager.heard() == [
        "READY=1\nSTATUS=2 connections WATCHDOG=trigger",
        "STATUS=" + "x" * STATUS_LENGTH,
        "WATCHDOG=1",
        "STOPPING=1",
    ]


async def test_a_manager_that_does_not_listen_is_not_waited_for(
    manager: Manager, autojump_clock: MockClock
) -> None:
    notifier = Notifier(manager.address)
    with structlog.testing.capture_logs() as logs, trio.fail_after(3600):
        for _ in range(1_000):
            await notifier.alive()
    assert [one["event"] for one in logs] == ["notify_failed"]
    heard = manager.heard()
    assert heard == ["WATCHDOG=1"] * len(heard)
    await notifier.stopping()
    assert manager.heard() == ["STOPPING=1"]


async def test_a_manager_that_listens_late_hears_all(manager: Manager, autojump_clock: MockClock) -> None:
    notifier, heard = Notifier(manager.address), 0

    async def listen() -> None:
        nonlocal heard
        while heard < 1_000:
            heard += len(manager.heard())
            await trio.sleep(SEND_LIMIT_S / 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        for _ in range(1_000):
            await notifier.alive()


async def test_reloading_tells_the_managers_own_time(manager: Manager) -> None:
    await Notifier(manager.address).reloading()
    [message] = manager.heard()
    first, second = message.splitlines()
    assert first == "RELOADING=1"
    assert second.startswith("MONOTONIC_USEC=")
    assert int(second.partition("=")[2]) > 0


@pytest.mark.parametrize("address", [None, ""])
async def test_without_a_manager_nothing_is_sent(address: str | None) -> None:
    await Notifier(address).ready("")


async def test_a_manager_that_is_gone_is_logged_once_and_again_after_it_came_back(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    notifier = Notifier(path)
    with structlog.testing.capture_logs() as logs:
        await notifier.alive()
        await notifier.alive()
        manager = Manager(path)
        await notifier.alive()
        manager.socket.close()
        await notifier.alive()
    assert [(entry["event"], entry["reason"]) for entry in logs] == [
        ("notify_failed", "No such file or directory"),
        ("notify_failed", "Connection refused"),
    ]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
    ],
)
def test_watchdog_interval(environment: dict[str, str], expected: float | None) -> None:
    assert watchdog_interval_s(environment, pid=7) == expected


@pytest.mark.parametrize("given", ["", "0", "-1", "30s", "²"])
def test_a_watchdog_interval_that_is_no_number(given: str) -> None:
    with pytest.raises(Misconfigured, match="WATCHDOG_USEC"):
        watchdog_interval_s({"WATCHDOG_USEC": given}, pid=7)


async def test_the_watchdog_is_told_only_while_everything_moves(
    tmp_path: Path, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    manager = Manager(str(tmp_path / "notify"))
    stuck = trio.Event()
    stuck.set()

    async def loop() -> None:
        await trio.lowlevel.checkpoint()

    async def writer() -> None:
        await stuck.wait()

    with structlog.testing.capture_logs() as logs:
        nursery.start_soon(watchdog, Notifier(manager.address), {"loop": loop, "writer": writer}, 10.0)
        await trio.sleep(25)
        assert manager.heard() == ["WATCHDOG=1"] * 3
        stuck = trio.Event()
        await trio.sleep(30)
        assert manager.heard() == []
        stuck.set()
        await trio.sleep(10)
        assert manager.heard() == ["WATCHDOG=1"] * 2
    assert [(entry["event"], entry["probe"]) for entry in logs] == [
        ("watchdog_probe_stuck", "writer"),
        ("watchdog_probe_moves_again", "writer"),
    ]
    manager.socket.close()


async def test_a_store_that_fails_ends_the_watchdog(autojump_clock: MockClock) -> None:
    async def writer() -> None:
        raise StoreError("the commit failed")

    with pytest.RaisesGroup(pytest.RaisesExc(StoreError)):
        await watchdog(Notifier(None), {"writer": writer}, 10.0)
