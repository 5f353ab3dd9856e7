"""The loop's lag is measured, and its moving can be awaited."""

import trio
from trio.testing import MockClock

from dropstreamd.telemetry import LoopWatch, Metrics


def lag(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(f"dropstreamd_loop_lag_{name}")


async def test_a_held_loop_shows_as_lag_for_a_minute(mock_clock: MockClock) -> None:
    metrics = Metrics(now_s=lambda: 0.0, version="0")
    watch = LoopWatch(metrics)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.run)
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(0.75)  # the loop comes round a quarter of a second late
        await watch.moves()
        assert lag(metrics, "max_seconds") == 0.25
        assert watch.last_moved_s == trio.current_time()
        mock_clock.autojump_threshold = 0
        await trio.sleep(30)
        assert lag(metrics, "max_seconds") == 0.25
        await trio.sleep(31)
        assert lag(metrics, "max_seconds") == 0
        nursery.cancel_scope.cancel()


async def test_moves_waits_for_the_next_look(autojump_clock: MockClock) -> None:
    watch = LoopWatch(Metrics(now_s=lambda: 0.0, version="0"))
    with trio.move_on_after(10) as scope:
        await watch.moves()
    assert scope.cancelled_caught
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.run)
        await watch.moves()
        await watch.moves()
        nursery.cancel_scope.cancel()
