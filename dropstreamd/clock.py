"""The only wall clock.

Everything else asks a `Clock` for the time of day and trio for durations, so that a test can run a
virtual year under `trio.testing.MockClock`, and step the wall clock as an operator or NTP would.
"""

import time
from datetime import UTC, datetime
from typing import Protocol

import trio


class Clock(Protocol):
    """Tells the time of day. Never goes backwards on its own, but may be stepped by the machine."""

    def now_s(self) -> float:
        """Seconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_s(self) -> float:
        return time.time()


class VirtualClock:
    """A wall clock that follows trio's own: `start_s` at creation, then as trio's time passes.

    `step` moves the wall clock without trio's time moving, as a clock set by hand does.
    """

    def __init__(self, start_s: float) -> None:
        self._offset_s = start_s - trio.current_time()

    def now_s(self) -> float:
        return self._offset_s + trio.current_time()

    def step(self, seconds: float) -> None:
        """Step the wall clock by so many seconds, either way."""
        self._offset_s += seconds


def utc(seconds: float) -> datetime:
    """The instant `seconds` after the Unix epoch, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
