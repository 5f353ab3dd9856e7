"""One channel's actor over hours of virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock as Clocked

from dropstreamd.channels.older import Agreed
from dropstreamd.channels.run import Run
from dropstreamd.clock import utc
from dropstreamd.errors import Misconfigured, RateLimited, Unfinished, Unreachable
from dropstreamd.store import runs
from dropstreamd.store.lmdb_store import InlineStore
from tests.actors.rig import CHANNEL, START_S, Rig, at


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


# ---- fires


async def test_a_fire_is_a_run(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state, smart="daily at 10:00, 11:30")
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(3))
    assert rig.began == [("smart", at(1)), ("smart", at(2.5))]
    assert rig.results() == ["smart schedule done"] * 2
    followed = rig.followed()
    assert (followed.fired, followed.ran, followed.last_success_s) == (2, 2, START_S + at(2.5))


async def test_off_from_the_beginning_nothing_runs(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state)
    async with acting(rig):
        await trio.sleep(at(48))
    assert not rig.began
    assert rig.fires == {"smart": None, "full": None}


async def test_runs_never_overlap_and_long_ones_coalesce(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state, smart="every 10 minutes", full="daily at 10:00")
    rig.does = lambda run: lasting(run, at(0, 35))
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(4))
        followed = rig.followed()
    assert ("full", rig.began[0][1]) != ("smart", 0)
    assert followed.ran < 8
    assert followed.coalesced > 10
    assert abs(followed.fired - 24) <= 4
    assert any(job == "full" for job, _ in rig.began)


async def test_after_downtime_it_runs_once(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state, smart="every 10 minutes")
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(1))
    before = len(rig.began)
    await trio.sleep(at(5))
    rig.begin()
    async with acting(rig):
        await trio.sleep(1)
    assert len(rig.began) == before + 1
    assert rig.results()[-1] == "smart catch-up done"
    assert rig.records[-1].fires in (30, 31)
    assert rig.followed().coalesced in (29, 30)


async def test_waiting_for_the_gate_is_lateness(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state)
    rig.gate = trio.Semaphore(0)
    rig.begin()
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(1, 5))
        assert not rig.began
        rig.gate.release()
        await trio.sleep(1)
    assert rig.records[0].late_s == at(0, 5)


async def test_switched_off_while_it_waits_for_the_gate_it_does_not_run(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    rig = Rig(state)
    rig.gate = trio.Semaphore(0)
    rig.begin()
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(1, 5))
        await rig.switch(on=False)
        rig.gate.release()
        await trio.sleep(at(1))
        assert not rig.began


# ---- asked for


async def test_asked_for_it_runs_at_once_and_requests_share(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    rig = Rig(state, smart="")
    await rig.enable()
    one = Agreed(since=utc(START_S - 50), keys=frozenset({"o1"}))
    another = Agreed(since=utc(START_S - 99), keys=frozenset({"o2"}))
    seen: list[Agreed | None] = []

    async def does(run: Run) -> None:
        seen.append(run.agreed)
        await lasting(run, 600)

    rig.does = does
    async with acting(rig):
        first = rig.ask("smart")
        await trio.sleep(60)
        second = rig.ask("smart", agreed=one)
        assert rig.ask("smart", agreed=another) == second
        merged = rig.ask("full")
        assert rig.ask("smart") == merged
        assert rig.actor.awaits(second)
        await trio.sleep(at(1))
    assert rig.results() == ["smart person done", "full person done"]
    assert [one.id for one in rig.records] == [first, merged]
    assert seen == [None, Agreed(since=another.since, keys=frozenset({"o1", "o2"}))]
    aliases = {one.id: one.into for one in rig.kept() if one.result == "merged"}
    assert set(aliases.values()) == {merged}
    assert second in aliases
    assert len(aliases) == 3


async def test_a_run_asked_for_serves_the_fire_that_is_due(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    rig = Rig(state)
    rig.gate = trio.Semaphore(0)
    rig.begin()
    await rig.enable()
    await trio.sleep(at(1, 1))
    rig.ask("smart")
    async with acting(rig):
        rig.gate.release()
        await trio.sleep(60)
    assert rig.results() == ["smart person done"]
    assert rig.followed().ran == 1


# ---- trouble


async def test_passing_trouble_is_tried_again_sooner_than_the_schedule(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    rig = Rig(state)
    errors = [Unreachable("down"), Unreachable("down"), RateLimited("slow", retry_after_s=1000.0)]

    async def does(run: Run) -> None:
        if errors:
            raise errors.pop(0)

    rig.does = does
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(1, 30))
        assert not rig.actor.trouble
    assert rig.results() == [
        "smart schedule failed",
        "smart retry failed",
        "smart retry failed",
        "smart retry done",
    ]
    waits = [after[1] - before[1] for before, after in zip(rig.began, rig.began[1:], strict=False)]
    assert 45 <= waits[0] <= 60
    assert 90 <= waits[1] <= 120
    assert waits[2] == 1000
    assert rig.followed().ran == 1


async def test_a_run_that_could_not_look_at_everything_is_neither_done_nor_failed(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    """It is made again as soon as more is told, keeps to its schedule besides, and is no success."""
    rig = Rig(state, smart="daily at 10:00, 10:10, 10:20")

    async def spent(run: Run) -> None:
        run.count("staged", 2)
        raise Unfinished("its budget is used up", again_s=at(0, 25), remedy="wait")

    rig.does = spent
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(1, 50))
        assert not rig.followed().last_success_s
        trouble = rig.actor.trouble["smart"]
        assert (trouble.failures, trouble.held, trouble.error) == (0, False, "its budget is used up")
        rig.does = rig.nothing
        await trio.sleep(at(0, 30))
    *unfinished, done = rig.kept()
    assert {each.result for each in unfinished} == {"unfinished"}
    assert [each.trigger for each in unfinished] == ["schedule"] * 3 + ["retry"]
    first = unfinished[0]
    assert first.error == "its budget is used up: looks again at 2026-03-02 10:25 UTC"
    assert (first.remedy, first.counts) == ("wait", {"staged": 2})
    assert (done.result, done.trigger) == ("done", "retry")
    assert not rig.actor.trouble
    lines = state.read(lambda tx: runs.lines(tx, rig.connection.id, limit=100))
    assert [line.event for line in lines] == ["run unfinished"] * 4 + ["run done"]
    assert lines[0].text == f"2 staged; {first.error}"


async def test_failures_count_on_over_a_run_that_was_unfinished(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    """One that fails whenever it may look at all is tried less and less often."""
    rig = Rig(state, smart="daily at 10:00")
    errors = [Unreachable("down"), Unfinished("used up", again_s=0.0), Unreachable("down")]

    async def turns(run: Run) -> None:
        await run.settled()
        raise errors.pop(0)

    rig.does = turns
    await rig.enable()
    async with acting(rig):
        while errors:  # noqa: ASYNC110 - virtual time
            await trio.sleep(1)
        assert rig.actor.trouble["smart"].failures == 2
        rig.does = rig.nothing
        await trio.sleep(at(0, 30))
    assert [each.result for each in rig.records] == ["failed", "unfinished", "failed", "done"]
    between = [after.started_s - before.ended_s for before, after in pairwise(rig.records)]
    assert between[1] == pytest.approx(60), "however soon it says: no run after the other without a pause"


async def test_held_says_what_to_do_and_is_tried_seldom(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state, smart="every 10 minutes")

    async def does(run: Run) -> None:
        raise ExceptionGroup(
            "nursery", [Unreachable("x"), Misconfigured("the key is refused", remedy="fix it")]
        )

    rig.does = does
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(10))
        trouble = rig.actor.trouble["smart"]
        assert (trouble.held, trouble.error, trouble.remedy) == (True, "the key is refused", "fix it")
    assert rig.records[-1].result == "held"
    assert len(rig.records) <= 15
    assert rig.followed().fired - 60 in (-6, -5, -4, -3, -2, -1, 0)


async def test_a_bug_ends_the_actor_and_is_recorded(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state)

    async def does(run: Run) -> None:
        raise ExceptionGroup("nursery", [Unreachable("x"), ZeroDivisionError()])

    rig.does = does
    await rig.enable()
    rig.ask("smart")
    with pytest.raises(ExceptionGroup):
        await rig.actor.run()
    assert rig.kept()[-1].result == "crashed"


@pytest.mark.parametrize("aliases", [0, 9])
async def test_a_run_that_the_process_ended_in_is_closed_and_tried_again(
    state: InlineStore, autojump_clock: Clocked, aliases: int
) -> None:
    """However many were merged into it."""
    rig = Rig(state, smart="")
    await rig.enable()
    record = runs.RunRecord(id="1", job="smart", trigger="person", started_s=START_S)
    await state.write(lambda tx: runs.put(tx, rig.connection.id, CHANNEL, record))
    for number in range(aliases):
        alias = runs.RunRecord(
            id=f"2{number}", job="smart", trigger="person", started_s=START_S, result="merged", into="1"
        )
        await state.write(lambda tx, alias=alias: runs.put(tx, rig.connection.id, CHANNEL, alias))  # type: ignore[misc]
    async with acting(rig):
        await trio.sleep(1)
        assert "the daemon ended while it ran" in rig.actor.trouble["smart"].error
        await trio.sleep(at(0, 2))
    assert [one.result for one in rig.kept() if one.id == "1"] == ["crashed"]
    assert rig.results() == ["smart retry done"]


# ---- stopped, switched off


async def test_a_stop_waits_for_a_settled_point(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state, smart="")
    rig.does = lambda run: lasting(run, at(5))
    await rig.enable()
    rig.ask("smart")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.actor.run)
        await trio.sleep(90)
        rig.actor.stop()
    assert rig.clock.now_s() == START_S + 120
    assert rig.results() == ["smart person stopped"]


async def test_cut_off_it_is_recorded(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state, smart="")
    rig.does = lambda run: lasting(run, at(99))
    await rig.enable()
    rig.ask("smart")
    with trio.move_on_after(10):
        await rig.actor.run()
    assert rig.kept()[-1].result == "stopped"


async def test_switched_off_it_ends_and_stays_off(state: InlineStore, autojump_clock: Clocked) -> None:
    rig = Rig(state, smart="every 10 minutes")
    rig.does = lambda run: lasting(run, at(0, 25))
    await rig.enable()
    async with acting(rig):
        await trio.sleep(at(0, 12))
        rig.ask("full")
        await rig.switch(on=False)
        await trio.sleep(at(5))
        assert rig.results() == ["smart schedule stopped"]
        assert not rig.actor.waiting()
        await rig.switch(on=True)
        await trio.sleep(1)
        assert len(rig.records) == 1, "enabling replays nothing"
        await trio.sleep(at(1))
    assert len(rig.records) > 1
    assert rig.records[1].fires == 1
    followed = rig.followed()
    assert followed.skipped["disabled"] in range(28, 33)


@pytest.mark.parametrize("error", [Unreachable("down"), Misconfigured("wrong")])
async def test_a_run_that_fails_after_it_was_switched_off_is_not_tried_again(
    state: InlineStore, autojump_clock: Clocked, error: Exception
) -> None:
    rig = Rig(state)

    async def does(run: Run) -> None:
        await trio.sleep(60)
        raise error

    rig.does = does
    await rig.enable()
    async with acting(rig):
        rig.ask("smart")
        await trio.sleep(30)
        await rig.switch(on=False)
        await trio.sleep(at(9))
        assert len(rig.records) == 1
        await rig.switch(on=True)
        await trio.sleep(1)
        assert len(rig.records) == 1


async def test_what_was_cut_off_is_not_tried_again_while_it_is_off(
    state: InlineStore, autojump_clock: Clocked
) -> None:
    rig = Rig(state)
    record = runs.RunRecord(id="1", job="smart", trigger="person", started_s=START_S)
    await state.write(lambda tx: runs.put(tx, rig.connection.id, CHANNEL, record))
    async with acting(rig):
        await trio.sleep(at(9))
    assert not rig.began
