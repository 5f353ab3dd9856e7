"""The warehouse reference of an order: made once, unique in its account, known for ever."""

import re

import msgspec

from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.tables import Table

_TAKEN_BY_ALL = re.compile(r"[^A-Za-z0-9_-]")


class Link(msgspec.Struct, frozen=True, array_like=True):
    """Whose order a reference is."""

    connection: str
    order: str


_link = msgspec.msgpack.Decoder(Link)


def make(connection: Connection, number: str) -> str:
    """The reference for an order's number: the connection's template, less every character that is
    not a letter, a digit, a dash or an underscore."""
    return fill(connection.reference, number)


def fill(template: str, number: str) -> str:
    """A template of any reference, filled likewise."""
    return _TAKEN_BY_ALL.sub("", template.replace("{number}", number))


def find(tx: Reader, account: WarehouseAccount, reference: str) -> Link | None:
    """Whose order it is, None if we never sent it."""
    raw = tx.get(Table.LINKS, (account.merchant, account.name, reference))
    return None if raw is None else _link.decode(raw)


def keep(tx: Writer, account: WarehouseAccount, reference: str, link: Link) -> None:
    """Remember for ever whose order the reference is."""
    tx.put(Table.LINKS, (account.merchant, account.name, reference), msgspec.msgpack.encode(link))


# ---- what has left of an order, package by package


class Allocation(msgspec.Struct, frozen=True, array_like=True):
    """Units of one line of an order in one package, by the store's line and the warehouse's SKU."""

    order_line: str
    sku: str
    quantity: int


_allocations = msgspec.msgpack.Decoder(tuple[Allocation, ...])


def allocations(tx: Reader, account: WarehouseAccount, reference: str) -> dict[str, tuple[Allocation, ...]]:
    """What each package of an order took from its lines, by the package's key."""
    prefix = (account.merchant, account.name, reference)
    return {
        path[-1]: _allocations.decode(raw)
        for path, raw in tx.scan(Table.LINKS, prefix)
        if len(path) > len(prefix)
    }


def allocate(
    tx: Writer, account: WarehouseAccount, reference: str, package: str, taken: tuple[Allocation, ...]
) -> None:
    """Keep what a package took."""
    key = (account.merchant, account.name, reference, package)
    tx.put(Table.LINKS, key, msgspec.msgpack.encode(taken))
