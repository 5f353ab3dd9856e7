"""Purchases of Tryton become purchase orders: what is on its way to the warehouse, and what came."""

from collections.abc import Iterable

from dropstream_tryton import wire
from dropstream_tryton.changes import Changes, Followed
from dropstream_tryton.client import Api
from dropstream_tryton.places import House, Places
from dropstream_tryton.source import ChangeSource, Unusable, sku, units
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder, PurchaseStatus

MODEL = "purchase.purchase"
OPEN = ("confirmed", "processing")
_FIELDS = (
    "number",
    "reference",
    "state",
    "purchase_date",
    "delivery_date",
    "party.name",
    "lines.type",
    "lines.quantity",
    "lines.unit.name",
    "lines.unit.factor",
    "lines.product.code",
    "lines.product.default_uom.factor",
    "lines.moves.state",
    "lines.moves.internal_quantity",
)


def open_purchases(api: Api, places: Places) -> ChangeSource[wire.Purchase, PurchaseOrder]:
    """A `Source[PurchaseOrder]`. Those that were over before the first run are not told."""
    followed = Followed(
        model=MODEL,
        fields=_FIELDS,
        domain=_domain,
        first=(["state", "in", OPEN],),
        related=("lines.moves",),
    )
    return ChangeSource(Changes(api, places, followed), places, wire.Purchase, "purchase", purchase_orders)


def _domain(house: House) -> list[object]:
    return [["state", "in", [*OPEN, "done", "cancelled"]], ["warehouse", "=", house.warehouse.id]]


def purchase_orders(purchase: wire.Purchase, house: House) -> Iterable[PurchaseOrder]:  # noqa: ARG001
    """Lines of goods alone: a line of text or of a service brings no stock."""
    lines = tuple(_line(line) for line in purchase.lines if line.type == "line" and line.product)
    if not lines:
        return
    yield PurchaseOrder(
        key=str(purchase.id),
        number=purchase.number or purchase.reference or str(purchase.id),
        status=_status(purchase.state, lines),
        lines=lines,
        supplier=purchase.party.name or "",
        ordered_at=purchase.purchase_date.at if purchase.purchase_date else None,
        expected_at=purchase.delivery_date.at if purchase.delivery_date else None,
        updated_at=purchase.last_modified_at.at,
        note=purchase.reference or "",
    )


def _line(line: wire.PurchaseLine) -> PurchaseLine:
    if line.product is None or line.unit is None or line.quantity is None or line.quantity < 0:
        raise Unusable(f"line {line.id} has no product, no unit or no quantity to receive")
    pack = line.unit.factor / line.product.default_uom.factor
    rounded = round(pack)
    if rounded < 1 or abs(pack - rounded) > 1e-6:
        raise Unusable(f"line {line.id}: one {line.unit.name} holds {pack:g} units of stock")
    received = sum(move.internal_quantity for move in line.moves if move.state == "done")
    return PurchaseLine(
        key=str(line.id),
        sku=sku(line.product.code),
        expected=units(line.quantity * rounded),
        received=units(received),
        unit=line.unit.name,
        pack=rounded,
    )


def _status(state: str, lines: Iterable[PurchaseLine]) -> PurchaseStatus:
    if state == "cancelled":
        return "cancelled"
    if all(line.received >= line.expected for line in lines):
        return "received"
    if state == "done":
        return "closed"
    return "partially-received" if any(line.received for line in lines) else "open"
