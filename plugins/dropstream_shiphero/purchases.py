"""Purchase orders of ShipHero's: what is on its way to the warehouse, and how much of it came.

No listing tells which of them changed: those of the last days are read in every run.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from dropstream_shiphero import answers, documents_goods, values
from dropstream_shiphero.client import Api
from dropstream_shiphero.listing import Rest
from dropstream_shiphero.settings import Settings
from dropstream_shiphero.source import Followed, FollowedSource, Told
from dropstreamd.clock import Clock
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder, PurchaseStatus


class Line(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sku: str | None
    quantity: int | None
    quantity_received: int | None
    quantity_rejected: int | None
    updated_at: str | None


class Vendor(msgspec.Struct, frozen=True):
    name: str | None = None


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    po_number: str | None
    created_at: str | None
    po_date: str | None
    fulfillment_status: str | None
    po_note: str | None
    vendor: Vendor | None
    line_items: answers.Connection[Line] | None


def open_purchases(api: Api, settings: Settings, clock: Clock) -> FollowedSource[Purchase, PurchaseOrder]:
    """A `Source[PurchaseOrder]`."""
    followed = Followed(
        document=documents_goods.PURCHASES,
        root="purchase_orders",
        at_once=documents_goods.PURCHASES_AT_ONCE,
        since="created_from",
        look_back=timedelta(days=settings.look_back_days),
        variables={"warehouse_id": settings.warehouse, **settings.of_customer},
    )
    rest = Rest(api, documents_goods.PURCHASE_LINES, "purchase_order", Line)

    async def translate(purchase: Purchase, before: datetime | None) -> Told[PurchaseOrder]:  # noqa: ARG001
        lines = await rest.complete(purchase.id, purchase.line_items)
        return Told(documents=(purchase_order(purchase, lines),)) if lines else Told()

    return FollowedSource(api, clock, followed, Purchase, "purchase order", translate)


def purchase_order(purchase: Purchase, lines: Sequence[Line]) -> PurchaseOrder:
    """Units that were rejected came, and are damaged."""
    told = tuple(_line(line) for line in lines)
    changed = [at for line in lines if (at := values.instant(line.updated_at)) is not None]
    ordered = values.instant(purchase.created_at)
    return PurchaseOrder(
        key=purchase.id,
        number=purchase.po_number or purchase.id,
        status=_status((purchase.fulfillment_status or "").strip().lower(), told),
        lines=told,
        supplier=(purchase.vendor.name or "") if purchase.vendor is not None else "",
        ordered_at=ordered,
        expected_at=values.instant(purchase.po_date),
        updated_at=max(changed, default=ordered),
        note=purchase.po_note or "",
    )


def _line(line: Line) -> PurchaseLine:
    expected, taken, rejected = (
        max(0, values.units(count or 0))
        for count in (line.quantity, line.quantity_received, line.quantity_rejected)
    )
    return PurchaseLine(
        key=line.id, sku=values.sku(line.sku), expected=expected, received=taken + rejected, damaged=rejected
    )


def _status(status: str, lines: Sequence[PurchaseLine]) -> PurchaseStatus:
    if status in ("canceled", "cancelled"):
        return "cancelled"
    if all(line.received >= line.expected for line in lines):
        return "received"
    if status == "closed":
        return "closed"
    return "partially-received" if any(line.received for line in lines) else "open"
