"""Returns of ShipHero's of which something came back become receipts.

No listing tells which of them changed: those of the last days are read in every run.
"""

from collections import Counter
from datetime import datetime, timedelta

import msgspec

from dropstream_shiphero import documents_goods, values, wire
from dropstream_shiphero.client import Api
from dropstream_shiphero.settings import Settings
from dropstream_shiphero.source import Followed, FollowedSource, Told
from dropstream_shiphero.values import Unusable
from dropstreamd.clock import Clock
from dropstreamd.model.returns import Condition, Receipt, ReceiptLine


class Label(msgspec.Struct, frozen=True):
    tracking_number: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    quantity_received: int | None
    restock: int | None
    condition: str | None
    line_item: wire.SoldLine | None


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """A return."""

    id: str
    partner_id: str | None
    order: wire.OfOrder | None
    labels: tuple[Label | None, ...] | None
    line_items: tuple[Line | None, ...] | None


def open_receipts(api: Api, settings: Settings, clock: Clock) -> FollowedSource[Back, Receipt]:
    """A `Source[Receipt]`."""
    followed = Followed(
        document=documents_goods.RETURNS,
        root="returns",
        at_once=documents_goods.RETURNS_AT_ONCE,
        since="date_from",
        look_back=timedelta(days=settings.look_back_days),
        variables={"warehouse_id": settings.warehouse, **settings.of_customer},
    )
    damaged = frozenset(text.strip().lower() for text in settings.damaged)

    async def translate(back: Back, before: datetime | None) -> Told[Receipt]:  # noqa: ARG001
        if back.order is None or back.order.shop_name != settings.shop_name:
            return Told()
        found = receipt(back, damaged)
        return Told() if found is None else Told(documents=(found,))

    return FollowedSource(api, clock, followed, Back, "return", translate)


def receipt(back: Back, damaged: frozenset[str]) -> Receipt | None:
    """None of a return of which nothing came back. The day that it came is not told."""
    units: Counter[tuple[str, Condition]] = Counter()
    for line in back.line_items or ():
        if line is None or not line.quantity_received:
            continue
        if line.line_item is None:
            raise Unusable(f"line {line.id} of it names no line of an order")
        sku, came = values.sku(line.line_item.sku), values.units(line.quantity_received)
        restocked = min(came, max(0, line.restock or 0))
        rest: Condition = "damaged" if (line.condition or "").strip().lower() in damaged else "quarantine"
        units[sku, "restock"] += restocked
        units[sku, rest] += came - restocked
    lines = tuple(
        ReceiptLine(sku=sku, quantity=count, condition=condition)
        for (sku, condition), count in sorted(units.items())
        if count > 0
    )
    if not lines:
        return None
    numbers = dict.fromkeys(each.tracking_number or "" for each in back.labels or () if each is not None)
    order = "" if back.order is None else values.reference(back.order.partner_order_id)
    return Receipt(
        key=back.id,
        lines=lines,
        reference=back.partner_id or "",
        order_reference=order,
        tracking_numbers=tuple(number for number in numbers if number),
    )
