"""A rig for ShipHero, over the strict double."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import Item
from dropstreamd.model.orders import OutboundLine, OutboundOrder
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseOrder
from dropstreamd.model.returns import OutboundReturn, Receipt
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Part
from dropstreamd.testing import Effect, Rig
from tests.fakes.shiphero import FakeShipHero, fake_shiphero
from tests.fakes.shiphero_house import WAREHOUSE, House, Row, lines_of
from tests.fakes.shiphero_root import NOT_KEPT

from . import benches

SKU = "TEE-RED-M"
OTHER_SKU = "MUG"


def settings(server: FakeShipHero, port: int) -> dict[str, object]:
    return {
        "user": server.user,
        "refresh_token": {"secret": "wms"},
        "warehouse": WAREHOUSE,
        "return_carrier": "usps",
        "return_method": "usps-priority",
        "url": f"http://127.0.0.1:{port}",
        "allow_private_address": True,
    }


class Named:
    """Rows of the house by names of their own."""

    def __init__(self, house: House, kind: str) -> None:
        self.house = house
        self.names = benches.Names(f"{kind}{{}}").new
        self.rows: dict[str, Row] = {}


class Packages(Named):
    """A `SourceBench[Package]`."""

    many = 51

    async def add(self, count: int) -> Sequence[str]:
        names = self.names(count)
        for name in names:
            self.rows[name] = self.house.ship(self.house.order(name, {SKU: 2}), None, f"1Z{name}")
        return names

    async def change(self, name: str) -> None:
        self.rows[name]["shipping_labels"][0]["tracking_number"] = "1Z2"

    async def spoil(self) -> None:
        (name,) = self.names(1)
        self.house.ship(self.house.order(name, {benches.LONG_SKU: 1}), None, "1Z")

    def name(self, document: Package) -> str:
        return document.reference

    def changed(self, document: Package) -> bool:
        return document.tracking_numbers == ("1Z2",)


class Acknowledgements(Named):
    """A `SourceBench[Acknowledgement]`."""

    many = 51

    async def add(self, count: int) -> Sequence[str]:
        names = self.names(count)
        self.rows |= {name: self.house.order(name, {SKU: 1}) for name in names}
        return names

    async def change(self, name: str) -> None:
        self.rows[name]["fulfillment_status"] = "To be packed"
        self.house.touch(self.rows[name])

    async def spoil(self) -> None:
        self.house.order("", {SKU: 1})

    def name(self, document: Acknowledgement) -> str:
        return document.reference

    def changed(self, document: Acknowledgement) -> bool:
        return "To be packed" in document.reason


class Stock:
    """A `StockBench`."""

    many = 101

    def __init__(self, house: House) -> None:
        self._house = house

    async def snapshot(self, units: Mapping[str, int]) -> None:
        self._house.count(units)

    async def spoiled(self, units: Mapping[str, int]) -> None:
        self._house.count({**units, benches.LONG_SKU: 1})


class Catalogue(benches.ProductsBySku, Named):
    """A `SourceBench[Product]`."""

    many = 101

    async def add(self, count: int) -> Sequence[str]:
        names = self.names(count)
        self.rows |= {name: self.house.add_product(name) for name in names}
        return names

    async def change(self, name: str) -> None:
        self.rows[name]["name"] = benches.CHANGED
        self.house.touch(self.rows[name])

    async def spoil(self) -> None:
        self.house.add_product(benches.LONG_SKU)


class Purchases(Named):
    """A `SourceBench[PurchaseOrder]`."""

    many = 26

    async def add(self, count: int) -> Sequence[str]:
        names = self.names(count)
        self.rows |= {name: self.house.purchase(name, {SKU: 20}) for name in names}
        return names

    async def change(self, name: str) -> None:
        line = self.rows[name]["line_items"][0]
        line |= {"quantity_received": 4, "quantity_rejected": 1, "updated_at": self.house.now}

    async def spoil(self) -> None:
        self.house.purchase(self.names(1)[0], {benches.LONG_SKU: 1})

    def name(self, document: PurchaseOrder) -> str:
        return document.number

    def changed(self, document: PurchaseOrder) -> bool:
        (line,) = document.lines
        return (document.status, line.received, line.damaged) == ("partially-received", 5, 1)


class Receipts(Named):
    """A `SourceBench[Receipt]`."""

    many = 51

    async def add(self, count: int) -> Sequence[str]:
        return [self._received(name, SKU) for name in self.names(count)]

    async def change(self, name: str) -> None:
        self.rows[name]["line_items"][0]["quantity_received"] = 2

    async def spoil(self) -> None:
        self._received(self.names(1)[0], benches.LONG_SKU)

    def name(self, document: Receipt) -> str:
        return document.reference

    def changed(self, document: Receipt) -> bool:
        return sum(line.quantity for line in document.lines) == 2

    def _received(self, name: str, sku: str) -> str:
        back = self.house.send_back(self.house.order(f"SO-{name}", {sku: 2}), {sku: 2}, reference=name)
        back["line_items"][0] |= {"quantity_received": 1, "restock": 1}
        self.rows[name] = back
        return name


class Orders(Named):
    """An `AmendBench[OutboundOrder]`."""

    async def items(self, count: int) -> Sequence[Item[OutboundOrder]]:
        self.house.count(dict.fromkeys((SKU, OTHER_SKU, "CAP"), 100))
        return [self._item(name, SKU) for name in self.names(count)]

    async def refused(self) -> Item[OutboundOrder]:
        return self._item("REFUSED", NOT_KEPT)

    async def effects(self, item: Item[OutboundOrder]) -> Sequence[Effect]:
        order = item.document
        wanted = {line.sku: line.quantity for line in order.lines}
        return [
            "whole"
            if lines_of(row["line_items"]) == wanted and row["shipping_address"]["city"] == order.ship_to.city
            else "half"
            for row in self.house.orders.values()
            if row["partner_order_id"] == order.reference and row["fulfillment_status"] != "canceled"
        ]

    def amended(self, item: Item[OutboundOrder], remote: str) -> Item[OutboundOrder]:
        order = item.document
        lines = (
            msgspec.structs.replace(order.lines[1], number=1, quantity=5),
            OutboundLine(number=2, order_line="9", sku="CAP", quantity=1),
        )
        moved = msgspec.structs.replace(order.ship_to, city="Shelbyville")
        document = msgspec.structs.replace(order, lines=lines, ship_to=moved, gift_message="Enjoy")
        return Item(key=item.key, document=document, remote=remote)

    def _item(self, reference: str, sku: str) -> Item[OutboundOrder]:
        return benches.outbound(reference, {sku: 2, OTHER_SKU: 1}, ship_method="ups/ups-ground")


class Items(Named):
    """A `SinkBench[Product]`."""

    async def items(self, count: int) -> Sequence[Item[Product]]:
        return [self._item(name) for name in self.names(count)]

    async def refused(self) -> Item[Product]:
        return self._item("REFUSED")

    async def effects(self, item: Item[Product]) -> Sequence[Effect]:
        wanted = item.document
        return [
            "whole" if row["name"] == wanted.title and row["warehouse_products"] else "half"
            for row in self.house.products.values()
            if row["sku"] == wanted.sku
        ]

    def _item(self, name: str) -> Item[Product]:
        return Item(key=name, document=Product(key=name, sku=name, title=f"The {name}", gtin="4006381333931"))


class Returns(Named):
    """A `SinkBench[OutboundReturn]`."""

    async def items(self, count: int) -> Sequence[Item[OutboundReturn]]:
        return [
            benches.outbound_return(name, self._sold(name), SKU, 2, sender=benches.BUYER)
            for name in self.names(count)
        ]

    async def refused(self) -> Item[OutboundReturn]:
        return benches.outbound_return("RMA-REFUSED", "SO-NOBODY'S", SKU, 2, sender=benches.BUYER)

    async def effects(self, item: Item[OutboundReturn]) -> Sequence[Effect]:
        found = [row for row in self.house.returns.values() if row["partner_id"] == item.document.reference]
        return ["whole" if row["line_items"][0]["quantity"] == 2 else "half" for row in found]

    def _sold(self, name: str) -> str:
        return str(self.house.order(f"SO-{name}", {SKU: 3})["partner_order_id"])


@asynccontextmanager
async def shiphero_double() -> AsyncIterator[Rig[Any]]:
    """The double, with credits that the suite does not have to wait for."""
    async with fake_shiphero(benches.NOW_S) as server:
        house = server.house

        async def trace() -> object:
            return house.trace()

        yield Rig(
            port=server.port,
            table=lambda port: settings(server, port),
            secrets={"wms": server.refresh_token},
            wrong_secrets={"wms": "another token"},
            trace=trace,
            benches={
                Part.ORDERS: Orders(house, "SO"),
                Part.SHIPMENTS: Packages(house, "SH"),
                Part.INVENTORY: Stock(house),
                Part.PRODUCTS: Items(house, "NEW-"),
                Part.CATALOGUE: Catalogue(house, "SKU-"),
                Part.RETURNS: Returns(house, "RMA"),
                Part.RECEIPTS: Receipts(house, "R"),
                Part.PURCHASE_ORDERS: Purchases(house, "PO"),
                Part.ACKNOWLEDGEMENTS: Acknowledgements(house, "AK"),
            },
            now_s=benches.NOW_S,
        )
