"""A rig for Amazon, over the strict double."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from dropstreamd.clock import VirtualClock
from dropstreamd.model.handover import Item
from dropstreamd.model.returns import Return
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.fakes.amazon import HERE, SELLER, FakeAmazon, fake_amazon
from tests.fakes.amazon_seller import AmazonSeller, Row

from . import benches

NOW_S = 1_800_500_000.0
AGE_S = 300.0


def settings(server: FakeAmazon, port: int) -> dict[str, object]:
    return {
        "region": "na",
        "seller": SELLER,
        "marketplaces": [HERE],
        "client_id": server.client[0],
        "client_secret": {"secret": "app"},
        "refresh_token": {"secret": "grant"},
        "url": f"http://127.0.0.1:{port}",
        "login_url": f"http://127.0.0.1:{port}/auth/o2/token",
        "allow_private_address": True,
    }


class Orders(benches.OrdersByNumber):
    """An `OrderBench[Order]`."""

    many = 101

    def __init__(self, seller: AmazonSeller) -> None:
        self._seller = seller

    async def add(self, count: int) -> Sequence[str]:
        at = self._seller.now()
        return [self._seller.place({"A": 3}, at=at)["orderId"] for _ in range(count)]

    async def change(self, name: str) -> None:
        order = self._seller.orders[name]
        order["orderItems"][0]["fulfillment"]["quantityUnfulfilled"] = 2
        self._seller.touch(order)

    async def cancel(self, name: str) -> None:
        self._seller.cancel(self._seller.orders[name])

    async def spoil(self) -> None:
        order = self._seller.place({"A": 1})
        order["orderItems"][0]["product"]["sellerSku"] = benches.LONG_SKU


class Shipments(benches.AmendedParcels[AmazonSeller]):
    """An `AmendBench[Fulfillment]`."""

    async def items(self, count: int) -> Sequence[Item[Fulfillment]]:
        return [self._item(self.goods.place({"A": 3})) for _ in range(count)]

    async def refused(self) -> Item[Fulfillment]:
        item = self._item(self.goods.place({"A": 3}))
        return Item(key=item.key, document=msgspec.structs.replace(item.document, order_key="999-nobodys"))

    async def effects(self, item: Item[Fulfillment]) -> Sequence[Effect]:
        order = self.goods.orders.get(item.document.order_key, {"packages": []})
        (wanted,) = item.document.tracking_numbers
        return ["whole" if each["trackingNumber"] == wanted else "half" for each in order["packages"]]

    def _item(self, order: Row) -> Item[Fulfillment]:
        return self.package(order["orderId"], order["orderItems"][0]["orderItemId"])


class OwnLevels(benches.Levels):
    """A `SinkBench[Level]`: what Amazon fulfills itself is refused."""

    def __init__(self, seller: AmazonSeller) -> None:
        super().__init__(self._listed, self._sold)
        self._seller = seller
        self._names = benches.Names("SKU-{}")

    def _listed(self, count: int) -> list[str]:
        skus = self._names.new(count)
        for sku in skus:
            self._seller.list_sku(sku, 100)
        return skus

    async def refused(self) -> Item[Level]:
        self._seller.list_sku("AMAZONS", None, channel="AMAZON_NA")
        return Item(key="AMAZONS", document=Level(sku="AMAZONS", available=7))

    def _sold(self, sku: str) -> int | None:
        return self._seller.shown(sku) if sku in self._seller.listings else None


class Products(benches.ProductsBySku):
    """A `SourceBench[Product]`."""

    many = 21

    def __init__(self, seller: AmazonSeller) -> None:
        self._seller = seller
        self._names = benches.Names("ITEM-{}")

    async def add(self, count: int) -> Sequence[str]:
        names = self._names.new(count)
        for name in names:
            self._seller.list_sku(name, 5)
        return names

    async def change(self, name: str) -> None:
        self._seller.listings[name]["title"] = benches.CHANGED

    async def spoil(self) -> None:
        self._seller.list_sku(benches.LONG_SKU, 1)


class Returns:
    """An `OrderBench[Return]`. A name is an RMA number; a change takes one of two units off."""

    many = 101

    def __init__(self, seller: AmazonSeller) -> None:
        self._seller = seller
        self._rows: dict[str, Row] = {}

    async def add(self, count: int) -> Sequence[str]:
        rows = [self._seller.ask_back(self._seller.place({"A": 3}), 2) for _ in range(count)]
        self._rows |= {row["Amazon RMA ID"]: row for row in rows}
        return [row["Amazon RMA ID"] for row in rows]

    async def change(self, name: str) -> None:
        self._rows[name]["Return quantity"] = "1"

    async def cancel(self, name: str) -> None:
        self._rows[name]["Return request status"] = "Closed"

    async def spoil(self) -> None:
        self._seller.ask_back(self._seller.place({"A": 1}), Merchant_SKU=benches.LONG_SKU)

    def name(self, document: Return) -> str:
        return document.number

    def changed(self, document: Return) -> bool:
        return document.lines[0].quantity == 1


@asynccontextmanager
async def amazon_double() -> AsyncIterator[Rig[Any]]:
    """The double, with usage plans that the suite does not have to wait for. What happens there happens some
    minutes ago: Amazon tells nothing younger."""
    async with fake_amazon(VirtualClock(NOW_S), lax=True) as server:
        seller = server.seller
        seller.age_s = AGE_S
        seller.report_s = 0.0

        async def trace() -> object:
            return repr((seller.orders, seller.listings, seller.feeds))

        yield Rig(
            port=server.port,
            table=lambda port: settings(server, port),
            secrets={"app": server.client[1], "grant": server.client[2]},
            wrong_secrets={"app": "another secret", "grant": "Atzr|another"},
            trace=trace,
            benches={
                Part.ORDERS: Orders(seller),
                Part.SHIPMENTS: Shipments(seller),
                Part.INVENTORY: OwnLevels(seller),
                Part.PRODUCTS: Products(seller),
                Part.RETURNS: Returns(seller),
            },
            now_s=NOW_S,
        )
