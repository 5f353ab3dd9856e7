"""An asyncio event loop in a thread of its own, called from trio.

asyncssh speaks asyncio. A thread keeps its loop, its ciphers and its faults away from trio's loop;
running both in one thread (trio-asyncio) would patch asyncio's loop policies for the whole process.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

import outcome
import trio

T = TypeVar("T")


class AsyncioThread:
    """Owns the thread from `start` to `stop`; the loop has no tasks but those of running calls.

    It needs no nursery: it may be started and stopped by different tasks, in any nesting.
    """

    _loop: asyncio.AbstractEventLoop
    _stop: asyncio.Event

    def __init__(self) -> None:
        self._serving = trio.Event()
        self._ended = trio.Event()
        self._end: outcome.Outcome[None] = outcome.Value(None)

    @classmethod
    async def start(cls, name: str) -> "AsyncioThread":
        """A thread whose loop runs. Not cancelled: it takes no time."""
        self = cls()
        token = trio.lowlevel.current_trio_token()

        def serving() -> None:
            token.run_sync_soon(self._serving.set)

        def ended(end: outcome.Outcome[None]) -> None:
            self._end = end
            token.run_sync_soon(self._serving.set)
            token.run_sync_soon(self._ended.set)

        trio.lowlevel.start_thread_soon(lambda: asyncio.run(self._serve(serving)), ended, name)
        with trio.CancelScope(shield=True):
            await self._serving.wait()
        self._end.unwrap()
        return self

    async def call(
        self,
        function: Callable[..., Coroutine[Any, Any, T]],
        *args: Any,  # handed on as they are
        overdue: Callable[[], None],
        grace_s: float,
    ) -> T:
        """Run `function(*args)` in the loop, raise or return what it does.

        Cancelled, it cancels `function` and waits `grace_s` for its end; then it calls `overdue` in
        the loop, which must make `function` end. It never returns while `function` still runs.
        """
        call = _Call[T](trio.lowlevel.current_trio_token())
        self._loop.call_soon_threadsafe(call.begin, function, args)
        try:
            await call.ended.wait()
        except trio.Cancelled:
            self._loop.call_soon_threadsafe(call.cancel)
            with trio.move_on_after(grace_s, shield=True):
                await call.ended.wait()
            if not call.ended.is_set():
                self._loop.call_soon_threadsafe(overdue)
                with trio.CancelScope(shield=True):
                    await call.ended.wait()
            raise
        return call.result.unwrap()

    async def stop(self) -> None:
        """End the loop and its thread, once; what still runs in it is cancelled and waited for."""
        if not self._ended.is_set():
            self._loop.call_soon_threadsafe(self._stop.set)
        with trio.CancelScope(shield=True):
            await self._ended.wait()
        self._end.unwrap()

    async def _serve(self, serving: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        serving()
        await self._stop.wait()


class _Call(Generic[T]):
    """One call: begun and ended in the loop's thread, waited for in trio's."""

    result: outcome.Outcome[T]

    def __init__(self, token: trio.lowlevel.TrioToken) -> None:
        self._token = token
        self._task: asyncio.Task[T] | None = None
        self.ended = trio.Event()

    def begin(self, function: Callable[..., Coroutine[Any, Any, T]], args: tuple[Any, ...]) -> None:
        self._task = asyncio.get_running_loop().create_task(_run(function, args))
        self._task.add_done_callback(self._done)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _done(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.result = outcome.Error(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.result = outcome.Error(error)
        else:
            self.result = outcome.Value(task.result())
        self._token.run_sync_soon(self.ended.set)


async def _run(function: Callable[..., Coroutine[Any, Any, T]], args: tuple[Any, ...]) -> T:
    return await function(*args)
