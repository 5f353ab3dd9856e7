"""What the HTTP tests share."""

from random import Random

import msgspec
import pytest
from trio.testing import MockClock

from dropstreamd.clock import VirtualClock
from dropstreamd.platform.circuit import Circuit
from dropstreamd.platform.http import Http
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Budget, Pace, Priority


class Counted(msgspec.Struct):
    """An `Observer` that keeps what it is told."""

    calls: list[tuple[str, str]] = []
    throttles: list[tuple[str, float]] = []

    def called(self, account: str, result: str, duration_s: float) -> None:
        assert duration_s >= 0
        self.calls.append((account, result))

    def throttled(self, account: str, retry_after_s: float) -> None:
        self.throttles.append((account, retry_after_s))


@pytest.fixture
def patient_clock() -> MockClock:
    """Virtual time that jumps only once real sockets have been quiet for a moment."""
    return MockClock(autojump_threshold=0.05)


@pytest.fixture
def observer() -> Counted:
    return Counted()


@pytest.fixture
async def http(observer: Counted) -> Http:
    """An account's way to the web, with a budget that never binds; the wall clock starts in 2026."""
    budget = Budget(Pace(rate_per_s=1000, burst=1000, at_once=16))
    return Http(
        account="test:acme",
        limiter=budget.for_priority(Priority.ORDERS),
        circuit=Circuit("test:acme"),
        observer=observer,
        trust=Trust(),
        random=Random(7),  # noqa: S311 - spreads retries
        clock=VirtualClock(1_800_000_000),
    )
