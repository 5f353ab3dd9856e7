"""What the tests of the Shopify plugin share: a host, the plugin's own settings, and short forms."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from dropstream_shopify.settings import Settings, pace
from dropstream_shopify.store import ShopifyStore, open_store
from dropstreamd.clock import Clock, utc
from dropstreamd.model.handover import Item, Outcome, Prepared, Rejected, Stamp, Withdrawn
from dropstreamd.model.orders import Order
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from dropstreamd.model.stock import Level
from dropstreamd.platform.access import AccountTokens, Fetch, digest
from dropstreamd.platform.circuit import Circuit
from dropstreamd.platform.http import Http
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Budget, Priority
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.telemetry.metrics import CallResult
from tests.fakes.shopify_shop import DOMAIN, HERE, Row

STAMP = Stamp(attempt="ATTEMPT1", at=utc(0))


class Calls(msgspec.Struct):
    """An `Observer`."""

    finished: list[CallResult] = []

    def call_finished(self, account: str, result: CallResult) -> None:
        self.finished.append(result)

    def throttled(self, account: str) -> None:
        assert account


class TestHost:
    """A `Host` with secrets by name. Hosts of one budget are of one account."""

    __test__ = False

    def __init__(
        self,
        clock: Clock,
        secrets: Mapping[str, str],
        budget: Budget | None = None,
        priority: Priority = Priority.ORDERS,
    ) -> None:
        self.clock = clock
        self.budget = budget or Budget(pace(settings()))
        self.limiter = self.budget.for_priority(priority)
        self.calls = Calls()
        self.secrets = dict(secrets)
        self.tokens = AccountTokens()
        self.http = Http(
            account="shopify:test",
            limiter=self.limiter,
            circuit=Circuit("shopify:test"),
            observer=self.calls,
            trust=Trust(),
            random=random.Random(7),
            clock=clock,
        )

    def secret(self, ref: SecretRef) -> Secret:
        return Secret(self.secrets[ref.secret or ""])

    async def access_token(self, fetch: Fetch, *, secrets: Sequence[SecretRef], refused: str = "") -> str:
        def made_with() -> bytes:
            return digest(self.secret(ref) for ref in secrets)

        return await self.tokens.token(fetch, made_with=made_with, keep=None, refused=refused)

    async def number(self, series: str, purpose: str) -> int:
        raise AssertionError("nothing here is counted")

    def at(self, priority: Priority) -> "TestHost":
        """Another caller of the same account."""
        return TestHost(self.clock, self.secrets, self.budget, priority)


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
        "shop": DOMAIN,
        "client_id": "client-id",
        "client_secret": {"secret": "client"},
        "locations": {HERE: "main"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


class Account(msgspec.Struct, frozen=True):
    """A store that sessions can be opened on."""

    host: TestHost
    settings: Settings

    @asynccontextmanager
    async def open(self, **changes: object) -> AsyncIterator[ShopifyStore]:
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
    told: int = 0
    pages: int = 0

    @property
    def by_number(self) -> dict[str, Order]:
        return {order.number: order for order in self.orders.values()}

    @property
    def statuses(self) -> dict[str, str]:
        return {order.number: order.status for order in self.orders.values()}


async def listing(store: ShopifyStore, cursor: str | None = None, *, most_pages: int = 1000) -> Listing:
    """The pages of one run, as the daemon reads them; what came last of an order counts."""
    found = Listing(cursor=cursor)
    while found.pages < most_pages:
        page = await store.orders.page(found.cursor, lambda _mark: False)
        found.pages += 1
        found.told += len(page.documents)
        found.orders |= {order.key: order for order in page.documents}
        found.bad |= {bad.key: bad.reason for bad in page.bad}
        found.cursor = page.cursor or found.cursor
        if not page.more:
            break
    return found


def package(key: str, made: Row, units: int, *tracking: str, line: int = 0) -> Item[Fulfillment]:
    """Units of a line of a fulfillment order."""
    sold = made["lineItems"][line]["lineItem"]["id"]
    fulfillment = Fulfillment(
        order_key=made["id"],
        order_number=made["order"]["name"],
        package_key=key,
        lines=(FulfillmentLine(order_line=sold, quantity=units),),
        carrier="UPS",
        tracking_numbers=tracking,
    )
    return Item(key=key, document=fulfillment)


def prepared(store: ShopifyStore, item: Item[Fulfillment]) -> Prepared:
    """One package, frozen."""
    (one,) = store.shipments.prepare([item], STAMP).prepared
    return one


async def push(store: ShopifyStore, item: Item[Fulfillment]) -> Outcome:
    (outcome,) = await store.shipments.push(prepared(store, item), Steps())
    return outcome


async def push_levels(
    store: ShopifyStore, levels: Mapping[str, int], *, location: str | None = None
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


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.cause
