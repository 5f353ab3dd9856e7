"""The smallest store and the smallest warehouse that have every part of the four other channels.

Both keep documents as the model has them, in JSON: a source lists them by when they changed, a sink takes
each once under its name. They stand in the suite's own tests.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dropstreamd.clock import utc
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import NoticeLine, PurchaseLine, PurchaseOrder, StockNotice
from dropstreamd.model.returns import (
    OutboundReturn,
    OutboundReturnLine,
    Receipt,
    ReceiptLine,
    Return,
    ReturnedLine,
    ReturnLine,
    ReturnReceipt,
)
from dropstreamd.platform.contract import (
    Accepted,
    Bad,
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
    Rejected,
    Role,
    Sample,
    Stamp,
    StoreParts,
    Survey,
    Taken,
    WarehouseParts,
    Writes,
)
from dropstreamd.platform.http import HttpClient, decode
from dropstreamd.testing import Effect, Rig
from tests.platform.servers import served

from .toy import TOKEN, Settings, check

PAGE = 3
REFUSED = "X1"
AT = utc(1_700_000_000)


def product(name: str) -> Product:
    return Product(key=name, sku=name, updated_at=AT)


def ret(name: str) -> Return:
    return Return(
        key=name,
        number=name,
        order_key="O1",
        order_number="1",
        status="open",
        requested_at=AT,
        updated_at=AT,
        lines=(ReturnLine(key="1", order_line="L1", sku="A", quantity=1),),
    )


def outbound(name: str) -> OutboundReturn:
    line = OutboundReturnLine(number=1, return_line="1", order_line="L1", sku="A", quantity=1)
    return OutboundReturn(reference=name, number=name, order_reference="", requested_at=AT, lines=(line,))


def receipt(name: str) -> Receipt:
    line = ReceiptLine(sku="A", quantity=1, condition="restock")
    return Receipt(key=name, reference="R1", lines=(line,), received_at=AT)


def told(name: str) -> ReturnReceipt:
    line = ReturnedLine(order_line="L1", sku="A", quantity=1, condition="restock")
    return ReturnReceipt(receipt_key=name, order_key="O1", order_number="1", lines=(line,))


def purchase(name: str) -> PurchaseOrder:
    line = PurchaseLine(key="1", sku="A", expected=3)
    return PurchaseOrder(key=name, number=name, status="open", lines=(line,), updated_at=AT)


def notice(name: str) -> StockNotice:
    return StockNotice(reference=name, number=name, lines=(NoticeLine(number=1, sku="A", quantity=3),))


def acknowledgement(name: str) -> Acknowledgement:
    return Acknowledgement(key=name, reference="SH1", verdict="accepted", at=AT)


SOURCES: dict[Role, dict[Part, Any]] = {
    Role.STORE: {Part.PRODUCTS: product, Part.RETURNS: ret},
    Role.WAREHOUSE: {
        Part.CATALOGUE: product,
        Part.RECEIPTS: receipt,
        Part.PURCHASE_ORDERS: purchase,
        Part.ACKNOWLEDGEMENTS: acknowledgement,
    },
}
SINKS: dict[Role, dict[Part, Any]] = {
    Role.STORE: {Part.CATALOGUE: product, Part.RECEIPTS: told, Part.PURCHASE_ORDERS: purchase},
    Role.WAREHOUSE: {Part.PRODUCTS: product, Part.RETURNS: outbound, Part.STOCK_NOTICES: notice},
}
CHANGES: dict[type, dict[str, object]] = {
    Product: {"title": "changed"},
    Return: {"note": "changed"},
    Receipt: {"kind": "return-to-sender"},
    PurchaseOrder: {"note": "changed"},
    Acknowledgement: {"reason": "changed"},
}


class Rows(msgspec.Struct, frozen=True):
    """An answer: keys and documents, where the last one stands, and whether there are more."""

    rows: list[tuple[str, msgspec.Raw]]
    at: int
    more: bool


class Documents:
    """A source of any kind."""

    def __init__(self, http: HttpClient, part: Part, kind: type) -> None:
        self._http = http
        self._part = part
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
        self._at: int | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Any]:
        if self._at is None:
            self._at = int(cursor or 0)
        path = f"documents/{self._part.attribute}?after={self._at}"
        told = decode(await self._http.request("GET", path, applied="safe"), Rows)
        self._at = told.at
        good: list[Any] = []
        bad: list[Bad] = []
        for key, raw in told.rows:
            try:
                good.append(self._decoder.decode(raw))
            except msgspec.ValidationError as error:
                bad.append(Bad(key=key, place=f"{self._part} {key}", reason=str(error), raw=bytes(raw)))
        return Page(documents=tuple(good), bad=tuple(bad), cursor=str(told.at), more=told.more)

    async def confirm(self, marks: Sequence[str]) -> None:
        """Its pages bear no marks."""


class Taking:
    """A sink of any kind."""

    writes = Writes(repeat="key", batch=1, retention_s=86_400.0)

    def __init__(self, http: HttpClient, part: Part) -> None:
        self._http = http
        self._part = part

    def prepare(self, items: Sequence[Item[Any]], stamp: Stamp) -> Preparation:
        return Preparation(
            prepared=tuple(
                Prepared(
                    name=f"{stamp.attempt}-{number}",
                    keys=(item.key,),
                    payload=msgspec.json.encode(item.document),
                )
                for number, item in enumerate(items)
            )
        )

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        path = f"documents/{self._part.attribute}/{prepared.name}"
        response = await self._http.request("PUT", path, applied="write", content=prepared.payload)
        key = prepared.keys[0]
        if response.status == 422:
            return [Rejected(key=key, cause="number", reason="the depot does not like the number")]
        return [Accepted(key=key, remote=decode(response, str))]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:
        raise AssertionError("it repeats by key")


def _parts(http: HttpClient, role: Role) -> dict[str, Any]:
    parts: dict[str, Any] = {part.attribute: Taking(http, part) for part in SINKS[role]}
    for part, make in SOURCES[role].items():
        parts[part.attribute] = Documents(http, part, type(make("")))
    return parts


class DepotStore(StoreParts):
    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self.__dict__.update(_parts(http, Role.STORE))

    async def test(self, *, write: bool) -> Sequence[Finding]:
        decode(await self._http.request("GET", "ping", applied="safe"), str)
        return [Finding(name="ping", ok=True, detail="it answers")]

    async def survey(self) -> Survey:
        await self.test(write=False)
        return Survey()


class DepotWarehouse(WarehouseParts):
    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self.__dict__.update(_parts(http, Role.WAREHOUSE))

    async def test(self, *, write: bool) -> Sequence[Finding]:
        decode(await self._http.request("GET", "ping", applied="safe"), str)
        return [Finding(name="ping", ok=True, detail="it answers")]

    async def survey(self) -> Survey:
        await self.test(write=False)
        return Survey()

    def sample(self, name: str, content: bytes) -> Sample:
        return Sample(kind="nothing")


def depot(role: Role) -> Plugin[Settings]:
    """The plugin of that side."""

    @asynccontextmanager
    async def opened(settings: Settings, host: Host) -> AsyncIterator[DepotStore | DepotWarehouse]:
        headers = {"authorization": f"Bearer {host.secret(settings.token).reveal()}"}
        async with host.http.client(settings.url, headers=headers) as http:
            yield DepotStore(http) if role is Role.STORE else DepotWarehouse(http)

    return Plugin(
        name=f"depot-{role}",
        title="Depot",
        role=role,
        provides=frozenset({*SOURCES[role], *SINKS[role]}),
        settings=Settings,
        account_key=lambda settings: settings.url,
        open=opened,
        check=check,
    )


class Books:
    """The depot's server: what it tells of each kind, and what it took."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, tuple[int, bytes]]] = {}
        self.took: dict[str, dict[str, bytes]] = {}
        self.at = 0

    def tell(self, kind: str, key: str, raw: bytes) -> None:
        self.at += 1
        self.told.setdefault(kind, {})[key] = (self.at, raw)

    async def answer(self, request: Request) -> JSONResponse:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({}, 401)
        if "kind" not in request.path_params:
            return JSONResponse("pong")
        kind = request.path_params["kind"]
        if request.method == "PUT":
            return await self._take(kind, request)
        after = int(request.query_params["after"])
        waiting = sorted((at, key, raw) for key, (at, raw) in self.told.get(kind, {}).items() if at > after)
        some = waiting[:PAGE]
        rows = [[key, msgspec.json.decode(raw)] for _, key, raw in some]
        at = some[-1][0] if some else after
        return JSONResponse({"rows": rows, "at": at, "more": len(waiting) > len(some)})

    async def _take(self, kind: str, request: Request) -> JSONResponse:
        body = await request.body()
        if f'"{REFUSED}"'.encode() in body:
            return JSONResponse({}, 422)
        name = request.path_params["name"]
        self.took.setdefault(kind, {}).setdefault(name, body)
        return JSONResponse(name)

    async def trace(self) -> object:
        return [
            {kind: dict(rows) for kind, rows in self.told.items()},
            {k: dict(v) for k, v in self.took.items()},
        ]


