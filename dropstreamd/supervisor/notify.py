"""What systemd is told: that we are ready, reload, stop, and that we still move.

The protocol of sd_notify(3): datagrams of `KEY=value` lines to the socket named by `NOTIFY_SOCKET`.
Where there is none, nothing is sent.
"""

import socket
import time
from collections.abc import Awaitable, Callable, Mapping

import trio

from dropstreamd.errors import Misconfigured
from dropstreamd.telemetry import get_logger

STATUS_LENGTH = 200

SEND_LIMIT_S = 2.0
"""How long a manager whose queue is full is waited for, in seconds; after one such message, not at all until
one gets through."""

TRY_AGAIN_S = 0.05
"""How often it is tried meanwhile: a full queue of datagrams does not tell when it has room again."""

Probe = Callable[[], Awaitable[None]]
"""Returns once its subject has been seen to move, from the call on."""

_log = get_logger(__name__)


class Notifier:
    """Tells the service manager, if there is one.

    `address` is a path, or an abstract name with a leading `@`. A message that cannot be sent is
    logged, once until one gets through, and does no other harm: a manager that waits for it acts
    by itself.
    """

    def __init__(self, address: str | None) -> None:
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self._failing = False

    async def ready(self, status: str) -> None:
        """Everything is supervised; also ends a reload."""
        await self._send("READY=1", f"STATUS={_line(status)}")

    async def reloading(self) -> None:
        """The configuration is being read again; `ready` must follow."""
        now_us = (
            time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
        )  # the manager's own clock: no other will do
        await self._send("RELOADING=1", f"MONOTONIC_USEC={now_us}")

    async def stopping(self) -> None:
        """The end has begun."""
        await self._send("STOPPING=1")

    async def status(self, status: str) -> None:
        """A line for `systemctl status`."""
        await self._send(f"STATUS={_line(status)}")

    async def alive(self) -> None:
        """Start the watchdog's time afresh."""
        await self._send("WATCHDOG=1")

    async def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.settimeout(0)
                await self._put(end, "\n".join(lines).encode(), self._address)
        except OSError as error:
            if not self._failing:
                _log.warning("notify_failed", socket=self._address, reason=error.strerror)
            self._failing = True
        else:
            self._failing = False

    async def _put(self, end: socket.socket, message: bytes, address: str) -> None:
        until = trio.current_time() + (0.0 if self._failing else SEND_LIMIT_S)
        while True:
            try:
                end.sendto(message, address)
            except BlockingIOError:
                if trio.current_time() >= until:
                    raise
                await trio.sleep(TRY_AGAIN_S)
            else:
                await trio.lowlevel.checkpoint()
                return


def watchdog_interval_s(environment: Mapping[str, str], pid: int) -> float | None:
    """How often to tell that we are alive: half of `WATCHDOG_USEC`; None where nobody watches us.

    Raises Misconfigured for a value that is not a positive number.
    """
    given = environment.get("WATCHDOG_USEC")
    if given is None or environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    if not (given.isascii() and given.isdigit() and int(given) > 0):
        raise Misconfigured(
            f"environment: WATCHDOG_USEC is {given!r}, expected a number of microseconds above 0",
            remedy="let systemd set it, by WatchdogSec= in the unit",
        )
    return int(given) / 2_000_000


async def watchdog(notifier: Notifier, probes: Mapping[str, Probe], interval_s: float) -> None:
    """Tell the manager every `interval_s` that we are alive, for as long as every probe returns.

    A round in which a probe does not return within `interval_s` sends nothing; a few of them, and
    the manager restarts us. Runs until cancelled; what a probe raises is raised here (a store that
    fails must end the process).
    """
    stuck: set[str] = set()
    while True:
        started_s = trio.current_time()
        now_stuck = await _stuck(probes, interval_s)
        for name in sorted(now_stuck - stuck):
            _log.error("watchdog_probe_stuck", probe=name, waited_s=interval_s)
        for name in sorted(stuck - now_stuck):
            _log.info("watchdog_probe_moves_again", probe=name)
        stuck = now_stuck
        if not stuck:
            await notifier.alive()
        await trio.sleep_until(started_s + interval_s)


async def _stuck(probes: Mapping[str, Probe], limit_s: float) -> set[str]:
    """The names of the probes that did not return in time, all tried at once."""
    stuck: set[str] = set()

    async def look(name: str, probe: Probe) -> None:
        with trio.move_on_after(limit_s) as scope:
            await probe()
        if scope.cancelled_caught:
            stuck.add(name)

    async with trio.open_nursery() as nursery:
        for name, probe in probes.items():
            nursery.start_soon(look, name, probe)
    return stuck


def _line(status: str) -> str:
    """One line of bounded length: a line break would begin another message."""
    return " ".join(status.split())[:STATUS_LENGTH]
