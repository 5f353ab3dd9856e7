"""Units that somebody else shipped: fulfilled in the store after the order went to the warehouse, and by no
package of its. The warehouse will send them a second time unless a person stops it."""

from collections import Counter

import msgspec

from dropstreamd.channels import expanding, parcels, references, replacing
from dropstreamd.channels.run import Scope
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Document, Task

_order = msgspec.msgpack.Decoder(Order)
_sent = msgspec.msgpack.Decoder(OutboundOrder)


def tell(tx: Writer, scope: Scope, book: Book, key: str, before: Document | None, *, now_s: float) -> int:
    """Open a task for an order that has changed since `before`, if the store shows more of it as fulfilled
    than our packages account for; 1 if it did."""
    doc = documents.get(tx, book.flow, key)
    if before is None or doc is None or not (doc.accepted and doc.sent) or doc.content == before.content:
        return 0
    units = shipped_elsewhere(tx, scope, doc, key)
    if not units:
        return 0
    detail = ", ".join(f"{count} × {sku}" for sku, count in sorted(units.items()))
    task = Task(
        kind="elsewhere",
        number=doc.number,
        title=f"{doc.number}: the store shows units as shipped that the warehouse has not sent",
        detail=f"{detail}: stop them at the warehouse, or they are sent twice",
        since_s=now_s,
    )
    documents.open_task(tx, book.flow, f"{key} elsewhere", task)
    return 1


def shipped_elsewhere(tx: Reader, scope: Scope, doc: Document, key: str) -> Counter[str]:
    """Units by the store's SKU that neither our packages (those of replacements too) nor what the store had
    shipped before explain."""
    sent = _sent.decode(doc.sent)
    known: Counter[str] = Counter()
    for part in {each.order_line: each for each in sent.lines}.values():
        known[part.order_line] += part.ordered - expanding.handed(part)
    known.update(told_in_packages(tx, scope, doc, key, sent))
    handed = {part.order_line for part in sent.lines}
    units: Counter[str] = Counter()
    for line in _order.decode(doc.content).lines:
        if line.key in handed:
            units[line.sku] += max(0, line.fulfilled - known[line.key])
    return +units


def told_in_packages(tx: Reader, scope: Scope, doc: Document, key: str, sent: OutboundOrder) -> Counter[str]:
    """Units by the store's line that left in packages of an order, and those of its replacements that the
    store was told of."""
    units = parcels.told(sent, references.taken(tx, scope.account, doc.reference))
    for reference in replacing.replacements(tx, scope, key):
        units += replacing.told_units(tx, scope, reference)
    return units
