"""A strict Vendure: an HTTP server whose Admin API validates every document against Vendure's own schema.

Faults are queued by the name of the operation that they hit; each hits once.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache, wraps
from pathlib import Path
from typing import Any, Literal

import h11
import msgspec
import trio
from graphql import (
    ExecutionResult,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    graphql_sync,
    parse,
    validate,
)

from .vendure_lists import failure, listed
from .vendure_shop import FakeShop, Row, rejection

SDL = Path(__file__).with_name("vendure-admin.graphql")
BODY_LIMIT = 100 * 1024
PERMISSIONS = (
    "ReadOrder",
    "UpdateOrder",
    "ReadCatalog",
    "UpdateCatalog",
    "CreateCatalog",
    "ReadStockLocation",
    "ReadShippingMethod",
)

Fault = Literal[
    "expired",
    "500",
    "429",
    "html",
    "old",
    "before",
    "after",
    "lost",
    "truncated",
    "database",
    "late-database",
]
"""`expired`: the session. `old`: the schema lacks something of the document. `before`, `after`: the
connection ends before or after it was applied, with no answer; `truncated`: within the answer. `lost`:
applied, and never answered. `database`: an error without a code, nothing applied; `late-database`: the
same, applied."""


class FakeVendure:
    """The server's half. `shop` has the state; `asked` are the operations that came, in order."""

    def __init__(self, *, now: datetime) -> None:
        self.shop = FakeShop(now)
        self.token = "channel-token"
        self.user = ("dropstreamd", "correct horse")
        self.api_key = "lookup:secret"
        self.permissions = set(PERMISSIONS)
        self.bearer = True
        self.native = True
        self.sessions: set[str] = set()
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[str] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/admin-api"

    def fail(self, operation: str, *faults: Fault) -> None:
        self.faults.setdefault(operation, []).extend(faults)

    # ---- HTTP

    async def serve(self, stream: trio.SocketStream) -> None:
        peer = h11.Connection(h11.SERVER)
        while True:
            request, body = await _request(peer, stream)
            if request is None:
                return
            reply = await self._answer(request, body)
            if reply is None:
                return
            length = len(reply.body) if reply.whole else len(reply.body) + 7
            fields = {**reply.headers, "content-type": reply.kind, "content-length": str(length)}
            head = h11.Response(status_code=reply.status, headers=list(fields.items()))
            await stream.send_all(peer.send(head) or b"")
            await stream.send_all(peer.send(h11.Data(data=reply.body)) or b"")
            if not reply.whole:
                return
            await stream.send_all(peer.send(h11.EndOfMessage()) or b"")
            peer.start_next_cycle()

    async def _answer(self, request: h11.Request, body: bytes) -> "Reply | None":
        """None: the connection ends without one."""
        if request.target != b"/admin-api":
            return Reply(status=404, body=b'{"statusCode":404,"message":"Cannot POST"}')
        if len(body) > BODY_LIMIT:
            return Reply(status=500, body=b'{"statusCode":500,"message":""}')
        asked = msgspec.json.decode(body, type=Asked)
        found = re.match(r"\s*(?:query|mutation)\s+(\w+)", asked.query)
        operation = found[1] if found else ""
        self.asked.append(operation)
        queue = self.faults.get(operation, [])
        fault = queue.pop(0) if queue else None
        if operation in self.before:
            self.before.pop(operation)()
        if fault == "expired":
            self.sessions.clear()
        if fault in CANNED:
            return CANNED[fault]
        headers = {name.decode(): value.decode() for name, value in request.headers}
        reply = self._run(asked, headers)
        if fault == "lost":
            await trio.sleep_forever()
        if fault == "late-database":
            return CANNED["database"]
        return None if fault == "after" else msgspec.structs.replace(reply, whole=fault != "truncated")

    def _run(self, asked: "Asked", headers: Mapping[str, str]) -> "Reply":
        document = parse(asked.query)
        wrong = validate(schema(), document)
        if wrong:
            error = {"message": wrong[0].message, "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}
            return Reply(status=400, body=msgspec.json.encode({"errors": [error]}))
        told: dict[str, str] = {}
        context = Context(fake=self, headers=headers, told=told)
        result: ExecutionResult = graphql_sync(
            schema(),
            asked.query,
            root_value=Root(self),
            context_value=context,
            variable_values=dict(asked.variables),
        )
        answer: dict[str, object] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return Reply(headers=told, body=msgspec.json.encode(answer))


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered; one that is not `whole` says that it is longer than it is."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = {}
    kind: str = "application/json"
    whole: bool = True


DATABASE = b'{"errors":[{"message":"deadlock detected","path":["x"]}],"data":null}'
CANNED: dict[str | None, Reply | None] = {
    "before": None,
    "500": Reply(status=500, body=b'{"statusCode":500}'),
    "429": Reply(status=429, headers={"retry-after": "2"}, body=b"{}"),
    "html": Reply(kind="text/html", body=b"<html><title>Login</title></html>"),
    "database": Reply(body=DATABASE),
    "old": Reply(
        status=400,
        body=b'{"errors":[{"message":"no","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}',
    ),
}
"""Faults that are answered without a look at the document."""


class Asked(msgspec.Struct, frozen=True):
    query: str
    variables: dict[str, Any]


class Context(msgspec.Struct, frozen=True):
    """One request. `told` are headers for its answer."""

    fake: FakeVendure
    headers: Mapping[str, str]
    told: dict[str, str]

    def check_channel(self) -> None:
        if self.headers.get("vendure-token", self.fake.token) != self.fake.token:
            raise failure("CHANNEL_NOT_FOUND")

    def permissions(self) -> set[str]:
        if self.headers.get("vendure-api-key") == self.fake.api_key:
            return {"Authenticated", *self.fake.permissions}
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.fake.sessions:
            return {"Authenticated", *self.fake.permissions}
        if token:
            self.told["vendure-auth-token"] = ""
        return set()


def needs(permission: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """A root field that is for those with this permission."""

    def decorate(field: Callable[..., object]) -> Callable[..., object]:
        @wraps(field)
        def guarded(self: "Root", info: GraphQLResolveInfo[Any], **arguments: object) -> object:
            context: Context = info.context
            context.check_channel()
            if permission not in context.permissions():
                raise failure("FORBIDDEN")
            return field(self, **arguments)

        return guarded

    return decorate


class Root:
    """The root fields of queries and mutations."""

    def __init__(self, fake: FakeVendure) -> None:
        self.fake = fake
        self.shop = fake.shop

    def login(self, info: GraphQLResolveInfo[Any], username: str, password: str) -> object:
        context: Context = info.context
        context.check_channel()
        if not self.fake.native:
            return rejection("NativeAuthStrategyError", "NATIVE_AUTH_STRATEGY_ERROR")
        if (username, password) != self.fake.user:
            return rejection("InvalidCredentialsError", "INVALID_CREDENTIALS_ERROR")
        token = f"session-{len(self.fake.asked)}"
        self.fake.sessions.add(token)
        if self.fake.bearer:
            context.told["vendure-auth-token"] = token
        rights = {"token": self.fake.token, "permissions": ["Authenticated", *sorted(self.fake.permissions)]}
        return {"__typename": "CurrentUser", "channels": [rights]}

    @needs("Authenticated")
    def activeChannel(self) -> object:  # noqa: N802 - the API's name
        return {
            "id": "2",
            "code": "shop",
            "token": self.fake.token,
            "defaultLanguageCode": "en",
            "defaultCurrencyCode": self.shop.currency,
        }

    @needs("Authenticated")
    def globalSettings(self) -> object:  # noqa: N802
        process = [{"name": name} for name in self.shop.states]
        return {
            "trackInventory": True,
            "outOfStockThreshold": self.shop.threshold,
            "serverConfig": {"moneyStrategyPrecision": self.shop.precision, "orderProcess": process},
        }

    @needs("ReadOrder")
    def orders(self, options: Row) -> object:
        return listed(self.shop.orders_by_id.values(), options)

    @needs("ReadOrder")
    def order(self, id: str) -> object:  # noqa: A002 - the API's name
        return self.shop.orders_by_id.get(id)

    @needs("ReadOrder")
    def fulfillmentHandlers(self) -> object:  # noqa: N802
        return [
            {"code": code, "args": [{"name": name} for name in names]}
            for code, names in self.shop.handlers.items()
        ]

    @needs("UpdateOrder")
    def addFulfillmentToOrder(self, input: Row) -> object:  # noqa: A002, N802
        if input["handler"]["code"] not in self.shop.handlers:
            return rejection("InvalidFulfillmentHandlerError", "INVALID_FULFILLMENT_HANDLER_ERROR")
        if not all(self.shop.has_line(line["orderLineId"]) for line in input["lines"]):
            raise failure("ENTITY_NOT_FOUND")
        arguments = {each["name"]: each["value"] for each in input["handler"]["arguments"]}
        return self.shop.create_fulfillment(
            [dict(line) for line in input["lines"]],
            arguments.get("method", ""),
            arguments.get("trackingCode", ""),
        )

    @needs("UpdateOrder")
    def transitionFulfillmentToState(self, id: str, state: str) -> object:  # noqa: A002, N802
        moved = self.shop.move_fulfillment(id, state)
        if moved is None:
            raise failure("ENTITY_NOT_FOUND")
        return moved

    @needs("ReadCatalog")
    def productVariants(self, options: Row) -> object:  # noqa: N802
        return listed(self.shop.variants.values(), options)

    @needs("UpdateCatalog")
    def updateProductVariants(self, input: list[Row]) -> object:  # noqa: A002, N802
        changed = self.shop.set_levels(input)
        if changed is None:
            raise failure("ENTITY_NOT_FOUND")
        return changed

    @needs("ReadCatalog")
    def products(self, options: Row) -> object:
        return listed([self.shop.with_variants(each) for each in self.shop.products.values()], options)

    @needs("CreateCatalog")
    def createProduct(self, input: Row) -> object:  # noqa: A002, N802
        return self.shop.create_product(input)

    @needs("UpdateCatalog")
    def createProductVariants(self, input: list[Row]) -> object:  # noqa: A002, N802
        made = self.shop.create_variants(input)
        if isinstance(made, str):
            raise failure(made)
        return made

    @needs("ReadStockLocation")
    def stockLocations(self, options: Row) -> object:  # noqa: N802
        return listed(self.shop.locations, options)

    @needs("ReadShippingMethod")
    def shippingMethods(self, options: Row) -> object:  # noqa: N802
        return listed([{"id": "1", "code": "standard-shipping", "name": "Standard Shipping"}], options)


@cache
def schema() -> GraphQLSchema:
    return build_schema(SDL.read_text())


async def _request(peer: h11.Connection, stream: trio.SocketStream) -> tuple[h11.Request | None, bytes]:
    request, body = None, b""
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            peer.receive_data(await stream.receive_some(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return request, body
        else:
            return None, b""


@asynccontextmanager
async def fake_vendure(*, now: datetime | None = None) -> AsyncIterator[FakeVendure]:
    """A server, up and listening."""
    fake = FakeVendure(now=now or datetime(2026, 11, 21, tzinfo=UTC))

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await fake.serve(stream)
            except (trio.BrokenResourceError, h11.RemoteProtocolError):
                return  # the client went away, within a request perhaps

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(lambda task_status: _listen(handle, task_status))
        fake.port = listeners[0].socket.getsockname()[1]
        yield fake
        nursery.cancel_scope.cancel()


async def _listen(handle: Any, task_status: Any) -> None:
    await trio.serve_tcp(handle, 0, host="127.0.0.1", task_status=task_status)
