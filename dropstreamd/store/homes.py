"""Which warehouse account a connection's state is about, and what is known of an account under a new name."""

from collections.abc import Iterator

import msgspec

from dropstreamd.store import control_numbers
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import Key
from dropstreamd.store.stock import Path
from dropstreamd.store.tables import Owner, Table


class Home(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A warehouse as the files name it, and the account that it led to."""

    merchant: str
    warehouse: str
    account: str

    @property
    def path(self) -> Path:
        return (self.merchant, self.warehouse)

    def __str__(self) -> str:
        return f"{self.merchant}.{self.warehouse} ({self.account})"


_home = msgspec.msgpack.Decoder(Home)
_path = msgspec.msgpack.Decoder(tuple[str, str])


def owner(path: Path) -> str:
    """As what a warehouse account owns rows that connections have too."""
    return "/".join(path)


def get(tx: Reader, connection: str) -> Home | None:
    """The warehouse of the connection's runs so far; None before its first. Of an account by its
    `owner`: where what is kept under its name came from."""
    raw = tx.get(Table.CURSORS, (connection, "-warehouse"))
    return None if raw is None else _home.decode(raw)


def keep(tx: Writer, connection: str, home: Home) -> None:
    """Remember it."""
    tx.put(Table.CURSORS, (connection, "-warehouse"), msgspec.msgpack.encode(home))


def moving(tx: Reader, connection: str) -> Path | None:
    """Under which name what is known of the connection's warehouse is being put; None while it is whole."""
    raw = tx.get(Table.CURSORS, (connection, "-warehouse moves"))
    return None if raw is None else _path.decode(raw)


def keep_moving(tx: Writer, connection: str, path: Path) -> None:
    """Remember it before the first row moves."""
    tx.put(Table.CURSORS, (connection, "-warehouse moves"), msgspec.msgpack.encode(path))


def moved(tx: Writer, connection: str) -> None:
    """All of it is under one name."""
    tx.delete(Table.CURSORS, (connection, "-warehouse moves"))


def move(tx: Writer, old: Path, new: Path, *, limit: int) -> int:
    """Put at most `limit` rows of an account under its new name; how many there were, 0 once none is left.
    What stands under the new name already stays, and of two counts the greater one."""
    for table, before, after in _prefixes(old, new):
        rows = list(tx.scan(table, before, limit=limit))
        for key, raw in rows:
            target = (*after, *key[len(before) :])
            known = tx.get(table, target)
            if known is None or _is_greater(table, key, raw, known):
                tx.put(table, target, raw)
            tx.delete(table, key)
        if rows:
            return len(rows)
    return 0


def is_known(tx: Reader, path: Path) -> bool:
    """Whether anything is known of an account under this name."""
    return any(tx.first(table, prefix) is not None for table, prefix, _ in _prefixes(path, path))


def _prefixes(old: Path, new: Path) -> Iterator[tuple[Table, Key, Key]]:
    """Where an account's rows stand: in its own tables, and as the owner of flows that no connection has."""
    for table in Table:
        if table.owner is Owner.WAREHOUSE:
            yield table, old, new
        elif table.owner is Owner.CONNECTION:
            yield table, (owner(old),), (owner(new),)


def _is_greater(table: Table, key: Key, raw: bytes, known: bytes) -> bool:
    return table is Table.CONTROL_NUMBERS and key[-1] == control_numbers.LAST and int(raw) > int(known)
