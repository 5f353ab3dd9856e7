"""A rig for BigCommerce, over the strict double."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from dropstreamd.model.handover import Item
from dropstreamd.model.orders import Order
from dropstreamd.model.products import Product
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.fakes.bigcommerce import fake_bigcommerce
from tests.fakes.bigcommerce_shop import STORE, BigCommerceShop, Row

NOW_S = 1_795_300_000.0
LONG_SKU = "X" * 150


def settings(port: int) -> dict[str, object]:
    return {
        "store_hash": STORE,
        "access_token": {"secret": "store"},
        "weight_unit": "lb",
        "currency": "USD",
        "url": f"http://127.0.0.1:{port}",
        "allow_private_address": True,
    }


class Goods:
    """What the store sells: every other product is counted by its one variant."""

    def __init__(self, shop: BigCommerceShop) -> None:
        self.shop = shop
        self._made = 0
        self.sku = self.new(1)[0]

    def new(self, count: int) -> list[str]:
        skus = [f"SKU-{self._made + number}" for number in range(count)]
        self._made += count
        for number, sku in enumerate(skus):
            self.shop.add_product(sku, 100, tracking="variant" if number % 2 else "product")
        return skus

    def place(self, count: int) -> list[Row]:
        """Orders, all placed in one second."""
        return [self.shop.place({self.sku: 3}) for _ in range(count)]


class Orders:
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
        self._goods.shop.lines(made)[0]["sku"] = LONG_SKU

    def name(self, document: Order) -> str:
        return document.number

    def changed(self, document: Order) -> bool:
        return document.lines[0].quantity == 2


class Shipments:
    """An `AmendBench[Fulfillment]`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._made = 0

    async def items(self, count: int) -> Sequence[Item[Fulfillment]]:
        return [
            self._item(str(made["id"]), str(self._goods.shop.lines(made)[0]["id"]))
            for made in self._goods.place(count)
        ]

    async def refused(self) -> Item[Fulfillment]:
        return self._item("99999999", "1")

    async def effects(self, item: Item[Fulfillment]) -> Sequence[Effect]:
        wanted = item.document.tracking_numbers[0]
        return [
            "whole" if each["tracking_number"] == wanted else "half"
            for each in self._goods.shop.shipments_of(int(item.document.order_key))
        ]

    def amended(self, item: Item[Fulfillment], remote: str) -> Item[Fulfillment]:
        tracking = tuple(f"{number}-new" for number in item.document.tracking_numbers)
        document = msgspec.structs.replace(item.document, tracking_numbers=tracking)
        return Item(key=item.key, document=document, remote=remote)

    def _item(self, order: str, line: str) -> Item[Fulfillment]:
        self._made += 1
        key = f"PKG-{self._made}"
        fulfillment = Fulfillment(
            order_key=order,
            order_number=order,
            package_key=key,
            lines=(FulfillmentLine(order_line=line, quantity=2),),
            carrier="UPS",
            tracking_numbers=(f"1Z{self._made}",),
        )
        return Item(key=key, document=fulfillment)


class Levels:
    """A `SinkBench[Level]`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def items(self, count: int) -> Sequence[Item[Level]]:
        return [Item(key=sku, document=Level(sku=sku, available=7)) for sku in self._goods.new(count)]

    async def refused(self) -> Item[Level]:
        return Item(key="NOT-SOLD", document=Level(sku="NOT-SOLD", available=7))

    async def effects(self, item: Item[Level]) -> Sequence[Effect]:
        """What is shown once BigCommerce has carried out what it took."""
        shown = self._goods.shop.shown(item.document.sku, settled=True)
        return ["whole"] if shown == item.document.available else []


class Products:
    """A `SourceBench[Product]`."""

    many = 251

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        return self._goods.new(count)

    async def change(self, name: str) -> None:
        (product,) = self._goods.shop.things(name)
        product["name"] = "changed"

    async def spoil(self) -> None:
        self._goods.shop.add_product(LONG_SKU, 1)

    def name(self, document: Product) -> str:
        return document.sku

    def changed(self, document: Product) -> bool:
        return document.title == "changed"


class Drafts:
    """A `SinkBench[Product]`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._made = 0

    async def items(self, count: int) -> Sequence[Item[Product]]:
        names = [f"NEW-{self._made + number}" for number in range(count)]
        self._made += count
        return [Item(key=name, document=Product(key=name, sku=name, title=f"A {name}")) for name in names]

    async def refused(self) -> Item[Product]:
        return Item(key="REFUSED", document=Product(key="REFUSED", sku="REFUSED", title="No"))

    async def effects(self, item: Item[Product]) -> Sequence[Effect]:
        found = self._goods.shop.things(item.document.sku)
        return ["half" if each["is_visible"] else "whole" for each in found]


@asynccontextmanager
async def bigcommerce_double() -> AsyncIterator[Rig[Any]]:
    """The double, with a quota that the suite does not have to wait for."""
    now = datetime.fromtimestamp(NOW_S, UTC) - timedelta(days=1)
    async with fake_bigcommerce(now=now) as server:
        goods = Goods(server.shop)

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
                Part.INVENTORY: Levels(goods),
                Part.PRODUCTS: Products(goods),
                Part.CATALOGUE: Drafts(goods),
            },
            now_s=NOW_S,
        )
