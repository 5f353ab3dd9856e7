"""The rig for Medusa, over the real server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from dropstreamd.model.handover import Item
from dropstreamd.model.orders import Order
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder
from dropstreamd.model.returns import Return, ReturnedLine, ReturnReceipt
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.counterparts.medusa.copies import SOUND_PRICE
from tests.counterparts.medusa.models import Models
from tests.counterparts.medusa.shop import MedusaShop

from . import benches

STOCK = 100_000
ELSEWHERE = "Elsewhere"
WITHOUT_SKU = Product(key="without", sku="", title="A thing", weight_g=120)


class Goods:
    """What the shop sells, and its orders."""

    def __init__(self, shop: MedusaShop, models: Models) -> None:
        self.shop = shop
        self.models = models
        self._made = 0
        self._sku = ""

    @property
    def sku(self) -> str:
        """One that is there, with more units than are ever bought."""
        if not self._sku:
            (self._sku,) = self.new(1)
        return self._sku

    def names(self, count: int) -> list[str]:
        self._made += count
        return [f"{self.shop.code}-{number}" for number in range(self._made - count, self._made)]

    def new(self, count: int) -> list[str]:
        skus = self.names(count)
        self.shop.copies.products(self.models.variant, dict.fromkeys(skus, STOCK))
        return skus

    def orders(self, model: str, count: int) -> list[str]:
        return self.shop.copies.orders(model, self.sku, count)

    def line(self, order: str) -> str:
        return self.shop.order(order).items[0].id


class Orders:
    """A `FragileBench[Order]`. A name is an order's id."""

    many = 26

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        return self._goods.orders(self._goods.models.order, count)

    async def change(self, name: str) -> None:
        self._goods.shop.update_order(name, {"shipping_address": {"city": ELSEWHERE, "country_code": "us"}})

    async def cancel(self, name: str) -> None:
        self._goods.shop.cancel(name)

    async def fail_over(self, name: str) -> None:
        self._goods.shop.copies.price(name, "'{}'")

    async def mend(self, name: str) -> None:
        self._goods.shop.copies.price(name, SOUND_PRICE)

    async def spoil(self) -> None:
        (order,) = await self.add(1)
        self._goods.shop.copies.without_sku(order)

    def name(self, document: Order) -> str:
        return document.key

    def changed(self, document: Order) -> bool:
        return document.ship_to.city == ELSEWHERE


class Returns:
    """An `OrderBench[Return]`. A name is the id of the return's order; a return is changed by being
    received."""

    many = 26

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        return self._goods.orders(self._goods.models.returned, count)

    async def change(self, name: str) -> None:
        (returned,) = self._goods.shop.returns(name)
        self._goods.shop.receive(returned.id, {returned.items[0].item_id: 2})

    async def cancel(self, name: str) -> None:
        (returned,) = self._goods.shop.returns(name)
        self._goods.shop.cancel_return(returned.id)

    async def spoil(self) -> None:
        (order,) = await self.add(1)
        self._goods.shop.copies.without_sku(order)

    def name(self, document: Return) -> str:
        return document.order_key

    def changed(self, document: Return) -> bool:
        return document.status == "closed"


class Products(benches.ProductsBySku):
    """A `SourceBench[Product]`. A name is a SKU."""

    many = 101

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        return self._goods.new(count)

    async def change(self, name: str) -> None:
        (variant,) = self._goods.shop.variants([name])
        self._goods.shop.change_product(variant.product.id, {"title": benches.CHANGED})

    async def spoil(self) -> None:
        self._goods.shop.remove_sku(self._goods.new(1)[0])


class Fulfillments(benches.Parcels[Goods]):
    """A `SinkBench[Fulfillment]`."""

    async def items(self, count: int) -> Sequence[Item[Fulfillment]]:
        orders = self.goods.orders(self.goods.models.order, count)
        return [self.package(order, self.goods.line(order), number="1001") for order in orders]

    async def refused(self) -> Item[Fulfillment]:
        return self.package("order_nobodys", "ordli_nobodys", number="1001")

    async def effects(self, item: Item[Fulfillment]) -> Sequence[Effect]:
        if item.document.order_key == "order_nobodys":
            return []
        fulfillments = self.goods.shop.order(item.document.order_key).fulfillments
        return ["whole" if each.shipped_at and each.labels else "half" for each in fulfillments]


class StockedLevels(benches.Levels):
    """A `LocatedBench`."""

    def __init__(self, goods: Goods) -> None:
        super().__init__(goods.new, self._sold)
        self._goods = goods

    def _sold(self, sku: str) -> int | None:
        return self._goods.shop.sellable(sku) if self._goods.shop.items([sku]) else None

    nowhere = "sloc_nowhere"

    async def locations(self) -> tuple[str, str]:
        shop = self._goods.shop
        return shop.location_id, shop.add_location(f"Annex {shop.code}")

    async def shows(self, location: str, sku: str) -> int | None:
        levels = self._goods.shop.items([sku])[sku].location_levels
        here = [each for each in levels if each.location_id == location]
        return int(here[0].stocked_quantity - here[0].reserved_quantity) if here else None


