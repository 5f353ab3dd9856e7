"""Rows of orders by their ids.

`include` finds many at once, those in the trash only where their status is asked for, and never one whose
status WooCommerce does not know: that is found by its own address alone. An empty `include` would list all.
"""

from collections.abc import Sequence

import msgspec

from dropstream_woocommerce import translate, wire
from dropstream_woocommerce.client import Api, Params, Refusal
from dropstream_woocommerce.listing import bad_order, row_key
from dropstream_woocommerce.settings import MOST_AT_ONCE
from dropstreamd.model.handover import Bad

FIELDS = ",".join(
    (
        "id,number,status,currency,total,date_created_gmt,date_modified_gmt,customer_note,billing,shipping",
        "line_items,shipping_lines,refunds,meta_data",
    )
)
MARKS = "id,number,status,date_modified_gmt"
"""What WooCommerce tells of an order without looking at its lines, refunds and custom fields (its orders
controller's `get_formatted_item_data`), where filters of other plugins may end in a fatal error."""


class ById:
    """Asks for at most `MOST_AT_ONCE` orders."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, ids: Sequence[str]) -> dict[str, bytes]:
        """In one request; those that it does not bring from the trash, in another."""
        found: dict[str, bytes] = {}
        for status in ("any", translate.TRASH):
            left = [each for each in ids if each not in found]
            if left:
                found |= await self._listed(left, status)
        return found

    async def alone(self, key: str) -> bytes | Refusal | Bad:
        """At its own address."""
        answer = await self._api.find(f"orders/{key}", {"_fields": FIELDS}, msgspec.Raw)
        if isinstance(answer, Refusal):
            return answer
        row = bytes(answer)
        if row_key(row) != key:
            return bad_order(key, "what the shop tells in its place is another", row)
        return row

    async def others(self) -> list[str]:
        """Some that are there: the last hundred, the oldest of them first."""
        params: Params = {
            "status": "any",
            "orderby": "id",
            "order": "desc",
            "per_page": MOST_AT_ONCE,
            "_fields": "id",
        }
        return [str(row.id) for row in reversed((await self._api.rows("orders", params, wire.Row)).rows)]

    async def _listed(self, ids: Sequence[str], status: str) -> dict[str, bytes]:
        params: Params = {
            "include": ",".join(ids),
            "status": status,
            "per_page": MOST_AT_ONCE,
            "_fields": FIELDS,
        }
        rows = [bytes(row) for row in (await self._api.rows("orders", params, msgspec.Raw)).rows]
        return {key: row for row in rows if (key := row_key(row)) in ids}
