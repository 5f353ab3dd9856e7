"""The rig for a real Tryton: a warehouse of its own for every rule."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import Item
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseOrder
from dropstreamd.model.returns import OutboundReturn, Receipt
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.counterparts.tryton.receiving import PURCHASE, RETURN
from tests.counterparts.tryton.rpc import Row
from tests.counterparts.tryton.server import DATABASE, PASSWORD, USER
from tests.counterparts.tryton.shipping import OUT
from tests.counterparts.tryton.warehouse import TrytonWarehouse

from . import benches

MANY = 26


class Goods:
    """The merchant's goods: one SKU with much in stock, and one that is counted by weight."""

    def __init__(self, house: TrytonWarehouse) -> None:
        self.house = house
        self._made = 0
        self._kept: set[str] = set()

    @property
    def sku(self) -> str:
        return self._keep(f"{self.house.code}-TEE", 100_000, "u")

    @property
    def weighed(self) -> str:
        return self._keep(f"{self.house.code}-FLOUR", 50.5, "kg")

    def names(self, count: int, kind: str) -> list[str]:
        """Names that nothing has yet."""
        self._made += count
        return [f"{kind}{self.house.code}-{number}" for number in range(self._made - count, self._made)]

    def _keep(self, sku: str, units: float, unit: str) -> str:
        if sku not in self._kept:
            self._kept.add(sku)
            self.house.add_products({sku: units}, unit=unit)
        return sku


class Packages:
    """A `SourceBench[Package]`."""

    many = MANY

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._packages: dict[str, int] = {}

    async def add(self, count: int) -> Sequence[str]:
        house, names = self._goods.house, self._goods.names(count, "SO")
        made = house.fulfil(house.ship_many(names, {self._goods.sku: 2}), tracking="1Z1")
        self._packages |= dict(zip(names, made, strict=True))
        return names

    async def change(self, name: str) -> None:
        self._goods.house.track(self._packages[name], "1Z2")

    async def spoil(self) -> None:
        house = self._goods.house
        house.fulfil(house.ship_many(self._goods.names(1, "SO"), {self._goods.weighed: 1.5}))

    def name(self, document: Package) -> str:
        return document.reference

    def changed(self, document: Package) -> bool:
        return document.tracking_numbers == ("1Z2",)


class Receipts:
    """A `SourceBench[Receipt]`: known by their numbers, since a person corrects the reference."""

    many = MANY

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        return self._received(count, {self._goods.sku: 1})

    async def change(self, name: str) -> None:
        key = int(name.rpartition(".")[2])
        self._goods.house.rpc(f"{RETURN}.write", [key], {"reference": "RMA-CORRECTED"})

    async def spoil(self) -> None:
        self._received(1, {self._goods.weighed: 0.5})

    def name(self, document: Receipt) -> str:
        return document.key

    def changed(self, document: Receipt) -> bool:
        return document.reference == "RMA-CORRECTED"

    def _received(self, count: int, units: Mapping[str, float]) -> list[str]:
        house = self._goods.house
        ids = house.return_many(self._goods.names(count, "RMA"), units)
        for step in ("receive", "do"):
            house.rpc(f"{RETURN}.{step}", ids)
        return [
            f"{row['number']}.{row['id']}" for row in house.rpc.rows(RETURN, [["id", "in", ids]], "number")
        ]


class Purchases:
    """A `SourceBench[PurchaseOrder]`."""

    many = MANY

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        ids = self._goods.house.purchase_many(self._goods.names(count, "PO"), {self._goods.sku: 20})
        return [str(each) for each in ids]

    async def change(self, name: str) -> None:
        self._goods.house.receive_goods(int(name), {self._goods.sku: 5})

    async def spoil(self) -> None:
        self._goods.house.purchase_many(self._goods.names(1, "PO"), {self._goods.weighed: 2.5}, unit="kg")

    def name(self, document: PurchaseOrder) -> str:
        return document.key

    def changed(self, document: PurchaseOrder) -> bool:
        return document.status == "partially-received" and document.lines[0].received == 5


class Catalogue(benches.ProductsBySku):
    """A `SourceBench[Product]`."""

    many = MANY

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def add(self, count: int) -> Sequence[str]:
        names = self._goods.names(count, "")
        self._goods.house.add_products(dict.fromkeys(names, 0))
        return names

    async def change(self, name: str) -> None:
        self._goods.house.rename(name, benches.CHANGED)

    async def spoil(self) -> None:
        (sku,) = self._goods.names(1, "")
        self._goods.house.add_products({sku: 0})
        self._goods.house.change_sku(sku, benches.LONG_SKU)


