"""What the tests of the WooCommerce plugin share: a host, the plugin's own settings, and short forms."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from dropstream_woocommerce.settings import Settings, pace
from dropstream_woocommerce.store import WooCommerceStore, open_store
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.handover import Item, Outcome, Prepared, Rejected, Stamp, Withdrawn
from dropstreamd.model.orders import Order
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from dropstreamd.model.stock import Level
from dropstreamd.platform.access import Fetch
from dropstreamd.platform.circuit import Circuit
from dropstreamd.platform.http import Http
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Budget, Priority
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.telemetry.metrics import CallResult
from tests.fakes.woocommerce import KEY
from tests.fakes.woocommerce_rows import Row

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
        self.budget = budget or Budget(pace(settings("http://127.0.0.1", calls_per_s=100.0)))
        self.limiter = self.budget.for_priority(priority)
        self.calls = Calls()
        self.secrets = dict(secrets)
        self.http = Http(
            account="woocommerce:test",
            limiter=self.limiter,
            circuit=Circuit("woocommerce:test"),
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


def settings(url: str, **values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {
        "url": url,
        "consumer_key": KEY,
        "consumer_secret": {"secret": "secret"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


class Account(msgspec.Struct, frozen=True):
    """A store that sessions can be opened on."""

    host: TestHost
    settings: Settings

    @asynccontextmanager
    async def open(self, **changes: object) -> AsyncIterator[WooCommerceStore]:
        async with open_store(msgspec.structs.replace(self.settings, **changes), self.host) as store:
            yield store

    async def listing(self, cursor: str | None = None, **changes: object) -> "Listing":
        """All pages of one run."""
        async with self.open(**changes) as store:
            return await listing(store, cursor)

    async def push(self, item: Item[Fulfillment], **changes: object) -> Outcome:
        async with self.open(**changes) as store:
            (prepared,) = store.shipments.prepare([item], STAMP).prepared
            (outcome,) = await store.shipments.push(prepared, Steps())
            return outcome

    async def push_or_recover(self, item: Item[Fulfillment], **changes: object) -> Outcome:
        """As the daemon does after an answer that was lost."""
        steps = Steps()
        async with self.open(**changes) as store:
            (prepared,) = store.shipments.prepare([item], STAMP).prepared
            try:
                (outcome,) = await store.shipments.push(prepared, steps)
            except OutcomeUnknown:
                return await self.recover(prepared, steps, **changes)
            return outcome

    async def recover(self, prepared: Prepared, steps: Steps, **changes: object) -> Outcome:
        async with self.open(**changes) as store:
            (outcome,) = await store.shipments.recover(prepared, (steps.taken or [""])[-1], Steps())
            return outcome


class Listing(msgspec.Struct, kw_only=True):
    orders: dict[str, Order] = {}
    bad: dict[str, str] = {}
    cursor: str | None = None
    told: int = 0
    pages: int = 0

    @property
    def statuses(self) -> dict[str, str]:
        return {order.key: order.status for order in self.orders.values()}


async def listing(store: WooCommerceStore, cursor: str | None = None, *, most_pages: int = 1000) -> Listing:
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


def package(
    key: str, made: Row, units: int, *tracking: str, line: int = 0, remote: str | None = None, url: str = ""
) -> Item[Fulfillment]:
    """Units of a line of an order."""
    fulfillment = Fulfillment(
        order_key=str(made["id"]),
        order_number=made["number"],
        package_key=key,
        lines=(FulfillmentLine(order_line=str(made["line_items"][line]["id"]), quantity=units),),
        carrier="UPS",
        tracking_numbers=tracking,
        tracking_url=url,
        shipped_at=utc(1_795_200_000),
    )
    return Item(key=key, document=fulfillment, remote=remote)


async def push_levels(store: WooCommerceStore, levels: Mapping[str, int]) -> dict[str, Outcome]:
    items = [Item(key=sku, document=Level(sku=sku, available=units)) for sku, units in levels.items()]
    outcomes: dict[str, Outcome] = {}
    for one in store.inventory.prepare(items, STAMP).prepared:
        told: Sequence[Outcome] = await store.inventory.push(one, Steps())
        assert sorted(outcome.key for outcome in told) == sorted(one.keys)
        outcomes |= {outcome.key: outcome for outcome in told}
    return outcomes


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.cause
