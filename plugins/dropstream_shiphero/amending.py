"""What has to be written, so that an order of ShipHero's becomes the one that is wanted: pure.

Every step says what is to be, and none how much is to be added: one that is done twice is done once.
"""

from collections.abc import Sequence

import msgspec

from dropstream_shiphero import documents, values, wire
from dropstream_shiphero.documents import Document
from dropstream_shiphero.settings import Settings
from dropstream_shiphero.translate import Line, Wanted, changeable, line_number
from dropstream_shiphero.values import Unusable

Step = tuple[Document, dict[str, object]]


def changes(order: Wanted, standing: wire.Standing, settings: Settings) -> list[Step]:
    """New lines first, then other quantities, then what is no longer wanted, then the rest of the order: it
    is never without a line. Lines that are not ours stay as they are."""
    lines = tuple(standing.line_items or ())
    ours = [line for line in lines if line_number(line.partner_line_item_id, order.reference)]
    found = _matched(order, ours)
    steps: list[Step] = []
    used = {line.partner_line_item_id for line in lines}
    new = [_with_free_id(line, used) for line, there in found.items() if there is None]
    if new:
        steps.append((documents.ADD_LINES, {"line_items": new}))
    other = [
        {"id": there.id, "quantity": line.quantity, "quantity_pending_fulfillment": line.quantity}
        for line, there in found.items()
        if there is not None and there.units != line.quantity
    ]
    if other:
        steps.append((documents.UPDATE_LINES, {"line_items": other}))
    kept = {there.id for there in found.values() if there is not None}
    gone = [line.id for line in ours if line.id not in kept and line.units]
    if gone:
        steps.append((documents.REMOVE_LINES, {"line_item_ids": gone}))
    fields = _fields(order, standing, settings)
    if fields:
        steps.append((documents.UPDATE_ORDER, fields))
    return steps


def _matched(order: Wanted, lines: Sequence[wire.OrderLine]) -> dict[Line, wire.OrderLine | None]:
    """For each line the one of the same SKU that stands for it, by its own id if there is one."""
    left = [line for line in lines if line.units]
    found: dict[Line, wire.OrderLine | None] = {}
    for line in order.lines:
        same = [there for there in left if there.sku == line.sku]
        there = min(same, key=lambda one: one.partner_line_item_id != line.partner_line_item_id, default=None)
        if there is not None:
            left.remove(there)
        found[line] = there
    return found


def _with_free_id(line: Line, used: set[str | None]) -> Line:
    """A partner id is a line's own for ever: behind a point stands what tells ours apart."""
    own, number = line.partner_line_item_id, 1
    while own in used:
        number += 1
        own = f"{line.partner_line_item_id}.{number}"
    used.add(own)
    return msgspec.structs.replace(line, partner_line_item_id=own)


def _fields(order: Wanted, standing: wire.Standing, settings: Settings) -> dict[str, object]:
    """The fields of `order_update` that are other than wanted."""
    is_there: dict[str, object] = {
        "shipping_address": standing.shipping_address is not None
        and _same_place(order, standing.shipping_address),
        "gift_note": (standing.gift_note or "").strip() == order.gift_note,
        "packing_note": (standing.packing_note or "").strip() == order.packing_note,
        "shipping_lines": order.ways is None or _same_ways(order, standing.shipping_lines),
        "required_ship_date": _same_day(order, standing),
    }
    told = {name: value for name, value in changeable(order).items() if not is_there[name]}
    if told and not settings.check_addresses and "shipping_address" in told:
        told["skip_address_validation"] = True
    return told


def _same_place(order: Wanted, there: wire.Address) -> bool:
    """The country's code alone is not looked at: it stands beside the country."""
    now = msgspec.structs.asdict(there)
    return all(
        (now[name] or "").strip() == text
        for name, text in msgspec.structs.asdict(order.ship_to).items()
        if name in now and name != "country"
    ) and (there.country or "").strip() in (order.ship_to.country, "")


def _same_ways(order: Wanted, there: wire.ShippingLines | None) -> bool:
    """What a mapping of ShipHero's made of a title is its own affair."""
    if order.ways is None or there is None:
        return order.ways is None
    same_title = (there.title or "") == order.ways.title
    if not order.ways.carrier:
        return same_title
    return same_title and (there.carrier, there.method) == (order.ways.carrier, order.ways.method)


def _same_day(order: Wanted, standing: wire.Standing) -> bool:
    if not order.required_ship_date:
        return True
    try:
        there = values.instant(standing.required_ship_date)
    except Unusable:
        return False
    return there is not None and values.iso(there) == order.required_ship_date
