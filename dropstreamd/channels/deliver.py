"""The second half of every act's flow: resolve what is open, then hand over what is pending."""

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar, cast

import trio

from dropstreamd.channels.attempts import (
    OF_ONE_ALONE,
    Failures,
    Turn,
    doubted,
    mark_unsure,
    prepared,
    record_step,
    settle,
    untouched,
)
from dropstreamd.channels.recovering import recover
from dropstreamd.channels.run import Run
from dropstreamd.errors import Hold, OutcomeUnknown, StateFull, Wait
from dropstreamd.platform.contract import Sink
from dropstreamd.store import control_numbers, handover
from dropstreamd.store.base import Reader
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Number, Resolve
from dropstreamd.store.records import Attempt

T = TypeVar("T")

SENDING = "sending"
"""Recorded before a write that can neither be repeated nor looked up: without it, nothing was sent."""

PUSH_DEADLINE_S = 120.0
"""How long a stop waits for one push to be settled, in seconds."""


class Looks(Protocol):
    """Sees to it that nothing is handed over on an old look at its source."""

    async def before(self, coming: Callable[[int], Sequence[str]], count: int) -> None:
        """The next `count` of `coming` (so many keys at most) are handed over now."""
        ...


RETRY_LIMIT = 10_000
"""Parked documents looked at again in one run."""


async def anything_to_do(run: Run, book: Book, resolve: Resolve) -> bool:
    """Whether `deliver` would have something to hand over or to find out.

    Parked documents whose cause has gone are made pending on the way.
    """
    start = zlib.crc32(run.id.encode())
    retry = partial(handover.retry_parked, book=book, resolve=resolve, limit=RETRY_LIMIT, start=start)
    await run.state.write(retry)
    return run.state.read(partial(handover.has_work, flow=book.flow))


async def deliver(
    run: Run,
    book: Book,
    sink: Sink[T],
    resolve: Resolve,
    *,
    look: Looks | None = None,
) -> None:
    """Hand over every pending document, each once in this run, oldest key first; after a run that too many
    in a row ended, those behind them first.

    Attempts that an earlier run left open are resolved first. A `Wait` or `Hold` of the sink ends it; what
    was handed over until then is settled, the rest stays pending. Where it may be of one hand-over alone (a
    server's own fault, a lost or an odd answer), the others go before it is raised; see `Failures`.
    `look` is asked before each of them, and before what an earlier run began is finished.
    """
    if look is not None:
        begun = run.state.read(partial(_begun, book=book))
        await look.before(lambda most: begun[:most], len(begun))
    failures = Failures()
    await recover(run, book, sink, failures)
    turn = Turn(run, book)
    while True:
        await run.settled()
        if look is not None:
            await look.before(partial(_coming, run, book, turn), _at_once(sink))
        with trio.CancelScope(shield=True, deadline=trio.current_time() + PUSH_DEADLINE_S) as shield:
            await _next_batch(run, book, sink, resolve, turn, failures)
        if shield.cancelled_caught:
            await turn.break_off()
            raise OutcomeUnknown("a hand-over took too long and was cut; the next run resolves it")
        if turn.over:
            await turn.end()
            failures.end()
            return


def _begun(tx: Reader, book: Book) -> list[str]:
    """The keys of what an earlier run began to hand over."""
    return [tried.key for _, attempt in handover.attempts(tx, book.flow) for tried in attempt.keys]


def _coming(run: Run, book: Book, turn: Turn, most: int) -> list[str]:
    coming = partial(handover.pending, flow=book.flow, after=turn.after, until=turn.until, limit=most)
    return run.state.read(coming)


def _at_once(sink: Sink[T]) -> int:
    """How many documents are frozen together."""
    return 1 if sink.writes.repeat == "never" else sink.writes.batch


async def _next_batch(
    run: Run, book: Book, sink: Sink[T], resolve: Resolve, turn: Turn, failures: Failures
) -> None:
    opened = await run.state.write(
        partial(
            handover.open_batch,
            book=book,
            after=turn.after,
            until=turn.until,
            limit=_at_once(sink),
            resolve=resolve,
            prepare=cast("handover.Prepare", sink.prepare),
            stamp=run.stamp(),
            run=run.id,
            number=_counted(run, sink.writes.series),
        )
    )
    run.count("parked", opened.parked)
    run.count("nothing_left", opened.void)
    for number, (attempt_id, attempt) in enumerate(opened.attempts):
        turn.at = attempt.keys[-1].key
        try:
            await _push(run, book, sink, attempt_id, attempt)
        except (Wait, Hold) as error:
            never = sink.writes.repeat == "never"  # each more would be in doubt as well
            if not never and failures.may_go_on(error):
                continue
            for unsent_id, unsent in opened.attempts[number + 1 :]:
                await settle(run, book, unsent_id, untouched(unsent))
            if isinstance(error, OF_ONE_ALONE):
                await turn.break_off()
            raise
        failures.none_now()
    turn.go_on(opened.last)


def _counted(run: Run, series: str) -> Number | None:
    account = run.scope.account
    path = (account.merchant, account.name)
    if not series:
        return None
    return lambda tx, count: control_numbers.block(tx, path, series, count)


async def _push(run: Run, book: Book, sink: Sink[T], attempt_id: str, attempt: Attempt) -> None:
    never = sink.writes.repeat == "never"
    record = partial(record_step, run, book, attempt_id)
    if never:
        await record(SENDING)
    try:
        outcomes = await sink.push(prepared(attempt), record)
    except OutcomeUnknown as error:
        if never:
            await settle(run, book, attempt_id, doubted(attempt, error.message))
        else:
            await mark_unsure(run, book, attempt_id)
        raise
    except StateFull:
        # A step of the write found no room: that is no word of the sink's. It stays open.
        raise
    except (Wait, Hold):
        await settle(run, book, attempt_id, untouched(attempt))
        raise
    await settle(run, book, attempt_id, outcomes)
