"""A state around another one, for tests in which its writes go wrong."""

from collections.abc import Callable
from typing import TypeVar

from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore

T = TypeVar("T")


class Around:
    """Does everything as the `inner` one."""

    def __init__(self, inner: InlineStore) -> None:
        self._inner = inner
        self.read = inner.read
        self.run = inner.run
        self.heartbeat = inner.heartbeat
        self.size = inner.size
        self.restored = inner.restored
        self.confirm_restored = inner.confirm_restored

    async def write(self, fn: Callable[[Writer], T]) -> T:
        return await self._inner.write(fn)
