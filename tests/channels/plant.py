"""A small merchant on real state: connections, one warehouse account, fake platforms, one run at a time."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import msgspec
import trio
import trio.testing
from msgspec.structs import replace

from dropstreamd.channels import jobs, older, orders
from dropstreamd.channels.life import Life, life_of
from dropstreamd.channels.older import Agreed
from dropstreamd.channels.run import Run, Scope
from dropstreamd.clock import VirtualClock, utc
from dropstreamd.config.schema import Connection, StoreAccount, WarehouseAccount
from dropstreamd.model.acknowledgements import Acknowledgement, Verdict
from dropstreamd.model.handover import Writes
from dropstreamd.model.ids import Ids
from dropstreamd.model.orders import Address, Order, OrderLine, OrderStatus
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder, PurchaseStatus
from dropstreamd.model.returns import Condition, Receipt, ReceiptLine, Return, ReturnLine, ReturnStatus
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import Part, StockPage, Store, Warehouse
from dropstreamd.platform.limiter import Priority
from dropstreamd.store import documents
from dropstreamd.store.base import Store as State
from dropstreamd.store.records import Document, Flow, Task
from dropstreamd.supervisor.feed import WarehouseFeed
from tests.fakes.points import PointedStore, Points
from tests.fakes.sessions import KEY, LOOKUP, FakeStore, FakeWarehouse, StoreSession, WarehouseSession
from tests.store.owners import check_owners

START_S = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
ENABLED_S = START_S - 3600

HOME = Address(name="A. Buyer", line1="1 Main St", city="Springfield", postal_code="01101", country="US")


class NoSettings(msgspec.Struct, frozen=True):
    """Of a platform that needs none."""


ACCOUNT = WarehouseAccount(
    merchant="acme",
    name="main",
    platform="fake",
    settings=NoSettings(),
    account_key="fake:acme",
    timezone=ZoneInfo("America/Chicago"),
    quantity="available",
)


def connection(name: str = "shop", **changed: object) -> Connection:
    plain = Connection(
        id=f"c-{name}",
        name=name,
        merchant="acme",
        warehouse="main",
        timezone=ZoneInfo("UTC"),
        reference=f"{name[:2].upper()}{{number}}",
        store=StoreAccount(platform="fake", settings=NoSettings(), account_key=f"fake:{name}"),
        schedules={},
        methods={"Standard": "GND"},
    )
    return replace(plain, **changed)


def order(
    number: str,
    *lines: tuple[str, int] | OrderLine,
    placed_s: float = START_S,
    status: OrderStatus = "open",
    method: str = "Standard",
    **changed: object,
) -> Order:
    """An order of that number; each line is a SKU and a quantity. Its lines are L1, L2 …"""
    made = Order(
        key=f"o{number}",
        number=number,
        status=status,
        placed_at=utc(placed_s),
        updated_at=utc(placed_s),
        ship_to=HOME,
        ship_method=method,
        lines=tuple(
            line if isinstance(line, OrderLine) else OrderLine(key=f"L{at}", sku=line[0], quantity=line[1])
            for at, line in enumerate(lines or (("A", 1),), start=1)
        ),
    )
    return replace(made, **changed)


def package(key: str, reference: str, *lines: tuple[str, int], tracking: str = "1Z1") -> Package:
    return Package(
        key=key,
        reference=reference,
        lines=tuple(PackageLine(sku=sku, quantity=quantity) for sku, quantity in lines),
        carrier="UPS",
        tracking_numbers=(tracking,) if tracking else (),
    )


def asked_back(
    number: str,
    *lines: tuple[str, int],
    order_key: str = "o1",
    asked_s: float = START_S,
    status: ReturnStatus = "open",
    tracking: str = "",
) -> Return:
    """A return of that number, of the order's lines L1, L2 …; each line is a SKU and a quantity."""
    return Return(
        key=f"r{number}",
        number=number,
        order_key=order_key,
        order_number=order_key.removeprefix("o"),
        status=status,
        requested_at=utc(asked_s),
        updated_at=utc(asked_s),
        lines=tuple(
            ReturnLine(key=f"RL{at}", order_line=f"L{at}", sku=sku, quantity=units)
            for at, (sku, units) in enumerate(lines or (("A", 1),), start=1)
        ),
        tracking_numbers=(tracking,) if tracking else (),
    )


def came_back(key: str, *lines: tuple[str, int, Condition] | ReceiptLine, **named: object) -> Receipt:
    """A receipt; each line is a SKU, a quantity and a condition. `named` is what it is known by."""
    plain = Receipt(
        key=key,
        lines=tuple(
            line
            if isinstance(line, ReceiptLine)
            else ReceiptLine(sku=line[0], quantity=line[1], condition=line[2])
            for line in lines
        ),
    )
    return replace(plain, **named)


