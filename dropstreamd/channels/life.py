"""Where an order stands in its life, in the words of the trade."""

from enum import StrEnum

import msgspec

from dropstreamd.channels import acknowledged, references
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.orders import Order
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Document, Standing, State

_order = msgspec.msgpack.Decoder(Order)


class Life(StrEnum):
    """`new`: seen, not looked at yet. `queued`: the next run's, or on its way. `sent`: the warehouse has
    it. `closed`: over without anything to send."""

    NEW = "new"
    HELD = "held"
    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    PARTIALLY_SHIPPED = "partially shipped"
    SHIPPED = "shipped"
    CLOSED_SHORT = "closed short"
    PARKED = "parked"
    IN_DOUBT = "in doubt"
    CANCEL_REQUESTED = "cancel requested"
    CANCEL_SENT = "cancel sent"
    CANCELLED = "cancelled"
    SHIPPED_AFTER_CANCEL = "shipped after cancel"
    CLOSED = "closed"


def life_of(tx: Reader, account: WarehouseAccount, doc: Document) -> Life:
    """Where the order of a document stands."""
    if doc.state is State.DOUBT:
        return Life.IN_DOUBT
    if doc.state is State.PARKED:
        return Life.PARKED
    return _after(tx, account, doc) if doc.accepted else _before(doc)


def _before(doc: Document) -> Life:
    """Its hand-over."""
    order = _order.decode(doc.content)
    if doc.state is State.VOID:
        if doc.stay == "shipped":
            return Life.SHIPPED
        cancelled = order.status == "cancelled" or doc.stay == "withdrawn"
        return Life.CANCELLED if cancelled else Life.CLOSED
    if doc.state is State.HELD:
        return Life.CANCEL_REQUESTED if order.cancel_requested else Life.HELD
    return Life.QUEUED if doc.state is State.OPEN or doc.sent else Life.NEW


def _after(tx: Reader, account: WarehouseAccount, doc: Document) -> Life:
    if doc.late and doc.stay != "shipped":
        return Life.SHIPPED_AFTER_CANCEL
    ended = Life.SHIPPED if doc.stay == "shipped" else _stopped(doc)
    if ended is not None:
        return ended
    if not acknowledged.left(tx, account, doc):
        return Life.SHIPPED
    if doc.short:
        return Life.CLOSED_SHORT
    if references.allocations(tx, account, doc.reference):
        return Life.PARTIALLY_SHIPPED
    return Life.ACKNOWLEDGED if doc.word in ("received", "accepted") else Life.SENT


def _stopped(doc: Document) -> Life | None:
    """How far its cancellation has come; None where there is none."""
    if doc.stopping in ("sent", "done"):
        return Life.CANCEL_SENT if doc.stopping == "sent" else Life.CANCELLED
    if doc.stopping == "refused":
        return Life.CANCEL_REQUESTED
    order = _order.decode(doc.content)
    if doc.stay == "withdrawn" or (doc.standing is Standing.OVER and order.status == "cancelled"):
        return Life.CANCELLED if doc.stopped else Life.CANCEL_REQUESTED
    return Life.CANCEL_REQUESTED if order.cancel_requested else None
