"""The smallest warehouse there is: it takes orders over HTTP, each once under its idempotency key.

It stands in the suite's own tests for sinks that repeat by key; `forgetful` makes it break that.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dropstreamd.clock import utc
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import (
    Accepted,
    Finding,
    Host,
    Item,
    Outcome,
    Part,
    Plugin,
    Preparation,
    Prepared,
    Record,
    Rejected,
    Role,
    Sample,
    SettingProblem,
    Stamp,
    StockPage,
    Survey,
    Taken,
    WarehouseParts,
    Writes,
)
from dropstreamd.platform.http import HttpClient, decode
from dropstreamd.platform.secrets import SecretRef
from dropstreamd.testing import Effect, Rig
from tests.platform.servers import served

TOKEN = "a token of the toy's"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    token: SecretRef


class OrderSink:
    """A `Sink[OutboundOrder]`."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    @property
    def writes(self) -> Writes:
        return Writes(repeat="key", batch=1, retention_s=86_400.0)

    def prepare(self, items: Sequence[Item[OutboundOrder]], stamp: Stamp) -> Preparation:
        return Preparation(
            prepared=tuple(
                Prepared(
                    name=f"{stamp.attempt}-{number}",
                    keys=(item.key,),
                    payload=item.document.reference.encode(),
                )
                for number, item in enumerate(items)
            )
        )

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        response = await self._http.request(
            "PUT", f"orders/{prepared.name}", applied="write", content=prepared.payload
        )
        key = prepared.keys[0]
        if response.status == 422:
            return [Rejected(key=key, cause="reference", reason="the toy does not like the reference")]
        return [Accepted(key=key, remote=decode(response, str))]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:
        raise AssertionError("it repeats by key")


class ShelfSource:
    """A `StockSource`: one page, of now."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._read = False

    async def page(self, taken: Taken) -> StockPage | None:
        if self._read:
            return None
        units = decode(await self._http.request("GET", "shelf", applied="safe"), dict[str, int])
        self._read = True
        rows = tuple(StockRow(sku=sku, quantity=quantity) for sku, quantity in units.items())
        return StockPage(snapshot="now", as_of=utc(0), rows=rows, last=True)

    async def confirm(self, marks: Sequence[str]) -> None:
        await trio.lowlevel.checkpoint()


class Session(WarehouseParts):
    """A `Warehouse`."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self.orders: OrderSink = OrderSink(http)

    async def test(self, *, write: bool) -> Sequence[Finding]:
        decode(await self._http.request("GET", "ping", applied="safe"), str)
        return [Finding(name="ping", ok=True, detail="it answers")]

    async def survey(self) -> Survey:
        await self.test(write=False)
        return Survey()

    def sample(self, name: str, content: bytes) -> Sample:
        return Sample(kind="nothing")


class SessionWithShelf(Session):
    def __init__(self, http: HttpClient) -> None:
        super().__init__(http)
        self.inventory: ShelfSource = ShelfSource(http)


@asynccontextmanager
async def open_toy(settings: Settings, host: Host) -> AsyncIterator[Session]:
    headers = {"authorization": f"Bearer {host.secret(settings.token).reveal()}"}
    async with host.http.client(settings.url, headers=headers) as http:
        yield Session(http)


@asynccontextmanager
async def open_toy_with_shelf(settings: Settings, host: Host) -> AsyncIterator[Session]:
    headers = {"authorization": f"Bearer {host.secret(settings.token).reveal()}"}
    async with host.http.client(settings.url, headers=headers) as http:
        yield SessionWithShelf(http)


def check(settings: Settings) -> Sequence[SettingProblem]:
    try:
        usable = settings.url.startswith("http://") and bool(urlsplit(settings.url).port)
    except ValueError:
        usable = False
    return () if usable else [SettingProblem(key="url", found="no address", allowed="http://HOST:PORT")]


TOY = Plugin(
    name="toy",
    title="Toy",
    role=Role.WAREHOUSE,
    provides=frozenset({Part.ORDERS}),
    settings=Settings,
    account_key=lambda settings: settings.url,
    open=open_toy,
    check=check,
)


TOY_WITH_SHELF = msgspec.structs.replace(
    TOY, provides=frozenset({Part.ORDERS, Part.INVENTORY}), open=open_toy_with_shelf
)
"""It tells its stock too, though not in pages."""


class Counterpart:
    """The toy's server: references by idempotency key, and units on a shelf."""

    def __init__(self, *, forgetful: bool) -> None:
        self.orders: list[tuple[str, str]] = []
        self.shelf: dict[str, int] = {}
        self._forgetful = forgetful
        self._made = 0

    async def answer(self, request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({}, 401)
        if request.method == "GET":
            return JSONResponse(self.shelf if request.url.path == "/shelf" else "pong")
        order = (request.path_params["key"], (await request.body()).decode())
        if not order[1].startswith("T"):
            return JSONResponse({}, 422)
        if self._forgetful or order not in self.orders:
            self.orders.append(order)
        return JSONResponse(order[0])

    async def items(self, count: int) -> Sequence[Item[OutboundOrder]]:
        self._made += count
        return [_item(f"T{number}") for number in range(self._made - count, self._made)]

    async def snapshot(self, units: Mapping[str, int]) -> None:
        self.shelf = dict(units)

    async def refused(self) -> Item[OutboundOrder]:
        return _item("X1")

    async def effects(self, item: Item[OutboundOrder]) -> Sequence[Effect]:
        return ["whole" for _, reference in self.orders if reference == item.document.reference]

    async def trace(self) -> object:
        return list(self.orders)


def _item(reference: str) -> Item[OutboundOrder]:
    line = OutboundLine(number=1, order_line="1", sku="A", quantity=1)
    order = OutboundOrder(
        reference=reference,
        number=reference,
        placed_at=utc(0),
        ship_to=Address(name="Ada Example"),
        ship_method="GROUND",
        lines=(line,),
    )
    return Item(key=reference, document=order)


@asynccontextmanager
async def toy_rig(*, forgetful: bool = False) -> AsyncIterator[Rig[Any]]:
    """The toy, up and listening."""
    toy = Counterpart(forgetful=forgetful)
    routes = [
        Route("/ping", toy.answer, methods=["GET"]),
        Route("/shelf", toy.answer, methods=["GET"]),
        Route("/orders/{key}", toy.answer, methods=["PUT"]),
    ]
    async with served(Starlette(routes=routes)) as address:
        yield Rig(
            port=int(address.rpartition(":")[2]),
            table=lambda port: {"url": f"http://127.0.0.1:{port}", "token": {"secret": "toy"}},
            secrets={"toy": TOKEN},
            wrong_secrets={"toy": "another token"},
            trace=toy.trace,
            benches={Part.ORDERS: toy, Part.INVENTORY: toy},
        )
