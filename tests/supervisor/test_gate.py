"""The gate of runs."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from dropstreamd.supervisor.gate import Gate


async def test_a_stuck_account_leaves_places_to_the_others(autojump_clock: MockClock) -> None:
    places = trio.Semaphore(8)
    stuck, other = Gate(places, 8), Gate(places, 8)
    inside = 0

    async def hang() -> None:
        nonlocal inside
        async with stuck:
            inside += 1
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(hang)
        await wait_all_tasks_blocked()
        assert inside == 2
        with trio.fail_after(1):
            async with other:
                pass
        nursery.cancel_scope.cancel()
    assert places.value == 8


async def test_who_is_cancelled_at_the_gate_takes_no_place(autojump_clock: MockClock) -> None:
    places = trio.Semaphore(1)
    first, second = Gate(places, 1), Gate(places, 1)
    async with first:
        with trio.move_on_after(1):
            async with second:
                raise AssertionError("there is no place")
    with trio.fail_after(1):
        async with second:
            assert places.value == 0
    assert places.value == 1
