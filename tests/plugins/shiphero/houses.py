"""What the tests of the ShipHero plugin share: a host, the plugin's own settings, and short forms."""

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from dropstream_shiphero.settings import Settings, pace
from dropstream_shiphero.warehouse import ShipHeroWarehouse, open_warehouse
from dropstreamd.clock import Clock, utc
from dropstreamd.model.handover import Bad, Item, Outcome, Prepared, Rejected, Stamp, Withdrawn
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.access import AccountTokens, Fetch, digest
from dropstreamd.platform.circuit import Circuit
from dropstreamd.platform.contract import Source
from dropstreamd.platform.http import Http
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Budget, Priority
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.telemetry.metrics import CallResult
from tests.fakes.shiphero_house import WAREHOUSE

STAMP = Stamp(attempt="ATTEMPT1", at=utc(0))
USER = "dropstream@acme.example"


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
        self.budget = Budget(pace(settings()))
        self.limiter = self.budget.for_priority(Priority.ORDERS)
        self.calls = Calls()
        self.secrets = dict(secrets)
        self.tokens = AccountTokens()
        self.http = Http(
            account="shiphero:test",
            limiter=self.limiter,
            circuit=Circuit("shiphero:test"),
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


class Steps(msgspec.Struct):
    """A `Record` that keeps what it is told."""

    taken: list[str] = []
    wanted: bool = True

    async def __call__(self, step: str, *, if_wanted: bool = False) -> None:
        if if_wanted and not self.wanted:
            raise Withdrawn
        self.taken.append(step)


def settings(**values: object) -> Settings:
    """As decoded from a `[warehouses.NAME]` table."""
    table = {
        "user": USER,
        "refresh_token": {"secret": "wms"},
        "warehouse": WAREHOUSE,
        "check_skus": False,
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


class Account(msgspec.Struct, frozen=True):
    """A warehouse that sessions can be opened on."""

    host: TestHost
    settings: Settings

    @asynccontextmanager
    async def open(self, **changes: object) -> AsyncIterator[ShipHeroWarehouse]:
        async with open_warehouse(msgspec.structs.replace(self.settings, **changes), self.host) as house:
            yield house

    async def read(self, part: str, cursor: str | None = None, **changes: object) -> "Told":
        """One run of a source."""
        async with self.open(**changes) as house:
            return await read(getattr(house, part), cursor)

    async def stock(self, **changes: object) -> dict[str, StockRow]:
        """The rows of a snapshot by SKU; it must be whole."""
        rows: dict[str, StockRow] = {}
        async with self.open(**changes) as house:
            while True:
                page = await house.inventory.page(lambda _mark: False)
                assert page is not None
                for row in page.rows:
                    assert row.sku not in rows
                    rows[row.sku] = row
                if page.last:
                    return rows


class Told(msgspec.Struct, kw_only=True):
    """What a run brought: what came last of a document counts."""

    documents: dict[str, Any] = {}
    bad: dict[str, Bad] = {}
    cursor: str | None = None
    told: int = 0
    pages: int = 0


async def read(
    source: Source[Any], cursor: str | None = None, *, between: Callable[[], object] = lambda: None
) -> Told:
    """All pages of one run; what happens `between` two."""
    found = Told(cursor=cursor)
    while True:
        page = await source.page(found.cursor, lambda _mark: False)
        found.pages += 1
        found.told += len(page.documents)
        found.documents |= {each.key: each for each in page.documents}
        found.bad |= {each.key: each for each in page.bad}
        found.cursor = page.cursor or found.cursor
        between()
        if not page.more:
            return found


def order(reference: str = "SH1001", **changes: object) -> OutboundOrder:
    made = OutboundOrder(
        reference=reference,
        number="1001",
        placed_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        ship_to=Address(
            name="Ada Maria Long",
            company="Long & Co",
            line1="1 Main St",
            city="Springfield",
            region="IL",
            postal_code="62701",
            country="US",
            phone="555 0100",
        ),
        ship_method="ups/ups-ground",
        email="ada@example.com",
        lines=(
            OutboundLine(number=1, order_line="a", sku="TEE", quantity=2),
            OutboundLine(number=2, order_line="b", sku="MUG", quantity=1),
        ),
    )
    return msgspec.structs.replace(made, **changes)


def item(document: OutboundOrder, **changes: Any) -> Item[OutboundOrder]:
    return Item(key=document.reference, document=document, **changes)


def prepared(house: ShipHeroWarehouse, one: Item[OutboundOrder]) -> Prepared:
    (frozen,) = house.orders.prepare([one], STAMP).prepared
    return frozen


async def push(house: ShipHeroWarehouse, one: Item[OutboundOrder], steps: Steps | None = None) -> Outcome:
    preparation = house.orders.prepare([one], STAMP)
    if preparation.rejected:
        return preparation.rejected[0]
    (outcome,) = await house.orders.push(preparation.prepared[0], steps or Steps())
    return outcome


async def recover(house: ShipHeroWarehouse, one: Item[OutboundOrder], step: str = "writing") -> Outcome:
    (outcome,) = await house.orders.recover(prepared(house, one), step, Steps())
    return outcome


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.cause
