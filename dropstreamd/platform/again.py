"""Writes that are turned away for their number, made again."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dropstreamd.errors import RateLimited

T = TypeVar("T")

TRIES = 4


async def until_taken(make: Callable[[], Awaitable[T]], *, most_wait_s: float) -> T:
    """What `make`, which makes a write, gives. One that was refused for the number of calls (429) had no
    effect: it is made `TRIES` times at most, each as soon as the account's budget allows, which rests as the
    other side demanded. Raises the last refusal, and any that demands a rest of more than `most_wait_s`."""
    for _ in range(TRIES - 1):
        try:
            return await make()
        except RateLimited as error:
            if error.retry_after_s > most_wait_s:
                raise
    return await make()
