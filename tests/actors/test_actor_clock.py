"""An actor whose rules or whose clock change under it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from trio.testing import MockClock as Clocked

from dropstreamd.channels.run import Run
from dropstreamd.errors import Unreachable
from dropstreamd.store.lmdb_store import InlineStore
from tests.actors.rig import Rig, at


@asynccontextmanager
async def acting(rig: Rig) -> AsyncIterator[None]:
    """The rig's actor runs; it is stopped at the end and has to end."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.actor.run)
        yield
        rig.actor.stop()


async def lasting(run: Run, seconds: float, step_s: float = 60) -> None:
    """A run that takes so long, with a settled point now and then."""
    until_s = trio.current_time() + seconds
    while trio.current_time() < until_s:
        await trio.sleep(min(step_s, until_s - trio.current_time()))
        await run.settled()


async def test_new_rules_replay_nothing(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state, smart="daily at 10:00")
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(1, 30))
        rig.configure(smart="daily at 10:10, 10:20, 12:00")
        rig.actor.reconfigured()
        await trio.sleep(at(2))
    assert [when for _, when in rig.began] == [at(1), at(3)]
    assert rig.followed().fired == 2


async def test_new_rules_account_for_what_was_due_under_the_old(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    rig = Rig(state, smart="every 10 minutes")
    rig.does = lambda run: lasting(run, at(1))
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(0, 50))
        rig.configure(smart="daily at 12:00")
        rig.actor.reconfigured()
        await trio.sleep(at(1))
        followed = rig.followed()
    assert followed.ran == 1
    assert followed.skipped["rules changed"] in (5, 6)


async def test_a_clock_set_forwards_runs_once_and_backwards_not_twice(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    rig = Rig(state, smart="daily at 10:00, 11:00")
    await rig.enable()
    async with acting(rig):
        await trio.sleep(60)
        rig.clock.step(at(3))
        rig.actor.clock_stepped()
        await trio.sleep(60)
        assert rig.results() == ["smart catch-up done"]
        assert rig.records[0].fires == 2
        rig.clock.step(-at(0, 50))
        rig.actor.clock_stepped()
        await trio.sleep(at(5))
        assert len(rig.records) == 1
        await trio.sleep(at(19))
        assert len(rig.records) == 3


async def test_a_clock_that_was_a_day_ahead_does_not_silence_it(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    rig = Rig(state, smart="hourly")
    rig.clock.step(at(24))
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(3))
        before = len(rig.records)
        assert before == 3
        rig.clock.step(-at(24))
        rig.actor.clock_stepped()
        await trio.sleep(at(6))
        assert len(rig.records) in (before + 5, before + 6)
        rig.followed()


async def test_a_clock_set_far_back_does_not_count_from_the_beginning(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    rig = Rig(state, smart="hourly")
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(6))
        assert rig.followed().fired == 6
        rig.clock.step(-at(2))
        rig.actor.clock_stepped()
        await trio.sleep(at(0, 1))
        assert rig.followed().fired == 6
        await trio.sleep(at(3))
        assert rig.followed().fired == 7
        assert [record.fires for record in rig.records] == [1] * 7


async def test_a_clock_set_back_does_not_put_a_retry_off(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state)
    failing = [Unreachable("down")]

    async def does(run: Run) -> None:
        if failing:
            raise failing.pop()

    rig.does = does
    await rig.enable()
    async with acting(rig):
        rig.ask("smart")
        await trio.sleep(10)
        rig.clock.step(-at(24 * 7))
        rig.actor.clock_stepped()
        await trio.sleep(at(0, 2))
        assert rig.results() == ["smart person failed", "smart retry done"]
