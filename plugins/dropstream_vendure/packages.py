"""A package beside its order as Vendure tells it: what stands for it there, what is open, what to replace."""

from collections import Counter

import msgspec

from dropstream_vendure import wire
from dropstream_vendure.settings import CANCELLED
from dropstream_vendure.translate import fulfilled_units
from dropstreamd.model.handover import Item, Rejected
from dropstreamd.model.shipments import Fulfillment

DELIVERED = "Delivered"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one fulfillment: units by order line, and the texts as Vendure will have them.
    `replaces` is the id of the one that it takes the place of, empty where that is not known; None for
    a package that Vendure was not told of."""

    package: str
    order: str
    lines: dict[str, int]
    method: str
    tracking: str
    replaces: str | None = None


class There(msgspec.Struct, frozen=True):
    """The order shows the package as it is wanted."""

    fulfillment: wire.Fulfillment


class Gap(msgspec.Struct, frozen=True):
    """A fulfillment is to be made, after `old`, where not None, is cancelled."""

    old: wire.Fulfillment | None


def frozen(item: Item[Fulfillment]) -> Wanted | Rejected:
    """The document as it will be sent."""
    document = item.document
    lines: Counter[str] = Counter()
    for line in document.lines:
        lines[line.order_line] += line.quantity
    if not lines or any(line.quantity < 1 for line in document.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    service = " ".join(part for part in (document.carrier.strip(), document.service.strip()) if part)
    return Wanted(
        package=document.package_key,
        order=document.order_key,
        lines=dict(lines),
        method=f"{service} {reference(document.package_key)}".strip(),
        tracking=", ".join(document.tracking_numbers),
        replaces=item.remote,
    )


def replacement(key: str, order: wire.FulfilledOrder, wanted: Wanted) -> There | Gap | Rejected:
    """How the order comes to show the package as it is wanted now.

    Only the fulfillment that Vendure was told of may go: it bears the package's key, has the same
    units, was not delivered, and its units can be fulfilled again. Where it is cancelled already, the
    new one takes units that are open.
    """
    there = standing(order, wanted)
    if len(there) > 1:
        return _not_replaced(key, f"the order has it more than once: fulfillments {_ids(there)}")
    if not there:
        return _replacement_of_none(key, order, wanted)
    (old,) = there
    if units_of(old) == wanted.lines and _shows(old, wanted):
        return There(old)
    why = _why_it_stays(old, wanted) or _why_there_is_no_other(key, order, old, wanted)
    return _not_replaced(key, why) if why else Gap(old)


def _replacement_of_none(key: str, order: wire.FulfilledOrder, wanted: Wanted) -> There | Gap | Rejected:
    """No fulfillment stands that bears the package's key."""
    told = [each for each in order.fulfillments or () if each.id == wanted.replaces]
    if told and told[0].state != CANCELLED:
        if (told[0].tracking_code or "") == wanted.tracking:
            return There(told[0])
        return _not_replaced(key, f"fulfillment {told[0].id} was entered by hand")
    closed = refusal(key, order, wanted)
    if closed is None:
        return Gap(None)
    same = same_by_hand(order, wanted)
    return closed if same is None else There(same)


def _shows(there: wire.Fulfillment, wanted: Wanted) -> bool:
    return there.method == wanted.method and (there.tracking_code or "") == wanted.tracking


def _why_it_stays(old: wire.Fulfillment, wanted: Wanted) -> str:
    """Why it may not be cancelled; empty where it may."""
    if units_of(old) != wanted.lines:
        return f"fulfillment {old.id} has other lines or units than it was told"
    if wanted.replaces and old.id != wanted.replaces:
        return f"fulfillment {old.id} is not the one that was made, {wanted.replaces}"
    return f"fulfillment {old.id} is delivered" if old.state == DELIVERED else ""


def _why_there_is_no_other(
    key: str, order: wire.FulfilledOrder, old: wire.Fulfillment, wanted: Wanted
) -> str:
    """Why its units could not be fulfilled again if it were cancelled; empty where they could."""
    others = tuple(each for each in order.fulfillments or () if each.id != old.id)
    closed = refusal(key, msgspec.structs.replace(order, fulfillments=others), wanted)
    return "" if closed is None else f"fulfillment {old.id} could not be made anew: {closed.reason}"


def _not_replaced(key: str, why: str) -> Rejected:
    return Rejected(key=key, cause="amend", reason=f"{why}; change its tracking by hand")


def _ids(fulfillments: list[wire.Fulfillment]) -> str:
    return ", ".join(each.id for each in fulfillments)


def reference(package: str) -> str:
    return f"[{package}]"


def is_ours(fulfillment: wire.Fulfillment, wanted: Wanted) -> bool:
    ending = reference(wanted.package)
    return fulfillment.method == ending or fulfillment.method.endswith(f" {ending}")


def standing(order: wire.FulfilledOrder, wanted: Wanted) -> list[wire.Fulfillment]:
    """This package's fulfillments that were not cancelled."""
    return [each for each in order.fulfillments or () if each.state != CANCELLED and is_ours(each, wanted)]


def units_of(fulfillment: wire.Fulfillment) -> dict[str, int]:
    return {line: units for line, units in fulfilled_units([fulfillment]).items() if units}


def same_by_hand(order: wire.FulfilledOrder, wanted: Wanted) -> wire.Fulfillment | None:
    """Somebody entered the same units under the same tracking number."""
    for each in order.fulfillments or ():
        same = each.tracking_code == wanted.tracking and units_of(each) == wanted.lines
        if wanted.tracking and same and each.state != CANCELLED:
            return each
    return None


def no_order(key: str) -> Rejected:
    return Rejected(key=key, cause="no-order", reason="Vendure has no such order in this channel")


def refusal(key: str, order: wire.FulfilledOrder, wanted: Wanted) -> Rejected | None:
    """Why these units cannot be fulfilled. Vendure itself does not look at everything."""
    quantities = {line.id: line.quantity for line in order.lines}
    unknown = sorted(wanted.lines.keys() - quantities.keys())
    if unknown:
        return Rejected(
            key=key, cause="no-line", reason=f"the order has no line {', '.join(unknown)} in Vendure"
        )
    if order.state == CANCELLED:
        return Rejected(key=key, cause="cancelled", reason="the order is cancelled in Vendure")
    done = fulfilled_units(order.fulfillments)
    short = [line for line, units in wanted.lines.items() if units > quantities[line] - done[line]]
    if not short:
        return None
    others = ", ".join(each.id for each in order.fulfillments or () if each.state != CANCELLED)
    left = {line: max(0, quantities[line] - done[line]) for line in short}
    told = "; ".join(
        f"line {line}: {wanted.lines[line]} left the warehouse, {left[line]} are open" for line in short
    )
    by_whom = f" (fulfillments {others})" if others else ""
    return Rejected(key=key, cause="already-fulfilled", reason=f"{told} in Vendure{by_whom}")
