"""The two platforms of the office: a store's and a warehouse's, which answer as a test has laid out."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import msgspec
import trio

from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.platform.contract import (
    Finding,
    Host,
    Locations,
    Page,
    Part,
    Plugin,
    Role,
    Sample,
    Sink,
    Source,
    Store,
    Survey,
    Warehouse,
)
from dropstreamd.platform.secrets import SecretRef
from tests.fakes.sessions import FakeStore, FakeWarehouse, StoreSession, WarehouseSession


class ShopSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account: str
    password: SecretRef | None = None


class WmsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account: str
    token: SecretRef | None = None


class Answers:
    """What one side answers to a test, a survey and a sample."""

    def __init__(self) -> None:
        self.test: Exception | Sequence[Finding] = (Finding(name="login", ok=True, detail="works"),)
        self.survey: Exception | Survey = Survey()
        self.sample: Exception | Sample = Sample(kind="nothing")
        self.orders: Exception | None = None
        self.hangs = False
        self.writes: list[bool] = []

    async def tested(self, *, write: bool) -> Sequence[Finding]:
        self.writes.append(write)
        if self.hangs:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        if isinstance(self.test, Exception):
            raise self.test
        return self.test

    async def surveyed(self) -> Survey:
        await trio.lowlevel.checkpoint()
        if isinstance(self.survey, Exception):
            raise self.survey
        return self.survey


class AskedStore(StoreSession):
    def __init__(self, store: FakeStore, answers: Answers) -> None:
        super().__init__(store)
        self._answers = answers
        self.orders = Told(store.changes.session(), answers)

    async def test(self, *, write: bool) -> Sequence[Finding]:
        return await self._answers.tested(write=write)

    async def survey(self) -> Survey:
        return await self._answers.surveyed()


class AskedWarehouse(WarehouseSession):
    def __init__(self, warehouse: FakeWarehouse, answers: Answers, gate: trio.Event) -> None:
        super().__init__(warehouse)
        self._answers = answers
        taken: Sink[OutboundOrder] = warehouse.taken
        self.orders = Gated(taken, gate)

    async def test(self, *, write: bool) -> Sequence[Finding]:
        return await self._answers.tested(write=write)

    async def survey(self) -> Survey:
        return await self._answers.surveyed()

    def sample(self, name: str, content: bytes) -> Sample:
        if isinstance(self._answers.sample, Exception):
            raise self._answers.sample
        return self._answers.sample


class Told:
    """A source of orders that may fail."""

    def __init__(self, inner: Source[Order], answers: Answers) -> None:
        self._inner = inner
        self._answers = answers
        self.confirm = inner.confirm

    async def page(self, *args: Any) -> Page[Order]:
        if self._answers.orders is not None:
            raise self._answers.orders
        return await self._inner.page(*args)


class Gated:
    """A sink of orders that waits before each push, so that a run can be seen running."""

    def __init__(self, inner: Sink[OutboundOrder], gate: trio.Event) -> None:
        self._inner = inner
        self._gate = gate
        self.writes = inner.writes
        self.prepare = inner.prepare
        self.recover = inner.recover

    async def push(self, *args: Any) -> Any:
        await self._gate.wait()
        return await self._inner.push(*args)


class Sides(Protocol):
    """What stands behind the platforms; they look at it each time that they are opened or asked. Orders are
    taken once the `gate` is open."""

    stores: dict[str, FakeStore]
    warehouse: FakeWarehouse
    store_answers: Answers
    warehouse_answers: Answers
    gate: trio.Event
    parts: frozenset[Part]
    offers: frozenset[Part]
    amends: frozenset[Part]
    cancels: frozenset[Part]
    locations: Locations | None
    needs: frozenset[str]
    untold: dict[str, str]


def shop(sides: Sides) -> Plugin[ShopSettings]:
    """A platform of stores, one an account."""

    @asynccontextmanager
    async def opened(settings: ShopSettings, host: Host) -> AsyncIterator[Store]:
        yield AskedStore(sides.stores[settings.account], sides.store_answers)

    return Plugin(
        name="shop",
        title="Shop",
        role=Role.STORE,
        provides=sides.parts,
        settings=ShopSettings,
        account_key=lambda settings: settings.account,
        open=opened,
        needs=lambda _settings: sides.needs,
        locations=lambda _settings: sides.locations,
    )


def wms(sides: Sides) -> Plugin[WmsSettings]:
    """A platform with one warehouse."""

    @asynccontextmanager
    async def opened(settings: WmsSettings, host: Host) -> AsyncIterator[Warehouse]:
        yield AskedWarehouse(sides.warehouse, sides.warehouse_answers, sides.gate)

    return Plugin(
        name="wms",
        title="Wms",
        role=Role.WAREHOUSE,
        provides=sides.offers,
        amends=lambda _settings: sides.amends,
        cancels=lambda _settings: sides.cancels,
        routes=lambda _settings: True,
        untold=lambda _settings: sides.untold,
        settings=WmsSettings,
        account_key=lambda settings: settings.account,
        open=opened,
    )
