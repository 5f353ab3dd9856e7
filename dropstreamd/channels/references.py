"""The warehouse reference of an order: made once, unique in its account, known for ever."""

import re

import msgspec

from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.stock import Path
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


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What a store is told with one package of kits that it, with others, completed: how many of each of
    its lines, and the `others` whose tracking is told with it, since they completed none."""

    kits: dict[str, int] = {}
    others: tuple[str, ...] = ()


class Allocation(msgspec.Struct, frozen=True, array_like=True):
    """Units of one line of an order in one package, by the store's line and the warehouse's SKU. Of a line
    that sold kits, `units_per_kit` is how many one takes (0: no kit, or an older program's record)."""

    order_line: str
    sku: str
    quantity: int
    units_per_kit: int = 0


_allocations = msgspec.msgpack.Decoder(tuple[Allocation, ...])
_told = msgspec.msgpack.Decoder(Told)
_TOLD = "kits"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What packages of an order took from its lines, and what kits each told of, by the packages' keys.
    `moved` are those of which units stand for other lines here than is kept of them."""

    units: dict[str, tuple[Allocation, ...]]
    told: dict[str, Told]
    moved: frozenset[str] = frozenset()

    def without(self, package: str) -> "Taken":
        """What the other packages took and told."""
        return Taken(
            units={key: one for key, one in self.units.items() if key != package},
            told={key: one for key, one in self.told.items() if key != package},
            moved=self.moved - {package},
        )


def taken(tx: Reader, account: WarehouseAccount, reference: str) -> Taken:
    """All that is known of an order's packages."""
    return taken_at(tx, (account.merchant, account.name), reference)


def taken_at(tx: Reader, warehouse: Path, reference: str) -> Taken:
    """The same, by where what is known of the account is kept."""
    prefix = (*warehouse, reference)
    found = Taken(units={}, told={})
    for path, raw in tx.scan(Table.LINKS, prefix):
        below = path[len(prefix) :]
        if len(below) == 1:
            found.units[below[0]] = _allocations.decode(raw)
        elif below:
            found.told[below[0]] = _told.decode(raw)
    return found


def allocations(tx: Reader, account: WarehouseAccount, reference: str) -> dict[str, tuple[Allocation, ...]]:
    """What each package of an order took from its lines, by the package's key."""
    return taken(tx, account, reference).units


def is_told(tx: Reader, account: WarehouseAccount, reference: str, package: str) -> bool:
    """Whether it is known what a package took."""
    return tx.get(Table.LINKS, (account.merchant, account.name, reference, package)) is not None


def allocate(
    tx: Writer,
    account: WarehouseAccount,
    reference: str,
    package: str,
    units: tuple[Allocation, ...],
    told: Told | None = None,
) -> None:
    """Keep what a package took, and what kits it tells of."""
    key = (account.merchant, account.name, reference, package)
    tx.put(Table.LINKS, key, msgspec.msgpack.encode(units))
    if told is not None and (told.kits or told.others):
        tx.put(Table.LINKS, (*key, _TOLD), msgspec.msgpack.encode(told))
    else:
        tx.delete(Table.LINKS, (*key, _TOLD))


def free(tx: Writer, account: WarehouseAccount, reference: str, package: str) -> None:
    """Forget what a package took: it never was one."""
    key = (account.merchant, account.name, reference, package)
    tx.delete(Table.LINKS, key)
    tx.delete(Table.LINKS, (*key, _TOLD))
