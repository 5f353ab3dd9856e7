"""Shipments of ShipHero's become packages: one for each label.

A shipment is listed by the day it was made; what changes of it later is not told by any listing, but those
with voided labels can be listed by themselves. A package whose label was voided is told once more, as that.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dropstream_shiphero import documents, values, wire
from dropstream_shiphero.client import Api
from dropstream_shiphero.listing import Rest
from dropstream_shiphero.settings import Settings
from dropstream_shiphero.source import Followed, FollowedSource, Told
from dropstream_shiphero.translate import line_number
from dropstream_shiphero.values import Unusable
from dropstreamd.clock import Clock, utc
from dropstreamd.model.shipments import Package, PackageLine

FIRST = timedelta(days=30)
OVERLAP = timedelta(minutes=90)
UNLABELLED = timedelta(hours=1)
"""How long a label may take to join its shipment: until then one without any is not told."""

VOID = frozenset({"void", "voided", "refunded", "canceled", "cancelled"})


def open_shipments(api: Api, settings: Settings, clock: Clock) -> FollowedSource[wire.Shipment, Package]:
    """A `Source[Package]`."""
    followed = Followed(
        document=documents.SHIPMENTS,
        root="shipments",
        at_once=documents.SHIPMENTS_AT_ONCE,
        since="date_from",
        until="date_to",
        stamp="created_date",
        first=FIRST,
        overlap=OVERLAP,
        variables=settings.of_customer,
        again={"voided": True},
    )
    translate = _Translation(api, settings, clock)
    return FollowedSource(api, clock, followed, wire.Shipment, "shipment", translate)


class _Translation:
    def __init__(self, api: Api, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._rest = Rest(api, documents.SHIPMENT_LINES, "shipment", wire.ShippedLine)

    async def __call__(self, shipment: wire.Shipment, before: datetime | None) -> Told[Package]:
        """A package for each label, or for the shipment where it will have none; none of what is not ours."""
        order = shipment.order
        if order is None or order.shop_name != self._settings.shop_name:
            return Told()
        reference = values.reference(order.partner_order_id)
        lines = await self._rest.complete(shipment.id, shipment.line_items)
        labels = [label for label in shipment.shipping_labels or () if label is not None]
        live = [label for label in labels if not is_void(label)]
        voided = [
            _voided(label, reference) for label in labels if is_void(label) and _was_read(shipment, before)
        ]
        if not labels and self._is_young(shipment):
            return Told()
        return Told(documents=(*packages(shipment, reference, live, lines, labels), *voided))

    def _is_young(self, shipment: wire.Shipment) -> bool:
        made = values.instant(shipment.created_date)
        return made is not None and made > utc(self._clock.now_s()) - UNLABELLED


def is_void(label: wire.Label) -> bool:
    """Whether nothing travels under it any more."""
    return bool(label.refunded) or (label.status or "").strip().lower() in VOID


def packages(
    shipment: wire.Shipment,
    reference: str,
    live: Sequence[wire.Label],
    lines: Sequence[wire.ShippedLine],
    labels: Sequence[wire.Label],
) -> Iterator[Package]:
    """Units that no label claims go with the first live one. One without units is not told: it has none of
    its own, such as a second label for the same parcel."""
    if not labels:
        found = _lines(lines, reference)
        if found:
            yield Package(
                key=shipment.id,
                reference=reference,
                lines=found,
                shipped_at=values.instant(shipment.created_date),
            )
        return
    claimed = {label.id for label in labels}
    for place, label in enumerate(live):
        own = [
            line
            for line in lines
            if line.shipping_label_id == label.id or (place == 0 and line.shipping_label_id not in claimed)
        ]
        found = _lines(own, reference)
        if found:
            number = (label.tracking_number or "").strip()
            yield Package(
                key=label.id,
                reference=reference,
                lines=found,
                carrier=label.carrier or "",
                service=label.shipping_method or label.shipping_name or "",
                tracking_numbers=(number,) if number else (),
                tracking_url=label.tracking_url or "",
                shipped_at=values.instant(label.created_date or shipment.created_date),
            )


def _lines(lines: Sequence[wire.ShippedLine], reference: str) -> tuple[PackageLine, ...]:
    units: Counter[tuple[str, int]] = Counter()
    for line in lines:
        if line.line_item is None:
            raise Unusable(f"line {line.id} of it names no line of an order")
        count = values.units(line.quantity)
        if count < 0:
            raise Unusable(f"line {line.id} of it has less than no units")
        number = line_number(line.line_item.partner_line_item_id, reference)
        units[values.sku(line.line_item.sku), number] += count
    return tuple(
        PackageLine(sku=sku, quantity=count, order_line=number)
        for (sku, number), count in units.items()
        if count
    )


def _was_read(shipment: wire.Shipment, before: datetime | None) -> bool:
    """Whether an earlier run may have read its labels alive: one that was void at once is nothing to tell. A
    label may be younger than its shipment, by which the earlier runs are known."""
    made = values.instant(shipment.created_date)
    return before is not None and made is not None and made <= before


def _voided(label: wire.Label, reference: str) -> Package:
    """Its units may be under another label by now."""
    number = (label.tracking_number or "").strip()
    return Package(
        key=label.id,
        reference=reference,
        lines=(),
        carrier=label.carrier or "",
        tracking_numbers=(number,) if number else (),
        voided=True,
    )
