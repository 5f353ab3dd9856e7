"""Single orders of WooCommerce's by their ids, as they are now.

`include` finds many at once, those in the trash only where their status is asked for, and never one whose
status WooCommerce does not know: that is found by its own address alone. An empty `include` would list all.
"""

from collections.abc import Sequence

import msgspec
import trio

from dropstream_woocommerce import translate, wire
from dropstream_woocommerce.client import Api, Params, Refusal
from dropstream_woocommerce.listing import bad_row, is_id, row_key
from dropstream_woocommerce.reading import OrderReader, decoded
from dropstream_woocommerce.settings import MOST_AT_ONCE
from dropstream_woocommerce.walk import FIELDS
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Reread
from dropstreamd.platform.one_by_one import OF_ONE, Failing
from dropstreamd.platform.rows import OddRow


class OrdersAgain:
    """A `Rereader[Order]`."""

    in_bulk = True

    def __init__(self, api: Api, reader: OrderReader) -> None:
        self._api = api
        self._reader = reader

    async def read(self, keys: Sequence[str]) -> Reread[Order]:
        """In one request; those that it does not bring are looked for in the trash, in another, and what
        is not there either by themselves. Where the shop fails over more than one of them, or over all, it
        raises what it raised."""
        asked = [key for key in dict.fromkeys(keys) if is_id(key)]
        if not asked:
            await trio.lowlevel.checkpoint()
            return Reread()
        failing = Failing()
        rows, bad = await self._rows(asked, failing)
        orders: list[tuple[wire.Order, bytes]] = []
        for row in rows:
            order = decoded(row)
            if isinstance(order, str):
                bad.append(bad_row(row, "order", order))
            else:
                orders.append((order, row))
        await self._reader.learn(order for order, _ in orders)
        documents: list[Order] = []
        for order, row in orders:
            try:
                documents.append(await self._reader.whole(order))
            except OddRow as odd:
                bad.append(bad_row(row, "order", odd.message))
            except OF_ONE as error:
                bad.append(bad_row(row, "order", failing.over(error)))
        return Reread(documents=tuple(documents), bad=tuple(bad))

    async def _rows(self, asked: Sequence[str], failing: Failing) -> tuple[list[bytes], list[Bad]]:
        found: dict[str, bytes] = {}
        try:
            for status in ("any", translate.TRASH):
                left = [key for key in asked if key not in found]
                if left:
                    found |= await self._listed(left, status)
        except OF_ONE:
            if len(asked) == 1:
                raise
        bad: list[Bad] = []
        for key in asked:
            if key in found:
                continue
            try:
                row = await self._alone(key)
            except OF_ONE as error:
                row = _bad(key, failing.over(error))
            if isinstance(row, Bad):
                bad.append(row)
            else:
                found[key] = row
        failing.unless(answered=bool(found))
        return list(found.values()), bad

    async def _listed(self, keys: Sequence[str], status: str) -> dict[str, bytes]:
        params: Params = {
            "include": ",".join(keys),
            "status": status,
            "per_page": MOST_AT_ONCE,
            "_fields": FIELDS,
        }
        rows = [bytes(row) for row in (await self._api.rows("orders", params, msgspec.Raw)).rows]
        return {key: row for row in rows if (key := row_key(row)) in keys}

    async def _alone(self, key: str) -> bytes | Bad:
        answer = await self._api.find(f"orders/{key}", {"_fields": FIELDS}, msgspec.Raw)
        if isinstance(answer, Refusal):
            if answer.missing:
                return _bad(key, "the shop has deleted it, or fails to load it: its own log would say so")
            return _bad(key, f"the shop refuses to tell it: {answer}")
        row = bytes(answer)
        return row if row_key(row) == key else _bad(key, "what the shop tells in its place is another", row)


def _bad(key: str, reason: str, raw: bytes = b"") -> Bad:
    return Bad(key=key, place=f"order {key}", reason=reason, raw=raw)
