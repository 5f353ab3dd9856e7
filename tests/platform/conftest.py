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
from dropstreamd.telemetry.metrics import CallResult
from tests.virtual_time import jumping_after


class Counted(msgspec.Struct):
    """An `Observer` that keeps what it is told."""

    calls: list[CallResult] = []
    throttles: int = 0

    def call_finished(self, account: str, result: CallResult) -> None:
        assert account == "test:acme"
        self.calls.append(result)

    def throttled(self, account: str) -> None:
        assert account == "test:acme"
        self.throttles += 1


@pytest.fixture
def patient_clock() -> MockClock:
    """Virtual time that jumps only once real sockets have been quiet for a moment."""
    return jumping_after(0.05)


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
        random=Random(7),
        clock=VirtualClock(1_800_000_000),
    )
