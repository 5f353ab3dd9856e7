"""One account's budget as its callers see it: operations counted apart, and what goes ahead of others."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from dropstreamd.platform.limiter import Budget, Limiter, Pace, Priority
from tests.platform.test_limiter import times


async def test_what_the_others_wait_for_goes_ahead_of_all(autojump_clock: MockClock) -> None:
    """Whoever asks: neither what is kept for orders nor others that wait hold it up."""
    budget = Budget(Pace(rate_per_s=1, burst=100, at_once=9, kept=0.5))
    await times(budget, 1, cost=100)
    full = budget.for_priority(Priority.FULL)
    ended: dict[str, float] = {}

    async def call(name: str, limiter: Limiter, cost: float) -> None:
        async with limiter.admit(cost):
            ended[name] = round(trio.current_time(), 6)

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(call, f"smart {number}", budget.for_priority(Priority.SMART), 10.0)
        await wait_all_tasks_blocked()
        nursery.start_soon(call, "token", full.ahead(), 0.0)
        nursery.start_soon(call, "full", full, 0.0)
    assert ended["token"] == 0
    assert ended["full"] > ended["smart 0"] > 20


async def test_an_operation_has_a_budget_of_its_own(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=1, at_once=9))
    search = budget.operation("search", Pace(rate_per_s=0.01, burst=2, at_once=9))
    assert await times(search, 3) == [0, 0, 100]
    assert await times(budget, 2) == [100, 101], "the account's is not touched"
    assert budget.operation("search", Pace(rate_per_s=0.01, burst=2, at_once=9)) is search
    assert budget.operation("patch", Pace(rate_per_s=5, burst=5, at_once=9)) is not search


async def test_an_operation_is_slowed_down_alone_and_by_priority(autojump_clock: MockClock) -> None:
    budget, pace = Budget(Pace(rate_per_s=1, burst=1, at_once=9)), Pace(rate_per_s=1, burst=1, at_once=1)
    orders = budget.for_priority(Priority.ORDERS).operation("confirm", pace)
    full = budget.for_priority(Priority.FULL).operation("confirm", pace)
    orders.slow_down(10)
    first: list[str] = []

    async def call(name: str, limiter: Limiter) -> None:
        async with limiter.admit():
            first.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(call, "full", full)
        await wait_all_tasks_blocked()
        nursery.start_soon(call, "orders", orders)
        await wait_all_tasks_blocked()
        assert budget.waiting == 2
    assert first == ["orders", "full"]
    assert trio.current_time() == pytest.approx(11)
    assert await times(budget, 1) == [11]


async def test_when_a_call_could_be_made_is_told(autojump_clock: MockClock) -> None:
    limiter = Budget(Pace(rate_per_s=0.5, burst=2, at_once=9)).for_priority(Priority.ORDERS)
    assert limiter.ready_in_s() == 0
    assert limiter.ready_in_s(9) == 0, "for one of more than the burst, a full bucket is enough"
    async with limiter.admit(2):
        assert limiter.ready_in_s() == pytest.approx(2)
    limiter.slow_down(30)
    assert limiter.ready_in_s() == pytest.approx(32)


async def test_a_rate_is_learned_without_what_is_left(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=2, at_once=9))
    limiter = budget.for_priority(Priority.ORDERS)
    async with limiter.admit(2):
        limiter.learn(available=None, burst=2, rate_per_s=10)
    assert await times(budget, 2) == [0.1, 0.2]
