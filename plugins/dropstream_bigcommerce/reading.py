"""An order with all of its lines, which its list may not bring."""

import msgspec

from dropstream_bigcommerce import translate, wire
from dropstream_bigcommerce.client import Api, Query
from dropstreamd.model.handover import Bad
from dropstreamd.platform.http import decode
from dropstreamd.platform.rows import UNREADABLE

PAGE = 250
"""The most that V2 lists at once."""

LISTED_AT_LEAST = 50
"""Rows of a page, if no number of them is asked for ("List Order Products"): as many may not be all, however
many were asked for."""

MOST_PAGES = 40

WITH_LINES: Query = {"include": "consignments.line_items", "consignment_structure": "object"}
"""What makes an order come with its addresses and lines ("Get an Order")."""


_shipment = msgspec.json.Decoder(wire.Shipment)


class OrderReader:
    """Reads orders one by one."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def one(self, order: int) -> wire.Order | Bad | None:
        """The order, None where there is none."""
        response = await self._api.get(f"v2/orders/{order}", WITH_LINES)
        if response.status in (204, 404):
            return None
        row = bytes(decode(response, msgspec.Raw))
        if translate.row_key(row) != str(order):
            decode(response, wire.Order)  # which says what is not as described, if anything
        return await self.whole(row)

    async def whole(self, row: bytes) -> wire.Order | Bad:
        """The order that came like this, with all of its lines."""
        order = translate.decoded(row)
        if isinstance(order, Bad) or not _cut_short(order):
            return order
        lines = await self._lines(order.id)
        if isinstance(lines, str):
            return translate.bad(row, lines)
        shipping = tuple(
            msgspec.structs.replace(
                each, line_items=tuple(line for line in lines if line.order_address_id == each.address)
            )
            for each in order.consignments.shipping
        )
        known = {each.address for each in order.consignments.shipping}
        if any(line.type == "physical" and line.order_address_id not in known for line in lines):
            return translate.bad(row, "a line of it goes to an address that the order does not have")
        consignments = msgspec.structs.replace(order.consignments, shipping=shipping)
        whole = msgspec.structs.replace(order, consignments=consignments)
        wrong = translate.fault(whole)
        return translate.bad(row, wrong) if wrong else whole

    async def shipments(self, order: int) -> tuple[list[wire.Shipment], list[Bad]]:
        """All shipments of an order, and those of them that cannot be read; none where there is no such
        order."""
        found: list[wire.Shipment] = []
        bad: list[Bad] = []
        for number in range(1, MOST_PAGES + 1):
            path = f"v2/orders/{order}/shipments"
            rows = await self._api.list(path, {"limit": PAGE, "page": number}) or ()
            for row in rows:
                shipment = _shipment_in(row, order)
                if isinstance(shipment, Bad):
                    bad.append(shipment)
                else:
                    found.append(shipment)
            if len(rows) < LISTED_AT_LEAST:
                break
        return found, bad

    async def shipment(self, order: int, shipment: int) -> wire.Shipment | Bad | None:
        """One of an order's; None where there is none."""
        response = await self._api.get(f"v2/orders/{order}/shipments/{shipment}")
        if response.status in (204, 404):
            return None
        row = bytes(decode(response, msgspec.Raw))
        if translate.row_key(row) != str(shipment):
            decode(response, wire.Shipment)  # which says what is not as described, if anything
        return _shipment_in(row, order)

    async def _lines(self, order: int) -> list[wire.OrderProduct] | str:
        """All lines of an order, or why they cannot be told."""
        found: dict[int, wire.OrderProduct] = {}
        for number in range(1, MOST_PAGES + 1):
            rows = await self._api.list(f"v2/orders/{order}/products", {"limit": PAGE, "page": number})
            if rows is None:
                return "it is gone from the store"
            try:
                lines = [msgspec.json.decode(row, type=wire.OrderProduct) for row in rows]
            except UNREADABLE as error:
                return str(error)
            found |= {line.id: line for line in lines}
            if len(rows) < LISTED_AT_LEAST:
                return list(found.values())
        return f"it has more than {len(found)} lines"


def _shipment_in(row: bytes, order: int) -> wire.Shipment | Bad:
    try:
        return _shipment.decode(row)
    except UNREADABLE as error:
        key = translate.row_key(row)
        return Bad(key=key, place=f"shipment {key} of order {order}", reason=str(error), raw=row)


def _cut_short(order: wire.Order) -> bool:
    """Whether it may have more lines than came with it."""
    there = order.consignments
    lines = [line for each in there.shipping for line in each.line_items]
    if any(len(each.line_items) >= LISTED_AT_LEAST for each in there.shipping):
        return True
    alone = not there.pickups and not there.downloads
    return alone and bool(lines) and sum(line.quantity for line in lines) < order.items_total
