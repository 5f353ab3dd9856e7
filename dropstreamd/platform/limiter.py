"""One budget of calls for each account, shared by everybody who calls it."""

from contextlib import AbstractAsyncContextManager
from enum import IntEnum
from typing import Protocol


class Priority(IntEnum):
    """Who goes first when calls wait; lower first."""

    ORDERS = 0
    SMART = 1
    FULL = 2


class Limiter(Protocol):
    """Admits calls at the rate that the platform allows."""

    def admit(self, cost: float = 1.0) -> AbstractAsyncContextManager[None]:
        """Wait for leave to make one call; `cost` is in the platform's own units."""
        ...

    def slow_down(self, retry_after_s: float) -> None:
        """The platform asked for fewer calls: admit none for so many seconds."""
        ...
