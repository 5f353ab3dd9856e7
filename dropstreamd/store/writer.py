"""Group commit: what is submitted while one transaction is being written goes into the next one.

A group is committed in a worker thread, within one call, so that its transaction never moves between
threads; there is never more than one group under way.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol, TypeVar

import trio
from outcome import Error, Outcome

from dropstreamd.errors import StateFull, StoreError
from dropstreamd.store.base import Writer

T = TypeVar("T")

QUEUE_LIMIT = 1_000
GROUP_LIMIT = 250

FULL_SHOWN_S = 900.0
"""How long after a write was refused the state is shown as full: what runs into it is tried again by then."""


class Watcher(Protocol):
    """Told what the writer does: metrics."""

    def set_writer_queue(self, length: int) -> None: ...
    def commit_finished(self, duration_s: float) -> None: ...


# Functions of any result share a group; `GroupWriter.write` gives each result back to its own caller.
_Function = Callable[[Writer], Any]
Commit = Callable[[Sequence[_Function]], Sequence[Outcome[Any]]]


class _Submission:
    """One function on its way, and its caller's wait."""

    def __init__(self, fn: _Function, *, shielded: bool) -> None:
        self.fn = fn
        self.wait = trio.CancelScope(shield=shielded)
        self.done = trio.Event()
        self.outcome: Outcome[Any] | None = None


class GroupWriter:
    """Queues functions for `commit`, which runs in a worker thread with a group of them at a time."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        # A limiter of its own: other threads' work must not keep the writer waiting.
        self._thread = trio.CapacityLimiter(1)
        self._room = trio.Semaphore(QUEUE_LIMIT)
        self._queue: deque[_Submission] = deque()
        self._group: list[_Submission] = []
        self._moved = trio.Event()
        self._running = False
        self._failure: StoreError | None = None
        self._watcher: Watcher | None = None
        self._refused_at: float | None = None

    def watch(self, watcher: Watcher) -> None:
        """Tell it from now on."""
        self._watcher = watcher

    @property
    def full(self) -> bool:
        """Whether a write was refused of late for want of room."""
        return self._refused_at is not None and trio.current_time() - self._refused_at < FULL_SHOWN_S

    async def write(self, fn: Callable[[Writer], T]) -> T:
        """See `base.Store.write`. Waits for room in the queue first."""
        async with self._room:
            submission = _Submission(fn, shielded=self._running)
            self._queue.append(submission)
            self._moved.set()
            try:
                with submission.wait:
                    await submission.done.wait()
            finally:
                if submission in self._queue:
                    self._queue.remove(submission)
            if submission.outcome is None:
                raise AssertionError("a write was answered without an outcome")
            result: T = submission.outcome.unwrap()
            return result

    def fail(self, error: StoreError) -> None:
        """End `run` with `error`: the state failed elsewhere."""
        self._failure = self._failure or error
        self._moved.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> NoReturn:
        """Commit groups until cancelled, then those that wait already, and end.

        Raises StoreError when the state failed; whoever waits then goes on waiting until cancelled.
        """
        self._running = True
        self._shield_callers()
        try:
            task_status.started()
            while True:
                await self._moved.wait()
                self._moved = trio.Event()
                await self._commit_queue()
        except trio.Cancelled:
            with trio.CancelScope(shield=True):
                await self._commit_queue()
            raise
        finally:
            self._running = False
            self._shield_callers()

    async def _commit_queue(self) -> None:
        while True:
            if self._failure is not None:
                raise self._failure
            if not self._queue:
                return
            for _ in range(min(GROUP_LIMIT, len(self._queue))):
                self._group.append(self._queue.popleft())
            functions = [submission.fn for submission in self._group]
            began = trio.current_time()
            with trio.CancelScope(shield=True):
                outcomes = await trio.to_thread.run_sync(self._commit, functions, limiter=self._thread)
            self._tell(outcomes, trio.current_time() - began)
            for submission, outcome in zip(self._group, outcomes, strict=True):
                submission.outcome = outcome
                submission.done.set()
            self._group.clear()

    def _tell(self, outcomes: Sequence[Outcome[Any]], took_s: float) -> None:
        if any(isinstance(each, Error) and isinstance(each.error, StateFull) for each in outcomes):
            self._refused_at = trio.current_time()
        if self._watcher is not None:
            self._watcher.commit_finished(took_s)
            self._watcher.set_writer_queue(len(self._queue))

    def _shield_callers(self) -> None:
        """Callers wait through cancellation while, and only while, somebody answers them."""
        for submission in (*self._group, *self._queue):
            submission.wait.shield = self._running
