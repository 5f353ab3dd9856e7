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

import msgspec
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
from .web import Asked, Double, Reply, misbehaved, serving

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


class FakeVendure(Double[Fault]):
    """The server's half. `shop` has the state; `asked` are the operations that came, in order."""

    def __init__(self, *, now: datetime) -> None:
        super().__init__()
        self.shop = FakeShop(now)
        self.token = "channel-token"
        self.user = ("dropstreamd", "correct horse")
        self.api_key = "lookup:secret"
        self.permissions = set(PERMISSIONS)
        self.bearer = True
        self.native = True
        self.sessions: set[str] = set()

    @property
    def url(self) -> str:
        return f"{super().url}/admin-api"

    # ---- HTTP

    async def answer(self, asked: Asked) -> Reply | None:
        if asked.target != "/admin-api":
            return Reply(status=404, body=b'{"statusCode":404,"message":"Cannot POST"}')
        if len(asked.body) > BODY_LIMIT:
            return Reply(status=500, body=b'{"statusCode":500,"message":""}')
        document = msgspec.json.decode(asked.body, type=Document)
        found = re.match(r"\s*(?:query|mutation)\s+(\w+)", document.query)
        fault = self.called(found[1] if found else "")
        if fault == "expired":
            self.sessions.clear()
        if fault in CANNED:
            return CANNED[fault]
        reply = self._run(document, asked.headers)
        if fault == "late-database":
            return CANNED["database"]
        return await misbehaved(reply, fault)

    def _run(self, asked: "Document", headers: Mapping[str, str]) -> Reply:
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


class Document(msgspec.Struct, frozen=True):
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


@asynccontextmanager
async def fake_vendure(*, now: datetime | None = None) -> AsyncIterator[FakeVendure]:
    """A server, up and listening."""
    fake = FakeVendure(now=now or datetime(2026, 11, 21, tzinfo=UTC))
    async with serving(fake):
        yield fake
