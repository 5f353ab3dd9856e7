"""An order taken apart: what goes to each of its addresses, and whether it may go.

What is remembered of an order that was told makes two things certain. Its addresses keep their keys, whatever
an edit does to them. And a status that hides another one is not taken for leave to ship: *Partially Refunded*
stands for what the order was before, which only goes on where it might go then.
"""

from typing import Literal

import msgspec

from dropstream_bigcommerce import translate, wire
from dropstream_bigcommerce.settings import Settings
from dropstreamd.model.orders import Order, OrderLine, OrderStatus

PARTIALLY_SHIPPED = 3
REFUNDED = 4
PARTIALLY_REFUNDED = 14

NEVER = frozenset({5, 6})
"""Cancelled and declined."""

OVER = frozenset({2, 10})
"""Shipped and completed: whatever the shipments say, somebody has said that nothing is left to do."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of an order that was told as open or waiting: the address that has the order's own
    key, then the others; and whether it was let go by a status that says so by itself."""

    addresses: tuple[int, ...] = ()
    let_go: bool = False


NOTHING = Told()


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """`orders` is one for each address. `gone` are orders that were told before, and to whose addresses
    nothing is sent any more. `told` is what to remember; nothing once all are over."""

    orders: tuple[Order, ...]
    gone: tuple[Order, ...]
    told: Told


def taken_apart(order: wire.Order, told: Told, settings: Settings) -> Parts:
    """The order, by address. The first address has the order's own key, and keeps it; another has its id
    behind it. Where that first one is there no more and a new one is, the new one stands for it: an edit
    in BigCommerce may give the same address another id."""
    there = [each for each in order.consignments.shipping if any(map(translate.is_sent, each.line_items))]
    ids = sorted(each.address for each in there)
    base = _base(ids, told.addresses)
    leave = _leave(order, settings)
    let_go = told.let_go or leave == "go"
    orders = tuple(
        translate.part(
            order,
            each,
            key=str(order.id) if each.address == base else f"{order.id}-{each.address}",
            number=_number(order, place),
            status=_status(order, translate.lines_of(order, each, settings), leave, let_go=let_go),
            settings=settings,
        )
        for place, each in enumerate(
            sorted(there, key=lambda each: (each.address != base, each.address)), 0 if base in ids else 1
        )
    )
    standing = any(each.status in ("open", "waiting") for each in orders)
    others = tuple(each for each in ids if each != base)
    return Parts(
        orders=orders,
        gone=_gone(order, told.addresses, ids, base, settings),
        told=Told((base, *others), let_go) if standing else NOTHING,
    )


def _base(ids: list[int], told: tuple[int, ...]) -> int:
    """The address that has the order's own key."""
    if told and told[0] in ids:
        return told[0]
    fresh = [each for each in ids if each not in told]
    return fresh[0] if fresh else (told[0] if told else 0)


def _gone(
    order: wire.Order, told: tuple[int, ...], ids: list[int], base: int, settings: Settings
) -> tuple[Order, ...]:
    gone = {
        f"{order.id}-{each}": _number(order, place)
        for place, each in enumerate(told)
        if place and each not in ids
    }
    if told and base not in ids:
        gone[str(order.id)] = _number(order, 0)
    return tuple(
        translate.frame(order, key=key, number=number, settings=settings) for key, number in gone.items()
    )


def _number(order: wire.Order, place: int) -> str:
    """What people see; `place` counts the order's addresses from 0."""
    return f"{order.id}-{place + 1}" if place else str(order.id)


Leave = Literal["go", "go on", "wait"]
"""What the status says. `go on`: it may go if it might before."""


def _leave(order: wire.Order, settings: Settings) -> Leave:
    if order.status_id not in settings.shippable:
        return "wait"
    if order.status_id == PARTIALLY_REFUNDED:
        return "go on"
    shipped = any(line.quantity_shipped for each in order.consignments.shipping for line in each.line_items)
    # Somebody has said that a part was shipped, and not which.
    return "wait" if order.status_id == PARTIALLY_SHIPPED and not shipped else "go"


def _status(order: wire.Order, lines: tuple[OrderLine, ...], leave: Leave, *, let_go: bool) -> OrderStatus:
    shipped = any(line.fulfilled for line in lines)
    if order.is_deleted or order.status_id in NEVER:
        return "cancelled"
    if order.status_id in OVER or (order.status_id == PARTIALLY_REFUNDED and order.date_shipped):
        return "closed"
    if order.status_id == REFUNDED or not any(line.open_quantity for line in lines):
        return "closed" if shipped else "cancelled"
    return "open" if leave == "go" or (leave == "go on" and let_go) else "waiting"
