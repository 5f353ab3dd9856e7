"""Steps of one hand-over, as its attempt records them, and what to do where it fails."""

from collections.abc import Sequence
from functools import partial

from dropstreamd.channels.run import Run
from dropstreamd.errors import Hold, OutcomeUnknown, ProtocolMismatch, Unreachable, Wait
from dropstreamd.model.handover import InDoubt, Outcome, Prepared, Untouched
from dropstreamd.store import cursors, handover, settling
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Attempt, Flow

OF_ONE_ALONE = (Unreachable, OutcomeUnknown, ProtocolMismatch)
"""Trouble that may be of a single hand-over."""

FAILURES_IN_A_ROW = 3
"""How many hand-overs may fail one after the other before the run ends."""


class Failures:
    """What went wrong with single hand-overs, each of which may be the only one that ever does: one that the
    other side fails on each time must not keep back those behind it. The `most`th in a row ends the run."""

    def __init__(self, most: int = FAILURES_IN_A_ROW) -> None:
        self._most = most
        self._first: Wait | Hold | None = None
        self._in_a_row = 0

    @property
    def any(self) -> bool:
        """Whether one failed."""
        return self._first is not None

    def add(self, error: Wait | Hold) -> None:
        """Raises `error` where it is not of one hand-over alone, or where it is one of too many."""
        if not self.may_go_on(error):
            raise error

    def may_go_on(self, error: Wait | Hold) -> bool:
        """Keeps `error`; False where it is not of one hand-over alone, or where it is one of too many."""
        self._in_a_row += 1
        alone = isinstance(error, OF_ONE_ALONE)
        if not alone or self._in_a_row == self._most:
            return False
        self._first = self._first or error
        return True

    def last_try(self, error: Wait | Hold) -> None:
        """Too many failed in one step: a single failure of the next step ends the run."""
        self._first = self._first or error
        self._in_a_row = self._most - 1

    def none_now(self) -> None:
        """One went well: those before it were of themselves."""
        self._in_a_row = 0

    def end(self) -> None:
        """Raises the first of them, so that the run is not called well."""
        if self._first is not None:
            raise self._first


class Turn:
    """Whose turn it is to be handed over: the keys after `after`, up to `until`. Where too many in a row
    ended a run, the next begins behind them, so that they keep nobody back, and comes to them at its end."""

    def __init__(self, run: Run, book: Book) -> None:
        self._run = run
        self._flow = Flow(book.flow.connection, f"{book.flow.channel} broken off at")
        self._begun = run.state.read(partial(cursors.get, flow=self._flow)) or None
        self._around = self._begun is None
        self.after: str | None = self._begun
        self.until: str | None = None
        self.at: str | None = None
        self.over = False

    def go_on(self, last: str | None) -> None:
        """`last` was the last key looked at, None where none was left."""
        self.after = last
        if last is not None:
            return
        self.over, self._around, self.until = self._around, True, self._begun

    async def break_off(self) -> None:
        """The run ends `at` a key; nothing changes where it came to none."""
        if self.at is not None:
            await self._keep(self.at)

    async def end(self) -> None:
        """All had their turn."""
        if self._begun is not None:
            await self._keep("")

    async def _keep(self, key: str) -> None:
        await self._run.state.write(partial(cursors.put, flow=self._flow, cursor=key))


async def mark_unsure(run: Run, book: Book, attempt_id: str) -> Attempt:
    """From now on nobody knows what became of it; the attempt as it stands."""
    return await run.state.write(
        partial(handover.unsure, flow=book.flow, attempt_id=attempt_id, now_s=run.now_s())
    )


def prepared(attempt: Attempt) -> Prepared:
    """As the sink prepared it."""
    keys = tuple(tried.key for tried in attempt.keys)
    return Prepared(name=attempt.name, keys=keys, payload=attempt.payload)


def untouched(attempt: Attempt) -> list[Outcome]:
    """Nothing of it was sent: all of it is pending again."""
    return [Untouched(key=tried.key) for tried in attempt.keys]


def doubted(attempt: Attempt, why: str) -> list[Outcome]:
    """A person has to tell what became of it."""
    return [InDoubt(key=tried.key, why=why) for tried in attempt.keys]


async def record_step(run: Run, book: Book, attempt_id: str, step: str, *, if_wanted: bool = False) -> None:
    """See `contract.Record`."""
    await run.state.write(
        partial(handover.record_step, flow=book.flow, attempt_id=attempt_id, step=step, if_wanted=if_wanted)
    )


async def settle(run: Run, book: Book, attempt_id: str, outcomes: Sequence[Outcome]) -> None:
    """The attempt is over; what came of it counts in the run."""
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
