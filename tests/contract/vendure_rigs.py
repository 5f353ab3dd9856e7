"""Rigs for Vendure: over the strict double, and over the real server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from dropstreamd.model.handover import Item
from dropstreamd.model.products import Product
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from dropstreamd.testing.stand import NotApplicable
from tests.counterparts.vendure.records import NewOrder, Placed
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure import fake_vendure
from tests.fakes.vendure_shop import FakeShop, stamp

from . import benches

STOCK = 100_000
PAGE = 100
PRODUCTS_PAGE = 500
WITHOUT_SKU = Product(key="without", sku="", title="A new without", weight_g=120)

Shop = FakeShop | VendureShop


class Goods(benches.Sold[Shop]):
    def sell(self, skus: Sequence[str]) -> None:
        self.shop.add_products(dict.fromkeys(skus, STOCK))

    def place(self, count: int) -> list[Placed]:
        return self.shop.place_orders([NewOrder(units={self.sku: 3}) for _ in range(count)])


class Orders(benches.OrdersByNumber):
    """A `FragileBench[Order]`."""

    many = PAGE + 1

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._ids: dict[str, str] = {}
        self._customers: dict[str, object] = {}

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

    async def fail_over(self, name: str) -> None:
        if not isinstance(self._goods.shop, FakeShop):
            raise NotApplicable("the double alone is made to fail")
        row = self._goods.shop.orders_by_id[self._ids[name]]
        self._customers[name] = row["customer"]
        row["customer"] = {"firstName": None}

    async def mend(self, name: str) -> None:
        assert isinstance(self._goods.shop, FakeShop)
        self._goods.shop.orders_by_id[self._ids[name]]["customer"] = self._customers.pop(name)

    async def spoil(self) -> None:
        (sku,) = self._goods.new(1)
        self._goods.shop.place_orders([NewOrder(units={sku: 1})])
        if isinstance(self._goods.shop, FakeShop):
            self._goods.shop.orders_by_id[max(self._goods.shop.orders_by_id, key=int)]["code"] = None
        else:
            self._goods.shop.change_sku(sku, benches.LONG_SKU)


class Products(benches.SoldProducts[Goods]):
    """A `SourceBench[Product]`. A name is a SKU."""

    many = PRODUCTS_PAGE + 1

    async def change(self, name: str) -> None:
        translation = {"languageCode": "en", "name": benches.CHANGED}
        self.goods.shop.update_product(name, {"translations": [translation]})

    async def spoil(self) -> None:
        (variant,) = self.goods.shop.sold(self.goods.new(1))
        self.goods.shop.update_variants([{"id": variant.id, "sku": benches.LONG_SKU}])


class Fulfillments(benches.AmendedParcels[Goods]):
    """An `AmendBench[Fulfillment]`. The double's shop is asked, not the API."""

    async def items(self, count: int) -> Sequence[Item[Fulfillment]]:
        placed = self.goods.place(count)
        return [
            self.package(order.id, self.goods.shop.order(order.id).lines[0].id, number=order.code)
            for order in placed
        ]

    async def refused(self) -> Item[Fulfillment]:
        return self.package("99999999", "1", number="nobody's")

    async def effects(self, item: Item[Fulfillment]) -> Sequence[Effect]:
        if item.document.order_number == "nobody's":
            return []
        order = self.goods.shop.order(item.document.order_key)
        standing = [each for each in order.fulfillments or () if each.state != "Cancelled"]
        tracking = ", ".join(item.document.tracking_numbers)
        return [
            "whole" if each.state == "Shipped" and each.tracking_code == tracking else "half"
            for each in standing
        ]


class StockedLevels(benches.Levels):
    """A `LocatedBench`."""

    def __init__(self, goods: Goods) -> None:
        super().__init__(goods.new, self._sold)
        self._goods = goods

    def _sold(self, sku: str) -> int | None:
        """None, too, where it is stocked at several."""
        levels = [one for each in self._goods.shop.stock([sku]).values() for one in each.stock_levels]
        return levels[0].stock_on_hand - levels[0].stock_allocated if len(levels) == 1 else None

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

        yield _rig(server.shop, server.port, table, trace, server.user[1], now_s=benches.NOW_S)


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

    def drafts(wanted: Product) -> list[bool]:
        """Each has a title of its own: by it a product without a variant is seen."""
        draft = [(wanted.sku, False)]
        return [
            not each.enabled and [(one.sku, one.enabled) for one in each.variants] == draft
            for each in shop.made(wanted.title)
        ]

    return Rig(
        port=port,
        table=table,
        secrets={"shop": password},
        wrong_secrets={"shop": "another password"},
        trace=trace,
        benches={
            Part.ORDERS: Orders(goods),
            Part.SHIPMENTS: Fulfillments(goods),
            Part.INVENTORY: StockedLevels(goods),
            Part.PRODUCTS: Products(goods),
            Part.CATALOGUE: benches.Drafts(goods.names.new, drafts, refused=WITHOUT_SKU, weight_g=120),
        },
        now_s=now_s,
        quick=now_s is not None,
    )
