"""An order that is sent once more beside the first one: what was lost, damaged or short, under a reference
of its own.

A replacement is a document of its own (`KEY+R1`, reference `REFERENCE-R1`), with the content of the order as
it was then: the store knows nothing of it, and what the store changes later does not reach it, except that
it does not go once the order is cancelled. Its packages are told to the store as far as the order's lines are
open there and no other package was told for them, and so are, from then on, those of the order itself; of
the rest it is kept that they have left.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from dropstreamd.channels import corrections, kits, references
from dropstreamd.channels.run import Scope
from dropstreamd.model.orders import Order, OrderLine
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.store import documents
from dropstreamd.store.base import Reader
from dropstreamd.store.handover import Nothing, Park, Ready, Resolved
from dropstreamd.store.records import Document, Flow, Standing

MOST = 99
"""Replacements of one order."""

ORDERS = "sales_orders"
SHIPMENTS = "shipments"

_order = msgspec.msgpack.Decoder(Order)
_told = msgspec.msgpack.Decoder(Fulfillment)


def key_of(root: str, number: int) -> str:
    """The key of an order's replacement."""
    return f"{root}+R{number}"


def content(doc: Document, root: str, number: int, units: Mapping[str, int]) -> Order:
    """The order to send: all that was ordered, or so many `units` of the store's SKUs. ValueError, with
    what is wrong, where they are not on the order."""
    order = corrections.wanted(doc)
    lines = [replace(line, fulfilled=0) for line in kits.to_ship(order.lines) if line.quantity > 0]
    if units:
        lines = _some(lines, units)
    plain = order.number.rpartition("-R")[0] if doc.replaces else order.number
    return replace(
        order,
        key=key_of(root, number),
        number=f"{plain}-R{number}",
        status="open",
        lines=tuple(lines),
        cancel_requested=False,
    )


def _some(lines: list[OrderLine], units: Mapping[str, int]) -> list[OrderLine]:
    ordered: Counter[str] = Counter()
    for line in lines:
        ordered[line.sku] += line.quantity
    for sku, count in units.items():
        if not 1 <= count <= ordered[sku]:
            raise ValueError(f"{count} × {sku}: {ordered[sku]} of it were ordered")
    left, some = Counter(units), []
    for line in lines:
        count = min(left[line.sku], line.quantity)
        left[line.sku] -= count
        if count:
            some.append(replace(line, quantity=count))
    return some


def stopped(tx: Reader, scope: Scope, doc: Document) -> Park | None:
    """Why a replacement does not go any more; None where it does."""
    if not doc.replaces or doc.accepted:
        return None
    first = documents.get(tx, Flow(scope.connection.id, ORDERS), doc.replaces)
    if first is None or first.standing is not Standing.OVER:
        return None
    if _order.decode(first.content).status != "cancelled":
        return None
    return Park(cause="cancelled", reason=f"order {first.number} was cancelled in the store")


# ---- what the store is told of its packages


def as_of_the_order(
    tx: Reader, scope: Scope, order_doc: Document, doc: Document, key: str, found: Resolved
) -> Resolved:
    """What a package (`doc`, of that `key`) of a replacement is to the store: one of the order itself. One of
    an order that was replaced tells what none of its replacements was told for."""
    if not isinstance(found, Ready) or not isinstance(found.document, Fulfillment):
        return found
    root = order_doc.replaces or found.document.order_key
    if not order_doc.replaces and (doc.accepted or not any(replacements(tx, scope, root))):
        return found
    first = documents.get(tx, Flow(scope.connection.id, ORDERS), root)
    if first is None:
        raise AssertionError(f"{root} was replaced, and is gone")
    if doc.accepted and doc.sent:
        lines = _told.decode(doc.sent).lines
    else:
        left = _open(tx, scope, root, first, key)
        trimmed = (
            replace(line, quantity=min(line.quantity, left[line.order_line])) for line in found.document.lines
        )
        lines = tuple(line for line in trimmed if line.quantity > 0)
    if not lines:
        why = "the store shows its units as shipped, of the order or of what replaces it: it is told nothing"
        return Nothing(why=why, then=found.then)
    document = replace(found.document, order_key=root, order_number=first.number, lines=lines)
    return replace(found, document=document)


def _open(tx: Reader, scope: Scope, root: str, first: Document, but: str) -> Counter[str]:
    told = told_units(tx, scope, first.reference, but)
    for reference in replacements(tx, scope, root):
        told += told_units(tx, scope, reference, but)
    left: Counter[str] = Counter()
    for line in _order.decode(first.content).lines:
        left[line.key] = max(0, line.quantity - max(line.fulfilled, told[line.key]))
    return left


def replacements(tx: Reader, scope: Scope, root: str) -> Iterator[str]:
    """The references of an order's replacements."""
    flow = Flow(scope.connection.id, ORDERS)
    for number in range(1, MOST + 1):
        doc = (
            documents.get(tx, flow, key_of(root, number))
            if documents.may_be_key(key_of(root, number))
            else None
        )
        if doc is None:
            return
        yield doc.reference


def told_units(tx: Reader, scope: Scope, reference: str, but: str = "") -> Counter[str]:
    """Units, by the order's line, that the store was told of with the packages of a reference."""
    told: Counter[str] = Counter()
    for package in references.allocations(tx, scope.account, reference):
        doc = documents.get(tx, Flow(scope.connection.id, SHIPMENTS), package)
        if package == but or doc is None or not doc.sent:
            continue
        for line in _told.decode(doc.sent).lines:
            told[line.order_line] += line.quantity
    return told
