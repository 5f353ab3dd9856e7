"""A store account and a warehouse account, made of the fake sources and sinks."""

from collections.abc import Mapping, Sequence

import trio

from dropstreamd.clock import Clock
from dropstreamd.errors import Unreachable
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import Writes
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseOrder, StockNotice
from dropstreamd.model.returns import OutboundReturn, Receipt, Return, ReturnReceipt
from dropstreamd.model.shipments import Fulfillment, Package
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import (
    Finding,
    Handed,
    HandedReader,
    LevelReader,
    LocatedLevelReader,
    Rereader,
    Sample,
    Sink,
    Source,
    StockSource,
    StoreParts,
    Survey,
    WarehouseParts,
    Whereabouts,
)
from tests.fakes.points import Points
from tests.fakes.sinks import FakeSink
from tests.fakes.sources import ChangesSource, FilesSource, StockFiles

KEY = Writes(repeat="key", batch=3, visible_after_s=30.0, retention_s=86_400.0)
LOOKUP = Writes(repeat="lookup", batch=3, visible_after_s=30.0)
NEVER = Writes(repeat="never", batch=1, visible_after_s=30.0)
LEVELS = Writes(repeat="key", batch=3, visible_after_s=30.0, retention_s=86_400.0)


class FakeStore:
    """A shop: its orders, the fulfillments it was told of, the levels it shows; its products and drafts,
    the returns asked for, what it was told of came back, and of what is on its way."""

    def __init__(self, clock: Clock, points: Points, *, shipments: Writes = KEY) -> None:
        self.changes: ChangesSource[Order] = ChangesSource(points)
        self.rereads = True
        self.fulfilled = FakeSink(Fulfillment, shipments, clock, points)
        self.levels = FakeSink(Level, LEVELS, clock, points)
        self.products: ChangesSource[Product] = ChangesSource(points)
        self.drafts = FakeSink(Product, shipments, clock, points)
        self.asked: ChangesSource[Return] = ChangesSource(points)
        self.received = FakeSink(ReturnReceipt, shipments, clock, points)
        self.purchases = FakeSink(PurchaseOrder, shipments, clock, points)
        self.by_hand: dict[str, int] = {}
        """Levels that somebody else has set since."""

    def shows(self) -> dict[str, int]:
        """The level of each SKU that a buyer sees."""
        return {sku: level.available for sku, level in self.levels.newest().items()}

    def shows_at(self) -> dict[str | None, dict[str, int]]:
        """The same by location; None is the store's own one."""
        self.levels.newest()
        found: dict[str | None, dict[str, int]] = {}
        for effect in self.levels.effects:
            level = effect.document
            found.setdefault(level.location, {})[level.sku] = level.available
        return found


class ReadBack:
    """Reads what buyers see."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store

    async def read(self, skus: Sequence[str]) -> Mapping[str, int]:
        await trio.lowlevel.checkpoint()
        shown = self._store.shows() | self._store.by_hand
        return {sku: shown[sku] for sku in skus if sku in shown}


class ReadBackAt:
    """Reads what buyers see at a location."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store

    async def read_at(self, location: str, skus: Sequence[str]) -> Mapping[str, int]:
        await trio.lowlevel.checkpoint()
        shown = self._store.shows_at().get(location, {}) | self._store.by_hand
        return {sku: shown[sku] for sku in skus if sku in shown}


class StoreSession(StoreParts):
    """See `contract.Store`."""

    def __init__(self, store: FakeStore) -> None:
        self.orders: Source[Order] | None = store.changes.session()
        self.orders_again: Rereader[Order] | None = store.changes.again() if store.rereads else None
        self.shipments: Sink[Fulfillment] | None = store.fulfilled
        self.inventory: Sink[Level] | None = store.levels
        self.levels: LevelReader | None = ReadBack(store)
        self.located_levels: LocatedLevelReader | None = ReadBackAt(store)
        self.products: Source[Product] | None = store.products.session()
        self.catalogue: Sink[Product] | None = store.drafts
        self.returns: Source[Return] | None = store.asked.session()
        self.receipts: Sink[ReturnReceipt] | None = store.received
        self.purchase_orders: Sink[PurchaseOrder] | None = store.purchases

    async def test(self, *, write: bool) -> Sequence[Finding]:
        return [Finding(name="login", ok=True, detail="works")]

    async def survey(self) -> Survey:
        return Survey()


class FakeWarehouse:
    """A warehouse: the orders it took, the packages and the snapshots it tells; the returns it expects
    and what it received, the items it was told of and has, its purchase orders, those it was told of."""

    def __init__(self, clock: Clock, points: Points, *, orders: Writes = LOOKUP, steps: bool = False) -> None:
        self.taken = FakeSink(OutboundOrder, orders, clock, points, steps=steps)
        self.packages: FilesSource[Package] = FilesSource(points)
        self.stock = StockFiles(points)
        self.master = FakeSink(Product, orders, clock, points, steps=steps)
        self.items: ChangesSource[Product] = ChangesSource(points)
        self.expected = FakeSink(OutboundReturn, orders, clock, points, steps=steps)
        self.receipts: FilesSource[Receipt] = FilesSource(points)
        self.purchases: ChangesSource[PurchaseOrder] = ChangesSource(points)
        self.announced = FakeSink(StockNotice, orders, clock, points, steps=steps)
        self.words: FilesSource[Acknowledgement] = FilesSource(points)
        self.looks = False
        self.where: dict[str, Whereabouts] | None = {}
        """Whether it can be asked where an order is, and where each is by its reference; None: it cannot be
        reached."""


class Where:
    """Tells where orders are: what was set by their reference, else that they were taken."""

    def __init__(self, warehouse: FakeWarehouse) -> None:
        self._warehouse = warehouse

    async def look(self, handed: Sequence[Handed]) -> Sequence[Whereabouts]:
        await trio.lowlevel.checkpoint()
        if self._warehouse.where is None:
            raise Unreachable("the folder cannot be listed")
        taken = Whereabouts(where="taken", detail="its file was taken")
        return [self._warehouse.where.get(one.reference, taken) for one in handed]


class WarehouseSession(WarehouseParts):
    """See `contract.Warehouse`."""

    def __init__(self, warehouse: FakeWarehouse) -> None:
        self.orders: Sink[OutboundOrder] | None = warehouse.taken
        self.shipments: Source[Package] | None = warehouse.packages.session()
        self.inventory: StockSource | None = warehouse.stock.session()
        self.products: Sink[Product] | None = warehouse.master
        self.catalogue: Source[Product] | None = warehouse.items.session()
        self.returns: Sink[OutboundReturn] | None = warehouse.expected
        self.receipts: Source[Receipt] | None = warehouse.receipts.session()
        self.purchase_orders: Source[PurchaseOrder] | None = warehouse.purchases.session()
        self.stock_notices: Sink[StockNotice] | None = warehouse.announced
        self.acknowledgements: Source[Acknowledgement] | None = warehouse.words.session()
        self.handed: HandedReader | None = Where(warehouse) if warehouse.looks else None

    async def test(self, *, write: bool) -> Sequence[Finding]:
        return [Finding(name="login", ok=True, detail="works")]

    async def survey(self) -> Survey:
        return Survey()

    def sample(self, name: str, content: bytes) -> Sample:
        return Sample(kind="nothing")
