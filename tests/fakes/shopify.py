"""A strict Shopify: an HTTP server whose Admin API validates every document against Shopify's own schema.

It keeps a bucket of points as Shopify does, pages by value and id, wants idempotency keys and no deprecated
field, and can be told to misbehave: faults are queued by the name of the operation that they hit.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec
from graphql import GraphQLResolveInfo, GraphQLSchema, execute_sync

from .documents import Document, Documents
from .pool import Bucket
from .shopify_root import Root, by_id, paged
from .shopify_schema import cost_of, require_schema
from .shopify_shop import DOMAIN, ShopifyShop
from .web import Asked, Double, Reply, misbehaved, serving

PATH = "/admin/api/2026-07/graphql.json"
TOKEN_PATH = "/admin/oauth/access_token"
MOST_COST = 1000
SCOPES = (
    "read_orders",
    "write_merchant_managed_fulfillment_orders",
    "write_products",
    "write_inventory",
    "read_locations",
    "write_returns",
    "read_all_orders",
)

Fault = Literal[
    "expired",
    "throttled",
    "429",
    "402",
    "423",
    "500",
    "503",
    "html",
    "internal",
    "late-internal",
    "inactive",
    "before",
    "after",
    "lost",
    "truncated",
    "slow",
]
"""`expired`: the token. `throttled`: as if the bucket were empty. `internal`, `late-internal`: an error of
Shopify's own, before or after it was applied. `before`, `after`: the connection ends before or after it was
applied, with no answer; `truncated`: within the answer. `lost`: applied, and never answered. `slow`: in
small bits."""

ERRORS = {
    "401": b'{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}',
    "402": b'{"errors":"Unavailable Shop"}',
    "423": b'{"errors":"Locked"}',
    "429": b'{"errors":"Too Many Requests"}',
    "500": b'{"errors":"Internal Server Error"}',
    "503": b'{"errors":"Service Unavailable"}',
}


class FakeShopify(Double[Fault]):
    """The server's half. `shop` has the state; `asked` are the operations that came, in order; `stumbles` are
    ids over which it fails when they are asked for."""

    kind = "application/json; charset=utf-8"

    def __init__(self, schema: GraphQLSchema, *, now: datetime) -> None:
        super().__init__()
        self.schema = schema
        self.shop = ShopifyShop(now)
        self.client = ("client-id", "client secret")
        self.access_token = "shpat_static"
        self.tokens: set[str] = set()
        self.scopes = set(SCOPES)
        self.version = "2026-07"
        self.bucket = Bucket(1e9, 1e9)
        self.keys: dict[str, tuple[str, Any]] = {}
        self.throttled = 0
        self.gone = False
        self.most_cost = MOST_COST
        self.most_terms = 1_000
        self.stumbles: set[str] = set()
        self._documents = Documents(schema)

    # ---- HTTP

    async def answer(self, asked: Asked) -> Reply | None:
        if self.gone or asked.method != "POST" or asked.target not in (PATH, TOKEN_PATH):
            return Reply(status=404, body=b'{"errors":"Not Found"}')
        if asked.target == TOKEN_PATH:
            self.asked.append("token")
            return self._token(parse_qs(asked.body.decode()))
        document = msgspec.json.decode(asked.body, type=Document)
        fault = self.called(document.operation)
        if fault == "expired":
            self.tokens.clear()
        canned = None if fault is None else self._canned(fault)
        if canned is not None or fault == "before":
            return canned
        reply = self._run(document, asked.headers, empty=fault == "throttled")
        if fault == "late-internal":
            return self._canned("internal")
        return await misbehaved(reply, fault)

    def _canned(self, fault: Fault) -> Reply | None:
        """What some faults are answered with, without a look at the document."""
        if fault in ERRORS:
            headers = {"retry-after": "2.0"} if fault in ("429", "503") else {}
            return Reply(status=int(fault), headers=headers, body=ERRORS[fault])
        if fault == "html":
            return Reply(kind="text/html", body=b"<html><title>Something went wrong</title></html>")
        codes = {"internal": "INTERNAL_SERVER_ERROR", "inactive": "SHOP_INACTIVE"}
        if fault in codes:
            error = {"message": "Internal error.", "extensions": {"code": codes[fault], "requestId": "x"}}
            return Reply(body=msgspec.json.encode({"errors": [error]}))
        return None

    def _token(self, form: Mapping[str, list[str]]) -> Reply:
        given = {name: values[0] for name, values in form.items()}
        if given.get("grant_type") != "client_credentials":
            return Reply(status=400, body=b'{"error":"invalid_request"}')
        if (given.get("client_id"), given.get("client_secret")) != self.client:
            return Reply(status=400, body=b'{"error":"invalid_client"}')
        token = f"shpat_{len(self.asked)}"
        self.tokens.add(token)
        told = {"access_token": token, "scope": ",".join(sorted(self.scopes)), "expires_in": 86399}
        return Reply(body=msgspec.json.encode(told))

    # ---- GraphQL

    def _run(self, asked: Document, headers: Mapping[str, str], *, empty: bool) -> Reply:
        if headers.get("x-shopify-access-token") not in {*self.tokens, self.access_token}:
            return Reply(status=401, body=ERRORS["401"])
        document = self._documents.read(asked)
        requested = cost_of(self.schema, document, asked.variables)
        if requested > self.most_cost:
            return self._refused("MAX_COST_EXCEEDED", requested)
        if empty or self.bucket.count() < requested - 0.01:
            self.throttled += 1
            return self._refused("THROTTLED", requested)
        result = execute_sync(
            self.schema,
            document,
            root_value=Root(self),
            variable_values=asked.variables,
            field_resolver=_resolve,
        )
        unknown = [error for error in result.errors or () if not (error.extensions or {}).get("code")]
        if unknown:
            raise unknown[0].original_error or AssertionError(f"{asked.operation}: {unknown[0].message}")
        actual = min(requested, 10 if asked.query.lstrip().startswith("mutation") else _objects(result.data))
        self.bucket.take(actual)
        answer: dict[str, object] = {"data": result.data, "extensions": self._cost(requested, actual)}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return Reply(headers={"x-shopify-api-version": self.version}, body=msgspec.json.encode(answer))

    def _refused(self, code: str, requested: int) -> Reply:
        error = {"message": code.capitalize(), "extensions": {"code": code}}
        answer = {"errors": [error], "extensions": self._cost(requested, None)}
        return Reply(headers={"x-shopify-api-version": self.version}, body=msgspec.json.encode(answer))

    def _cost(self, requested: int, actual: int | None) -> dict[str, object]:
        status = {
            "maximumAvailable": self.bucket.maximum,
            "currentlyAvailable": int(self.bucket.count()),
            "restoreRate": self.bucket.rate_per_s,
        }
        cost = {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}
        return {"cost": cost}


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """A field: of the root its method, of a row its value; of a connection a page of its rows."""
    name = info.field_name
    if isinstance(source, Root):
        return getattr(source, "return_" if name == "return" else name)(info, **arguments)
    if name == "inventoryLevel" and "levels" in source:
        units = source["levels"].get(arguments["locationId"])
        return None if units is None else {"quantities": [{"quantity": units}]}
    value = source.get(name) if name.endswith("Code") or name == "email" else source[name]
    if isinstance(value, list) and str(info.return_type).rstrip("!").endswith("Connection"):
        rows = [row if "id" in row else {**row, "id": str(place)} for place, row in enumerate(value)]
        if arguments.get("reverse"):
            return paged(rows, arguments, lambda row: [len(row["id"]), row["id"]])
        return by_id(rows, arguments)
    return value


def _objects(data: Any) -> int:
    if isinstance(data, dict):
        return 1 + sum(_objects(each) for each in data.values())
    return sum(_objects(each) for each in data) if isinstance(data, list) else 0


@asynccontextmanager
async def fake_shopify(*, now: datetime | None = None) -> AsyncIterator[FakeShopify]:
    """A server, up and listening; skips the test where Shopify's schema is not here."""
    fake = FakeShopify(require_schema(), now=now or datetime(2026, 11, 21, tzinfo=UTC))
    async with serving(fake):
        yield fake


__all__ = ["DOMAIN", "FakeShopify", "fake_shopify"]
