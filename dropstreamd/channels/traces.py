"""By what else a warehouse may name something of ours: references of returns and stock notices, and
tracking numbers.

Kept for ever beside the references of orders. All stand under (merchant, warehouse, KIND), where no
order's reference stands: those have no colon.
"""

from collections.abc import Iterable, Mapping

import msgspec

from dropstreamd.channels import references
from dropstreamd.channels.references import Link
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.returns import Condition, Receipt
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import MAX_PART_BYTES, Key, is_part
from dropstreamd.store.tables import Table

_RETURN = "return:"
_NOTICE = "notice:"
_PARCEL = "parcel:"
_OF_ORDER = "returns of:"
_CAME = "came back:"

MOST_NUMBERS = 50
"""Tracking numbers of one document that are kept."""

_encode = msgspec.msgpack.Encoder().encode
_link = msgspec.msgpack.Decoder(Link)


class Trace(msgspec.Struct, frozen=True, array_like=True):
    """What a parcel belongs to: an order, or a return of it (then `order` may be empty)."""

    connection: str
    order: str = ""
    ret: str = ""


_trace = msgspec.msgpack.Decoder(Trace)


def _at(account: WarehouseAccount, *parts: str) -> Key:
    return (account.merchant, account.name, *parts)


# ---- returns, by their reference and by their order


def find_return(tx: Reader, account: WarehouseAccount, reference: str) -> Link | None:
    """Whose return the reference is: its connection, and the return's key (as `Link.order`)."""
    raw = tx.get(Table.LINKS, _at(account, _RETURN, reference)) if reference else None
    return None if raw is None else _link.decode(raw)


def keep_return(tx: Writer, account: WarehouseAccount, reference: str, trace: Trace) -> None:
    """Remember for ever whose return the reference is, and that its order has one."""
    link = Link(trace.connection, trace.ret)
    tx.put(Table.LINKS, _at(account, _RETURN, reference), _encode(link))
    if trace.order:
        tx.put(Table.LINKS, _at(account, _OF_ORDER + trace.connection, trace.order, trace.ret), b"")


def returns_of(tx: Reader, account: WarehouseAccount, connection: str, order: str) -> list[str]:
    """The keys of the order's returns that were ever handed over."""
    prefix = _at(account, _OF_ORDER + connection, order)
    return [path[-1] for path, _ in tx.scan(Table.LINKS, prefix)]


# ---- stock notices, by their reference


def find_notice(tx: Reader, account: WarehouseAccount, reference: str) -> Link | None:
    """Whose stock notice the reference is: its connection, and the notice's key (as `Link.order`)."""
    usable = 0 < len(reference.encode()) <= MAX_PART_BYTES and is_part(reference)
    raw = tx.get(Table.LINKS, _at(account, _NOTICE, reference)) if usable else None
    return None if raw is None else _link.decode(raw)


def keep_notice(tx: Writer, account: WarehouseAccount, reference: str, link: Link) -> None:
    """Remember for ever whose stock notice the reference is."""
    tx.put(Table.LINKS, _at(account, _NOTICE, reference), _encode(link))


# ---- parcels, by their tracking number


def find_parcel(tx: Reader, account: WarehouseAccount, numbers: Iterable[str]) -> Trace | None:
    """What the first number that is known belongs to."""
    for number in _usable(numbers):
        raw = tx.get(Table.LINKS, _at(account, _PARCEL, number))
        if raw is not None:
            return _trace.decode(raw)
    return None


def keep_parcel(tx: Writer, account: WarehouseAccount, numbers: Iterable[str], trace: Trace) -> None:
    """Remember for ever what the parcel belongs to; the one that had the number first keeps it."""
    for number in _usable(numbers):
        path = _at(account, _PARCEL, number)
        if tx.get(Table.LINKS, path) is None:
            tx.put(Table.LINKS, path, _encode(trace))


def forget_parcel(tx: Writer, account: WarehouseAccount, numbers: Iterable[str], trace: Trace) -> None:
    """The numbers were said to be of that, and are not."""
    for number in _usable(numbers):
        path = _at(account, _PARCEL, number)
        if tx.get(Table.LINKS, path) == _encode(trace):
            tx.delete(Table.LINKS, path)


def _usable(numbers: Iterable[str]) -> list[str]:
    """As carriers' scanners see them: without spaces, in capitals."""
    plain = ["".join(number.split()).upper() for number in numbers]
    usable = [number for number in plain if is_part(number) and 0 < len(number.encode()) <= MAX_PART_BYTES]
    return usable[:MOST_NUMBERS]


# ---- receipts, by any of these


def find(tx: Reader, account: WarehouseAccount, receipt: Receipt) -> Trace | None:
    """What a receipt is of: the return whose reference it bears; else the order; else that whose parcel
    it was. An order's only return is meant by its order too, unless the parcel came back by itself."""
    link = find_return(tx, account, receipt.reference)
    if link is not None:
        return Trace(link.connection, ret=link.order)
    named = receipt.order_reference or receipt.reference
    order = references.find(tx, account, named) if named else None
    if order is not None:
        found = Trace(order.connection, order.order)
    else:
        parcel = find_parcel(tx, account, receipt.tracking_numbers)
        if parcel is None:
            return None
        found = Trace(parcel.connection, ret=parcel.ret) if parcel.ret else parcel
    if found.ret or receipt.kind == "return-to-sender":
        return found
    asked = returns_of(tx, account, found.connection, found.order)
    return Trace(found.connection, ret=asked[0]) if len(asked) == 1 else found


# ---- what came back, receipt by receipt


class Came(msgspec.Struct, frozen=True, array_like=True):
    """Units of one line that a receipt brought back. `line` is the number of the line that they were
    counted against, `sku` the warehouse's."""

    line: int
    sku: str
    quantity: int
    condition: Condition


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What receipts brought back, and of how many kits each told the store by the line that sold them, by
    the receipts' keys."""

    units: dict[str, tuple[Came, ...]]
    kits: dict[str, dict[str, int]]

    def without(self, receipt: str) -> "Brought":
        """What the other receipts brought and told."""
        return Brought(
            units={key: one for key, one in self.units.items() if key != receipt},
            kits={key: one for key, one in self.kits.items() if key != receipt},
        )


_came = msgspec.msgpack.Decoder(tuple[Came, ...])
_kits = msgspec.msgpack.Decoder(dict[str, int])
_KITS = "kits"


def brought(tx: Reader, account: WarehouseAccount, basis: Trace) -> Brought:
    """All that came back of a return, or of an order without one."""
    prefix = _basis(account, basis)
    found = Brought(units={}, kits={})
    for path, raw in tx.scan(Table.LINKS, prefix):
        below = path[len(prefix) :]
        if len(below) == 1:
            found.units[below[0]] = _came.decode(raw)
        else:
            found.kits[below[0]] = _kits.decode(raw)
    return found


def keep_brought(
    tx: Writer,
    account: WarehouseAccount,
    basis: Trace,
    receipt: str,
    came: tuple[Came, ...],
    kits: Mapping[str, int],
) -> None:
    """Keep what a receipt brought back, and the kits that it tells of."""
    path = (*_basis(account, basis), receipt)
    tx.put(Table.LINKS, path, _encode(came))
    if kits:
        tx.put(Table.LINKS, (*path, _KITS), _encode(dict(kits)))
    else:
        tx.delete(Table.LINKS, (*path, _KITS))


def _basis(account: WarehouseAccount, basis: Trace) -> Key:
    kind = f"{_CAME}{basis.connection}:{'return' if basis.ret else 'order'}"
    return _at(account, kind, basis.ret or basis.order)
