"""What a side tells as a whole, newest wins: a store's products, a warehouse's item master and its
purchase orders. One row for each key; a second index finds those of a SKU."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import Key
from dropstreamd.store.tables import Table

MOST_ROWS = 1_000_000
"""Rows told in one reading."""


class Shelf(NamedTuple):
    """Whose it is (a connection's id, or `merchant/warehouse`), and of what kind."""

    owner: str
    kind: str


class Shelved(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A row. `content` is the document as it was told last, at `at_s`; `gone`: a whole listing that came
    later did not have it any more."""

    content: bytes
    sku: str = ""
    at_s: float = 0.0
    gone: bool = False


_encode = msgspec.msgpack.Encoder().encode
_shelved = msgspec.msgpack.Decoder(Shelved)


def get(tx: Reader, shelf: Shelf, key: str) -> Shelved | None:
    """The row of that key."""
    raw = tx.get(Table.CATALOGUE, (*shelf, key))
    return None if raw is None else _shelved.decode(raw)


def put(tx: Writer, shelf: Shelf, key: str, row: Shelved) -> bool:
    """Keep a row; False where nothing of it is new."""
    old = get(tx, shelf, key)
    if old is not None and (old.content, old.sku, old.gone) == (row.content, row.sku, row.gone):
        return False
    if old is not None and old.sku and old.sku != row.sku:
        tx.delete(Table.CATALOGUE, _of_sku(shelf, old.sku, key))
    if row.sku:
        tx.put(Table.CATALOGUE, _of_sku(shelf, row.sku, key), b"")
    tx.put(Table.CATALOGUE, (*shelf, key), _encode(row))
    return True


def rows(
    tx: Reader, shelf: Shelf, *, after: str | None = None, limit: int | None = None
) -> Iterator[tuple[str, Shelved]]:
    """Keys and rows, in the order of their keys."""
    start = None if after is None else (*shelf, after)
    for path, raw in tx.scan(Table.CATALOGUE, tuple(shelf), after=start, limit=limit):
        yield path[-1], _shelved.decode(raw)


def of_sku(tx: Reader, shelf: Shelf, sku: str) -> list[tuple[str, Shelved]]:
    """Keys and rows of exactly that SKU."""
    keys = [path[-1] for path, _ in tx.scan(Table.CATALOGUE, _of_sku(shelf, sku))]
    return [(key, row) for key in keys if (row := get(tx, shelf, key)) is not None]


def skus(
    tx: Reader, shelf: Shelf, *, after: Key = (), limit: int | None = None, reverse: bool = False
) -> Iterator[tuple[str, str]]:
    """SKUs and keys, in the order of the SKUs; beyond `after`, a SKU and a key or a SKU alone."""
    start = _of_sku(shelf, *after) if after else None
    for path, _ in tx.scan(Table.CATALOGUE, _of_sku(shelf), after=start, limit=limit, reverse=reverse):
        yield path[2], path[3]


def _of_sku(shelf: Shelf, *parts: str) -> Key:
    return (shelf.owner, f"{shelf.kind} by SKU", *parts)
