"""A rig for Shopify, over the strict double."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from dropstreamd.model.handover import Item
from dropstreamd.model.products import Product
from dropstreamd.model.returns import Return, ReturnedLine, ReturnReceipt
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.fakes.shopify import FakeShopify, fake_shopify
from tests.fakes.shopify_shop import DOMAIN, ELSEWHERE, HERE, Row, ShopifyShop

from . import benches


def settings(server: FakeShopify, port: int) -> dict[str, object]:
    return {
        "shop": DOMAIN,
        "locations": {HERE: "main"},
        "client_id": server.client[0],
        "client_secret": {"secret": "shop"},
        "url": f"http://127.0.0.1:{port}",
        "allow_private_address": True,
    }


class Goods(benches.Sold[ShopifyShop]):
    def sell(self, skus: Sequence[str]) -> None:
        self.shop.add_products(dict.fromkeys(skus, 100))

    def place(self, count: int) -> list[Row]:
        """Fulfillment orders, all placed in one second."""
        placed = [self.shop.place({self.sku: 3}) for _ in range(count)]
        for made in placed:
            self.shop.touch_now(made, made["order"])
        return placed


class Orders(benches.OrdersByNumber):
    """An `OrderBench[Order]`."""

    many = 101

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._made: dict[str, Row] = {}

    async def add(self, count: int) -> Sequence[str]:
        placed = self._goods.place(count)
        self._made |= {made["order"]["name"]: made for made in placed}
        return [made["order"]["name"] for made in placed]

    async def change(self, name: str) -> None:
        self._goods.shop.refund(self._made[name], 0, 1)

    async def cancel(self, name: str) -> None:
        self._goods.shop.cancel(self._made[name])

    async def spoil(self) -> None:
        made = self._goods.place(1)[0]
        made["lineItems"][0]["sku"] = benches.LONG_SKU


class Fulfillments(benches.AmendedParcels[Goods]):
    """An `AmendBench[Fulfillment]`."""

    async def items(self, count: int) -> Sequence[Item[Fulfillment]]:
        return [
            self.package(made["id"], made["lineItems"][0]["lineItem"]["id"], number=made["order"]["name"])
            for made in self.goods.place(count)
        ]

    async def refused(self) -> Item[Fulfillment]:
        nobodys = "gid://shopify/FulfillmentOrder/99999999"
        return self.package(nobodys, "gid://shopify/LineItem/1", number="#nobody's")

    async def effects(self, item: Item[Fulfillment]) -> Sequence[Effect]:
        made = self.goods.shop.rows.get(item.document.order_key, {"fulfillments": []})
        wanted = list(item.document.tracking_numbers)
        return [
            "whole" if [one["number"] for one in each["trackingInfo"]] == wanted else "half"
            for each in made["fulfillments"]
        ]


class StockedLevels(benches.Levels):
    """A `LocatedBench`."""

    def __init__(self, goods: Goods) -> None:
        super().__init__(self._stock, self._sold)
        self._goods = goods
        self._stocked: list[str] = []

    def _stock(self, count: int) -> list[str]:
        skus = self._goods.new(count)
        for sku in skus:
            for location in self._stocked:
                self._goods.shop.variants(sku)[0]["inventoryItem"]["levels"][location] = 1
        return skus

    def _sold(self, sku: str) -> int | None:
        return self._goods.shop.stock(sku) if self._goods.shop.variants(sku) else None

    nowhere = "gid://shopify/Location/404"

    async def locations(self) -> tuple[str, str]:
        self._stocked.append(ELSEWHERE)
        return HERE, ELSEWHERE

    async def shows(self, location: str, sku: str) -> int | None:
        return self._goods.shop.stock(sku, location)


class Products(benches.SoldProducts[Goods]):
    """A `SourceBench[Product]`."""

    many = 251

    async def change(self, name: str) -> None:
        (variant,) = self.goods.shop.variants(name)
        variant["product"]["title"] = benches.CHANGED
        self.goods.shop.touch(variant)

    async def spoil(self) -> None:
        self.goods.shop.add_variant(benches.LONG_SKU, 1)


class Returns:
    """An `OrderBench[Return]`."""

    many = 11

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._made: dict[str, Row] = {}

    def shipped(self) -> Row:
        (made,) = self._goods.place(1)
        line = made["lineItems"][0]
        self._goods.shop.fulfill(made, {line["id"]: 3}, {"number": "1Z"})
        return made

    async def add(self, count: int) -> Sequence[str]:
        rows = [self._goods.shop.ask_back(self.shipped(), 2) for _ in range(count)]
        self._made |= {row["name"]: row for row in rows}
        return [row["name"] for row in rows]

    async def change(self, name: str) -> None:
        self._made[name]["returnLineItems"][0]["quantity"] = 1

    async def cancel(self, name: str) -> None:
        self._made[name]["status"] = "CANCELED"

    async def spoil(self) -> None:
        row = self._goods.shop.ask_back(self.shipped())
        sold = row["returnLineItems"][0]["fulfillmentLineItem"]
        sold["lineItem"] = {**sold["lineItem"], "sku": benches.LONG_SKU}

    def name(self, document: Return) -> str:
        return document.number

    def changed(self, document: Return) -> bool:
        return document.lines[0].quantity == 1


class Receipts:
    """A `SinkBench[ReturnReceipt]`."""

    def __init__(self, goods: Goods, returns: Returns) -> None:
        self._goods = goods
        self._returns = returns
        self._made = 0

    async def items(self, count: int) -> Sequence[Item[ReturnReceipt]]:
        return [self._item(self._goods.shop.ask_back(self._returns.shipped(), 2)) for _ in range(count)]

    async def refused(self) -> Item[ReturnReceipt]:
        item = self._item(self._goods.shop.ask_back(self._returns.shipped(), 2))
        return Item(key=item.key, document=msgspec.structs.replace(item.document, return_key=""))

    async def effects(self, item: Item[ReturnReceipt]) -> Sequence[Effect]:
        key = item.document.return_key
        if not key:
            return []
        (reverse,) = self._goods.shop.rows[key]["reverseFulfillmentOrders"]
        return [
            "whole" if (one["type"], one["quantity"]) == ("NOT_RESTOCKED", 2) else "half"
            for one in reverse["lineItems"][0]["dispositions"]
        ]

    def _item(self, row: Row) -> Item[ReturnReceipt]:
        self._made += 1
        line = row["returnLineItems"][0]
        sold = line["fulfillmentLineItem"]["lineItem"]
        receipt = ReturnReceipt(
            receipt_key=f"R-{self._made}",
            order_key="gid://shopify/FulfillmentOrder/1",
            order_number=row["order"]["name"],
            return_key=row["id"],
            return_number=row["name"],
            lines=(
                ReturnedLine(
                    order_line=sold["id"],
                    sku=sold["sku"],
                    quantity=2,
                    condition="restock",
                    return_line=line["id"],
                ),
            ),
        )
        return Item(key=receipt.receipt_key, document=receipt)


@asynccontextmanager
async def shopify_double() -> AsyncIterator[Rig[Any]]:
    """The double, with a bucket that the suite does not have to wait for."""
    async with fake_shopify(now=benches.YESTERDAY) as server:
        goods = Goods(server.shop)
        returns = Returns(goods)

        def drafts(wanted: Product) -> list[bool]:
            return [each["product"]["status"] == "DRAFT" for each in goods.shop.variants(wanted.sku)]

        async def trace() -> object:
            return {key: repr({**row, "order": None}) for key, row in server.shop.rows.items()}

        yield Rig(
            port=server.port,
            table=lambda port: settings(server, port),
            secrets={"shop": server.client[1]},
            wrong_secrets={"shop": "another secret"},
            trace=trace,
            benches={
                Part.ORDERS: Orders(goods),
                Part.SHIPMENTS: Fulfillments(goods),
                Part.INVENTORY: StockedLevels(goods),
                Part.PRODUCTS: Products(goods),
                Part.CATALOGUE: benches.Drafts(benches.Names("NEW-{}").new, drafts),
                Part.RETURNS: returns,
                Part.RECEIPTS: Receipts(goods, returns),
            },
            now_s=benches.NOW_S,
        )
