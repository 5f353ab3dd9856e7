"""From an order as its store tells it to what its warehouse is told, or why it cannot go."""

from functools import partial

import msgspec

from dropstreamd.channels import corrections, expanding, kits, known_skus, parcels, references
from dropstreamd.channels.references import Link
from dropstreamd.channels.rules import Decision
from dropstreamd.channels.run import Scope
from dropstreamd.model.orders import Order, OutboundLine, OutboundOrder
from dropstreamd.model.regions import coded
from dropstreamd.store.base import Reader
from dropstreamd.store.handover import Nothing, Park, Ready, Resolved
from dropstreamd.store.records import Document

_decode_sent = msgspec.msgpack.Decoder(OutboundOrder)

NOT_MAPPED = "is not mapped: add it to [shipping] methods, then reload"


def resolve(scope: Scope, tx: Reader, key: str, doc: Document, decision: Decision) -> Resolved:
    """The order that the rules have left, under its reference; parked where a line, its ship method or
    its reference cannot be told to the warehouse."""
    lines = _lines(scope, tx, doc, decision.order)
    if not isinstance(lines, tuple):
        return lines
    method = _method(scope, decision.order)
    if isinstance(method, Park):
        return method
    return _ready(scope, tx, key, doc, decision, lines, method)


def _lines(
    scope: Scope, tx: Reader, doc: Document, order: Order
) -> tuple[OutboundLine, ...] | Park | Nothing:
    wanted = kits.to_ship(order.lines)
    nameless = [line.name or line.key for line in wanted if line.open_quantity and not line.sku]
    if nameless:
        return Park(cause="sku:", reason=f"a line has no SKU: {nameless[0]}")
    handed = _decode_sent.decode(doc.sent).lines if doc.accepted and doc.sent else ()
    lines = expanding.outbound_lines(wanted, handed, scope.connection)
    if not lines:
        return Nothing(why="nothing is left to ship")
    return known_skus.unknown(tx, scope, doc, lines, handed) or lines


def _method(scope: Scope, order: Order) -> str | Park:
    method = scope.connection.methods.get(order.ship_method)
    if method is not None:
        return method
    if scope.connection.unmapped_method == "hold":
        cause = f"method:{order.ship_method}"[:80]
        return Park(cause=cause, reason=f"ship method {order.ship_method!r} {NOT_MAPPED}")
    return order.ship_method


def _ready(
    scope: Scope,
    tx: Reader,
    key: str,
    doc: Document,
    decision: Decision,
    lines: tuple[OutboundLine, ...],
    method: str,
) -> Resolved:
    reference = doc.reference or references.make(scope.connection, decision.order.number)
    wrong = _unusable(scope, tx, reference, key)
    if wrong is not None:
        return wrong
    outbound = _as_outbound(scope, decision.order, reference, lines, method)
    link = Link(scope.connection.id, key)
    keep = partial(references.keep, account=scope.account, reference=reference, link=link)
    return Ready(document=outbound, reference=reference, then=keep, note=decision.note)


def _as_outbound(
    scope: Scope, order: Order, reference: str, lines: tuple[OutboundLine, ...], method: str
) -> OutboundOrder:
    return OutboundOrder(
        reference=reference,
        number=order.number,
        placed_at=order.placed_at,
        ship_to=coded(order.ship_to),
        bill_to=None if order.bill_to is None else coded(order.bill_to),
        ship_method=method,
        lines=lines,
        email=order.email,
        po_number=order.po_number,
        note=order.note,
        channel_code=order.channel_code,
        currency=order.currency,
        total=order.total,
        ship_by=order.ship_by,
        deliver_by=order.deliver_by,
        gift_message=order.gift_message,
        delivery_note=order.delivery_note,
        incoterm=order.incoterm,
        tax_ids=order.tax_ids,
        facility=scope.connection.facility_of(order.location) if scope.account.takes_facility else "",
    )


def told_by_hand(scope: Scope, tx: Reader, doc: Document, order: Order) -> OutboundOrder | None:
    """The order as its warehouse has it once a person has told it of all that has changed since it was
    handed over, also of what we could not tell; None where that leaves nothing of it."""
    sent = _decode_sent.decode(doc.sent)
    gone = parcels.told(sent, references.taken(tx, scope.account, sent.reference))
    named = [line for line in kits.to_ship(order.lines) if line.sku]
    lines = expanding.told_by_hand(named, sent.lines, scope.connection, gone)
    method = scope.connection.methods.get(order.ship_method, order.ship_method)
    return _as_outbound(scope, order, sent.reference, lines, method) if lines else None


def _unusable(scope: Scope, tx: Reader, reference: str, key: str) -> Park | None:
    limit = scope.account.reference_max_length
    if not reference:
        return Park(cause="reference", reason="its number has no character that a warehouse takes")
    if len(reference) > limit:
        reason = f"its reference {reference} has {len(reference)} characters, the warehouse takes {limit}"
        return Park(cause="reference", reason=reason)
    link = references.find(tx, scope.account, reference)
    if link is None or link == Link(scope.connection.id, key):
        return None
    whose = next((each.name for each in scope.siblings if each.id == link.connection), link.connection)
    reason = f"its reference {reference} is already that of an order of {whose}"
    return Park(cause="reference", reason=f"{reason}: give each connection a template of its own")


def describe(doc: Document) -> str:
    """How the order differs from what the warehouse was told, line by line."""
    order = corrections.wanted(doc)
    if order.status == "cancelled":
        return "cancelled in the store: stop it at the warehouse, or expect it to ship"
    if doc.stay == "withdrawn":
        return "cancelled by hand: stop it at the warehouse, or expect it to ship"
    if order.cancel_requested:
        return "the buyer asks for it to be cancelled: ask the warehouse to stop it, or decline in the store"
    if not doc.sent:
        return "changed in the store"
    sent = _decode_sent.decode(doc.sent)
    differences = _line_differences(order, sent)
    if coded(order.ship_to) != coded(sent.ship_to):
        differences.append("another address")
    if order.note != sent.note:
        differences.append("another note")
    if order.rerouted:
        differences.append(f"it is to leave from location {order.location or 'none'}")
    return "; ".join(differences) or "another ship method"


def _line_differences(order: Order, sent: OutboundOrder) -> list[str]:
    before = {line.order_line: line for line in sent.lines}
    found = []
    for line in kits.to_ship(order.lines):
        old = before.pop(line.key, None)
        if old is None:
            if line.open_quantity:
                found.append(f"line added: {line.open_quantity} × {line.sku}")
        elif line.quantity != old.ordered:
            sku = old.kit or line.sku
            found.append(f"{sku}: {old.ordered} were ordered, now {line.quantity} are")
    for old in before.values():
        found.append(f"line removed: {expanding.handed(old)} × {old.kit or old.sku}")
    return found
