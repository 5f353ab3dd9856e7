"""What becomes of orders before they leave: there is accepted, on hold is received, cancelled is cancelled.

An order that is fulfilled with units that did not leave is closed short. Orders are followed by their time of
change.
"""

from collections import Counter
from datetime import datetime, timedelta

from dropstream_shiphero import documents, values, wire
from dropstream_shiphero.client import Api
from dropstream_shiphero.listing import Rest
from dropstream_shiphero.settings import Settings
from dropstream_shiphero.source import Followed, FollowedSource, Told
from dropstream_shiphero.standing import Orders, units
from dropstream_shiphero.translate import line_number
from dropstreamd.clock import Clock
from dropstreamd.model.acknowledgements import Acknowledgement, Verdict

FIRST = timedelta(days=30)
OVERLAP = timedelta(minutes=30)


def open_acknowledgements(
    api: Api, settings: Settings, clock: Clock
) -> FollowedSource[wire.OrderState, Acknowledgement]:
    """A `Source[Acknowledgement]`."""
    followed = Followed(
        document=documents.ORDERS,
        root="orders",
        at_once=documents.ORDERS_AT_ONCE,
        since="updated_from",
        until="updated_to",
        stamp="updated_at",
        first=FIRST,
        overlap=OVERLAP,
        variables={**settings.of_customer, "shop_name": settings.shop_name},
    )
    translate = _Translation(api, settings)
    return FollowedSource(api, clock, followed, wire.OrderState, "order", translate)


class _Translation:
    def __init__(self, api: Api, settings: Settings) -> None:
        self._settings = settings
        self._rest = Rest(api, documents.ORDER_LINES, "order", wire.OrderLine)
        self._standing = Orders(api, settings)

    async def __call__(
        self,
        order: wire.OrderState,
        before: datetime | None,  # noqa: ARG002 - a word that was heard says nothing new
    ) -> Told[Acknowledgement]:
        """One word at most."""
        if order.shop_name != self._settings.shop_name:
            return Told()
        reference = values.reference(order.partner_order_id)
        verdict = await self._verdict(order, reference)
        if verdict is None:
            return Told()
        holds = () if order.holds is None else order.holds.names
        held = f", on hold: {', '.join(holds)}" if holds else ""
        word = Acknowledgement(
            key=f"{order.id}.{verdict}",
            reference=reference,
            verdict=verdict,
            reason=f"order {order.order_number} is {order.fulfillment_status} in ShipHero{held}",
            at=values.instant(order.updated_at),
        )
        return Told(documents=(word,))

    async def _verdict(self, order: wire.OrderState, reference: str) -> Verdict | None:
        """None where all of it has left, and of one in whose place another one bears the reference."""
        if order.cancelled:
            return None if await self._is_replaced(order, reference) else "cancelled"
        if order.status == "fulfilled":
            lines = await self._rest.complete(order.id, order.line_items)
            left = [
                line
                for line in lines
                if line_number(line.partner_line_item_id, reference)
                and line.units > (line.quantity_shipped or 0)
            ]
            return "closed-short" if left else None
        return "received" if order.holds is not None and order.holds.names else "accepted"

    async def _is_replaced(self, order: wire.OrderState, reference: str) -> bool:
        """Whether all of a cancelled order's units stand in others of the reference that are not."""
        live = [each for each in await self._standing.of(reference) if not each.cancelled]
        if not live:
            return False
        there: Counter[str] = Counter()
        for each in live:
            there.update(units(each.line_items or (), reference))
        lines = await self._rest.complete(order.id, order.line_items)
        return Counter(units(lines, reference)) <= there
