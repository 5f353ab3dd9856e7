"""Rigs for WooCommerce, over the strict double: told of packages in each of the three ways."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from dropstreamd.model.handover import Item
from dropstreamd.model.products import Product
from dropstreamd.model.returns import ReturnedLine, ReturnReceipt
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.fakes.woocommerce import KEY, SECRET, fake_woocommerce
from tests.fakes.woocommerce_rows import FATAL, Row, field
from tests.fakes.woocommerce_shop import WooShop

from . import benches

TAKEN_GTIN = "4006381333931"
REFUSED = Product(key="REFUSED", sku="REFUSED", gtin=TAKEN_GTIN)


def settings(port: int) -> dict[str, object]:
    return {
        "url": f"http://127.0.0.1:{port}",
        "consumer_key": KEY,
        "consumer_secret": {"secret": "shop"},
        "allow_private_address": True,
        "calls_per_s": 100.0,
    }


class Goods(benches.Sold[WooShop]):
    """Products and variations in turn."""

    def __init__(self, shop: WooShop) -> None:
        self._parents = benches.Names("ALL-{}")
        super().__init__(shop)
        shop.add_product("TAKEN", global_unique_id=TAKEN_GTIN)

    def sell(self, skus: Sequence[str]) -> None:
        (name,) = self._parents.new(1)
        parent = self.shop.add_variable(name, skus[1::2])
        assert parent["id"]
        for sku in skus[::2]:
            self.shop.add_product(sku, 100)

    def place(self, count: int) -> list[Row]:
        """Orders, all placed in one second."""
        return [self.shop.place({self.sku: 3}) for _ in range(count)]

    def products(self, sku: str) -> list[Row]:
        return [each for each in self.shop.products.values() if each["sku"] == sku]

    def shown(self, sku: str) -> int | None:
        there = self.products(sku)
        return there[0]["stock_quantity"] if there else None

    def drafts(self, wanted: Product) -> list[bool]:
        return [each["status"] == "draft" for each in self.products(wanted.sku)]


class Orders(benches.OrdersByNumber):
    """A `FragileBench[Order]`."""

    many = 101

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        return [made["number"] for made in self._goods.place(count)]

    async def change(self, name: str) -> None:
        self._goods.shop.refund(self._goods.shop.orders[int(name)], 0, 1)

    async def cancel(self, name: str) -> None:
        self._goods.shop.set_status(self._goods.shop.orders[int(name)], "cancelled")

    async def fail_over(self, name: str) -> None:
        self._goods.shop.orders[int(name)][FATAL] = 500

    async def mend(self, name: str) -> None:
        del self._goods.shop.orders[int(name)][FATAL]

    async def spoil(self) -> None:
        self._goods.place(1)[0]["line_items"][0]["sku"] = benches.LONG_SKU


class Fulfillments(benches.AmendedParcels[Goods]):
    """An `AmendBench[Fulfillment]`."""

    async def items(self, count: int) -> Sequence[Item[Fulfillment]]:
        placed = self.goods.place(count)
        return [self.package(str(made["id"]), str(made["line_items"][0]["id"])) for made in placed]

    async def refused(self) -> Item[Fulfillment]:
        return self.package("99999999", "1")

    async def effects(self, item: Item[Fulfillment]) -> Sequence[Effect]:
        shop, order = self.goods.shop, int(item.document.order_key)
        if shop.has_fulfillments:
            wanted = ", ".join(item.document.tracking_numbers)
            return [
                "whole" if field(each, "_tracking_number") == wanted else "half"
                for each in shop.fulfillments.get(order, [])
            ]
        if order not in shop.orders:
            return []
        kept = any(meta["key"].startswith("_dropstream_package_") for meta in shop.orders[order]["meta_data"])
        if shop.has_tracking:
            shown = [each["tracking_number"] for each in shop.trackings.get(order, [])]
            numbers = list(item.document.tracking_numbers)
            return ["whole" if kept and [each] == numbers else "half" for each in shown]
        notes = shop.notes.get(order, [])
        if not notes:
            return []
        words = f"{item.document.carrier} {', '.join(item.document.tracking_numbers)}"
        # A note cannot be changed: the last one counts.
        return ["whole" if kept and notes[-1]["note"].count(f"{words} [") else "half"]


class Products(benches.SoldProducts[Goods]):
    """A `SourceBench[Product]`."""

    many = 250

    async def change(self, name: str) -> None:
        self.goods.shop.product(name)["global_unique_id"] = "12345670"

    async def spoil(self) -> None:
        self.goods.shop.add_product(benches.LONG_SKU, 1)

    def changed(self, document: Product) -> bool:
        return document.gtin == "12345670"


class Receipts:
    """A `SinkBench[ReturnReceipt]`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._made = 0

    async def items(self, count: int) -> Sequence[Item[ReturnReceipt]]:
        return [self._item(made["id"], made["line_items"][0]["id"]) for made in self._goods.place(count)]

    async def refused(self) -> Item[ReturnReceipt]:
        return self._item(99_999_999, 1)

    async def effects(self, item: Item[ReturnReceipt]) -> Sequence[Effect]:
        notes = self._goods.shop.notes.get(int(item.document.order_key), [])
        return ["half" if each["customer_note"] else "whole" for each in notes]

    def _item(self, order: int, line: int) -> Item[ReturnReceipt]:
        self._made += 1
        receipt = ReturnReceipt(
            receipt_key=f"R-{self._made}",
            order_key=str(order),
            order_number=str(order),
            lines=(ReturnedLine(order_line=str(line), sku=self._goods.sku, quantity=2, condition="restock"),),
        )
        return Item(key=receipt.receipt_key, document=receipt)


@asynccontextmanager
async def _double(way: str) -> AsyncIterator[Rig[Any]]:
    """The double, in a shop that has this way of being told of packages."""
    async with fake_woocommerce(now=benches.YESTERDAY) as server:
        shop = server.shop
        shop.has_fulfillments, shop.has_tracking = way == "fulfillments", way == "tracking"
        goods = Goods(shop)

        async def trace() -> object:
            state = (shop.orders, shop.products, shop.fulfillments, shop.trackings, shop.notes, shop.mailed)
            return repr(state)

        yield Rig(
            port=server.port,
            table=settings,
            secrets={"shop": SECRET},
            wrong_secrets={"shop": "cs_another"},
            trace=trace,
            benches={
                Part.ORDERS: Orders(goods),
                Part.SHIPMENTS: Fulfillments(goods),
                Part.INVENTORY: benches.Levels(goods.new, goods.shown),
                Part.PRODUCTS: Products(goods),
                Part.CATALOGUE: benches.Drafts(
                    benches.Names("NEW-{}").new, goods.drafts, refused=REFUSED, weight_g=100
                ),
                Part.RECEIPTS: Receipts(goods),
            },
            now_s=benches.NOW_S,
        )


@asynccontextmanager
async def woocommerce_double() -> AsyncIterator[Rig[Any]]:
    """With WooCommerce's own fulfillments."""
    async with _double("fulfillments") as rig:
        yield rig


@asynccontextmanager
async def with_tracking() -> AsyncIterator[Rig[Any]]:
    """With the Shipment Tracking extension."""
    async with _double("tracking") as rig:
        yield rig


@asynccontextmanager
async def with_notes() -> AsyncIterator[Rig[Any]]:
    """With neither."""
    async with _double("note") as rig:
        yield rig
