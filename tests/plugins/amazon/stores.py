"""What the tests of the Amazon plugin share: a host, the plugin's own settings, and short forms."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from dropstream_amazon.settings import Settings, pace
from dropstream_amazon.store import AmazonStore, open_store
from dropstreamd.clock import Clock, utc
from dropstreamd.model.handover import Item, Outcome, Prepared, Rejected, Stamp
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
from tests.fakes.amazon import HERE, SELLER
from tests.fakes.amazon_seller import Row

NOW_S = 1_795_300_000.0
STAMP = Stamp(attempt="ATTEMPT1", at=utc(NOW_S))


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
            account="amazon:test",
            limiter=self.limiter,
            circuit=Circuit("amazon:test", threshold=1000),
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


async def no_steps(step: str, *, if_wanted: bool = False) -> None:
    """A `Record` of a sink that records nothing."""
    raise AssertionError(step)


def settings(**values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {
        "region": "na",
        "seller": SELLER,
        "marketplaces": [HERE],
        "client_id": "amzn1.application-oa2-client.1",
        "client_secret": {"secret": "app"},
        "refresh_token": {"secret": "grant"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


class Account(msgspec.Struct, frozen=True):
    """A seller whose sessions can be opened."""

    host: TestHost
    settings: Settings

    @asynccontextmanager
    async def open(self, **changes: object) -> AsyncIterator[AmazonStore]:
        async with open_store(msgspec.structs.replace(self.settings, **changes), self.host) as store:
            yield store

    async def listing(self, cursor: str | None = None, **changes: object) -> "Listing":
        """All pages of one run."""
        async with self.open(**changes) as store:
            return await listing(store, cursor)


class Listing(msgspec.Struct, kw_only=True):
    """What a run told, in its order; of an order, what came last."""

    told: list[Order] = []
    bad: dict[str, str] = {}
    cursor: str | None = None
    pages: int = 0

    @property
    def orders(self) -> dict[str, Order]:
        return {order.key: order for order in self.told}

    @property
    def statuses(self) -> list[str]:
        return [order.status for order in self.orders.values()]


async def listing(store: AmazonStore, cursor: str | None = None, *, most_pages: int = 1000) -> Listing:
    """The pages of one run, as the daemon reads them."""
    found = Listing(cursor=cursor)
    while found.pages < most_pages:
        page = await store.orders.page(found.cursor, lambda _mark: False)
        found.pages += 1
        found.told += page.documents
        found.bad |= {bad.key: bad.reason for bad in page.bad}
        found.cursor = page.cursor or found.cursor
        if not page.more:
            break
    return found


def package(
    key: str, order: Row, units: int, *tracking: str, carrier: str = "UPS", service: str = ""
) -> Item[Fulfillment]:
    """Units of the first item of an order."""
    sold = order["orderItems"][0]["orderItemId"]
    fulfillment = Fulfillment(
        order_key=order["orderId"],
        order_number=order["orderId"],
        package_key=key,
        lines=(FulfillmentLine(order_line=sold, quantity=units),),
        carrier=carrier,
        service=service,
        tracking_numbers=tracking,
    )
    return Item(key=key, document=fulfillment)


def prepared(store: AmazonStore, item: Item[Fulfillment]) -> Prepared:
    """One package, frozen."""
    (one,) = store.shipments.prepare([item], STAMP).prepared
    return one


async def push(store: AmazonStore, item: Item[Fulfillment]) -> Outcome:
    (outcome,) = await store.shipments.push(prepared(store, item), no_steps)
    return outcome


async def push_levels(store: AmazonStore, levels: Mapping[str, int]) -> dict[str, Outcome]:
    items = [Item(key=sku, document=Level(sku=sku, available=units)) for sku, units in levels.items()]
    preparation = store.inventory.prepare(items, STAMP)
    outcomes: dict[str, Outcome] = {each.key: each for each in preparation.rejected}
    for one in preparation.prepared:
        told = await store.inventory.push(one, no_steps)
        assert sorted(outcome.key for outcome in told) == sorted(one.keys)
        outcomes |= {outcome.key: outcome for outcome in told}
    return outcomes


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.cause
