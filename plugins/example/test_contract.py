"""The contract suite, on the plugin and Acme's double."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from acme_double import Acme, acme_double
from dropstream_acme_wms import PLUGIN
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Item, Part
from dropstreamd.testing import Effect, Rig, contract_tests

DAY = datetime(2026, 3, 2, tzinfo=UTC)


class OrdersOf:
    """A `SinkBench`: orders to write, and what became of them in Acme's own books."""

    def __init__(self, acme: Acme) -> None:
        self._acme = acme
        self._numbers = count(1001)

    def _item(self, method: str) -> Item[OutboundOrder]:
        reference = f"SH{next(self._numbers)}"
        order = OutboundOrder(
            reference=reference,
            number=reference,
            placed_at=DAY,
            ship_to=Address(name="Ann Example", line1="1 Example Street", city="Austin", country="US"),
            ship_method=method,
            lines=(OutboundLine(number=1, order_line="1", sku="TEE", quantity=2),),
        )
        return Item(key=reference, document=order)

    async def items(self, count: int) -> Sequence[Item[OutboundOrder]]:
        return [self._item("GROUND") for _ in range(count)]

    async def refused(self) -> Item[OutboundOrder]:
        return self._item("BALLOON")

    async def effects(self, item: Item[OutboundOrder]) -> Sequence[Effect]:
        return ["whole"] if item.document.reference in self._acme.orders else []


class ShipmentsOf:
    """A `SourceBench`: packages appear, and change. A package's name is Acme's id of it."""

    many = 101  # the plugin asks for 100 at once

    def __init__(self, acme: Acme) -> None:
        self._acme = acme
        self._numbers = count(1)

    async def add(self, count: int) -> Sequence[str]:
        names = [f"P{next(self._numbers)}" for _ in range(count)]
        for name in names:
            self._acme.ship(
                {
                    "id": name,
                    "reference": f"SH-{name}",
                    "shipped_at": DAY.isoformat(),
                    "carrier": "UPS",
                    "tracking": [f"1Z{name}"],
                    "lines": [{"sku": "TEE", "units": 2, "line": 1}],
                }
            )
        return names

    async def change(self, name: str) -> None:
        self._acme.ship({**self._acme.shipments[name][1], "tracking": ["CHANGED"]})

    async def spoil(self) -> None:
        self._acme.ship({"id": "P0", "lines": "none"})

    def name(self, document: Package) -> str:
        return document.key

    def changed(self, document: Package) -> bool:
        return document.tracking_numbers == ("CHANGED",)


class StockOf:
    """A `StockBench`."""

    many = 0  # Acme's list comes whole, in one answer

    def __init__(self, acme: Acme) -> None:
        self._acme = acme
        self._hours = count(1)

    async def snapshot(self, units: Mapping[str, int]) -> None:
        self._tell([{"sku": sku, "units": number} for sku, number in units.items()])

    async def spoiled(self, units: Mapping[str, int]) -> None:
        await self.snapshot(units)
        self._acme.stock["rows"].append({"sku": "TEE", "units": "some"})

    def _tell(self, rows: list[dict[str, Any]]) -> None:
        as_of = DAY + timedelta(hours=next(self._hours))
        self._acme.stock = {"as_of": as_of.isoformat(), "rows": rows}


@asynccontextmanager
async def acme_rig() -> AsyncIterator[Rig[Any]]:
    async with acme_double() as acme:

        async def trace() -> object:
            return deepcopy((acme.orders, acme.shipments, acme.stock))

        yield Rig(
            port=acme.port,
            table=lambda port: {
                "url": f"http://127.0.0.1:{port}/v1",
                "account": "4711",
                "token": {"secret": "acme"},
            },
            secrets={"acme": acme.token},
            wrong_secrets={"acme": "acme-token-2"},
            trace=trace,
            benches={
                Part.ORDERS: OrdersOf(acme),
                Part.SHIPMENTS: ShipmentsOf(acme),
                Part.INVENTORY: StockOf(acme),
            },
        )


test_contract = contract_tests(
    PLUGIN,
    acme_rig,
    waivers={"inventory-snapshots-come-oldest-first": "Acme tells its present stock alone"},
)
