"""Single orders of Amazon's by their ids, as they are now.

A search knows no ids, and what tells an order by its id tells one a call. So only what could not be read is
asked for.
"""

from collections.abc import Mapping, Sequence

import msgspec
import trio

from dropstream_amazon import translate, wire
from dropstream_amazon.client import Api
from dropstream_amazon.operations import ADDRESS_ROLE, GET_ORDER
from dropstream_amazon.orders import PATIENCE_S, included_data
from dropstream_amazon.settings import Settings
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Reread
from dropstreamd.platform.http import decode
from dropstreamd.platform.one_by_one import OF_ONE

GONE = (400, 404)


class OrdersAgain:
    """A `Rereader[Order]`."""

    in_bulk = False

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    async def read(self, keys: Sequence[str]) -> Reread[Order]:
        """One call each, as long as Amazon allows them soon. Where it fails over one of them, those behind it
        are left to another time. What the merchant does not ship, or not in this connection, is left out."""
        orders: list[Order] = []
        bad: list[Bad] = []
        await trio.lowlevel.checkpoint()
        for key in dict.fromkeys(filter(translate.is_id, keys)):
            if self._api.budget(GET_ORDER).ready_in_s() > PATIENCE_S:
                break
            try:
                order = await self._one(key)
            except OF_ONE as error:
                bad.append(_bad(key, f"Amazon fails to tell it: {error.message}"))
                break
            if isinstance(order, Bad):
                bad.append(order)
            elif order is not None:
                orders.append(order)
        return Reread(documents=tuple(orders), bad=tuple(bad))

    async def _one(self, key: str) -> Order | Bad | None:
        """The order, or what is wrong with it; None for one that is not ours. One whose address Amazon keeps
        to itself is bad: nothing would tell when that changes."""
        query: Mapping[str, Sequence[str]] = {"includedData": included_data(self._settings)}
        response = await self._api.call(GET_ORDER, path={"order": key}, query=query)
        if response.status in GONE:
            return _bad(key, "this seller has no such order at Amazon (any more)")
        if not response.ok:
            self._api.refuse(GET_ORDER, response)
        order = translate.read(bytes(decode(response, wire.OneRaw).order))
        if isinstance(order, Bad):
            return msgspec.structs.replace(order, key=key, place=f"order {key}")
        if order.order_id != key:
            return _bad(key, "Amazon tells another order in its place")
        if not translate.is_ours(order, self._settings):
            return None
        if translate.lacks_address(order, self._settings):
            return _bad(key, f"Amazon tells no address of it: the app needs the role {ADDRESS_ROLE}")
        return translate.translated(order, self._settings)


def _bad(key: str, reason: str) -> Bad:
    return Bad(key=key, place=f"order {key}", reason=reason, raw=b"")
