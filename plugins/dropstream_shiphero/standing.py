"""Orders as they stand in ShipHero, found by our reference."""

from collections.abc import Iterable, Mapping

import msgspec

from dropstream_shiphero import answers, documents, wire
from dropstream_shiphero.client import Api, Refusal
from dropstream_shiphero.listing import Rest
from dropstream_shiphero.settings import Settings
from dropstream_shiphero.translate import line_number
from dropstreamd.errors import ProtocolMismatch

MOST_PAGES = 20


class Orders:
    """Looks them up."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._rest = Rest(api, documents.ORDER_LINES, "order", wire.OrderLine)

    async def of(self, reference: str) -> tuple[wire.Standing, ...]:
        """All of our shop's that bear exactly this reference, cancelled ones too; each that is not, with all
        of its lines: whether something of it has left, any of them may tell."""
        found: list[wire.Standing] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._page(reference, after)
            if page is None:
                return ()
            found += page
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                break
        else:
            raise ProtocolMismatch(f"ShipHero has more than {len(found)} orders {reference}")
        ours = [
            each
            for each in found
            if each.partner_order_id == reference and each.shop_name == self._settings.shop_name
        ]
        return tuple([each if each.cancelled else await self._whole(each) for each in ours])

    async def _page(self, reference: str, after: str | None) -> answers.Connection[wire.Standing] | None:
        variables = {"partner_order_id": reference, "after": after, **self._settings.of_customer}
        told = await self._api.ask(
            documents.STANDING, variables, dict[str, answers.Listed[wire.Standing] | None], write=False
        )
        if isinstance(told, Refusal):
            if told.not_found:
                return None
            raise ProtocolMismatch(f"ShipHero refused to look an order up (code {told.code}): {told.message}")
        listed = told.get("orders")
        if listed is None or listed.data is None:
            raise ProtocolMismatch("ShipHero answered the look-up of an order with no rows and no error")
        return listed.data

    async def _whole(self, order: wire.Standing) -> wire.Standing:
        lines = await self._rest.complete(order.id, order.line_items)
        edges = tuple(answers.Edge(cursor="", node=line) for line in lines)
        return msgspec.structs.replace(order, line_items=answers.Connection(edges=edges))


def still_there(found: Iterable[wire.Standing]) -> list[wire.Standing]:
    """Those that are not cancelled."""
    return [each for each in found if not each.cancelled]


def units(lines: Iterable[wire.OrderLine], reference: str) -> Mapping[str, int]:
    """Of our own lines, by SKU: ShipHero, or a person, may have put others beside them."""
    counted: dict[str, int] = {}
    for line in lines:
        if line.units and line_number(line.partner_line_item_id, reference):
            counted[line.sku or ""] = counted.get(line.sku or "", 0) + line.units
    return counted