class Telling:
    """A bench for a source; see `OrderBench`."""

    many = PAGE * 2 + 1

    def __init__(self, books: Books, part: Part, make: Any) -> None:
        self._books = books
        self._kind = part.attribute
        self._make = make
        self._made = 0

    async def add(self, count: int) -> Sequence[str]:
        names = [f"D{self._made + number:03d}" for number in range(1, count + 1)]
        self._made += count
        for name in names:
            self._books.tell(self._kind, name, msgspec.json.encode(self._make(name)))
        return names

    async def change(self, name: str) -> None:
        made = self._make(name)
        changed = msgspec.structs.replace(made, **CHANGES[type(made)])
        self._books.tell(self._kind, name, msgspec.json.encode(changed))

    async def cancel(self, name: str) -> None:
        cancelled = msgspec.structs.replace(self._make(name), status="cancelled")
        self._books.tell(self._kind, name, msgspec.json.encode(cancelled))

    async def spoil(self) -> None:
        self._books.tell(self._kind, "spoiled", b'{"key": 5}')

    def name(self, document: Any) -> str:
        return str(document.key)

    def changed(self, document: Any) -> bool:
        return all(getattr(document, field) == value for field, value in CHANGES[type(document)].items())


class TakingBench:
    """A bench for a sink; see `SinkBench`."""

    def __init__(self, books: Books, part: Part, make: Any) -> None:
        self._books = books
        self._kind = part.attribute
        self._make = make
        self._made = 0

    async def items(self, count: int) -> Sequence[Item[Any]]:
        names = [f"T{self._made + number:03d}" for number in range(count)]
        self._made += count
        return [Item(key=name, document=self._make(name)) for name in names]

    async def refused(self) -> Item[Any]:
        return Item(key=REFUSED, document=self._make(REFUSED))

    async def effects(self, item: Item[Any]) -> Sequence[Effect]:
        raw = msgspec.json.encode(item.document)
        return ["whole" for body in self._books.took.get(self._kind, {}).values() if body == raw]


@asynccontextmanager
async def depot_rig(role: Role) -> AsyncIterator[Rig[Any]]:
    """The depot, up and listening."""
    books = Books()
    routes = [
        Route("/ping", books.answer, methods=["GET"]),
        Route("/documents/{kind}", books.answer, methods=["GET"]),
        Route("/documents/{kind}/{name}", books.answer, methods=["PUT"]),
    ]
    benches: dict[Part, Any] = {part: Telling(books, part, make) for part, make in SOURCES[role].items()}
    benches |= {part: TakingBench(books, part, make) for part, make in SINKS[role].items()}
    async with served(Starlette(routes=routes)) as address:
        yield Rig(
            port=int(address.rpartition(":")[2]),
            table=lambda port: {"url": f"http://127.0.0.1:{port}", "token": {"secret": "toy"}},
            secrets={"toy": TOKEN},
            wrong_secrets={"toy": "another token"},
            trace=books.trace,
            benches=benches,
        )