def product(sku: str, *, key: str = "", **told: object) -> Product:
    return replace(Product(key=key or f"p-{sku}", sku=sku, title=f"A {sku}"), **told)


def purchase(
    number: str, *lines: tuple[str, int] | PurchaseLine, status: PurchaseStatus = "open", **told: object
) -> PurchaseOrder:
    """A purchase order of that number; each line is a SKU and what is expected of it."""
    plain = PurchaseOrder(
        key=f"po{number}",
        number=number,
        status=status,
        lines=tuple(
            line
            if isinstance(line, PurchaseLine)
            else PurchaseLine(key=f"L{at}", sku=line[0], expected=line[1])
            for at, line in enumerate(lines or (("A", 10),), start=1)
        ),
    )
    return replace(plain, **told)


class Plant:
    """What outlives the daemon, and a daemon's runs over it."""

    def __init__(
        self,
        state: State,
        *connections: Connection,
        account: WarehouseAccount = ACCOUNT,
        orders: Writes = LOOKUP,
        shipments: Writes = KEY,
        steps: bool = False,
        amends: frozenset[Part] = frozenset(),
        cancels: frozenset[Part] = frozenset(),
        offers: frozenset[Part] = frozenset(Part),
    ) -> None:
        self.points = Points()
        self.state = PointedStore(state, self.points)
        self.clock = VirtualClock(START_S)
        self.ids = Ids(self.clock, random.Random(7))
        self.warehouse = FakeWarehouse(self.clock, self.points, orders=orders, steps=steps)
        self.connections = {each.name: each for each in connections or (connection(),)}
        self.stores = {
            name: FakeStore(self.clock, self.points, shipments=shipments) for name in self.connections
        }
        self.account = account
        self.amends = amends
        self.cancels = cancels
        self.offers = offers
        self.people = False
        self.broken = False
        self.scopes: dict[str, Scope] = {}
        self.configure()

    def configure(self, **changed: Connection) -> None:
        """Take over connections that changed, and begin a new process."""
        self.connections.update(changed)
        self.scopes.clear()
        self.feed = WarehouseFeed(
            settings=self.account,
            scopes=self.scopes,
            open_session=self._open_warehouse,
            state=self.state,
            clock=self.clock,
            ids=self.ids,
            some_broken=lambda: self.broken,
        )
        for name, each in self.connections.items():
            self.scopes[each.id] = Scope(
                connection=each,
                account=self.account,
                siblings=tuple(self.connections.values()),
                open_store=partial(self._open_store, name),
                feed=self.feed,
                pulling=trio.Lock(),
                store_offers=self.offers,
                warehouse_offers=self.offers,
                store_amends=self.amends,
                warehouse_amends=self.amends,
                warehouse_cancels=self.cancels,
                state=self.state,
                clock=self.clock,
                ids=self.ids,
            )

    @asynccontextmanager
    async def _open_store(self, name: str, _priority: Priority) -> AsyncIterator[Store]:
        yield StoreSession(self.stores[name])

    @asynccontextmanager
    async def _open_warehouse(self) -> AsyncIterator[Warehouse]:
        yield WarehouseSession(self.warehouse)

    # ---- what the daemon does

    async def run(self, job: str, name: str = "shop", *, since_s: float | None = None) -> Run:
        """One run, as `sales_orders.import`; raises what it raises."""
        channel, _, which = job.partition(".")
        [found] = [each for each in jobs.JOBS if each.key == (channel, which)]
        agreed = None if since_s is None else self.agreed(since_s, name)
        run = Run(self.scopes[self.connections[name].id], run_id=self.ids.new(), agreed=agreed)
        try:
            await found.execute(run, ENABLED_S)
        finally:
            self.check()
        return run

    def agreed(self, since_s: float, name: str = "shop") -> Agreed:
        """The older orders placed since then that a person is shown now."""
        found = self.state.read(partial(older.backlog, flow=self.flow(name=name), since_s=since_s))
        return Agreed(since=utc(since_s), keys=frozenset(key for key, _ in found))

    async def import_behind_another(self, meanwhile: Callable[[], object]) -> None:
        """A run that waits half an hour for the warehouse's account; `meanwhile` happens as it waits."""

        async def another() -> None:
            async with self.feed.session():
                await trio.sleep(1800)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(another)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(self.import_orders)
            await trio.sleep(600)
            meanwhile()

    async def import_orders(self, name: str = "shop", *, since_s: float | None = None) -> Run:
        return await self.run("sales_orders.import", name, since_s=since_s)

    async def export(self, name: str = "shop") -> Run:
        return await self.run("shipments.export", name)

    async def smart(self, name: str = "shop") -> Run:
        return await self.run("inventory.smart", name)

    async def full(self, name: str = "shop") -> Run:
        return await self.run("inventory.full", name)

    async def returns(self, name: str = "shop") -> Run:
        return await self.run("returns.sync", name)

    # ---- what people and platforms do

    def place(self, *placed: Order, name: str = "shop") -> None:
        for each in placed:
            self.stores[name].changes.change(each.key, each)

    def report(self, stock: dict[str, int], *, age_s: float = 0.0) -> None:
        """The warehouse writes a snapshot that was true `age_s` ago."""
        as_of = utc(self.clock.now_s() - age_s)
        rows = tuple(StockRow(sku=sku, quantity=quantity) for sku, quantity in stock.items())
        name = f"stock-{len(self.warehouse.stock.files) + len(self.warehouse.stock.archived):04d}"
        self.warehouse.stock.put(name, StockPage(snapshot=name, as_of=as_of, rows=rows, last=True))

    def report_by(self, *rows: tuple[str, str, int], age_s: float = 0.0) -> None:
        """The warehouse writes a snapshot with a facility, a SKU and a figure in each row."""
        stock = tuple(StockRow(sku=sku, quantity=units, facility=facility) for facility, sku, units in rows)
        name = f"stock-{len(self.warehouse.stock.files) + len(self.warehouse.stock.archived):04d}"
        as_of = utc(self.clock.now_s() - age_s)
        self.warehouse.stock.put(name, StockPage(snapshot=name, as_of=as_of, rows=stock, last=True))

    def ship(self, *packages: Package) -> None:
        """The warehouse writes a file of packages."""
        name = f"shp-{len(self.warehouse.packages.files) + len(self.warehouse.packages.archived):04d}"
        self.warehouse.packages.put(name, *packages)

    def ask_back(self, *asked: Return, name: str = "shop") -> None:
        """Buyers ask for returns, or change what they asked for."""
        for each in asked:
            self.stores[name].asked.change(each.key, each)

    def receive(self, *came: Receipt) -> None:
        """The warehouse writes a file of what came back."""
        name = f"ret-{len(self.warehouse.receipts.files) + len(self.warehouse.receipts.archived):04d}"
        self.warehouse.receipts.put(name, *came)

    def sell(self, *products: Product, name: str = "shop") -> None:
        """The store has these products, or changed them."""
        for each in products:
            self.stores[name].products.change(each.key, each)

    def stock(self, *items: Product) -> None:
        """The warehouse has these in its item master."""
        for each in items:
            self.warehouse.items.change(each.key, each)

    def buy(self, *purchases: PurchaseOrder) -> None:
        """The warehouse has these purchase orders, or changed them."""
        for each in purchases:
            self.warehouse.purchases.change(each.key, each)

    def say(self, reference: str, verdict: Verdict, *codes: str, reason: str = "") -> Acknowledgement:
        """The warehouse writes a word on an order."""
        number = len(self.warehouse.words.files) + len(self.warehouse.words.archived)
        word = Acknowledgement(
            key=f"ack-{number:04d}", reference=reference, verdict=verdict, codes=codes, reason=reason
        )
        self.warehouse.words.put(f"ack-{number:04d}", word)
        return word

    async def close_task(self, key: str, name: str = "shop") -> bool:
        """A person says that what the task of an order asks for is done."""
        book = orders.book(self.scopes[self.connections[name].id])
        task = self.state.read(partial(documents.get_task, flow=book.flow, key=key))
        assert task is not None
        return await self.state.write(
            partial(documents.close_task, book=book, key=key, revision=task.revision)
        )

    # ---- what tests ask

    def check(self) -> None:
        self.state.read(partial(check_owners, people=self.people))

    def flow(self, channel: str = orders.CHANNEL, name: str = "shop") -> Flow:
        return Flow(self.connections[name].id, channel)

    def doc(self, key: str, channel: str = orders.CHANNEL, name: str = "shop") -> Document:
        found = self.state.read(lambda tx: documents.get(tx, self.flow(channel, name), key))
        assert found is not None
        return found

    def life(self, key: str, name: str = "shop") -> Life:
        return self.state.read(lambda tx: life_of(tx, self.account, self.doc(key, name=name)))

    def tasks(self, name: str = "shop") -> dict[tuple[str, str], Task]:
        return self.state.read(
            lambda tx: {
                (channel, key): task for channel, key, task in documents.tasks(tx, self.connections[name].id)
            }
        )

    def later(self, **by: float) -> None:
        """Let time pass while the daemon is down."""
        self.clock.step(timedelta(**by).total_seconds())
