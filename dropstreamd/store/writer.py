"""Group commit: what is submitted while one transaction is being written goes into the next one.

A group is committed in a worker thread, within one call, so that its transaction never moves between
threads; there is never more than one group under way.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import trio
from outcome import Outcome

from dropstreamd.errors import StoreError
from dropstreamd.store.base import Writer

T = TypeVar("T")

QUEUE_LIMIT = 1_000
GROUP_LIMIT = 250

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
            with trio.CancelScope(shield=True):
                outcomes = await trio.to_thread.run_sync(self._commit, functions, limiter=self._thread)
            for submission, outcome in zip(self._group, outcomes, strict=True):
                submission.outcome = outcome
                submission.done.set()
            self._group.clear()

    def _shield_callers(self) -> None:
        """Callers wait through cancellation while, and only while, somebody answers them."""
        for submission in (*self._group, *self._queue):
            submission.wait.shield = self._running
