"""The first step of every act's hand-over: what became of the attempts that an earlier run left open."""

import zlib
from collections.abc import Sequence
from functools import partial
from typing import TypeVar

import trio

from dropstreamd.channels.attempts import (
    OF_ONE_ALONE,
    Failures,
    doubted,
    mark_unsure,
    prepared,
    record_step,
    settle,
    untouched,
)
from dropstreamd.channels.run import Run
from dropstreamd.errors import Hold, Unreachable, Wait
from dropstreamd.model.handover import Accepted, InDoubt, Outcome
from dropstreamd.platform.contract import Sink
from dropstreamd.store import handover
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Attempt

T = TypeVar("T")

LOOK_UP_DEADLINE_S = 900.0
"""How long it may take to find out what became of one attempt, in seconds: a server that keeps its connection
alive and answers nothing would hold the account, and all who wait for it, for ever."""


async def recover(run: Run, book: Book, sink: Sink[T], failures: Failures) -> None:
    """Find out what became of the attempts that are still open, as far as the sink can tell. Where too many
    fail in a row, or one is not answered, the rest waits for the next run, and what is pending goes on."""
    for attempt_id, attempt in _in_turn(run, book):
        await run.settled()
        outcomes: Sequence[Outcome] | None = None
        try:
            with trio.move_on_after(LOOK_UP_DEADLINE_S) as patience:
                outcomes = await _recovered(run, book, sink, attempt_id, attempt)
        except (Wait, Hold) as error:
            if failures.may_go_on(error):
                continue
            if not isinstance(error, OF_ONE_ALONE):
                raise
            failures.last_try(error)
            return
        if patience.cancelled_caught:
            why = (
                f"what became of a hand-over was not told within {LOOK_UP_DEADLINE_S:g} s; it is asked again"
            )
            failures.last_try(Unreachable(why))
            return
        if outcomes is None:
            run.count("waiting_to_look_up")
        else:
            failures.none_now()
            run.count("recovered")
            await settle(run, book, attempt_id, outcomes)


def _in_turn(run: Run, book: Book) -> list[tuple[str, Attempt]]:
    """Oldest first, but from another one on each time, so that each has its turn."""
    opened = run.state.read(partial(handover.attempts, flow=book.flow))
    unsettled = [each for each in opened if each[1].step != handover.IN_DOUBT]
    if not unsettled:
        return []
    first = zlib.crc32(run.id.encode()) % len(unsettled)
    return [*unsettled[first:], *unsettled[:first]]


async def _recovered(
    run: Run, book: Book, sink: Sink[T], attempt_id: str, attempt: Attempt
) -> Sequence[Outcome] | None:
    """The outcomes of an attempt that was cut off; None while it is too early to ask."""
    writes = sink.writes
    attempt = await mark_unsure(run, book, attempt_id)
    unsure_s = run.now_s() - attempt.unsure_s
    record = partial(record_step, run, book, attempt_id)
    match writes.repeat:
        case "key":
            # The repeat itself may act late: it must do so while the platform knows the key.
            if run.now_s() - attempt.opened_s + writes.visible_after_s > writes.retention_s:
                return doubted(attempt, "the platform no longer knows the key that it was sent under")
            return _of_a_repeat(await sink.push(prepared(attempt), record))
        case "lookup":
            if unsure_s < writes.visible_after_s:
                return None
            return await sink.recover(prepared(attempt), attempt.step, record)
        case "never":
            if attempt.step:  # SENDING, or one that the sink recorded after it
                return doubted(attempt, "it was being sent when the daemon ended")
            return untouched(attempt)


def _of_a_repeat(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """A repeat that is refused does not say that the first call was: it stays in doubt."""
    return [
        outcome
        if isinstance(outcome, Accepted)
        else InDoubt(key=outcome.key, why="it was sent, no answer came, and a repeat was refused")
        for outcome in outcomes
    ]
