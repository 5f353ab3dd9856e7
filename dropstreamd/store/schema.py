"""The version of what is on disk, and the way from each version to the next.

A migration is one function over a `Writer`: it runs in the transaction that raises the version, so
that a crash leaves the old state or the new one. There is no way back: an older program refuses.
"""

from collections.abc import Callable, Sequence

from dropstreamd.errors import StoreError
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import Key
from dropstreamd.store.tables import Table

Migration = Callable[[Writer], None]

MIGRATIONS: tuple[Migration, ...] = ()
"""The n-th brings version n to version n + 1, counted from 1."""

_VERSION: Key = ("schema",)


def schema_of(reader: Reader) -> int | None:
    """The version of a state; None if it is new. StoreError if it is not one of ours."""
    raw = reader.get(Table.META, _VERSION)
    if raw is None:
        return None
    if not raw.isdigit():
        raise StoreError("the schema version of the state is not a number")
    return int(raw)


def check_schema(version: int, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """StoreError if this program is older than the state."""
    newest = len(migrations) + 1
    if version > newest:
        raise StoreError(
            f"the state has schema {version}, this program knows up to {newest}",
            remedy="run the version that wrote it, or restore a backup made by this one",
        )


def migrate_one(writer: Writer, migrations: Sequence[Migration]) -> bool:
    """Take one step towards the newest version; whether there was one to take.

    StoreError, and nothing written, if the state is newer than this program.
    """
    newest = len(migrations) + 1
    version = schema_of(writer)
    if version is None:
        writer.put(Table.META, _VERSION, str(newest).encode())
        return False
    check_schema(version, migrations)
    if version == newest:
        return False
    migrations[version - 1](writer)
    writer.put(Table.META, _VERSION, str(version + 1).encode())
    return True
