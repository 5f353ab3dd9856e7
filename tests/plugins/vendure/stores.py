"""What the tests of the Vendure plugin share: a host, the plugin's own settings, and short forms."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from dropstream_vendure.settings import Settings
from dropstream_vendure.store import VendureStore, open_store
from dropstreamd.clock import Clock, utc
from dropstreamd.model.handover import Item, Outcome, Prepared, Rejected, Stamp, Withdrawn
from dropstreamd.model.orders import Order
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from dropstreamd.model.stock import Level
from dropstreamd.platform.access import Fetch
from dropstreamd.platform.circuit import Circuit
from dropstreamd.platform.http import Http
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Budget, Limiter, Pace, Priority
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.telemetry.metrics import CallResult
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure_shop import FakeShop

STAMP = Stamp(attempt="ATTEMPT1", at=utc(0))


class Calls(msgspec.Struct):
    """An `Observer`."""

    finished: list[CallResult] = []

    def call_finished(self, account: str, result: CallResult) -> None:
        self.finished.append(result)

    def throttled(self, account: str) -> None:
        assert account


class TestHost:
    """A `Host` with secrets by name."""

    __test__ = False

    def __init__(self, clock: Clock, secrets: Mapping[str, str]) -> None:
        self.clock = clock
        budget = Budget(Pace(rate_per_s=1000, burst=1000, at_once=1))
        self.limiter: Limiter = budget.for_priority(Priority.ORDERS)
        self.calls = Calls()
        self.secrets = dict(secrets)
        self.http = Http(
            account="vendure:test",
            limiter=self.limiter,
            circuit=Circuit("vendure:test"),
            observer=self.calls,
            trust=Trust(),
            random=random.Random(7),
            clock=clock,
        )

    def secret(self, ref: SecretRef) -> Secret:
        return Secret(self.secrets[ref.secret or ""])

    async def access_token(self, fetch: Fetch, *, secrets: Sequence[SecretRef], refused: str = "") -> str:
        raise AssertionError("nothing here has access tokens")

    async def number(self, series: str, purpose: str) -> int:
        raise AssertionError("nothing here is counted")


class Steps(msgspec.Struct):
    """A `Record` that keeps what it is told."""

    taken: list[str] = []
    wanted: bool = True

    async def __call__(self, step: str, *, if_wanted: bool = False) -> None:
        if if_wanted and not self.wanted:
            raise Withdrawn
        self.taken.append(step)


def settings(**values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {
        "username": "dropstreamd",
        "password": {"secret": "password"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


class Account(msgspec.Struct, frozen=True):
    """A store that sessions can be opened on."""

    host: TestHost
    settings: Settings

    @asynccontextmanager
    async def open(self, **changes: object) -> AsyncIterator[VendureStore]:
        async with open_store(msgspec.structs.replace(self.settings, **changes), self.host) as store:
            yield store

    async def listing(self, cursor: str | None = None, **changes: object) -> "Listing":
        """All pages of one run."""
        async with self.open(**changes) as store:
            return await listing(store, cursor)


class Listing(msgspec.Struct, kw_only=True):
    orders: dict[str, Order] = {}
    bad: dict[str, str] = {}
    cursor: str | None = None
    pages: int = 0


async def listing(store: VendureStore, cursor: str | None = None) -> Listing:
    """All pages of one run, as the daemon reads them. No order comes twice."""
    found = Listing(cursor=cursor)
    while True:
        page = await store.orders.page(found.cursor, lambda _mark: False)
        found.pages += 1
        for order in page.documents:
            assert order.key not in found.orders
            found.orders[order.key] = order
        found.bad |= {bad.key: bad.reason for bad in page.bad}
        found.cursor = page.cursor or found.cursor
        if not page.more:
            return found


def package(key: str, order: str, lines: Mapping[str, int], *tracking: str) -> Item[Fulfillment]:
    fulfillment = Fulfillment(
        order_key=order,
        order_number="1001",
        package_key=key,
        lines=tuple(FulfillmentLine(order_line=line, quantity=units) for line, units in lines.items()),
        carrier="UPS",
        service="Ground",
        tracking_numbers=tracking,
    )
    return Item(key=key, document=fulfillment)


def prepared(store: VendureStore, item: Item[Fulfillment]) -> Prepared:
    """One package, frozen."""
    (one,) = store.shipments.prepare([item], STAMP).prepared
    return one


async def push(store: VendureStore, item: Item[Fulfillment]) -> Outcome:
    (outcome,) = await store.shipments.push(prepared(store, item), Steps())
    return outcome


async def push_levels(
    store: VendureStore, levels: Mapping[str, int], *, location: str | None = None
) -> dict[str, Outcome]:
    items = [
        Item(key=sku, document=Level(sku=sku, available=units, location=location))
        for sku, units in levels.items()
    ]
    outcomes: dict[str, Outcome] = {}
    for one in store.inventory.prepare(items, STAMP).prepared:
        told = await store.inventory.push(one, Steps())
        assert sorted(outcome.key for outcome in told) == sorted(one.keys)
        outcomes |= {outcome.key: outcome for outcome in told}
    return outcomes


class Placed:
    """An order of 5 units of A in a shop that has 50."""

    def __init__(self, shop: FakeShop | VendureShop) -> None:
        shop.add_products({"A": 50})
        (placed,) = shop.place_orders([NewOrder(units={"A": 5})])
        self.shop = shop
        self.id = placed.id
        self.line = shop.order(placed.id).lines[0].id

    def package(self, key: str, units: int, *tracking: str) -> Item[Fulfillment]:
        return package(key, self.id, {self.line: units}, *tracking)

    @property
    def fulfilled(self) -> list[tuple[str, str, str | None, int]]:
        """State, method, tracking and units of each fulfillment."""
        return sorted(
            (each.state, each.method, each.tracking_code, sum(line.quantity for line in each.lines))
            for each in self.shop.order(self.id).fulfillments or ()
        )

    @property
    def stock(self) -> tuple[int, int]:
        (level,) = self.shop.stock(["A"])["A"].stock_levels
        return level.stock_on_hand, level.stock_allocated


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.cause
