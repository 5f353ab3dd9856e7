"""A rig for eBay, over the strict double."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from dropstreamd.model.handover import Item
from dropstreamd.model.orders import Order
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.fakes.ebay import CLIENT, RU_NAME, fake_ebay
from tests.fakes.ebay_shop import SELLER, EbayShop, Row

from . import benches


def settings(port: int) -> dict[str, object]:
    return {
        "seller": SELLER,
        "client_id": CLIENT[0],
        "client_secret": {"secret": "app"},
        "redirect_name": RU_NAME,
        "refresh_token": {"secret": "seller"},
        "url": f"http://127.0.0.1:{port}",
        "allow_private_address": True,
    }


class Orders:
    """An `OrderBench[Order]`."""

    many = 201

    def __init__(self, shop: EbayShop) -> None:
        self._shop = shop

    async def add(self, count: int) -> Sequence[str]:
        self._shop.pass_time(seconds=1)
        return [self._shop.place({"SKU-1": 3})["orderId"] for _ in range(count)]

    async def change(self, name: str) -> None:
        self._shop.pass_time(seconds=1)
        order = self._shop.orders[name]
        order["buyerCheckoutNotes"] = "ring twice"
        self._shop.touch(order)

    async def cancel(self, name: str) -> None:
        self._shop.pass_time(seconds=1)
        self._shop.cancel(self._shop.orders[name])

    async def spoil(self) -> None:
        self._shop.place({benches.LONG_SKU: 1})

    def name(self, document: Order) -> str:
        return document.number

    def changed(self, document: Order) -> bool:
        return document.note == "ring twice"


class Fulfillments(benches.Parcels[EbayShop]):
    """A `SinkBench[Fulfillment]`."""

    async def items(self, count: int) -> Sequence[Item[Fulfillment]]:
        return [self._item(self.goods.place({"SKU-1": 3})) for _ in range(count)]

    async def refused(self) -> Item[Fulfillment]:
        return self._item({"orderId": "12-00000-00000", "lineItems": [{"lineItemId": "1"}]})

    async def effects(self, item: Item[Fulfillment]) -> Sequence[Effect]:
        wanted = item.document.tracking_numbers[0]
        return [
            "whole" if (each["fulfillmentId"], each["lineItems"][0]["quantity"]) == (wanted, 2) else "half"
            for each in self.goods.fulfillments.get(item.document.order_key, [])
        ]

    def _item(self, order: Row) -> Item[Fulfillment]:
        return self.package(order["orderId"], order["lineItems"][0]["lineItemId"])


class Products(benches.ProductsBySku):
    """A `SourceBench[Product]`."""

    many = 201

    def __init__(self, shop: EbayShop) -> None:
        self._shop = shop
        self._names = benches.Names("PRODUCT-{:05d}")

    async def add(self, count: int) -> Sequence[str]:
        skus = self._names.new(count)
        for sku in skus:
            self._shop.add_item(sku, 1)
        return skus

    async def change(self, name: str) -> None:
        self._shop.items[name]["product"]["title"] = benches.CHANGED

    async def spoil(self) -> None:
        self._shop.add_item(benches.LONG_SKU, 1)


@asynccontextmanager
async def ebay_double() -> AsyncIterator[Rig[Any]]:
    """The double, by the clock of the plugin's host."""
    async with fake_ebay(now=datetime.fromtimestamp(benches.NOW_S, UTC)) as server:
        names, shop = benches.Names("LEVEL-{}"), server.shop

        def offered(count: int) -> list[str]:
            skus = names.new(count)
            for sku in skus:
                shop.add_item(sku, 100, offer=50)
            return skus

        def shown(sku: str) -> int | None:
            return shop.shown(sku) if sku in shop.items else None

        async def trace() -> object:
            return repr((shop.orders, shop.fulfillments, shop.items, shop.offers))

        yield Rig(
            port=server.port,
            table=settings,
            secrets={"app": CLIENT[1], "seller": "v^1.1#refresh"},
            wrong_secrets={"app": CLIENT[1], "seller": "v^1.1#another"},
            trace=trace,
            benches={
                Part.ORDERS: Orders(shop),
                Part.SHIPMENTS: Fulfillments(shop),
                Part.INVENTORY: benches.Levels(offered, shown),
                Part.PRODUCTS: Products(shop),
            },
            now_s=benches.NOW_S,
        )