class Receipts:
    """A `SinkBench[ReturnReceipt]`: of returns that were asked for, or of nobody's."""

    def __init__(self, goods: Goods, *, asked: bool) -> None:
        self._goods = goods
        self._asked = asked
        self._made = 0

    async def items(self, count: int) -> Sequence[Item[ReturnReceipt]]:
        models = self._goods.models
        orders = self._goods.orders(models.returned if self._asked else models.shipped, count)
        return [self._item(order, self._goods.line(order)) for order in orders]

    async def refused(self) -> Item[ReturnReceipt]:
        return self._item("order_nobodys", "ordli_nobodys")

    async def effects(self, item: Item[ReturnReceipt]) -> Sequence[Effect]:
        order = item.document.order_key
        if order == "order_nobodys":
            return []
        back = self._goods.shop.order(order).items[0].detail.return_dismissed_quantity
        begun = [each for each in self._goods.shop.changes(order) if each.status in ("pending", "requested")]
        drawn_up = [
            each
            for each in self._goods.shop.returns(order)
            if each.metadata and "dropstreamd" in each.metadata and each.status in ("open", "requested")
        ]
        effects: list[Effect] = ["whole"] * back
        effects += ["half"] * (len(begun) + len(drawn_up))
        return effects

    def _item(self, order: str, line: str) -> Item[ReturnReceipt]:
        self._made += 1
        key = f"RECEIPT-{self._made}"
        returned = self._goods.shop.returns(order) if self._asked and order != "order_nobodys" else []
        return_line = returned[0].items[0].id if returned else ""
        receipt = ReturnReceipt(
            receipt_key=key,
            order_key=order,
            order_number="1001",
            return_key=returned[0].id if returned else "",
            lines=(
                ReturnedLine(
                    order_line=line,
                    sku=self._goods.sku,
                    quantity=1,
                    condition="restock",
                    return_line=return_line,
                ),
            ),
        )
        return Item(key=key, document=receipt)


class Purchases:
    """An `AmendBench[PurchaseOrder]`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._made = 0

    async def items(self, count: int) -> Sequence[Item[PurchaseOrder]]:
        return [self._item(sku) for sku in self._goods.new(count)]

    async def refused(self) -> Item[PurchaseOrder]:
        return self._item("NOT-SOLD")

    async def effects(self, item: Item[PurchaseOrder]) -> Sequence[Effect]:
        (line,) = item.document.lines
        items = self._goods.shop.items([line.sku])
        if not items:
            return []
        (level,) = items[line.sku].location_levels
        if level.incoming_quantity == line.expected:
            return ["whole"]
        return ["half"] if items[line.sku].metadata else []

    def amended(self, item: Item[PurchaseOrder], remote: str) -> Item[PurchaseOrder]:
        (line,) = item.document.lines
        lines = (msgspec.structs.replace(line, expected=line.expected + 3),)
        document = msgspec.structs.replace(item.document, lines=lines)
        return Item(key=item.key, document=document, remote=remote)

    def _item(self, sku: str) -> Item[PurchaseOrder]:
        self._made += 1
        key = f"PO-{self._made}"
        line = PurchaseLine(key="1", sku=sku, expected=5)
        return Item(key=key, document=PurchaseOrder(key=key, number=key, status="open", lines=(line,)))


def medusa_table(shop: MedusaShop, port: int) -> dict[str, object]:
    """A table `[store]` for the shop's sales channel."""
    return {
        "url": f"http://127.0.0.1:{port}",
        "api_key": {"secret": "shop"},
        "sales_channel": shop.channel_id,
        "allow_private_address": True,
    }


@asynccontextmanager
async def medusa_real(medusa_shop: MedusaShop, medusa_models: Models) -> AsyncIterator[Rig[Any]]:
    """A shop on the real server."""
    yield _rig(medusa_shop, medusa_models, asked=True)


@asynccontextmanager
async def medusa_unasked(medusa_shop: MedusaShop, medusa_models: Models) -> AsyncIterator[Rig[Any]]:
    """The same, where nobody asks for returns."""
    yield _rig(medusa_shop, medusa_models, asked=False)


def _rig(shop: MedusaShop, models: Models, *, asked: bool) -> Rig[Any]:
    goods = Goods(shop, models)

    def drafts(wanted: Product) -> list[bool]:
        found = shop.variants([wanted.sku]) if wanted.sku else []
        return [each.product.status == "draft" for each in found]

    async def trace() -> object:
        return shop.copies.everything()

    return Rig(
        port=shop.server.port,
        table=lambda port: medusa_table(shop, port),
        secrets={"shop": shop.server.secret_key},
        wrong_secrets={"shop": "sk_another"},
        trace=trace,
        quick=False,
        benches={
            Part.ORDERS: Orders(goods),
            Part.SHIPMENTS: Fulfillments(goods),
            Part.INVENTORY: StockedLevels(goods),
            Part.PRODUCTS: Products(goods),
            Part.CATALOGUE: benches.Drafts(
                goods.names, drafts, refused=WITHOUT_SKU, title="A thing", weight_g=120
            ),
            Part.RETURNS: Returns(goods),
            Part.RECEIPTS: Receipts(goods, asked=asked),
            Part.PURCHASE_ORDERS: Purchases(goods),
        },
    )
