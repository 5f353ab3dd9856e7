"""Several calls at once, each of which may fail by itself."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import trio

from dropstreamd.errors import DropstreamError

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 4


async def each_of(items: Sequence[T], work: Callable[[T], Awaitable[R]]) -> list[R | DropstreamError | None]:
    """What the work came to for each item, in their order: its result or its error. After an error no
    further one is begun: what was not begun is None."""
    results: list[R | DropstreamError | None] = [None] * len(items)
    waiting = iter(range(len(items)))
    failed = False

    async def worker() -> None:
        nonlocal failed
        for place in waiting:
            if failed:
                return
            try:
                results[place] = await work(items[place])
            except DropstreamError as error:
                results[place] = error
                failed = True

    async with trio.open_nursery() as nursery:
        for _ in range(min(AT_ONCE, len(items))):
            nursery.start_soon(worker)
    return results
