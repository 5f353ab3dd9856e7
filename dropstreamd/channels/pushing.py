"""Levels on their way to the store: what was left first, then what falls, then what rises."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import trio

from dropstreamd.channels import moving, places
from dropstreamd.channels.attempts import Failures
from dropstreamd.channels.course import Course
from dropstreamd.channels.deliver import PUSH_DEADLINE_S
from dropstreamd.channels.marking import mark_what_moved, unsent_now
from dropstreamd.channels.moving import Left
from dropstreamd.channels.places import Place
from dropstreamd.channels.promises import Unsent
from dropstreamd.channels.run import Run
from dropstreamd.errors import Hold, NoLocation, OutcomeUnknown, ProtocolMismatch, Wait
from dropstreamd.model.handover import Outcome, Prepared, Stamp, Writes
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Sink
from dropstreamd.store import level_handover, levels
from dropstreamd.store.base import Reader
from dropstreamd.store.level_handover import Opened
from dropstreamd.store.records import Attempt, Flow

LOOK_AGAIN_S = 60.0
"""How often a run that pushes looks at what orders take, in seconds."""


class Opens(Protocol):
    """Opens the levels of a place, batch by batch."""

    @property
    def flow(self) -> Flow: ...

    async def open_next(self, sink: Sink[Level], stamp: Stamp) -> Opened | None: ...


async def push_levels(run: Run, here: tuple[Place, ...], unsent: Unsent) -> None:
    """Push what is marked, what falls first. It may take hours: what orders take meanwhile is looked at every
    minute, and levels that were pushed too high by then are pushed again.

    A push that fails by itself does not keep the others back, see `Failures`; but nothing rises where one
    that falls has failed.
    """
    if not run.state.read(partial(_has_work, run=run, here=here)):
        return
    async with run.open_store() as store:
        if store.inventory is None:
            raise ProtocolMismatch("the store's plugin takes no inventory")
        sink = store.inventory
        await _leave(run, sink, await moving.adopt(run, here, sink.writes.visible_after_s))
        for place in here:
            await _recover(run, places.flow(run.scope.connection, place), sink)
        courses = _courses(run, here, unsent, sink)
        looked_s = run.now_s()
        failures, unfallen = Failures(), False
        while (course := _next_course(courses)) is not None and (course.falling or not unfallen):
            await run.settled()
            if abs(run.now_s() - looked_s) >= LOOK_AGAIN_S:
                looked_s, unsent = run.now_s(), unsent_now(run)
                if await mark_what_moved(run, here, unsent):
                    courses = _courses(run, here, unsent, sink)
                    continue
            falling = course.falling
            await _shielded(run, sink, course, failures)
            unfallen = unfallen or (falling and failures.any)
        failures.end()


def _has_work(tx: Reader, run: Run, here: tuple[Place, ...]) -> bool:
    connection = run.scope.connection
    flows = [places.flow(connection, place) for place in here]
    if any(levels.has_work(tx, flow) for flow in flows):
        return True
    return moving.is_due(tx, connection, here)


def _courses(run: Run, here: tuple[Place, ...], unsent: Unsent, sink: Sink[Level]) -> list[Course]:
    return [Course(run, place, unsent, sink.writes.batch) for place in here]


def _next_course(courses: Sequence[Course]) -> Course | None:
    """The place whose turn it is: nothing rises at one while something is to fall at another."""
    falling = next((course for course in courses if course.falling), None)
    return falling or next((course for course in courses if not course.done), None)


async def _leave(run: Run, sink: Sink[Level], left: Sequence[Left]) -> None:
    """Tell the locations that the connection has left that they have nothing."""
    for each in left:
        await _recover(run, each.flow, sink)
        await moving.mark(run, each)
        course = moving.Emptying(run, each, sink.writes.batch)
        try:
            while not course.done:
                await run.settled()
                await _shielded(run, sink, course, Failures(most=1))
        except NoLocation:
            run.count("locations_gone")
            await moving.forget_all(run, each)
        else:
            await moving.forget_done(run, each)


async def _shielded(run: Run, sink: Sink[Level], course: Opens, failures: Failures) -> None:
    """Open and push one batch; a stop waits until that is settled, unless the other side may take long."""
    takes_s = max(PUSH_DEADLINE_S, sink.writes.takes_s)
    shield = takes_s <= PUSH_DEADLINE_S
    with trio.CancelScope(shield=shield, deadline=trio.current_time() + takes_s) as scope:
        await _next_batch(run, sink, course, failures)
    if scope.cancelled_caught:
        raise OutcomeUnknown("a push of levels took too long and was cut; they are pushed again")


async def _recover(run: Run, flow: Flow, sink: Sink[Level]) -> None:
    after_s = sink.writes.visible_after_s
    recover = partial(level_handover.recover, flow=flow, now_s=run.now_s(), visible_after_s=after_s)
    run.count("recovered", await run.state.write(recover))


async def _next_batch(run: Run, sink: Sink[Level], course: Opens, failures: Failures) -> None:
    opened = await course.open_next(sink, run.stamp())
    if opened is None:
        return
    run.count("unchanged", opened.unchanged)
    run.count("not_at_warehouse", opened.unknown)
    run.count("refused", opened.refused)
    run.count("waiting", opened.waiting)
    for attempt_id, attempt in opened.attempts:
        try:
            await _push(run, course.flow, sink, attempt_id, attempt)
        except (Wait, Hold) as error:
            failures.add(error)
        else:
            failures.none_now()


async def _push(run: Run, flow: Flow, sink: Sink[Level], attempt_id: str, attempt: Attempt) -> None:
    keys = tuple(tried.key for tried in attempt.keys)
    outcomes: tuple[Outcome, ...] = ()
    try:
        prepared = Prepared(name=attempt.name, keys=keys, payload=attempt.payload)
        outcomes = tuple(await sink.push(prepared, _no_steps))
    except (Wait, Hold) as error:
        lost = isinstance(error, OutcomeUnknown)
        await _settle(run, flow, attempt_id, (), sink.writes, visible_after_s=None if lost else 0.0)
        raise
    await _settle(run, flow, attempt_id, outcomes, sink.writes)


async def _no_steps(step: str, *, if_wanted: bool = False) -> None:  # noqa: ARG001 - a level has no steps
    """A level's steps are not kept: what is not settled is pushed again."""
    await trio.lowlevel.checkpoint()


async def _settle(
    run: Run,
    flow: Flow,
    attempt_id: str,
    outcomes: tuple[Outcome, ...],
    writes: Writes,
    *,
    visible_after_s: float | None = None,
) -> None:
    """`visible_after_s` None: as the sink's writes say."""
    settled = await run.state.write(
        partial(
            level_handover.settle,
            flow=flow,
            attempt_id=attempt_id,
            outcomes=outcomes,
            now_s=run.now_s(),
            run=run.id,
            visible_after_s=writes.visible_after_s if visible_after_s is None else visible_after_s,
            remembers=writes.remembers,
        )
    )
    run.count("pushed", settled.accepted)
    run.count("refused", settled.refused)
    run.count("again", settled.again)
