"""A platform's double for a daemon in a process of its own: served from a thread, by the machine's clock."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Generic, TypeVar

import trio

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


class Served(Generic[T_co]):
    """What is served. `act` does something there, or looks, between two requests."""

    def __init__(self, double: T_co, token: trio.lowlevel.TrioToken) -> None:
        self.double = double
        self._token = token

    def act(self, act: Callable[[T_co], R]) -> R:
        return trio.from_thread.run_sync(act, self.double, trio_token=self._token)


@contextmanager
def served(open_double: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[Served[T]]:
    """Until the block ends, which raises what the double found wrong with a request."""
    ready: queue.Queue[Served[T] | None] = queue.Queue()
    failed: list[BaseException] = []
    ended = threading.Event()

    async def serve() -> None:
        async with open_double() as double:
            ready.put(Served(double, trio.lowlevel.current_trio_token()))
            await trio.to_thread.run_sync(ended.wait, abandon_on_cancel=True)

    def work() -> None:
        try:
            trio.run(serve)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            failed.append(error)
        ready.put(None)

    thread = threading.Thread(target=work, name="double")
    thread.start()
    try:
        told = ready.get(timeout=30)
        if told is not None:
            yield told
    finally:
        ended.set()
        thread.join()
        if failed:
            raise failed[0]
