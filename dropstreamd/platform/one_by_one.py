"""Single documents, and a platform that fails over one of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from dropstreamd.errors import ProtocolMismatch, Unreachable

T = TypeVar("T")

OF_ONE = (Unreachable, ProtocolMismatch)
"""Trouble that may be of a single document."""

_TEN = 10
_WITNESSES = 2
_MOST_UNPROVEN = 3
"""Documents that may fail alone before any was read, where no other is told."""


def may_be_of_one(error: Unreachable | ProtocolMismatch) -> bool:
    """Whether the platform was there, and failed or answered what cannot be read. Silence is of none."""
    return not isinstance(error, Unreachable) or error.answered


async def by_tens(
    keys: Sequence[str],
    read: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]],
    others: Callable[[], Awaitable[Sequence[str]]],
) -> tuple[dict[str, T], dict[str, str]]:
    """The documents that `read` brings, by their keys, and of those that the platform fails over the reasons.

    After a failure they are asked for by tens, and one by one those of a ten that fails again. A failure
    counts as one of these documents only if right after it the platform tells another one: one that was read
    here before, or else one of the first of `others`, keys of some that it has, or, where it tells none of
    these, one that is read here later, before three have failed. Else it is the platform's, and raised. One
    that fails among a hundred takes some 25 calls.
    """
    found: dict[str, T] = {}
    failed: dict[str, str] = {}
    unproven: Unreachable | ProtocolMismatch | None = None
    left = [list(keys)] if keys else []
    while left:
        some = left.pop(0)
        try:
            found |= await read(some)
        except OF_ONE as error:
            if not may_be_of_one(error):
                raise
            if found:
                proven = await _tells_one(list(found)[-1:], read, others)
                if not proven:
                    raise
            else:
                there = [key for key in await others() if key not in keys]
                proven = len(some) == 1 and await _tells_one(there[:_WITNESSES], read, others)
            if len(some) > 1:
                size = _TEN if len(some) > _TEN else 1
                left[:0] = [some[start : start + size] for start in range(0, len(some), size)]
                continue
            failed[some[0]] = _reason(error)
            if not proven:
                unproven = error
                if len(failed) == _MOST_UNPROVEN:
                    raise
    if unproven is not None and not found:
        raise unproven
    return found, failed


async def _tells_one(
    keys: Sequence[str],
    read: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]],
    others: Callable[[], Awaitable[Sequence[str]]],
) -> bool:
    """Whether the platform tells any of these. After each that it does not, it has to list `others`: an
    answer between two failures keeps the account's circuit closed."""
    for key in keys:
        try:
            if key in await read([key]):
                return True
        except OF_ONE:
            await others()  # it may be broken too
    return False


def _reason(error: Unreachable | ProtocolMismatch) -> str:
    return f"the store fails to tell it: {error.message}"


class Failing:
    """What a platform failed over while several documents were read. Once, it may be the document; twice, it
    is the platform."""

    def __init__(self) -> None:
        self._first: Unreachable | ProtocolMismatch | None = None

    def over(self, error: Unreachable | ProtocolMismatch) -> str:
        """Why the document is bad. Raises the second error, and one that can be of no document."""
        if self._first is not None or not may_be_of_one(error):
            raise error
        self._first = error
        return _reason(error)

    @property
    def any(self) -> bool:
        """Whether it failed over one."""
        return self._first is not None

    def unless(self, answered: bool) -> None:
        """Raises the error, if there was one and nothing else was answered."""
        if self._first is not None and not answered:
            raise self._first
