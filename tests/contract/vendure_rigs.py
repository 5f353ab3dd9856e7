"""Rigs for Vendure: over the strict double, and over the real server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from dropstreamd.model.handover import Item
from dropstreamd.model.orders import Order
from dropstreamd.model.products import Product
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.counterparts.vendure.records import NewOrder, Placed
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure import fake_vendure
from tests.fakes.vendure_shop import FakeShop, stamp

NOW_S = 1_795_300_000.0
STOCK = 100_000
PAGE = 100
PRODUCTS_PAGE = 500
ELSEWHERE = "The merchant's own words"
LONG_SKU = "X" * 150

Shop = FakeShop | VendureShop


class Goods:
    """What the shop sells."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._made = 0
        self.sku = self.new(1)[0]

    def names(self, count: int) -> list[str]:
        self._made += count
        return [f"SKU-{number}" for number in range(self._made - count, self._made)]

    def new(self, count: int) -> list[str]:
        """New SKUs, with more on hand than is ever bought."""
        skus = self.names(count)
        self.shop.add_products(dict.fromkeys(skus, STOCK))
        return skus

    def place(self, count: int) -> list[Placed]:
        return self.shop.place_orders([NewOrder(units={self.sku: 3}) for _ in range(count)])


class Orders:
    """An `OrderBench[Order]`."""

    many = PAGE + 1

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._ids: dict[str, str] = {}

    async def add(self, count: int) -> Sequence[str]:
        placed = self._goods.place(count)
        self._ids |= {order.code: order.id for order in placed}
        if isinstance(self._goods.shop, FakeShop):
            at = stamp(self._goods.shop.now)
            for order in placed:
                row = self._goods.shop.orders_by_id[order.id]
                row["orderPlacedAt"] = row["updatedAt"] = at
        return [order.code for order in placed]

    async def change(self, name: str) -> None:
        order = self._goods.shop.order(self._ids[name])
        self._goods.shop.cancel(order.id, {order.lines[0].id: 1})

    async def cancel(self, name: str) -> None:
        self._goods.shop.cancel(self._ids[name])

    async def spoil(self) -> None:
        (sku,) = self._goods.new(1)
        self._goods.shop.place_orders([NewOrder(units={sku: 1})])
        if isinstance(self._goods.shop, FakeShop):
            self._goods.shop.orders_by_id[max(self._goods.shop.orders_by_id, key=int)]["code"] = None
        else:
            self._goods.shop.change_sku(sku, LONG_SKU)

    def name(self, document: Order) -> str:
        return document.number

    def changed(self, document: Order) -> bool:
        return document.lines[0].quantity == 2


class Products:
    """A `SourceBench[Product]`. A name is a SKU."""

    many = PRODUCTS_PAGE + 1

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        return self._goods.new(count)

    async def change(self, name: str) -> None:
        translation = {"languageCode": "en", "name": ELSEWHERE}
        self._goods.shop.update_product(name, {"translations": [translation]})

    async def spoil(self) -> None:
        (variant,) = self._goods.shop.sold(self._goods.new(1))
        self._goods.shop.update_variants([{"id": variant.id, "sku": LONG_SKU}])

    def name(self, document: Product) -> str:
        return document.sku

    def changed(self, document: Product) -> bool:
        return document.title == ELSEWHERE


class Catalogue:
    """A `SinkBench[Product]`. Each has a title of its own: by it a product without a variant is seen."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def items(self, count: int) -> Sequence[Item[Product]]:
        return [self._item(sku, sku) for sku in self._goods.names(count)]

    async def refused(self) -> Item[Product]:
        return self._item("without", "")

    async def effects(self, item: Item[Product]) -> Sequence[Effect]:
        found = self._goods.shop.made(item.document.title)
        drafts = [(item.document.sku, False)]
        return [
            "whole"
            if not each.enabled and [(one.sku, one.enabled) for one in each.variants] == drafts
            else "half"
            for each in found
        ]

    def _item(self, key: str, sku: str) -> Item[Product]:
        return Item(key=key, document=Product(key=key, sku=sku, title=f"A new {key}", weight_g=120))


class Fulfillments:
    """An `AmendBench[Fulfillment]`. The double's shop is asked, not the API."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._made = 0

    async def items(self, count: int) -> Sequence[Item[Fulfillment]]:
        placed = self._goods.place(count)
        return [
            self._item(order.id, order.code, self._goods.shop.order(order.id).lines[0].id) for order in placed
        ]

    async def refused(self) -> Item[Fulfillment]:
        return self._item("99999999", "nobody's", "1")

    async def effects(self, item: Item[Fulfillment]) -> Sequence[Effect]:
        if item.document.order_number == "nobody's":
            return []
        order = self._goods.shop.order(item.document.order_key)
        standing = [each for each in order.fulfillments or () if each.state != "Cancelled"]
        tracking = ", ".join(item.document.tracking_numbers)
        return [
            "whole" if each.state == "Shipped" and each.tracking_code == tracking else "half"
            for each in standing
        ]

    def amended(self, item: Item[Fulfillment], remote: str) -> Item[Fulfillment]:
        tracking = tuple(f"{number}-new" for number in item.document.tracking_numbers)
        document = msgspec.structs.replace(item.document, tracking_numbers=tracking)
        return Item(key=item.key, document=document, remote=remote)

    def _item(self, order: str, number: str, line: str) -> Item[Fulfillment]:
        self._made += 1
        key = f"PKG-{self._made}"
        fulfillment = Fulfillment(
            order_key=order,
            order_number=number,
            package_key=key,
            lines=(FulfillmentLine(order_line=line, quantity=2),),
            carrier="UPS",
            tracking_numbers=(f"1Z{self._made}",),
        )
        return Item(key=key, document=fulfillment)


