"""What an actor does when the world around it moves."""

import random
from collections.abc import Callable
from typing import TypeVar

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from dropstreamd.channels.run import Run, RunStopped
from dropstreamd.errors import DropstreamError, Incomplete, Misconfigured, Unreachable
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.supervisor.keeper import Faults, keep
from tests.actors.around import Around
from tests.actors.lone import Lone

T = TypeVar("T")

YEAR_S = 365 * 86_400.0


async def nothing(_run: Run, _start_s: float) -> None:
    await trio.lowlevel.checkpoint()


async def test_a_clock_set_back_by_a_year_stops_no_schedule(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    """What ran while the clock was a year ahead must not keep the job from running for a year."""
    lone = Lone(state, nothing, rules=("hourly",))
    lone.clock.step(YEAR_S)
    await lone.enable()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lone.actor.run)
        await trio.sleep(3 * 3600)
        assert len(lone.ended.runs) == 3
        lone.clock.step(-YEAR_S)
        lone.actor.clock_stepped()
        await trio.sleep(5 * 3600)
        nursery.cancel_scope.cancel()
    assert len(lone.ended.runs) >= 7


async def test_what_a_person_has_put_right_is_tried_at_once(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    """What is passing waits for its time: nobody has put that right."""
    wrong: list[DropstreamError] = [Misconfigured("the key is wrong"), Unreachable("down")]

    async def work(_run: Run, _start_s: float) -> None:
        await trio.lowlevel.checkpoint()
        if wrong:
            raise wrong.pop(0)

    lone = Lone(state, work)
    await lone.enable()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lone.actor.run)
        lone.ask()
        await trio.sleep(1)
        lone.actor.look_again()
        await trio.sleep(1)
        assert [ended.result for ended in lone.ended.runs] == ["held", "failed"]
        lone.actor.look_again()
        await trio.sleep(1)
        assert len(lone.ended.runs) == 2
        await trio.sleep(125)
        nursery.cancel_scope.cancel()
    assert [ended.result for ended in lone.ended.runs] == ["held", "failed", "done"]
    assert not lone.actor.trouble


async def test_where_all_was_done_that_could_be_no_fire_is_left_out(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    """A person is told, and the job goes on: what it waits for may come by itself."""
    wrong = True

    async def work(_run: Run, _start_s: float) -> None:
        await trio.lowlevel.checkpoint()
        if wrong:
            raise Incomplete("the newest figures are old")

    lone = Lone(state, work, rules=("every 15 minutes",))
    await lone.enable()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lone.actor.run)
        await trio.sleep(6 * 3600 + 1)
        fires = [ended for ended in lone.ended.runs if ended.trigger == "schedule"]
        assert len(fires) == 24
        assert {ended.result for ended in lone.ended.runs} == {"held"}
        trouble = lone.actor.trouble["smart"]
        assert trouble.held
        upcoming_s = lone.actor.agendas["smart"].look(lone.clock.now_s())[1]
        assert upcoming_s is not None
        assert upcoming_s - lone.clock.now_s() <= 900
        assert trouble.tried_s(upcoming_s) == min(trouble.retry_s, upcoming_s)
        wrong = False
        await trio.sleep(900)
        nursery.cancel_scope.cancel()
    assert lone.ended.runs[-1].result == "done"
    assert not lone.actor.trouble


async def test_without_a_schedule_what_is_incomplete_is_tried_again(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    async def work(_run: Run, _start_s: float) -> None:
        await trio.lowlevel.checkpoint()
        raise Incomplete("the newest figures are old")

    lone = Lone(state, work)
    await lone.enable()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lone.actor.run)
        lone.ask()
        await trio.sleep(301)
        nursery.cancel_scope.cancel()
    assert [ended.trigger for ended in lone.ended.runs] == ["person", "retry"]
    trouble = lone.actor.trouble["smart"]
    assert trouble.tried_s(None) == trouble.retry_s


async def test_a_clock_set_back_by_a_year_ends_no_wait_in_a_year(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    async def fails(_run: Run, _start_s: float) -> None:
        await trio.lowlevel.checkpoint()
        raise Unreachable("down")

    lone = Lone(state, fails)
    await lone.enable()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lone.actor.run)
        lone.clock.step(YEAR_S)
        lone.ask()
        await trio.sleep(30)
        assert len(lone.ended.runs) == 1
        lone.clock.step(-YEAR_S)
        lone.actor.clock_stepped()
        await trio.sleep(3 * 3600)
        nursery.cancel_scope.cancel()
    assert len(lone.ended.runs) > 2


async def test_a_run_that_waits_for_its_turn_does_not_begin_once_it_is_off(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    gate = trio.Semaphore(0)
    lone = Lone(state, nothing, gate=gate)
    await lone.enable()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lone.actor.run)
        lone.ask()
        await wait_all_tasks_blocked()
        assert lone.actor.waiting() == ["smart"]
        await lone.turn(on=False)
        gate.release()
        await trio.sleep(1)
        assert not lone.ended.runs
        await lone.turn(on=True)
        lone.ask()
        await trio.sleep(1)
        assert len(lone.ended.runs) == 1
        nursery.cancel_scope.cancel()


class FailedState(Around):
    """A store that answers no write any more once it has `failed`."""

    failed = False

    async def write(self, fn: Callable[[Writer], T]) -> T:
        if self.failed:
            await trio.sleep_forever()
        return await super().write(fn)


async def test_a_failed_state_keeps_no_run_from_being_cancelled(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    """The process is to end by StoreError then; a run that wants to record its end must not hold it."""

    async def lasts(_run: Run, _start_s: float) -> None:
        await trio.sleep_forever()

    failing = FailedState(state)
    lone = Lone(failing, lasts)
    await lone.enable()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lone.actor.run)
        lone.ask()
        await trio.sleep(1)
        assert lone.actor.running is not None
        failing.failed = True
        began_s = trio.current_time()
        nursery.cancel_scope.cancel()
    assert trio.current_time() < began_s + 60


async def test_a_stop_beside_a_bug_stays_within_its_keeper(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    """A group that holds both must not pass for something that no supervisor may catch."""

    async def both(_run: Run, _start_s: float) -> None:
        await trio.lowlevel.checkpoint()
        raise BaseExceptionGroup("both", [RunStopped(), KeyError("bug")])

    lone = Lone(state, both)
    await lone.enable()
    faults = Faults()
    async with trio.open_nursery() as nursery:

        async def kept() -> None:
            await keep("one", lone.actor.run, faults=faults, rng=random.Random(1))

        nursery.start_soon(kept)
        lone.ask()
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert faults.total == 1
    assert lone.ended.runs[0].result == "crashed"
