"""A row of WooCommerce's orders as the daemon knows it, with what other calls tell of that order."""

from collections.abc import Iterable

import msgspec

from dropstream_woocommerce import translate, wire
from dropstream_woocommerce.client import Api, Offers
from dropstream_woocommerce.goods import Facts, Goods
from dropstream_woocommerce.packages import refunded_units, shipped_units
from dropstream_woocommerce.settings import Settings
from dropstream_woocommerce.translate import Sold
from dropstreamd.model.orders import Order
from dropstreamd.platform.rows import UNREADABLE

_order = msgspec.json.Decoder(wire.Order)


def decoded(row: bytes) -> wire.Order | str:
    """The order, or what is wrong with it."""
    try:
        order = _order.decode(row)
    except UNREADABLE as error:
        return str(error)
    return translate.fault(order) or order


class OrderReader:
    """Looks up what a row does not tell."""

    def __init__(self, api: Api, offers: Offers, goods: Goods, settings: Settings) -> None:
        self._api = api
        self._offers = offers
        self._goods = goods
        self._settings = settings

    async def learn(self, orders: Iterable[wire.Order]) -> None:
        """What is sold with them, in few calls for all."""
        await self._goods.learn(line for order in orders for line in order.line_items)

    async def whole(self, order: wire.Order) -> Order:
        """The order, whose products were learnt. Raises OddRow for what is not as described."""
        refunded = await refunded_units(self._api, order.id) if order.refunds else {}
        fulfilled = await shipped_units(self._api, self._offers, self._goods, order)
        facts: dict[int, Facts] = {line.id: self._goods.facts(line) for line in order.line_items}
        sold = Sold(order=order, refunded=refunded, fulfilled=fulfilled, facts=facts)
        return translate.translated(sold, self._settings)
