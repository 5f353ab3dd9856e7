"""Sessions with a seller's account, for tests: a host, settings, and what the daemon would do with them."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec

from dropstream_ebay.settings import Settings
from dropstream_ebay.store import EbayStore, open_store
from dropstreamd.clock import Clock
from dropstreamd.errors import Misconfigured
from dropstreamd.model.handover import Accepted, Item, Outcome, Prepared, Rejected, Stamp, Withdrawn
from dropstreamd.model.orders import Order
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from dropstreamd.model.stock import Level
from dropstreamd.platform.access import AccountTokens, Fetch, digest
from dropstreamd.platform.circuit import Circuit
from dropstreamd.platform.http import Http
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Budget, Pace, Priority
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.telemetry.metrics import CallResult
from tests.fakes.ebay import CLIENT, RU_NAME
from tests.fakes.ebay_shop import SELLER, Row

NOW_S = 1_795_300_000.0
HURRIED = Pace(rate_per_s=1e6, burst=1e6, at_once=6)
STAMP = Stamp(attempt="01TRY", at=datetime.fromtimestamp(NOW_S, UTC))


class Calls:
    """An `Observer`."""

    def __init__(self) -> None:
        self.results: list[CallResult] = []
        self.throttles = 0

    def call_finished(self, account: str, result: CallResult) -> None:
        self.results.append(result)

    def throttled(self, account: str) -> None:
        self.throttles += 1


class TestHost:
    """A `Host` with secrets by name; its token outlives sessions, as an account's does. Hosts of one budget
    are of one account."""

    __test__ = False

    def __init__(
        self,
        clock: Clock,
        secrets: Mapping[str, str],
        budget: Budget | None = None,
        priority: Priority = Priority.ORDERS,
    ) -> None:
        self.clock = clock
        self.budget = budget or Budget(HURRIED)
        self.limiter = self.budget.for_priority(priority)
        self.calls = Calls()
        self.secrets = dict(secrets)
        self.tokens = AccountTokens()
        self.http = Http(
            account="ebay:test",
            limiter=self.limiter,
            circuit=Circuit("ebay:test"),
            observer=self.calls,
            trust=Trust(),
            random=random.Random(7),
            clock=clock,
        )

    def secret(self, ref: SecretRef) -> Secret:
        if (ref.secret or "") not in self.secrets:
            raise Misconfigured(f"the {ref} cannot be read", remedy="set it")
        return Secret(self.secrets[ref.secret or ""])

    async def access_token(self, fetch: Fetch, *, secrets: Sequence[SecretRef], refused: str = "") -> str:
        def made_with() -> bytes:
            return digest(self.secret(ref) for ref in secrets)

        return await self.tokens.token(fetch, made_with=made_with, keep=None, refused=refused)

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
        "seller": SELLER,
        "client_id": CLIENT[0],
        "client_secret": {"secret": "app"},
        "redirect_name": RU_NAME,
        "refresh_token": {"secret": "seller"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


class Account(msgspec.Struct, frozen=True):
    """A store that sessions can be opened on."""

    host: TestHost
    settings: Settings

    @asynccontextmanager
    async def open(self, **changes: object) -> AsyncIterator[EbayStore]:
        async with open_store(msgspec.structs.replace(self.settings, **changes), self.host) as store:
            yield store

    async def listing(self, cursor: str | None = None, **changes: object) -> "Listing":
        """All pages of one run."""
        async with self.open(**changes) as store:
            found = Listing(cursor=cursor)
            for _ in range(1000):
                page = await store.orders.page(found.cursor, lambda _mark: False)
                found.told += [order.key for order in page.documents]
                found.orders |= {order.key: order for order in page.documents}
                found.bad |= {bad.key: bad.reason for bad in page.bad}
                found.cursor = page.cursor or found.cursor
                if not page.more:
                    break
            return found

    async def one(self, **changes: object) -> Order:
        """The only order."""
        (order,) = (await self.listing(None, **changes)).orders.values()
        return order


class Listing(msgspec.Struct, kw_only=True):
    orders: dict[str, Order] = {}
    bad: dict[str, str] = {}
    cursor: str | None = None
    told: list[str] = []

    @property
    def statuses(self) -> dict[str, str]:
        return {key: order.status for key, order in self.orders.items()}


def package(
    order: Row, units: int, *tracking: str, line: int = 0, carrier: str = "UPS", at: datetime | None = None
) -> Item[Fulfillment]:
    """Units of a line of an order."""
    fulfillment = Fulfillment(
        order_key=order["orderId"],
        order_number=order["orderId"],
        package_key="PKG",
        lines=(FulfillmentLine(order_line=order["lineItems"][line]["lineItemId"], quantity=units),),
        carrier=carrier,
        tracking_numbers=tracking,
        shipped_at=at,
    )
    return Item(key="PKG", document=fulfillment)


def frozen(store: EbayStore, item: Item[Fulfillment]) -> Prepared:
    (one,) = store.shipments.prepare([item], STAMP).prepared
    return one


async def push(store: EbayStore, item: Item[Fulfillment], steps: Steps | None = None) -> Outcome:
    (outcome,) = await store.shipments.push(frozen(store, item), steps or Steps())
    return outcome


async def push_levels(
    store: EbayStore, levels: Mapping[str, int], before: Mapping[str, Outcome] | None = None
) -> dict[str, Outcome]:
    """`before` are the outcomes of the levels' last push."""
    told = before or {}
    remotes = {sku: each.remote for sku, each in told.items() if isinstance(each, Accepted)}
    items = [
        Item(key=sku, document=Level(sku=sku, available=units), remote=remotes.get(sku))
        for sku, units in levels.items()
    ]
    made = store.inventory.prepare(items, STAMP)
    outcomes: dict[str, Outcome] = {each.key: each for each in made.rejected}
    for one in made.prepared:
        outcomes |= {each.key: each for each in await store.inventory.push(one, Steps())}
    return outcomes


def refused(outcome: Outcome) -> str:
    """The cause."""
    assert isinstance(outcome, Rejected), outcome
    assert outcome.reason
    return outcome.cause
