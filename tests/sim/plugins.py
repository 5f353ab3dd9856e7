"""Plugins for simulations: both sides answer at once or after a while, and have nothing to tell."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import msgspec
import trio

from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.shipments import Fulfillment, Package
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import (
    Finding,
    Host,
    Item,
    Outcome,
    Page,
    Part,
    Plugin,
    Preparation,
    Prepared,
    Record,
    Role,
    Sample,
    Sink,
    Source,
    Stamp,
    StockPage,
    StockSource,
    Store,
    StoreParts,
    Survey,
    Taken,
    Warehouse,
    WarehouseParts,
    Writes,
)

T = TypeVar("T")

ALL = frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY})


class QuietSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`name` makes the account; a session takes up to `slow_s` seconds."""

    name: str
    slow_s: float = 0.0


class QuietSource(Generic[T]):
    """Has nothing."""

    async def page(self, cursor: str | None, taken: Taken) -> Page[T]:
        await trio.lowlevel.checkpoint()
        return Page()

    async def confirm(self, marks: Sequence[str]) -> None:
        await trio.lowlevel.checkpoint()


class QuietSink(Generic[T]):
    """Is never given anything."""

    writes = Writes(repeat="never", batch=1)

    def prepare(self, items: Sequence[Item[T]], stamp: Stamp) -> Preparation:
        raise AssertionError("nothing is ever prepared")

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        raise AssertionError("nothing is ever pushed")

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:
        raise AssertionError("nothing is ever recovered")


class QuietStock:
    async def page(self, taken: Taken) -> StockPage | None:
        await trio.lowlevel.checkpoint()
        return None

    async def confirm(self, marks: Sequence[str]) -> None:
        await trio.lowlevel.checkpoint()


class QuietSession:
    async def test(self, *, write: bool) -> Sequence[Finding]:
        await trio.lowlevel.checkpoint()
        return ()

    async def survey(self) -> Survey:
        await trio.lowlevel.checkpoint()
        return Survey()


class QuietStore(QuietSession, StoreParts):
    orders: Source[Order] | None = QuietSource[Order]()
    shipments: Sink[Fulfillment] | None = QuietSink[Fulfillment]()
    inventory: Sink[Level] | None = QuietSink[Level]()


class QuietWarehouse(QuietSession, WarehouseParts):
    orders: Sink[OutboundOrder] | None = QuietSink[OutboundOrder]()
    shipments: Source[Package] | None = QuietSource[Package]()
    inventory: StockSource | None = QuietStock()

    def sample(self, name: str, content: bytes) -> Sample:
        return Sample(kind="none")


def quiet_plugins(rng: random.Random) -> dict[str, Plugin[QuietSettings]]:
    """A store's and a warehouse's plugin; how long a session takes is `rng`'s."""

    @asynccontextmanager
    async def open_store(settings: QuietSettings, host: Host) -> AsyncIterator[Store]:
        await trio.sleep(rng.random() * settings.slow_s)
        yield QuietStore()

    @asynccontextmanager
    async def open_warehouse(settings: QuietSettings, host: Host) -> AsyncIterator[Warehouse]:
        await trio.sleep(rng.random() * settings.slow_s)
        yield QuietWarehouse()

    def account_key(settings: QuietSettings) -> str:
        return settings.name

    return {
        "quiet-store": Plugin(
            name="quiet-store",
            title="Quiet store",
            role=Role.STORE,
            provides=ALL,
            settings=QuietSettings,
            account_key=account_key,
            open=open_store,
        ),
        "quiet-warehouse": Plugin(
            name="quiet-warehouse",
            title="Quiet warehouse",
            role=Role.WAREHOUSE,
            provides=ALL,
            settings=QuietSettings,
            account_key=account_key,
            open=open_warehouse,
        ),
    }