class Levels:
    """A `LocatedBench`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def items(self, count: int) -> Sequence[Item[Level]]:
        skus = self._goods.new(count)
        return [Item(key=sku, document=Level(sku=sku, available=7)) for sku in skus]

    async def refused(self) -> Item[Level]:
        return Item(key="NOT-SOLD", document=Level(sku="NOT-SOLD", available=7))

    async def effects(self, item: Item[Level]) -> Sequence[Effect]:
        found = self._goods.shop.stock([item.document.sku])
        shown = [
            level.stock_on_hand - level.stock_allocated
            for variant in found.values()
            for level in variant.stock_levels
        ]
        return ["whole"] if shown == [item.document.available] else []

    nowhere = "Nowhere"

    async def locations(self) -> tuple[str, str]:
        shop = self._goods.shop
        if isinstance(shop, FakeShop):
            shop.locations.append({"id": "8", "name": "Annex"})
            return shop.locations[0]["id"], "Annex"
        return shop.location_id, shop.add_stock_location(f"Annex {shop.code}")

    async def shows(self, location: str, sku: str) -> int | None:
        key = "8" if location == "Annex" else location
        levels = [one for each in self._goods.shop.stock([sku]).values() for one in each.stock_levels]
        here = [one.stock_on_hand - one.stock_allocated for one in levels if one.stock_location_id == key]
        return here[0] if here else None


@asynccontextmanager
async def vendure_double() -> AsyncIterator[Rig[Any]]:
    """The double, entered by password."""
    async with fake_vendure() as server:
        server.shop.now -= timedelta(days=1)

        def table(port: int) -> dict[str, object]:
            return {
                "url": f"http://127.0.0.1:{port}/admin-api",
                "username": server.user[0],
                "password": {"secret": "shop"},
                "channel": server.token,
                "allow_private_address": True,
            }

        async def trace() -> object:
            shop = server.shop
            return repr((shop.orders_by_id, shop.products, shop.variants, shop.fulfillments))

        yield _rig(server.shop, server.port, table, trace, server.user[1], now_s=NOW_S)


@asynccontextmanager
async def vendure_real(shop: VendureShop) -> AsyncIterator[Rig[Any]]:
    """A shop on the real server, with an administrator whose password is none of the server's names."""
    email, password = f"owner@{shop.code}.example.com", "correct horse battery"
    shop.add_administrator(email, password)

    def table(port: int) -> dict[str, object]:
        return {
            "url": f"http://127.0.0.1:{port}/admin-api",
            "username": email,
            "password": {"secret": "shop"},
            "channel": shop.channel.token,
            "allow_private_address": True,
        }

    async def trace() -> object:
        return shop.orders(), shop.made(), shop.stock()

    port = int(shop.url.rpartition(":")[2].rstrip("/"))
    yield _rig(shop, port, table, trace, password, now_s=None)


def _rig(shop: Shop, port: int, table: Any, trace: Any, password: str, *, now_s: float | None) -> Rig[Any]:
    goods = Goods(shop)
    benches = {
        Part.ORDERS: Orders(goods),
        Part.SHIPMENTS: Fulfillments(goods),
        Part.INVENTORY: Levels(goods),
        Part.PRODUCTS: Products(goods),
        Part.CATALOGUE: Catalogue(goods),
    }
    return Rig(
        port=port,
        table=table,
        secrets={"shop": password},
        wrong_secrets={"shop": "another password"},
        trace=trace,
        benches=benches,
        now_s=now_s,
        quick=now_s is not None,
    )
