"""Customer returns that were put away become receipts; where each unit went tells its condition."""

from collections import Counter
from collections.abc import Iterable

from dropstream_tryton import wire
from dropstream_tryton.changes import Changes, Followed
from dropstream_tryton.client import Api
from dropstream_tryton.places import House, Places
from dropstream_tryton.source import ChangeSource, reference, sku, units
from dropstreamd.model.returns import Condition, Receipt, ReceiptLine

MODEL = "stock.shipment.out.return"
_MOVE = ("state", "internal_quantity", "product.code", "to_location.type")
_FOLLOWED = (
    "number",
    "reference",
    "effective_date",
    "warehouse_input",
    "warehouse_storage",
    *(f"{moves}.{name}" for moves in ("incoming_moves", "inventory_moves") for name in _MOVE),
)


def open_receipts(api: Api, places: Places) -> ChangeSource[wire.Back, Receipt]:
    """A `Source[Receipt]`."""
    followed = Followed(model=MODEL, fields=_FOLLOWED, domain=_domain)
    return ChangeSource(Changes(api, places, followed), places, wire.Back, "return", receipts)


def _domain(house: House) -> list[object]:
    return [["state", "=", "done"], ["customer", "=", house.customer], ["warehouse", "=", house.warehouse.id]]


def receipts(back: wire.Back, house: House) -> Iterable[Receipt]:
    """None for a return that nothing came back with."""
    returned = reference(back.reference)
    at_once = back.warehouse_input == back.warehouse_storage
    lines: Counter[tuple[str, Condition]] = Counter()
    for move in back.incoming_moves if at_once else back.inventory_moves:
        if move.state == "done" and move.internal_quantity:
            code = sku(move.product.code)
            lines[code, _condition(move.to_location, house)] += units(move.internal_quantity)
    if lines:
        yield Receipt(
            key=f"{back.number or ''}.{back.id}",
            reference=returned,
            # A parcel that comes back by itself is entered by people under its order's reference.
            order_reference=returned,
            lines=tuple(
                ReceiptLine(sku=code, quantity=count, condition=condition)
                for (code, condition), count in sorted(lines.items())
            ),
            received_at=wire.on_day(back.effective_date, back.last_modified_at),
        )


def _condition(place: wire.Place, house: House) -> Condition:
    if place.id in house.damaged or place.type == "lost_found":
        return "damaged"
    if place.id in house.quarantine:
        return "quarantine"
    return "restock"
