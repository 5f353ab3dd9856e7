"""What the rest of the daemon knows of the state: ordered tables, `read(fn)` and `write(fn)`.

Nothing here says LMDB, so that a shared database can stand behind it later.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn, Protocol, TypeVar

import msgspec
import trio

from dropstreamd.store.keys import Key
from dropstreamd.store.tables import Table

T = TypeVar("T")


class Reader(Protocol):
    """One consistent view of all tables, valid only inside the function that it was given to.

    Iterators end with the function too: what is to outlive it is made a list first.
    """

    def get(self, table: Table, key: Key) -> bytes | None:
        """The value under `key`, or None."""
        ...

    def scan(
        self,
        table: Table,
        prefix: Key = (),
        *,
        after: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[Key, bytes]]:
        """Keys (whole) and values under `prefix`, in key order, or backwards if `reverse`.

        Begins beyond `after` in the direction of the scan (`after` lies under `prefix` but need not
        exist), and stops after `limit`. A key equal to `prefix` is under it. Rows may be written
        during the scan of a `Writer`: untouched rows are given once each; whether a row written
        meanwhile is given is not defined.
        """
        ...

    def scan_last(self, table: Table, prefix: Key) -> Iterator[tuple[str, bytes]]:
        """Last parts and values of the keys that are `prefix` and exactly one part more, in order.

        The quick way through a hundred thousand SKUs. ValueError if a key under `prefix` is longer.
        """
        ...

    def first(self, table: Table, prefix: Key = ()) -> tuple[Key, bytes] | None:
        """The first row under `prefix`, or None."""
        ...

    def last(self, table: Table, prefix: Key = ()) -> tuple[Key, bytes] | None:
        """The last row under `prefix`, or None."""
        ...

    def count(self, table: Table, prefix: Key = ()) -> int:
        """The rows under `prefix`; walks them, save for a whole table."""
        ...


class Writer(Reader, Protocol):
    """A `Reader` that sees its own writes; all of them become durable together, or none does."""

    def put(self, table: Table, key: Key, value: bytes) -> None:
        """Put `value` under `key`, in place of what is there. The key names the table's owner."""
        ...

    def put_many(self, table: Table, prefix: Key, rows: Iterable[tuple[str, bytes]]) -> None:
        """Put each value under `(*prefix, part)`. The prefix names the table's owner."""
        ...

    def delete(self, table: Table, key: Key) -> bool:
        """Remove the row under `key`; whether there was one."""
        ...

    def delete_prefix(self, table: Table, prefix: Key, *, limit: int) -> int:
        """Remove the first `limit` rows at most under `prefix`; how many. Fewer than `limit`: all gone."""
        ...


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How full the state is."""

    used_bytes: int
    """Pages in use, free pages between them included."""
    limit_bytes: int
    full: bool = False
    """Whether a write was refused of late, because the map or the disk is full."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """That this state came from a backup, and nobody has yet looked at what that means."""

    made_at_s: float
    """When the backup was made: acts newer than this are unknown here. Seconds since the epoch."""
    restored_at_s: float


class Store(Protocol):
    """The state of one daemon."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> NoReturn:
        """Do the writing until cancelled; then commit what was submitted, and end.

        Belongs in a nursery that outlives all who write. StoreError when the state failed.
        """
        ...

    def read(self, fn: Callable[[Reader], T]) -> T:
        """What `fn` returns over a consistent view. Runs at once, in the calling (loop) thread.

        `fn` is short, and nothing of the view outlives it. Its exceptions pass.
        """
        ...

    async def write(self, fn: Callable[[Writer], T]) -> T:
        """What `fn` returned, once all that it wrote is durable.

        `fn` may run in another thread, beside others in one transaction, and more than once: it
        touches nothing but the `Writer` and values that nobody changes. What it raises is raised
        here, and nothing that it wrote is kept.

        StateFull: map or disk are full; nothing was kept. Any other failure of the state ends the
        process from the daemon's nursery, and this call does not return. A write once submitted is
        awaited through cancellation; Cancelled means that nothing of it was kept.
        """
        ...

    async def heartbeat(self) -> None:
        """Return once the writer has moved: a write of nothing, behind those that wait."""
        ...

    def size(self) -> Size:
        """How full the state is."""
        ...

    def restored(self) -> Restored | None:
        """Set from a restore until `confirm_restored`.

        While it is set, every switch counts as off and acts newer than the backup are in doubt.
        """
        ...

    async def confirm_restored(self) -> None:
        """Forget that the state came from a backup: a person has settled what it left open."""
        ...