class Acknowledgements:
    """A `SourceBench[Acknowledgement]`."""

    many = MANY

    def __init__(self, goods: Goods) -> None:
        self._goods = goods
        self._shipments: dict[str, int] = {}

    async def add(self, count: int) -> Sequence[str]:
        house, names = self._goods.house, self._goods.names(count, "SO")
        ids = house.ship_many(names, {self._goods.sku: 1})
        house.rpc(f"{OUT}.assign_try", ids)
        self._shipments |= dict(zip(names, ids, strict=True))
        return names

    async def change(self, name: str) -> None:
        self._goods.house.pick(self._shipments[name])

    async def spoil(self) -> None:
        (shipment,) = self._goods.house.ship_many([""], {self._goods.sku: 1})
        self._goods.house.assign(shipment)

    def name(self, document: Acknowledgement) -> str:
        return document.reference

    def changed(self, document: Acknowledgement) -> bool:
        return "picked" in document.reason


class Stock:
    """A `StockBench`."""

    many = 101

    def __init__(self, house: TrytonWarehouse) -> None:
        self._house = house
        self._known: set[str] = set()

    async def snapshot(self, units: Mapping[str, int]) -> None:
        house = self._house
        house.add_products(dict.fromkeys(units.keys() - self._known, 0))
        self._known |= units.keys()
        house.count(units)

    async def spoiled(self, units: Mapping[str, int]) -> None:
        await self.snapshot(units)
        self._house.add_products({"FLOUR": 2.5}, unit="kg")


class Orders:
    """A `SinkBench[OutboundOrder]`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def items(self, count: int) -> Sequence[Item[OutboundOrder]]:
        return [self._item(name, self._goods.sku) for name in self._goods.names(count, "SO")]

    async def refused(self) -> Item[OutboundOrder]:
        return self._item("SO-REFUSED", "NOT-KEPT")

    async def effects(self, item: Item[OutboundOrder]) -> Sequence[Effect]:
        rows = self._goods.house.shipments(item.document.reference)
        return [
            "whole" if row["state"] == "waiting" else "half" for row in rows if row["state"] != "cancelled"
        ]

    def _item(self, reference: str, sku: str) -> Item[OutboundOrder]:
        return benches.outbound(reference, {sku: 2}, ship_method="UPS Ground")


class Returns:
    """A `SinkBench[OutboundReturn]`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def items(self, count: int) -> Sequence[Item[OutboundReturn]]:
        return [
            benches.outbound_return(name, "SO1", self._goods.sku, 1)
            for name in self._goods.names(count, "RMA")
        ]

    async def refused(self) -> Item[OutboundReturn]:
        return benches.outbound_return("RMA-REFUSED", "SO1", "NOT-KEPT", 1)

    async def effects(self, item: Item[OutboundReturn]) -> Sequence[Effect]:
        rows = self._goods.house.returns(item.document.reference)
        return ["whole" for row in rows if row["state"] != "cancelled"]


class Products:
    """A `SinkBench[Product]`."""

    def __init__(self, goods: Goods) -> None:
        self._goods = goods

    async def items(self, count: int) -> Sequence[Item[Product]]:
        return [self._item(name) for name in self._goods.names(count, "NEW")]

    async def refused(self) -> Item[Product]:
        return self._item(" BLANKS ")

    async def effects(self, item: Item[Product]) -> Sequence[Effect]:
        rows = self._goods.house.catalogue()
        return ["whole" for row in rows if row["code"] == item.document.sku]

    def _item(self, sku: str) -> Item[Product]:
        product = Product(key=sku, sku=sku, title="A tee", option="Red", gtin="4006381333931", weight_g=120)
        return Item(key=sku, document=product)


@asynccontextmanager
async def tryton_real(tryton_warehouse: TrytonWarehouse) -> AsyncIterator[Rig[Any]]:
    """A warehouse on the real server, entered by a user who has the rights that the README names."""
    house = tryton_warehouse

    def table(port: int) -> dict[str, object]:
        return {
            "url": f"http://127.0.0.1:{port}",
            "database": DATABASE,
            "username": USER,
            "password": {"secret": "wms"},
            "customer": house.code,
            "warehouse": house.code,
            "category": house.code,
            "quarantine": [f"{house.code} quarantine"],
            "allow_private_address": True,
        }

    async def trace() -> object:
        bought: list[Row] = house.rpc.rows(
            PURCHASE, [["warehouse", "=", house.warehouse]], "state", "reference"
        )
        addresses = house.rpc.rows("party.address", [["party", "=", house.merchant]], "full_address")
        return house.shipments(), house.returns(), house.catalogue(), bought, addresses

    goods = Goods(house)
    yield Rig(
        port=house.server.port,
        table=table,
        secrets={"wms": PASSWORD},
        wrong_secrets={"wms": "another password"},
        trace=trace,
        quick=False,
        benches={
            Part.ORDERS: Orders(goods),
            Part.SHIPMENTS: Packages(goods),
            Part.INVENTORY: Stock(house),
            Part.PRODUCTS: Products(goods),
            Part.CATALOGUE: Catalogue(goods),
            Part.RETURNS: Returns(goods),
            Part.RECEIPTS: Receipts(goods),
            Part.PURCHASE_ORDERS: Purchases(goods),
            Part.ACKNOWLEDGEMENTS: Acknowledgements(goods),
        },
    )
