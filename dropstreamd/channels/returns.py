"""Returns asked for: from the store to the warehouse that is to expect the goods, each once."""

from functools import partial

import msgspec

from dropstreamd.channels import orders, references, sent_names, traces
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.pull import digest_of, pull
from dropstreamd.channels.references import Link
from dropstreamd.channels.return_lines import asked_for, numbered_as_before, warehouse_lines
from dropstreamd.channels.run import Run, Scope
from dropstreamd.channels.traces import Trace
from dropstreamd.errors import ProtocolMismatch, Unfinished
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.regions import coded
from dropstreamd.model.returns import OutboundReturn, Return
from dropstreamd.platform.contract import Page, Part
from dropstreamd.store import cursors, documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book, Staged
from dropstreamd.store.handover import Nothing, Park, Ready, Resolved
from dropstreamd.store.records import Document, Flow, Standing
from dropstreamd.store.transitions import BEFORE_RESTORE, BEFORE_START, WAITING, Incoming

CHANNEL = "returns"

_decode = msgspec.msgpack.Decoder(Return)
_decode_sent = msgspec.msgpack.Decoder(OutboundReturn)
_decode_order = msgspec.msgpack.Decoder(OutboundOrder)
_encode = msgspec.msgpack.Encoder().encode


def book(scope: Scope) -> Book:
    """The flow of the returns that a connection's store tells."""
    amends = Part.RETURNS in scope.warehouse_amends
    return Book(
        flow=Flow(scope.connection.id, CHANNEL),
        amends=amends,
        describe=describe,
        cancels=Part.RETURNS in scope.warehouse_cancels,
        read_sent=_decode_sent.decode,
        named=sent_names.keeper(scope, CHANNEL),
        told_by_hand=partial(_told_by_hand, scope),
    )


def _told_by_hand(scope: Scope, tx: Writer, key: str, doc: Document) -> bytes:
    """What receipts refer to from then on. The warehouse knows its lines by the numbers that they had."""
    resolved = resolve(scope, tx, key, doc)
    if not (doc.sent and isinstance(resolved, Ready) and isinstance(resolved.document, OutboundReturn)):
        return doc.sent
    if resolved.then is not None:
        resolved.then(tx)
    before = _decode_sent.decode(doc.sent).lines
    lines = numbered_as_before(resolved.document.lines, before)
    return _encode(msgspec.structs.replace(resolved.document, lines=lines))


async def hand_over(run: Run, start_s: float) -> None:
    """Stage what the store tells since the last time, and have the warehouse expect it.

    Returns asked for before `start_s` (when the channel was first enabled) are held for a person: the
    warehouse may have been told of them. Raises Unfinished where the store did not tell all that changed;
    what is known is handed over before that.
    """
    scope = run.scope
    asked, resolved = book(scope), partial(resolve, scope)
    unfinished: Unfinished | None = None
    async with run.open_store() as store:
        if store.returns is None:
            raise ProtocolMismatch("the store's plugin tells no returns")
        stage = partial(_stage, book=asked, start_s=start_s, now_s=run.now_s(), run=run.id)
        try:
            await pull(run, store.returns, asked.flow, stage)
        except Unfinished as error:
            unfinished = error
    if run.state.read(partial(cursors.restored_s, connection=scope.connection.id)):
        await run.state.write(partial(orders.expect_packages, book=asked, resolve=resolved))
    if await anything_to_do(run, asked, resolved):
        async with scope.feed.session() as warehouse:
            if warehouse.returns is None:
                raise ProtocolMismatch("the warehouse's plugin takes no returns")
            await deliver(run, asked, warehouse.returns, resolved)
    if unfinished is not None:
        raise unfinished


def _stage(tx: Writer, page: Page[Return], *, book: Book, start_s: float, now_s: float, run: str) -> Staged:
    restored_s = cursors.restored_s(tx, book.flow.connection)
    arrived = [incoming(ret, start_s, restored_s) for ret in page.documents]
    staged = documents.stage(tx, book, arrived, now_s=now_s, run=run)
    staged.bad += documents.stage_bad(tx, book, page.bad, now_s=now_s, run=run)
    return staged


