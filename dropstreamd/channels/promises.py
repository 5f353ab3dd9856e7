"""Units promised to orders in progress: what a warehouse's figure does not know of yet."""

from collections import Counter
from collections.abc import Iterable
from functools import partial

import msgspec

from dropstreamd.channels import references
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Saved
from dropstreamd.store.records import Document, Promise, Standing, State
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import BEFORE_START

_order = msgspec.msgpack.Decoder(Order)
_outbound = msgspec.msgpack.Decoder(OutboundOrder)
_promise = msgspec.msgpack.Decoder(Promise)


def keeper(account: WarehouseAccount, connection: Connection) -> Saved:
    """Keeps the promise of an order in step with its document."""
    return partial(_keep, account, connection.id)


def _keep(account: WarehouseAccount, connection: str, tx: Writer, key: str, doc: Document) -> None:
    path = (account.merchant, account.name, connection, key)
    promise = _promised(tx, account, doc)
    if promise is None:
        tx.delete(Table.PROMISES, path)
    else:
        tx.put(Table.PROMISES, path, msgspec.msgpack.encode(promise))


def _promised(tx: Reader, account: WarehouseAccount, doc: Document) -> Promise | None:
    if doc.accepted:
        units = _left(tx, account, _outbound.decode(doc.sent)) if doc.sent else Counter()
        return Promise(units=dict(units), handed_s=doc.handed_s) if units else None
    old_systems = doc.state is State.HELD and doc.cause == BEFORE_START
    if doc.state is State.VOID or doc.standing is Standing.OVER or old_systems:
        return None
    wanted: Counter[str] = Counter()
    for line in _order.decode(doc.content).lines:
        wanted[line.sku] += line.open_quantity
    return Promise(units=dict(+wanted))


def _left(tx: Reader, account: WarehouseAccount, order: OutboundOrder) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in order.lines:
        units[line.sku] += line.quantity
    for taken in references.allocations(tx, account, order.reference).values():
        for one in taken:
            units[one.sku] -= one.quantity
    return +units


def shipped(tx: Writer, account: WarehouseAccount, connection: str, key: str, order: OutboundOrder) -> None:
    """A package of the order left: promise less."""
    path = (account.merchant, account.name, connection, key)
    raw = tx.get(Table.PROMISES, path)
    if raw is None:
        return
    units = _left(tx, account, order)
    if units:
        promise = msgspec.structs.replace(_promise.decode(raw), units=dict(units))
        tx.put(Table.PROMISES, path, msgspec.msgpack.encode(promise))
    else:
        tx.delete(Table.PROMISES, path)


def unsent(tx: Reader, account: WarehouseAccount, siblings: Iterable[Connection]) -> Counter[str]:
    """Units by warehouse SKU that the account's figures do not know of.

    Of orders not yet handed over; where the account reports `on_hand`, also of those handed over
    and not yet shipped.
    """
    listings = {connection.id: connection.listings for connection in siblings}
    units: Counter[str] = Counter()
    for path, raw in tx.scan(Table.PROMISES, (account.merchant, account.name)):
        promise = _promise.decode(raw)
        if not promise.handed_s:
            listing = listings.get(path[2], {})
            for sku, quantity in promise.units.items():
                units[listing.get(sku, sku)] += quantity
        elif account.quantity == "on_hand":
            units.update(promise.units)
    return units
