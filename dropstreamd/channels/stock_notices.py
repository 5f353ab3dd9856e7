"""Stock notices: purchase orders that are entered here, told to the warehouse that is to expect the goods.

Where a warehouse knows no purchase orders of its own, a person or an ERP enters them. Each goes to the
warehouse once, under a reference of its own; what the warehouse receives under that reference becomes the
status of the purchase order, which stands on the account's shelf as if the warehouse had told it.
"""

from collections.abc import Iterator, Sequence

import msgspec

from dropstreamd.channels import purchases, receipt_of_notice, references, sent_names, traces
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.pull import digest_of
from dropstreamd.channels.references import Link
from dropstreamd.channels.run import Run, Scope
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.purchases import NoticeLine, PurchaseOrder, StockNotice
from dropstreamd.model.returns import Receipt
from dropstreamd.platform.contract import Part
from dropstreamd.store import cursors, documents, settling, shelf
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book, Staged
from dropstreamd.store.handover import Nothing, Ready, Resolved
from dropstreamd.store.keys import Key
from dropstreamd.store.records import Document, Flow, Standing
from dropstreamd.store.shelf import Shelved
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import BEFORE_RESTORE, Incoming

FLOW = "stock_notices"
"""A flow of its own beside the purchase orders that stores are told of: one channel, two directions."""

MOST_RECEIPTS = 1_000
"""Of one purchase order."""

HALF_A_DAY_S = 12 * 3600.0

_RECEIVED = "received:"

_decode = msgspec.msgpack.Decoder(PurchaseOrder)
_decode_sent = msgspec.msgpack.Decoder(StockNotice)
_decode_receipt = msgspec.msgpack.Decoder(Receipt)
_encode = msgspec.msgpack.Encoder().encode


def book(scope: Scope) -> Book:
    """The flow of the notices of a connection."""
    return Book(
        flow=Flow(scope.connection.id, FLOW),
        amends=Part.STOCK_NOTICES in scope.warehouse_amends,
        describe=describe,
        cancels=Part.STOCK_NOTICES in scope.warehouse_cancels,
        read_sent=_decode_sent.decode,
        named=sent_names.keeper(scope, FLOW),
    )


# ---- entered by a person or an ERP


def reference_of(scope: Scope, number: str) -> str:
    """By which the warehouse is told of the purchase order of that number."""
    return references.fill(scope.connection.purchases.reference, number)


def unusable(tx: Reader, scope: Scope, order: PurchaseOrder) -> str:
    """Why a purchase order cannot be entered as it is; "" where it can. Its `key` is its reference."""
    limit, reference = scope.account.reference_max_length, order.key
    if not documents.may_be_key(order.number):
        return "its number is empty, too long, or not text"
    if not reference or len(reference) > limit:
        return f"its reference {reference} has {len(reference)} characters, the warehouse takes 1 to {limit}"
    if not order.lines and order.status == "open":
        return "it has no lines"
    for line in order.lines:
        if not documents.may_be_key(line.sku) or line.expected < 1 or line.pack < 1:
            return f"line {line.key} has no SKU, or less than one unit"
    link = traces.find_notice(tx, scope.account, reference)
    if link is not None and link != Link(scope.connection.id, order.number):
        return f"its reference {reference} is that of purchase order {link.order} already"
    taken = references.find(tx, scope.account, reference) or traces.find_return(tx, scope.account, reference)
    return "" if taken is None else f"its reference {reference} is that of an order or a return already"


def enter(
    tx: Writer, *, scope: Scope, orders: Sequence[PurchaseOrder], now_s: float, run: str = ""
) -> Staged:
    """Take purchase orders that `unusable` finds nothing wrong with. One that was entered before is the
    same, or changed: the warehouse is told as far as it can be, else a person is."""
    restored_s = cursors.restored_s(tx, scope.connection.id)
    staged = documents.stage(
        tx, book(scope), [incoming(order, restored_s) for order in orders], now_s=now_s, run=run
    )
    for order in orders:
        traces.keep_notice(tx, scope.account, order.key, Link(scope.connection.id, order.number))
        _keep(tx, scope, order.number, now_s=now_s)
    return staged


def held_back(tx: Reader, scope: Scope, orders: Sequence[PurchaseOrder]) -> int:
    """How many of these a person has to let go: the warehouse may have been told of them before a restore."""
    flow = Flow(scope.connection.id, FLOW)
    found = (documents.get(tx, flow, order.number) for order in orders)
    return sum(doc is not None and doc.cause == BEFORE_RESTORE for doc in found)


