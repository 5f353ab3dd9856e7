"""Orders as the store tells them, on their way into the ledger."""

import hashlib
from collections.abc import Iterable

import msgspec

from dropstreamd.channels import corrections, elsewhere, held_after
from dropstreamd.channels.run import Scope
from dropstreamd.config.schema import Connection
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page
from dropstreamd.store import cursors, documents
from dropstreamd.store.base import Writer
from dropstreamd.store.documents import Book, Staged
from dropstreamd.store.records import Document, Standing, State, Task
from dropstreamd.store.transitions import BEFORE_RESTORE, BEFORE_START, WAITING, Incoming

BUYER_ASKS = "the buyer asks for it to be cancelled: accept or decline that in the store"

_decode = msgspec.msgpack.Decoder(Order)
_encode = msgspec.msgpack.Encoder().encode
_json = msgspec.json.Encoder().encode


def stage(
    tx: Writer, *, scope: Scope, book: Book, page: Page[Order], start_s: float, now_s: float, run: str
) -> Staged:
    """Take a page of orders, with its cursor if it has one. Those placed before `start_s` are held."""
    restored_s = cursors.restored_s(tx, book.flow.connection)
    arrived, bad = [], list(page.bad)
    before: dict[str, Document | None] = {}
    for order in page.documents:
        old = documents.get(tx, book.flow, order.key) if documents.may_be_key(order.key) else None
        reason = _another_of_that_key(old, order)
        if reason:
            key = f"{order.key} {order.number}"[:80]
            bad.append(Bad(key=key, place=f"order {order.number}", reason=reason, raw=_json(order)))
        else:
            known = order if old is None else rerouted(scope.connection, old, order)
            arrived.append(incoming(known, start_s, restored_s))
            before[order.key] = old
    staged = documents.stage(tx, book, arrived, now_s=now_s, run=run)
    _keep_whose_they_are(tx, book, (order for order in page.documents if order.key in before))
    for key, old in before.items():
        staged.tasks += elsewhere.tell(tx, scope, book, key, old, now_s=now_s)
        staged.tasks += tell_of_the_first(tx, book, key, old, now_s=now_s)
    held_after.notice(tx, book.flow, (order for order in page.documents if before.get(order.key) is not None))
    staged.bad += documents.stage_bad(tx, book, bad, now_s=now_s, run=run)
    if page.cursor is not None:
        cursors.put(tx, book.flow, page.cursor)
    return staged


def _keep_whose_they_are(tx: Writer, book: Book, told: Iterable[Order]) -> None:
    """Of which order of the store each document is; nothing of what was over before it was ever seen."""
    for order in told:
        if not (documents.may_be_key(order.store_order) and documents.may_be_key(order.key)):
            continue
        if documents.get(tx, book.flow, order.key) is not None:
            cursors.keep_document_of(tx, book.flow.connection, order.store_order, order.key)


def tell_of_the_first(tx: Writer, book: Book, key: str, before: Document | None, *, now_s: float) -> int:
    """Open a task for an order that was to be sent again and is over before it was: the warehouse may have
    it from the first time, and nothing tells it to stop; 1 if it did."""
    doc = documents.get(tx, book.flow, key)
    if doc is None or not doc.resent or doc.state is not State.VOID:
        return 0
    if before is not None and before.state is State.VOID:
        return 0
    task = Task(
        kind="first",
        number=doc.number,
        title=f"{doc.number} is over before it was sent again",
        detail=f"the warehouse may have it as {doc.reference} from the first time: stop it there",
        since_s=now_s,
    )
    documents.open_task(tx, book.flow, f"{key} first", task)
    return 1


def _another_of_that_key(old: Document | None, order: Order) -> str:
    """What is wrong with an order whose key was another order's, "" for nothing: neither may take the
    place of the other. A shop that was set up anew counts from the beginning."""
    if old is None or old.number == order.number:
        return ""
    known = _decode.decode(old.content)  # whose number may be a newer one
    if known.number == order.number or known.placed_at == order.placed_at:
        return ""
    return f"the store gave it the key of order {old.number}: a shop set up anew wants another connection"


def rerouted(connection: Connection, old: Document, order: Order) -> Order:
    """The order, marked where it is to be sent from another location than it was told of first: what the
    warehouse has of it must change, if locations are its facilities. An order that was there before they
    were mapped is none the other for it."""
    before = _decode.decode(old.content)
    moved = before.rerouted or before.location not in ("", order.location)
    return msgspec.structs.replace(order, rerouted=True) if connection.locations and moved else order


def incoming(order: Order, start_s: float, restored_s: float = 0.0) -> Incoming:
    """An order as the ledger takes it. Its digest covers what a warehouse must act on, and not how
    much of it the store shows as fulfilled: that comes from our own shipments."""
    lines = [(line.key, line.sku, line.quantity) for line in order.lines if line.quantity > 0]
    handed: tuple[object, ...] = (
        order.ship_to,
        order.ship_method,
        order.note,
        sorted(lines),
        order.status == "cancelled",
    )
    seldom = (
        order.ship_by,
        order.deliver_by,
        order.gift_message,
        order.delivery_note,
        order.incoterm,
        order.tax_ids,
        order.cancel_requested,
    )
    if any(seldom):  # of the others the digest stays what it was before these were known
        handed = (*handed, *seldom)
    if order.rerouted:
        handed = (*handed, order.location)
    standing = {
        "open": Standing.READY,
        "waiting": Standing.HELD,
        "cancelled": Standing.OVER,
        "closed": Standing.OVER,
    }[order.status]
    reason = "the store does not let it be shipped yet"
    if order.cancel_requested and standing is Standing.READY:
        standing, reason = (
            Standing.HELD,
            BUYER_ASKS,
        )
    return Incoming(
        key=order.key,
        number=order.number,
        digest=hashlib.blake2b(_encode(handed), digest_size=16).digest(),
        content=_encode(order),
        standing=standing,
        cause=WAITING,
        reason=reason,
        older=_older(order.placed_at.timestamp(), start_s, restored_s),
        part=corrections.part_of(order),
    )


def _older(placed_s: float, start_s: float, restored_s: float) -> str:
    if placed_s < restored_s:
        return BEFORE_RESTORE
    return BEFORE_START if placed_s < start_s else ""
