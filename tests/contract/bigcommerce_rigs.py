"""A rig for BigCommerce, over the strict double."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from dropstreamd.model.handover import Item
from dropstreamd.model.products import Product
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.fakes.bigcommerce import fake_bigcommerce
from tests.fakes.bigcommerce_shop import STORE, BigCommerceShop, Row

from . import benches


def settings(port: int) -> dict[str, object]:
    return {
        "store_hash": STORE,
        "access_token": {"secret": "store"},
        "weight_unit": "lb",
        "currency": "USD",
        "url": f"http://127.0.0.1:{port}",
        "allow_private_address": True,
    }


class Goods(benches.Sold[BigCommerceShop]):
    """Every other product is counted by its one variant."""

    def sell(self, skus: Sequence[str]) -> None:
        for number, sku in enumerate(skus):
            self.shop.add_product(sku, 100, tracking="variant" if number % 2 else "product")

    def place(self, count: int) -> list[Row]:
        """Orders, all placed in one second."""
        return [self.shop.place({self.sku: 3}) for _ in range(count)]


class Orders(benches.OrdersByNumber):
    """An `OrderBench[Order]`."""

    many = 251

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        return [str(made["id"]) for made in self._goods.place(count)]

    async def change(self, name: str) -> None:
        self._goods.shop.refund(self._goods.shop.orders[int(name)], 0, 1)

    async def cancel(self, name: str) -> None:
        self._goods.shop.set_status(self._goods.shop.orders[int(name)], 5)

    async def spoil(self) -> None:
        (made,) = self._goods.place(1)
        self._goods.shop.lines(made)[0]["sku"] = benches.LONG_SKU


class Shipments(benches.AmendedParcels[Goods]):
    """An `AmendBench[Fulfillment]`."""

    async def items(self, count: int) -> Sequence[Item[Fulfillment]]:
        return [
            self.package(str(made["id"]), str(self.goods.shop.lines(made)[0]["id"]))
            for made in self.goods.place(count)
        ]

    async def refused(self) -> Item[Fulfillment]:
        return self.package("99999999", "1")

    async def effects(self, item: Item[Fulfillment]) -> Sequence[Effect]:
        wanted = item.document.tracking_numbers[0]
        return [
            "whole" if each["tracking_number"] == wanted else "half"
            for each in self.goods.shop.shipments_of(int(item.document.order_key))
        ]


class Products(benches.SoldProducts[Goods]):
    """A `SourceBench[Product]`."""

    many = 251

    async def change(self, name: str) -> None:
        (product,) = self.goods.shop.things(name)
        product["name"] = benches.CHANGED

    async def spoil(self) -> None:
        self.goods.shop.add_product(benches.LONG_SKU, 1)


@asynccontextmanager
async def bigcommerce_double() -> AsyncIterator[Rig[Any]]:
    """The double, with a quota that the suite does not have to wait for."""
    async with fake_bigcommerce(now=benches.YESTERDAY) as server:
        goods = Goods(server.shop)

        def shown(sku: str) -> int | None:
            """Once BigCommerce has carried out what it took."""
            return server.shop.shown(sku, settled=True)

        def drafts(wanted: Product) -> list[bool]:
            return [not each["is_visible"] for each in server.shop.things(wanted.sku)]

        async def trace() -> object:
            shop = server.shop
            return repr((shop.orders, shop.shipments, shop.products, shop.stock, shop.adjusting))

        yield Rig(
            port=server.port,
            table=settings,
            secrets={"store": server.token},
            wrong_secrets={"store": "another token"},
            trace=trace,
            benches={
                Part.ORDERS: Orders(goods),
                Part.SHIPMENTS: Shipments(goods),
                Part.INVENTORY: benches.Levels(goods.new, shown),
                Part.PRODUCTS: Products(goods),
                Part.CATALOGUE: benches.Drafts(benches.Names("NEW-{}").new, drafts),
            },
            now_s=benches.NOW_S,
        )
