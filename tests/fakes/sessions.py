"""A store account and a warehouse account, made of the fake sources and sinks."""

from collections.abc import Sequence

from dropstreamd.clock import Clock
from dropstreamd.model.handover import Writes
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.shipments import Fulfillment, Package
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import (
    Finding,
    Sample,
    Sink,
    Source,
    StockSource,
    StoreParts,
    Survey,
    WarehouseParts,
)
from tests.fakes.points import Points
from tests.fakes.sinks import FakeSink
from tests.fakes.sources import ChangesSource, FilesSource, StockFiles

KEY = Writes(repeat="key", batch=3, visible_after_s=30.0, retention_s=86_400.0)
LOOKUP = Writes(repeat="lookup", batch=3, visible_after_s=30.0)
NEVER = Writes(repeat="never", batch=1, visible_after_s=30.0)
LEVELS = Writes(repeat="key", batch=3, visible_after_s=30.0, retention_s=86_400.0)


class FakeStore:
    """A shop: its orders, the fulfillments it was told of, the levels it shows."""

    def __init__(self, clock: Clock, points: Points, *, shipments: Writes = KEY) -> None:
        self.changes: ChangesSource[Order] = ChangesSource(points)
        self.fulfilled = FakeSink(Fulfillment, shipments, clock, points)
        self.levels = FakeSink(Level, LEVELS, clock, points)

    def shows(self) -> dict[str, int]:
        """The level of each SKU that a buyer sees."""
        return {sku: level.available for sku, level in self.levels.newest().items()}


class StoreSession(StoreParts):
    """See `contract.Store`."""

    def __init__(self, store: FakeStore) -> None:
        self.orders: Source[Order] | None = store.changes.session()
        self.shipments: Sink[Fulfillment] | None = store.fulfilled
        self.inventory: Sink[Level] | None = store.levels

    async def test(self, *, write: bool) -> Sequence[Finding]:
        return [Finding(name="login", ok=True, detail="works")]

    async def survey(self) -> Survey:
        return Survey()


class FakeWarehouse:
    """A warehouse: the orders it took, the packages and the snapshots it tells."""

    def __init__(self, clock: Clock, points: Points, *, orders: Writes = LOOKUP, steps: bool = False) -> None:
        self.taken = FakeSink(OutboundOrder, orders, clock, points, steps=steps)
        self.packages: FilesSource[Package] = FilesSource(points)
        self.stock = StockFiles(points)


class WarehouseSession(WarehouseParts):
    """See `contract.Warehouse`."""

    def __init__(self, warehouse: FakeWarehouse) -> None:
        self.orders: Sink[OutboundOrder] | None = warehouse.taken
        self.shipments: Source[Package] | None = warehouse.packages.session()
        self.inventory: StockSource | None = warehouse.stock.session()

    async def test(self, *, write: bool) -> Sequence[Finding]:
        return [Finding(name="login", ok=True, detail="works")]

    async def survey(self) -> Survey:
        return Survey()

    def sample(self, name: str, content: bytes) -> Sample:
        return Sample(kind="nothing")