def incoming(order: PurchaseOrder, restored_s: float = 0.0) -> Incoming:
    """A purchase order as the ledger takes it. One from before a restore may have been told already, and so
    may one without a date, or of that day: it is told as its noon."""
    began_s = 0.0 if order.ordered_at is None else order.ordered_at.timestamp() - HALF_A_DAY_S
    lines = [(line.key, line.sku, line.expected, line.unit, line.pack) for line in order.lines]
    head = (order.key, order.supplier, order.expected_at, order.carrier, order.tracking_numbers, order.note)
    return Incoming(
        key=order.number,
        number=order.number,
        digest=digest_of(head, lines, order.status),
        content=_encode(order),
        standing=Standing.READY if order.status == "open" else Standing.OVER,
        older=BEFORE_RESTORE if began_s < restored_s else "",
    )


def document_of(tx: Reader, account: WarehouseAccount, reference: str) -> Document | None:
    """The document of the purchase order that was entered here and has this reference."""
    link = traces.find_notice(tx, account, reference)
    return None if link is None else documents.get(tx, Flow(link.connection, FLOW), link.order)


# ---- to the warehouse


async def hand_over(run: Run) -> None:
    """Have the warehouse expect what was entered since the last time."""
    notices = book(run.scope)
    if await anything_to_do(run, notices, resolve):
        async with run.scope.feed.session() as warehouse:
            if warehouse.stock_notices is None:
                raise ProtocolMismatch("the warehouse's plugin takes no stock notices")
            await deliver(run, notices, warehouse.stock_notices, resolve)


def resolve(_tx: Reader, _key: str, doc: Document) -> Resolved:
    """The purchase order as its warehouse is told of it."""
    order = _decode.decode(doc.content)
    if not order.lines:
        return Nothing(why="it has no lines")
    lines = tuple(
        NoticeLine(number=number, sku=line.sku, quantity=line.expected, unit=line.unit, pack=line.pack)
        for number, line in enumerate(order.lines, start=1)
    )
    notice = StockNotice(
        reference=order.key,
        number=order.number,
        lines=lines,
        supplier=order.supplier,
        ordered_at=order.ordered_at,
        expected_at=order.expected_at,
        carrier=order.carrier,
        tracking_numbers=order.tracking_numbers,
        note=order.note,
    )
    return Ready(document=notice, reference=order.key)


def describe(doc: Document) -> str:
    """How the purchase order differs from what the warehouse was told, line by line."""
    order = _decode.decode(doc.content)
    if order.status != "open":
        return f"{order.status}: tell the warehouse not to expect it"
    if not doc.sent:
        return "entered anew"
    before = {line.number: line for line in _decode_sent.decode(doc.sent).lines}
    found = []
    for number, line in enumerate(order.lines, start=1):
        old = before.pop(number, None)
        if old is None:
            found.append(f"line added: {line.expected} × {line.sku}")
        elif (old.sku, old.quantity) != (line.sku, line.expected):
            found.append(f"line {number}: {old.quantity} × {old.sku}, now {line.expected} × {line.sku}")
    found.extend(f"line removed: {old.quantity} × {old.sku}" for old in before.values())
    return "; ".join(found) or "its date, carrier, supplier, packs or note changed"


# ---- what came


def take(tx: Writer, scope: Scope, link: Link, receipt: Receipt, *, now_s: float, run: str) -> bool:
    """Take what the warehouse received of a notice; whether anything of it was new. The same receipt told
    again counts once; told otherwise, its newest form counts. That it came proves that the notice did."""
    settling.proven(tx, book(scope), link.order, now_s=now_s, run=run)
    path = (*_received(scope, receipt.reference), receipt.key)
    form = _encode(receipt)
    if tx.get(Table.LINKS, path) == form:
        return False
    tx.put(Table.LINKS, path, form)
    _keep(tx, scope, link.order, now_s=now_s)
    return True


def _received(scope: Scope, reference: str) -> Key:
    return (scope.account.merchant, scope.account.name, _RECEIVED, reference)


def receipts(tx: Reader, scope: Scope, reference: str) -> Iterator[Receipt]:
    """What came of a notice."""
    for _, raw in tx.scan(Table.LINKS, _received(scope, reference), limit=MOST_RECEIPTS):
        yield _decode_receipt.decode(raw)


def _keep(tx: Writer, scope: Scope, number: str, *, now_s: float) -> None:
    """Put the purchase order on the account's shelf with all that came of it; a task tells what came
    otherwise than expected."""
    doc = documents.get(tx, Flow(scope.connection.id, FLOW), number)
    if doc is None:
        return
    order = _decode.decode(doc.content)
    told = receipt_of_notice.told(order, list(receipts(tx, scope, order.key)))
    kept = purchases.kept_of(scope.account)
    old = shelf.get(tx, kept, order.key)
    before = () if old is None else purchases.differences(purchases.decode.decode(old.content))
    shelf.put(tx, kept, order.key, Shelved(content=_encode(told), at_s=now_s))
    found = purchases.differences(told)
    if found and found != before:
        task = purchases.received_otherwise(order.number, found, now_s)
        documents.open_task(tx, Flow(scope.connection.id, FLOW), f"{number} received", task)
