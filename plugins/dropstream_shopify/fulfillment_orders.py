"""Fulfillment orders as they come: a page of what changed, some by their ids, each with all of its lines.

A search lags behind; what is asked for by ids (`nodes`) does not. A call that would cost too much is made for
fewer at once.
"""

from collections.abc import Mapping, Sequence

import msgspec

from dropstream_shopify import documents, translate, wire
from dropstream_shopify.client import Api, Failed, Refusal
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.platform.halves import by_halves

PAGE = 100
LEAST_PAGE = 10
MOST_LINE_PAGES = 40


class FulfillmentOrders:
    """Reads them. `at_once` is how many one call asks for."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.at_once = PAGE

    async def listed(self, variables: Mapping[str, object]) -> wire.Nodes[msgspec.Raw]:
        """A page of a search."""
        while True:
            asked = {**variables, "first": self.at_once}
            answer = await self._api.ask(documents.OPEN_ORDERS, asked, wire.OpenOrders, write=False)
            if not isinstance(answer, Refusal):
                return answer.fulfillment_orders
            self._ask_for_fewer(answer, "list")

    async def by_id(self, ids: Sequence[str]) -> list[bytes | Bad]:
        """Those of the ids that the shop has, in their order. One over which Shopify fails is bad."""
        rows, failed = await by_halves(ids, self._asked, Failed)
        reason = "Shopify fails to tell it"
        return [*rows, *(Bad(key=each, place=each, reason=reason, raw=b"") for each in failed)]

    async def whole(self, row: bytes | Bad) -> wire.FulfillmentOrder | Bad:
        """The fulfillment order with all of its lines."""
        if isinstance(row, Bad):
            return row
        order = translate.decoded(row)
        if isinstance(order, Bad):
            return order
        lines, page = list(order.line_items.nodes), order.line_items.page_info
        for _ in range(MOST_LINE_PAGES):
            if not page.has_next_page:
                break
            variables = {"id": order.id, "after": page.end_cursor}
            answer = await self._api.query(documents.MORE_LINES, variables, wire.MoreLines)
            if answer.fulfillment_order is None:
                return Bad(key=order.id, place=order.order.name, reason="it is gone from the shop", raw=row)
            more = answer.fulfillment_order.line_items
            lines, page = [*lines, *more.nodes], more.page_info
        else:
            return Bad(key=order.id, place=order.order.name, reason="it has too many lines", raw=row)
        whole = msgspec.structs.replace(order, line_items=wire.Nodes(nodes=tuple(lines)))
        wrong = translate.fault(whole)
        return Bad(key=order.id, place=order.order.name, reason=wrong, raw=row) if wrong else whole

    async def _asked(self, ids: Sequence[str]) -> list[bytes]:
        rows: list[bytes] = []
        left = ids
        while left:
            some = left[: self.at_once]
            asked = {"ids": some}
            answer = await self._api.ask(documents.ORDERS_BY_ID, asked, wire.ById, write=False)
            if isinstance(answer, Refusal):
                self._ask_for_fewer(answer, "tell")
                continue
            rows += [bytes(row) for row in answer.nodes if bytes(row) != b"null"]
            left = left[len(some) :]
        return rows

    def _ask_for_fewer(self, refusal: Refusal, what: str) -> None:
        if refusal.code != "MAX_COST_EXCEEDED" or self.at_once <= LEAST_PAGE:
            raise ProtocolMismatch(f"Shopify refused to {what} fulfillment orders: {refusal.code}")
        self.at_once = max(LEAST_PAGE, self.at_once // 2)
