"""The second half of every act's flow: resolve what is open, then hand over what is pending."""

import zlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar, cast

import trio

from dropstreamd.channels.run import Run
from dropstreamd.errors import Hold, OutcomeUnknown, StateFull, Unreachable, Wait
from dropstreamd.model.handover import Accepted, InDoubt, Outcome, Prepared, Untouched
from dropstreamd.platform.contract import Sink
from dropstreamd.store import control_numbers, handover, settling
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Number, Resolve
from dropstreamd.store.records import Attempt

T = TypeVar("T")

SENDING = "sending"
"""Recorded before a write that can neither be repeated nor looked up: without it, nothing was sent."""

PUSH_DEADLINE_S = 120.0
"""How long a stop waits for one push to be settled, in seconds."""

LOOK_AGAIN_S = 60.0
"""How old a look at the source may be when something is handed over, in seconds."""

LOOK_UP_DEADLINE_S = 900.0
"""How long it may take to find out what became of one attempt, in seconds: a server that keeps its connection
alive and answers nothing would hold the account, and all who wait for it, for ever."""

LookAgain = Callable[[], Awaitable[None]]

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
    look_again: LookAgain | None = None,
    looked_s: float = 0.0,
) -> None:
    """Hand over every pending document, oldest key first, each once in this run.

    Attempts that an earlier run left open are resolved first. A `Wait` or `Hold` of the sink ends
    it; what was handed over until then is settled, the rest stays pending. `look_again` asks the source
    what has changed since `looked_s` (trio's clock): nothing is handed over on a look that is older than
    `LOOK_AGAIN_S`, however long the sink was waited for.
    """
    looked_s = await _looked(look_again, looked_s)
    await recover(run, book, sink)
    after: str | None = None
    while True:
        await run.settled()
        looked_s = await _looked(look_again, looked_s)
        with trio.CancelScope(shield=True, deadline=trio.current_time() + PUSH_DEADLINE_S) as shield:
            after = await _next_batch(run, book, sink, resolve, after)
        if shield.cancelled_caught:
            raise OutcomeUnknown("a hand-over took too long and was cut; the next run resolves it")
        if after is None:
            return


async def _looked(look_again: LookAgain | None, looked_s: float) -> float:
    """When the source was last asked, after it was where that is too long ago."""
    now_s = trio.current_time()
    if look_again is None or now_s - looked_s < LOOK_AGAIN_S:
        return looked_s
    await look_again()
    return now_s


async def _next_batch(run: Run, book: Book, sink: Sink[T], resolve: Resolve, after: str | None) -> str | None:
    opened = await run.state.write(
        partial(
            handover.open_batch,
            book=book,
            after=after,
            limit=1 if sink.writes.repeat == "never" else sink.writes.batch,
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
        try:
            await _push(run, book, sink, attempt_id, attempt)
        except (Wait, Hold):
            for unsent_id, unsent in opened.attempts[number + 1 :]:
                await _settle(run, book, unsent_id, _untouched(unsent))
            raise
    return opened.last


def _counted(run: Run, series: str) -> Number | None:
    account = run.scope.account
    path = (account.merchant, account.name)
    if not series:
        return None
    return lambda tx, count: control_numbers.block(tx, path, series, count)


async def _push(run: Run, book: Book, sink: Sink[T], attempt_id: str, attempt: Attempt) -> None:
    never = sink.writes.repeat == "never"
    record = partial(_record, run, book, attempt_id)
    if never:
        await record(SENDING)
    try:
        outcomes = await sink.push(_prepared(attempt), record)
    except OutcomeUnknown as error:
        if never:
            await _settle(run, book, attempt_id, _doubted(attempt, error.message))
        else:
            await _unsure(run, book, attempt_id)
        raise
    except StateFull:
        # A step of the write found no room: that is no word of the sink's. It stays open.
        raise
    except (Wait, Hold):
        await _settle(run, book, attempt_id, _untouched(attempt))
        raise
    await _settle(run, book, attempt_id, outcomes)


async def recover(run: Run, book: Book, sink: Sink[T]) -> None:
    """Find out what became of the attempts that are still open, as far as the sink can tell."""
    for attempt_id, attempt in run.state.read(partial(handover.attempts, flow=book.flow)):
        if attempt.step == handover.IN_DOUBT:
            continue
        await run.settled()
        with trio.move_on_after(LOOK_UP_DEADLINE_S) as patience:
            outcomes = await _recovered(run, book, sink, attempt_id, attempt)
        if patience.cancelled_caught:
            raise Unreachable(
                f"what became of a hand-over was not told within {LOOK_UP_DEADLINE_S:g} s; it is asked again"
            )
        if outcomes is None:
            run.count("waiting_to_look_up")
        else:
            run.count("recovered")
            await _settle(run, book, attempt_id, outcomes)


async def _recovered(
    run: Run, book: Book, sink: Sink[T], attempt_id: str, attempt: Attempt
) -> Sequence[Outcome] | None:
    """The outcomes of an attempt that was cut off; None while it is too early to ask."""
    writes = sink.writes
    attempt = await _unsure(run, book, attempt_id)
    unsure_s = run.now_s() - attempt.unsure_s
    record = partial(_record, run, book, attempt_id)
    match writes.repeat:
        case "key":
            # The repeat itself may act late: it must do so while the platform knows the key.
            if run.now_s() - attempt.opened_s + writes.visible_after_s > writes.retention_s:
                return _doubted(attempt, "the platform no longer knows the key that it was sent under")
            return _of_a_repeat(await sink.push(_prepared(attempt), record))
        case "lookup":
            if unsure_s < writes.visible_after_s:
                return None
            return await sink.recover(_prepared(attempt), attempt.step, record)
        case "never":
            if attempt.step:  # SENDING, or one that the sink recorded after it
                return _doubted(attempt, "it was being sent when the daemon ended")
            return _untouched(attempt)


def _of_a_repeat(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """A repeat that is refused does not say that the first call was: it stays in doubt."""
    return [
        outcome
        if isinstance(outcome, Accepted)
        else InDoubt(key=outcome.key, why="it was sent, no answer came, and a repeat was refused")
        for outcome in outcomes
    ]


async def _unsure(run: Run, book: Book, attempt_id: str) -> Attempt:
    return await run.state.write(
        partial(handover.unsure, flow=book.flow, attempt_id=attempt_id, now_s=run.now_s())
    )


def _prepared(attempt: Attempt) -> Prepared:
    keys = tuple(tried.key for tried in attempt.keys)
    return Prepared(name=attempt.name, keys=keys, payload=attempt.payload)


def _untouched(attempt: Attempt) -> list[Outcome]:
    return [Untouched(key=tried.key) for tried in attempt.keys]


def _doubted(attempt: Attempt, why: str) -> list[Outcome]:
    return [InDoubt(key=tried.key, why=why) for tried in attempt.keys]


async def _record(run: Run, book: Book, attempt_id: str, step: str, *, if_wanted: bool = False) -> None:
    await run.state.write(
        partial(handover.record_step, flow=book.flow, attempt_id=attempt_id, step=step, if_wanted=if_wanted)
    )


async def _settle(run: Run, book: Book, attempt_id: str, outcomes: Sequence[Outcome]) -> None:
    settled = await run.state.write(
        partial(
            settling.settle,
            book=book,
            attempt_id=attempt_id,
            outcomes=tuple(outcomes),
            now_s=run.now_s(),
            run=run.id,
        )
    )
    run.count("accepted", settled.accepted)
    run.count("refused", settled.refused)
    run.count("in_doubt", settled.doubt)
    run.count("tasks", settled.tasks)
