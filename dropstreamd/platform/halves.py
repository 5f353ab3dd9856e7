"""Asking for many things in one call, where the other side may fail the whole call over one of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from dropstreamd.errors import DropstreamError

T = TypeVar("T")
E = TypeVar("E", bound=DropstreamError)

_MOST_ALONE = 3
"""Keys that may fail alone before any call went well: it is not of one key, then."""


async def by_halves(
    keys: Sequence[str], ask: Callable[[Sequence[str]], Awaitable[Sequence[T]]], failure: type[E]
) -> tuple[list[T], dict[str, E]]:
    """What `ask` brings for the keys, and those over which it fails with a `failure` when they are asked for
    alone. After a failure the keys are asked for by halves: one among 50 takes a dozen calls. Raises the
    failure where no call went well, and any other error."""
    found: list[T] = []
    failed: dict[str, E] = {}
    well = False
    left = [keys] if keys else []
    while left:
        some = left.pop()
        try:
            found += await ask(some)
            well = True
        except failure as error:
            if len(some) > 1:
                left += [some[len(some) // 2 :], some[: len(some) // 2]]
                continue
            failed[some[0]] = error
            if not well and len(failed) == min(_MOST_ALONE, len(keys)):
                raise
    return found, failed
