"""Which of a store's SKUs the warehouse's figures decide, and the level that each comes to."""

import hashlib
from collections.abc import Iterable, Mapping

from dropstreamd.channels import kits, places, unsold
from dropstreamd.channels.allocation import Component, Worked, work_out
from dropstreamd.channels.places import WHOLE, Place, flow
from dropstreamd.config.schema import NO_ALLOCATION, Connection, Recipe, WarehouseAccount
from dropstreamd.store import levels, stock
from dropstreamd.store.base import Reader
from dropstreamd.store.levels import Derived
from dropstreamd.store.records import LevelRecord

CHANNEL = places.CHANNEL


class Reach:
    """From the warehouse's SKUs to the store's SKUs that they decide, for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._listings = connection.listings
        self._listed = _turned(connection.listings.items())
        parts = ((sku, each) for sku, recipe in connection.bundles.items() for each in recipe)
        self._bundles = _turned(parts)

    def sold(self, skus: Iterable[str]) -> list[str]:
        """What these are sold as by themselves, and the bundles made of them."""
        if not self._bundles:
            return list(skus)
        return list(dict.fromkeys(made for sku in skus for made in (sku, *self._bundles.get(sku, ()))))

    def names(self, sold: str) -> Iterable[str]:
        """The store's SKUs that have a listing to it, or else the same name."""
        return self._listed.get(sold, (sold,))

    def channel_skus(self, skus: Iterable[str]) -> list[str]:
        """The store's SKUs that are sold from these of the warehouse."""
        sold = self.sold(skus)
        return [name for sku in sold for name in self.names(sku)] if self._listed else sold

    def hidden(self, skus: Iterable[str]) -> list[str]:
        """What is sold from these under another name, so that its own is no listing's."""
        return [sku for sku in self.sold(skus) if sku in self._listed and sku not in self._listings]


def _turned(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, sku in pairs:
        found.setdefault(sku, []).append(name)
    return found


def channel_skus(connection: Connection, skus: Iterable[str]) -> list[str]:
    """The store's SKUs that are sold from these of the warehouse, alone or in bundles: its listings, or
    the same name."""
    return Reach(connection).channel_skus(skus)


def concerned(tx: Reader, connection: Connection, skus: Iterable[str], place: Place = WHOLE) -> list[str]:
    """The store's SKUs that these of the warehouse decide: those sold from them, and one that the store
    has by the same name although it is no listing's."""
    skus, reach = list(skus), Reach(connection)
    its = flow(connection, place)
    own = [sku for sku in reach.hidden(skus) if _is_in_store(levels.get(tx, its, sku))]
    return [*reach.channel_skus(skus), *own]


def _is_in_store(record: LevelRecord | None) -> bool:
    return record is not None and not record.cause


def recipe(connection: Connection, sku: str) -> Recipe:
    """What one unit of a store's SKU takes from the warehouse."""
    return kits.sold_from(connection.listings, connection.bundles, sku)


def derive(
    connection: Connection,
    account: WarehouseAccount,
    unsent: Mapping[str, int],
    tx: Reader,
    sku: str,
    place: Place = WHOLE,
) -> Derived | None:
    """The level of a channel SKU at a place, and what it came from; None where the warehouse never had any
    of it there. `unsent` are units that orders take from that place."""
    path = (account.merchant, account.name)
    if not connection.bundles and connection.allocation is NO_ALLOCATION:
        own = connection.listings.get(sku, sku)
        row = stock.reported(tx, path, own, place.facility)
        if row is None:
            return _none_there(tx, connection, account, sku, place)
        return Derived(available=max(0, stock.quantity_of(row) - unsent.get(own, 0)), reported=row)
    rows = reported(tx, connection, account, sku, place)
    if not _known(tx, path, connection, sku, rows, place):
        return _none_there(tx, connection, account, sku, place)
    level = worked(connection, sku, rows, unsent, place).level
    return Derived(available=level, reported=_together(rows))


def reported(
    tx: Reader, connection: Connection, account: WarehouseAccount, sku: str, place: Place = WHOLE
) -> dict[str, bytes | None]:
    """The rows of what a channel SKU is made of, as they stand at a place."""
    path = (account.merchant, account.name)
    return {each: stock.reported(tx, path, each, place.facility) for each in recipe(connection, sku)}


def _none_there(
    tx: Reader, connection: Connection, account: WarehouseAccount, sku: str, place: Place
) -> Derived | None:
    """Of what the warehouse, or a place's facility, never had as far as is known the store is told 0 where it
    may show some: a location may have stood for another facility before, or for all of them, and a SKU's
    listing may have gone. Else it is left alone."""
    path = (account.merchant, account.name)
    record = levels.get(tx, flow(connection, place), sku)
    if record is None:
        return None
    if place.facility is not None:
        kept = unsold.were_too_many(tx, connection) and unsold_at(tx, connection, account, [sku])
        return None if kept else Derived(available=0, reported=b"")
    alone = record.cause or stock.latest(tx, path) is None or unsold.keeps_its_level(tx, connection)
    return None if alone else Derived(available=0, reported=b"")


def unsold_at(
    tx: Reader, connection: Connection, account: WarehouseAccount, skus: Iterable[str]
) -> list[str]:
    """Those of the store's SKUs that nothing of the warehouse's decides any more, wherever it lies."""
    path = (account.merchant, account.name)
    return [
        sku
        for sku in skus
        if not _known(tx, path, connection, sku, reported(tx, connection, account, sku), WHOLE)
    ]


def _known(
    tx: Reader,
    path: stock.Path,
    connection: Connection,
    sku: str,
    rows: Mapping[str, bytes | None],
    place: Place,
) -> bool:
    """Whether it has a level. A bundle has one, 0, also if the warehouse never had any component: the
    store may show what it was told when the bundle was made of others."""
    if any(row is not None for row in rows.values()):
        return True
    made = connection.listings.get(sku, sku) in connection.bundles
    return made and place.facility is None and stock.latest(tx, path) is not None


def worked(
    connection: Connection,
    sku: str,
    rows: Mapping[str, bytes | None],
    unsent: Mapping[str, int],
    place: Place = WHOLE,
) -> Worked:
    """Every step from the rows of its components (None: never reported) to its level at a place."""
    sold = connection.listings.get(sku, sku)
    components = [
        Component(sku=each, units=units, reported=_quantity(rows[each]), unsent=unsent.get(each, 0))
        for each, units in recipe(connection, sku).items()
    ]
    bundle = sold in connection.bundles
    return work_out(sold, components, connection.allocation, bundle=bundle, place=place)


def _quantity(row: bytes | None) -> int | None:
    return None if row is None else stock.quantity_of(row)


def _together(rows: Mapping[str, bytes | None]) -> bytes:
    """Differs whenever the figure of one of them has moved."""
    if len(rows) == 1:
        [only] = rows.values()
        return only or b""
    digest = hashlib.blake2b(digest_size=16)
    for sku in sorted(rows):
        digest.update(b"%s\0%s\0" % (sku.encode("utf-8", "surrogateescape"), rows[sku] or b""))
    return digest.digest()
