"""Single orders of WooCommerce's by their ids, as they are now."""

from collections.abc import Sequence

import trio

from dropstream_woocommerce import wire
from dropstream_woocommerce.by_id import ById
from dropstream_woocommerce.client import Api, Refusal
from dropstream_woocommerce.listing import bad_order, bad_row, is_id
from dropstream_woocommerce.reading import OrderReader, decoded
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Reread
from dropstreamd.platform.one_by_one import OF_ONE, Failing, by_tens
from dropstreamd.platform.rows import OddRow


class OrdersAgain:
    """A `Rereader[Order]`."""

    in_bulk = True

    def __init__(self, api: Api, reader: OrderReader) -> None:
        self._by_id = ById(api)
        self._reader = reader

    async def read(self, keys: Sequence[str]) -> Reread[Order]:
        """In one request; those that it does not bring are looked for in the trash, in another, and what
        is not there either by themselves. Where the shop fails over all of them, or over more than one of
        those that are looked for by themselves, that is raised; so is what it fails over beside the list."""
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
        found, failed = await by_tens(asked, self._by_id.read, self._by_id.others)
        bad = [bad_order(key, reason) for key, reason in failed.items()]
        for key in asked:
            if key in found or key in failed:
                continue
            try:
                row = await self._alone(key)
            except OF_ONE as error:
                row = bad_order(key, failing.over(error))
            if isinstance(row, Bad):
                bad.append(row)
            else:
                found[key] = row
        failing.unless(answered=bool(found))
        return list(found.values()), bad

    async def _alone(self, key: str) -> bytes | Bad:
        answer = await self._by_id.alone(key)
        if not isinstance(answer, Refusal):
            return answer
        if answer.missing:
            return bad_order(key, "the shop has deleted it, or fails to load it: its own log would say so")
        return bad_order(key, f"the shop refuses to tell it: {answer}")
