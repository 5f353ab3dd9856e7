"""The account's budget, in virtual time."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from dropstreamd.platform.limiter import (
    LEAST_SHARE,
    REGAINED_S,
    REPEATED_S,
    Budget,
    Limiters,
    Pace,
    Priority,
)
from tests.fakes.pool import Pool


async def times(
    budget: Budget, calls: int, priority: Priority = Priority.ORDERS, cost: float = 1.0
) -> list[float]:
    """When each of so many calls in a row was admitted."""
    limiter = budget.for_priority(priority)
    admitted = []
    for _ in range(calls):
        async with limiter.admit(cost):
            admitted.append(trio.current_time())
    return [round(time_s, 6) for time_s in admitted]


async def test_a_burst_passes_at_once_and_the_rest_at_the_rate(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=2, burst=3, at_once=9))
    assert await times(budget, 6) == [0, 0, 0, 0.5, 1.0, 1.5]


async def test_a_rest_refills_no_more_than_the_burst(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=2, burst=3, at_once=9))
    await times(budget, 3)
    await trio.sleep(1000)
    assert await times(budget, 4) == [1000, 1000, 1000, 1000.5]


async def test_costs_are_counted_and_one_above_the_burst_leaves_a_debt(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=10, at_once=9))
    assert await times(budget, 1, cost=25) == [0]
    assert await times(budget, 1) == [16]


async def test_over_any_span_no_more_than_burst_and_rate_are_admitted(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=7, burst=5, at_once=3))
    admitted: list[float] = []

    async def caller(priority: Priority, work_s: float) -> None:
        limiter = budget.for_priority(priority)
        for _ in range(60):
            async with limiter.admit():
                admitted.append(trio.current_time())
                await trio.sleep(work_s)

    async with trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(caller, Priority(number % 3), 0.01 * number)
    assert len(admitted) == 360
    for first, start_s in enumerate(admitted):
        for last in range(first, len(admitted)):
            assert last - first + 1 <= 5 + 7 * (admitted[last] - start_s) + 0.001
    assert admitted[-1] == pytest.approx((360 - 5) / 7, abs=0.2)


async def test_no_more_than_at_once_are_in_flight(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=1000, burst=1000, at_once=2))
    in_flight: list[int] = [0]

    async def caller() -> None:
        async with budget.for_priority(Priority.SMART).admit():
            in_flight.append(in_flight[-1] + 1)
            await trio.sleep(1)
            in_flight.append(in_flight[-1] - 1)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(caller)
    assert max(in_flight) == 2
    assert trio.current_time() == pytest.approx(3)


async def test_a_failed_call_gives_its_place_back(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=5, at_once=1))
    with pytest.raises(ZeroDivisionError):
        async with budget.for_priority(Priority.SMART).admit():
            raise ZeroDivisionError
    assert await times(budget, 1) == [0]


async def test_orders_go_before_smart_before_full_and_equals_in_turn(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=1, at_once=1))
    await times(budget, 1)
    order: list[str] = []

    async def caller(name: str, priority: Priority) -> None:
        async with budget.for_priority(priority).admit():
            order.append(name)

    async with trio.open_nursery() as nursery:
        for name, priority in [
            ("full 1", Priority.FULL),
            ("smart 1", Priority.SMART),
            ("orders 1", Priority.ORDERS),
            ("smart 2", Priority.SMART),
            ("orders 2", Priority.ORDERS),
        ]:
            nursery.start_soon(caller, name, priority)
            await wait_all_tasks_blocked()
        assert budget.waiting == 5
    assert order == ["orders 1", "orders 2", "smart 1", "smart 2", "full 1"]
    assert trio.current_time() == pytest.approx(5)


async def test_nobody_starves_beside_a_flood_of_orders(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=1, at_once=1), step_s=10)

    async def flood() -> None:
        while True:
            async with budget.for_priority(Priority.ORDERS).admit():
                pass

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(flood)
        await trio.sleep(5)
        assert (await times(budget, 1, Priority.FULL))[0] == pytest.approx(5 + 2 * 10 + 1, abs=5)
        nursery.cancel_scope.cancel()


async def test_a_cancelled_waiter_loses_nothing_and_wakes_the_next(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=0.1, burst=1, at_once=1))
    await times(budget, 1)
    async with trio.open_nursery() as nursery:
        with trio.move_on_after(4) as given_up:
            nursery.start_soon(times, budget, 1, Priority.SMART)
            await times(budget, 1, Priority.ORDERS)
        assert given_up.cancelled_caught
        assert budget.waiting == 1
    assert trio.current_time() == pytest.approx(10)
    assert budget.waiting == 0


async def test_a_cancelled_call_never_takes_from_the_bucket(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=0.1, burst=1, at_once=1))
    with trio.CancelScope() as scope:
        scope.cancel()
        await times(budget, 1)
    assert scope.cancelled_caught
    assert await times(budget, 1) == [0]


async def test_cancelling_at_every_moment_keeps_the_count_right(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=2, at_once=2))
    admitted = 0

    async def caller(give_up_s: float) -> None:
        nonlocal admitted
        with trio.move_on_after(give_up_s):
            async with budget.for_priority(Priority.SMART).admit():
                admitted += 1
                await trio.sleep(0.3)

    async with trio.open_nursery() as nursery:
        for number in range(200):
            nursery.start_soon(caller, number * 0.05)
    ended_s = trio.current_time()
    assert budget.waiting == 0
    assert admitted == pytest.approx(2 + ended_s, abs=1.1)
    await trio.sleep(10)
    now_s = trio.current_time()
    assert await times(budget, 3) == pytest.approx([now_s, now_s, now_s + 1])


@pytest.mark.parametrize("retry_after_s", [1, 2.5, 3600])
async def test_a_demand_to_wait_is_obeyed_to_the_second(
    autojump_clock: MockClock, retry_after_s: float
) -> None:
    budget = Budget(Pace(rate_per_s=2, burst=10, at_once=9))
    budget.for_priority(Priority.FULL).slow_down(retry_after_s)
    assert await times(budget, 3) == [retry_after_s, retry_after_s + 0.5, retry_after_s + 1]


async def test_a_demand_reaches_who_already_waits_and_a_shorter_one_changes_nothing(
    autojump_clock: MockClock,
) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=1, at_once=1))
    await times(budget, 1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(times, budget, 1)
        await trio.sleep(0.5)
        budget.slow_down(60)
        budget.slow_down(5)
    assert trio.current_time() == pytest.approx(61.5, abs=1.01)
    assert trio.current_time() >= 60.5


async def test_repeated_demands_halve_the_rate_and_it_grows_again(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=10, burst=1, at_once=9))
    budget.slow_down(1)
    await trio.sleep(1)
    assert await times(budget, 2) == [1, 1.1], "once is an accident"
    budget.slow_down(1)
    budget.slow_down(1)
    await trio.sleep(1)
    assert await times(budget, 2) == pytest.approx([2.3, 2.5], abs=0.01), "and both of them are one demand"
    await trio.sleep(REGAINED_S / 4)
    now_s = trio.current_time()
    assert await times(budget, 2) == pytest.approx([now_s, now_s + 1 / 7.5], abs=0.01)
    await trio.sleep(REGAINED_S)
    now_s = trio.current_time()
    assert await times(budget, 2) == pytest.approx([now_s, now_s + 0.1])


async def test_a_demand_long_after_another_changes_no_rate(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=10, burst=1, at_once=9))
    for start_s in (0, 1 + REPEATED_S):
        await trio.sleep(start_s)
        budget.slow_down(1)
    now_s = trio.current_time() + 1
    assert await times(budget, 2) == pytest.approx([now_s, now_s + 0.1])


async def test_however_often_it_is_asked_for_some_rate_stays(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=10, burst=1, at_once=9))
    for _ in range(20):
        budget.slow_down(0.5)
        await trio.sleep(0.5)
    now_s = trio.current_time()
    assert await times(budget, 2) == pytest.approx([now_s, now_s + 0.1 / LEAST_SHARE], abs=0.2)


@pytest.mark.parametrize("told", [True, False])
async def test_the_platforms_own_figures_end_what_was_guessed(autojump_clock: MockClock, told: bool) -> None:
    budget = Budget(Pace(rate_per_s=10, burst=1, at_once=9))
    for _ in range(2):
        budget.slow_down(1)
        await trio.sleep(1)
    budget.learn(available=1 if told else None, burst=1, rate_per_s=10)
    assert await times(budget, 2) == pytest.approx([2, 2.1 if told else 2.2], abs=0.01)


async def test_a_new_pace_starts_with_all_of_its_rate(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=10, burst=1, at_once=9))
    for _ in range(2):
        budget.slow_down(1)
        await trio.sleep(1)
    budget.change(Pace(rate_per_s=20, burst=1, at_once=9))
    assert await times(budget, 2) == [2, 2.05]


async def test_with_half_of_the_pool_eaten_the_other_half_is_used(autojump_clock: MockClock) -> None:
    """Of a platform that tells no figures: few calls are refused, and what is left is not left lying."""
    pool, budget = Pool(8.0, 16.0), Budget(Pace(rate_per_s=8, burst=16, at_once=4))
    limiter = budget.for_priority(Priority.FULL)

    async def ours() -> None:
        while True:
            async with limiter.admit():
                if not pool.take():
                    limiter.slow_down(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pool.eaten_by_half)
        nursery.start_soon(ours)
        await trio.sleep(600)
        nursery.cancel_scope.cancel()
    assert pool.passed / 600 > 0.9 * 4
    assert pool.refused < 600 / 15


async def test_accounts_have_one_budget_each_and_take_a_new_pace(autojump_clock: MockClock) -> None:
    limiters = Limiters()
    budget = limiters.budget("vendure:acme", Pace(rate_per_s=1, burst=5, at_once=1))
    assert limiters.budget("vendure:other", Pace()) is not budget
    await times(budget, 5)
    assert limiters.budget("vendure:acme", Pace(rate_per_s=10, burst=2, at_once=1)) is budget
    assert await times(budget, 2) == [0.1, 0.2]


async def test_a_new_pace_reaches_who_already_waits(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=0.001, burst=1, at_once=1))
    await times(budget, 1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(times, budget, 1)
        await wait_all_tasks_blocked()
        budget.change(Pace(rate_per_s=1, burst=1, at_once=1))
    assert trio.current_time() == pytest.approx(1)


async def test_what_the_platform_says_holds_at_once(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=50, burst=1000, at_once=9))
    budget.for_priority(Priority.ORDERS).learn(available=100, burst=2000, rate_per_s=100)
    assert await times(budget, 2, cost=300) == [2, 5]
    await trio.sleep(1000)
    assert await times(budget, 3, cost=1000) == [1005, 1005, 1015]


async def test_what_is_under_way_is_kept_back(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=10, burst=1000, at_once=9))
    limiter = budget.for_priority(Priority.ORDERS)
    async with limiter.admit(400):
        limiter.learn(available=500, burst=1000, rate_per_s=10)
        assert await times(budget, 1, cost=200) == [10]


async def test_figures_that_cannot_be_are_not_believed(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=2, burst=4, at_once=9))
    budget.for_priority(Priority.ORDERS).learn(available=-5, burst=0, rate_per_s=-1)
    assert await times(budget, 2, cost=2) == [1, 2]


async def test_what_was_learned_outlives_a_session_and_not_a_rest(autojump_clock: MockClock) -> None:
    limiters, pace = Limiters(), Pace(rate_per_s=1, burst=1, at_once=9)
    limiter = limiters.budget("a", pace).for_priority(Priority.ORDERS)
    limiter.learn(available=10, burst=20, rate_per_s=10)
    assert await times(limiters.budget("a", pace), 2, cost=10) == [0, 1]
    limiter.slow_down(30)
    limiter.learn(available=20, burst=20, rate_per_s=10)
    assert await times(limiters.budget("a", pace), 1) == [31.1]
    assert await times(limiters.budget("a", Pace(rate_per_s=2, burst=1, at_once=9)), 2) == [31.6, 32.1]


async def test_what_is_kept_for_orders_is_left_by_the_others_for_a_while(autojump_clock: MockClock) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=100, at_once=9, kept=0.5))
    assert await times(budget, 3, Priority.FULL, cost=25) == [0, 0, 25]
    assert await times(budget, 2, cost=25) == [25, 25]
    # Nobody else asks: the bucket would be above the half at 75, and a FULL call is due after 60.
    assert await times(budget, 1, Priority.FULL, cost=25) == [85]
    budget = Budget(Pace(rate_per_s=1, burst=100, at_once=9, kept=0.5))
    await times(budget, 1, cost=100)
    assert await times(budget, 1, Priority.SMART, cost=25) == [115]