def incoming(ret: Return, start_s: float, restored_s: float = 0.0) -> Incoming:
    """A return as the ledger takes it. That the store has received or refunded it is no change: that
    comes from the warehouse's own receipts."""
    lines = sorted((line.key, line.order_line, line.sku, line.quantity) for line in ret.lines)
    standing = {
        "open": Standing.READY,
        "waiting": Standing.HELD,
        "cancelled": Standing.OVER,
        "closed": Standing.OVER,
    }[ret.status]
    parcel = (ret.carrier, ret.tracking_numbers)
    return Incoming(
        key=ret.key,
        number=ret.number,
        digest=digest_of(lines, ret.sender, parcel, ret.note, ret.status == "cancelled"),
        content=_encode(ret),
        standing=standing,
        cause=WAITING,
        reason="the store has not approved it yet",
        older=_older(ret.requested_at.timestamp(), start_s, restored_s),
    )


def _older(asked_s: float, start_s: float, restored_s: float) -> str:
    if asked_s < restored_s:
        return BEFORE_RESTORE
    return BEFORE_START if asked_s < start_s else ""


def resolve(scope: Scope, tx: Reader, key: str, doc: Document) -> Resolved:
    """The return as its warehouse takes it, or why it cannot go.

    The goods come back also where we never handed the order over: then it goes without the order's
    reference, under the SKUs of listings and bundles.
    """
    ret = _decode.decode(doc.content)
    order_doc = order_of(tx, scope, ret.order_key)
    order = None if order_doc is None or not order_doc.sent else _decode_order.decode(order_doc.sent)
    sent = _decode_sent.decode(doc.sent) if doc.sent else None
    lines = warehouse_lines(ret, order, sent, scope.connection)
    nameless = [line.return_line for line in lines if not line.sku]
    if nameless:
        return Park(cause="sku:", reason=f"line {nameless[0]} has no SKU")
    if not lines:
        return Nothing(why="nothing of it is to come back")
    reference = doc.reference or references.fill(scope.connection.returns.reference, ret.number)
    wrong = _unusable(scope, tx, reference, key)
    if wrong is not None:
        return wrong
    outbound = OutboundReturn(
        reference=reference,
        number=ret.number,
        order_reference="" if order is None else order.reference,
        requested_at=ret.requested_at,
        lines=lines,
        sender=None if ret.sender is None else coded(ret.sender),
        carrier=ret.carrier,
        tracking_numbers=ret.tracking_numbers,
        note=ret.note,
    )
    trace = Trace(scope.connection.id, "" if order is None else ret.order_key, key)
    return Ready(
        document=outbound, reference=reference, then=partial(_link, scope=scope, ret=outbound, trace=trace)
    )


def order_of(tx: Reader, scope: Scope, order_key: str) -> Document | None:
    """The document of an order that the store names, None where it never went through us."""
    if not documents.may_be_key(order_key):
        return None
    return documents.get(tx, Flow(scope.connection.id, orders.CHANNEL), order_key)


def _link(tx: Writer, *, scope: Scope, ret: OutboundReturn, trace: Trace) -> None:
    traces.keep_return(tx, scope.account, ret.reference, trace)
    traces.keep_parcel(tx, scope.account, ret.tracking_numbers, trace)


def _unusable(scope: Scope, tx: Reader, reference: str, key: str) -> Park | None:
    limit = scope.account.reference_max_length
    if not reference:
        return Park(cause="reference", reason="its number has no character that a warehouse takes")
    if len(reference) > limit:
        reason = f"its reference {reference} has {len(reference)} characters, the warehouse takes {limit}"
        return Park(cause="reference", reason=reason)
    link = traces.find_return(tx, scope.account, reference)
    if link is None or link == Link(scope.connection.id, key):
        return None
    whose = next((each.name for each in scope.siblings if each.id == link.connection), link.connection)
    reason = f"its reference {reference} is already that of a return of {whose}"
    return Park(cause="reference", reason=f"{reason}: give each connection a template in [returns]")


def describe(doc: Document) -> str:
    """How the return differs from what the warehouse was told, line by line."""
    ret = _decode.decode(doc.content)
    if ret.status == "cancelled":
        return "cancelled in the store: tell the warehouse not to expect it"
    if not doc.sent:
        return "changed in the store"
    before = {line.return_line: line for line in _decode_sent.decode(doc.sent).lines}
    found = []
    for line in ret.lines:
        old = before.pop(line.key, None)
        if old is None and line.quantity:
            found.append(f"line added: {line.quantity} × {line.sku}")
        elif old is not None and asked_for(old) != line.quantity:
            found.append(f"{line.sku}: {asked_for(old)} were to come back, now {line.quantity} are")
    found.extend(f"line removed: {asked_for(old)} × {old.kit or old.sku}" for old in before.values())
    return "; ".join(found) or "another parcel, sender or note"
