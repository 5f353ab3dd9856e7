"""A strict ShipHero: an HTTP server that validates every document against the API's schema, keeps credits,
pages by places, and can be told to misbehave: faults are queued by the name of the operation that they hit.
"""

import base64
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import trio
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    build_schema,
    execute_sync,
    get_named_type,
)

from .documents import Document, Documents
from .pool import Bucket
from .shiphero_house import House, Row
from .shiphero_root import Refused, Root
from .web import Asked, Double, Reply, misbehaved, serving

SCHEMA = Path(__file__).with_name("shiphero.graphql")
MOST_CREDITS = 4004
MOST_ROWS = 100

Fault = Literal[
    "expired",
    "throttled",
    "403",
    "429",
    "500",
    "503",
    "html",
    "internal",
    "late-internal",
    "scope",
    "unknown",
    "before",
    "after",
    "lost",
    "truncated",
    "slow",
]
"""`expired`: the token. `throttled`: as if there were no credits. `internal`, `late-internal`: a fault of
ShipHero's own, before or after it was applied. `scope`: a warning beside what was asked. `unknown`: a
document that is not valid any more. `before`, `after`: the connection ends before or after it was applied,
with no answer; `truncated`: within the answer. `lost`: applied, and never answered. `slow`: in small bits."""


@cache
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA.read_text())


class FakeShipHero(Double[Fault]):
    """The server's half. `house` has the state; `asked` are the operations that came, in order; `refusals`
    say with which words and code a root field is refused."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__()
        self.schema = schema()
        self.house = House(now_s)
        self.refresh_token = "a refresh token"
        self.user = "dropstream@acme.example"
        self.tokens: set[str] = set()
        self.customers: set[str] = set()
        self.refusals: dict[str, tuple[str, int]] = {}
        self.credits = Bucket(1e9, 1e9)
        self.throttled = 0
        self.newest_first = False
        self._documents = Documents(self.schema)

    # ---- HTTP

    async def answer(self, asked: Asked) -> Reply | None:
        if asked.method != "POST" or asked.target not in ("/graphql", "/auth/refresh"):
            return Reply(status=404, body=b'{"message":"Not Found"}')
        if asked.headers.get("content-type") != "application/json":
            raise AssertionError(f"content-type: {asked.headers.get('content-type')}")
        if asked.target == "/auth/refresh":
            self.asked.append("refresh")
            return self._token(asked.body)
        document = msgspec.json.decode(asked.body, type=Document)
        fault = self.called(document.operation)
        if fault == "expired":
            self.tokens.clear()
        canned = None if fault is None else _canned(fault, document.operation)
        if canned is not None or fault == "before":
            return canned
        reply = self._run(document, asked.headers, empty=fault == "throttled", warned=fault == "scope")
        if fault == "late-internal":
            return _canned("internal", document.operation)
        return await misbehaved(reply, fault)

    def _token(self, body: bytes) -> Reply:
        if msgspec.json.decode(body) != {"refresh_token": self.refresh_token}:
            return Reply(status=401, body=b'{"message":"Invalid refresh token"}')
        token = f"access-{len(self.asked)}"
        self.tokens.add(token)
        told = {
            "access_token": token,
            "expires_in": 2419200,
            "scope": "openid profile offline_access",
            "token_type": "Bearer",
        }
        return Reply(body=msgspec.json.encode(told))

    # ---- GraphQL

    def _run(self, asked: Document, headers: Mapping[str, str], *, empty: bool, warned: bool) -> Reply:
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Reply(status=401, body=b'{"message":"Invalid token"}')
        document = self._documents.read(asked)
        requested = cost_of(self.schema, document, asked.variables)
        if requested > MOST_CREDITS:
            raise AssertionError(f"{asked.operation} asks for {requested} credits, more than any may")
        if empty or self.credits.count() < requested - 0.01:
            self.throttled += 1
            return self._throttle(asked.operation, requested)
        result = execute_sync(
            self.schema,
            document,
            root_value=Root(self),
            variable_values=asked.variables,
            field_resolver=self._resolve,
        )
        unknown = [error for error in result.errors or () if not isinstance(error.original_error, Refused)]
        if unknown:
            raise unknown[0].original_error or AssertionError(f"{asked.operation}: {unknown[0].message}")
        actual = min(requested, 1 + rows_of(result.data))
        self.credits.take(actual)
        told = [
            each for each in (result.data or {}).values() if isinstance(each, dict) and "complexity" in each
        ]
        for place, field in enumerate(told):
            field["complexity"] = actual if place == 0 else 0
        answer: dict[str, object] = {"data": result.data}
        errors = [_told(error) for error in result.errors or ()]
        if warned:
            root = next(iter(result.data or {"": None}))
            errors.append(
                {"message": f"Scope read:{root} will be required soon", "operation": root, "code": 12}
            )
        return Reply(body=msgspec.json.encode({**answer, "errors": errors} if errors else answer))

    def _throttle(self, operation: str, requested: int) -> Reply:
        left = int(self.credits.count())
        wait_s = max(1, math.ceil((requested - left) / self.credits.rate_per_s))
        error = {
            "code": 30,
            "message": "There are not enough credits to perform the requested operation, which requires "
            f"{requested} credits, but there are only {left} left. In {wait_s} seconds you will have enough",
            "operation": operation,
            "request_id": "0",
            "required_credits": requested,
            "remaining_credits": left,
            "time_remaining": f"{wait_s} seconds",
        }
        return Reply(body=msgspec.json.encode({"errors": [error], "data": None}))

    def _resolve(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        """A field: of the root its method, of a row its value; of a connection a page of its rows."""
        name = info.field_name
        if isinstance(source, Root):
            return getattr(source, name)(info, **arguments)
        value = source[name]
        if isinstance(value, list) and str(info.return_type).rstrip("!").endswith("Connection"):
            rows = list(reversed(value)) if self.newest_first else value
            return paged(rows, first=arguments.get("first", MOST_ROWS), after=arguments.get("after"))
        return value


def paged(rows: list[Row], *, first: int, after: str | None) -> Row:
    """A page by places, as ShipHero counts them."""
    if not 0 < first <= MOST_ROWS:
        raise AssertionError(f"{first} rows at once")
    start = 0 if after is None else int(base64.b64decode(after).decode().removeprefix("arrayconnection:")) + 1
    some = rows[start : start + first]
    cursors = [
        base64.b64encode(f"arrayconnection:{start + place}".encode()).decode() for place in range(len(some))
    ]
    return {
        "pageInfo": {
            "hasNextPage": start + first < len(rows),
            "hasPreviousPage": start > 0,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
        "edges": [{"cursor": cursor, "node": row} for cursor, row in zip(cursors, some, strict=True)],
    }


def _canned(fault: Fault, operation: str) -> Reply | None:
    """What some faults are answered with, without a look at the document."""
    if fault in ("403", "429", "500", "503"):
        headers = {"retry-after": "2"} if fault in ("429", "503") else {}
        return Reply(status=int(fault), headers=headers, body=b'{"message":"no"}')
    if fault == "html":
        return Reply(kind="text/html", body=b"<html><title>Something went wrong</title></html>")
    if fault == "internal":
        error: dict[str, object] = {"message": "Unexpected error", "path": [operation]}
        return Reply(body=msgspec.json.encode({"errors": [error], "data": {operation: None}}))
    if fault == "unknown":
        error = {"message": "Cannot query field", "locations": [{"line": 1, "column": 2}]}
        return Reply(status=400, body=msgspec.json.encode({"errors": [error]}))
    return None


def _told(error: GraphQLError) -> dict[str, object]:
    refused = error.original_error
    code = refused.code if isinstance(refused, Refused) else 0
    root = str((error.path or [""])[0])
    return {"message": error.message, "operation": root, "field": root, "request_id": "0", "code": code}


def rows_of(data: Any) -> int:
    """Rows of pages, and objects within them."""
    if isinstance(data, dict):
        own = 1 if "node" in data else 0
        return own + sum(rows_of(each) for each in data.values())
    return sum(rows_of(each) for each in data) if isinstance(data, list) else 0


def cost_of(known: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """What the call asks for: 1, and for each row of a page 1 and what is asked beside it. What an object in
    a row costs is written nowhere: 1, to be safe. A mutation costs 10 more."""
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    root = known.get_root_type(operation.operation)
    if root is None:
        raise AssertionError("the schema has no such operations")
    asked = sum(_root_cost(each, root, variables) for each in operation.selection_set.selections)
    return 1 + asked + (10 if operation.operation.value == "mutation" else 0)


def _root_cost(node: Any, root: GraphQLObjectType, variables: Mapping[str, Any]) -> int:
    """The envelope of an answer is free."""
    of = get_named_type(root.fields[node.name.value].type)
    return sum(
        _cost(each, of, variables) for each in node.selection_set.selections if each.name.value != "data"
    ) + sum(
        _data_cost(each, of, variables) for each in node.selection_set.selections if each.name.value == "data"
    )


def _data_cost(node: FieldNode, parent: Any, variables: Mapping[str, Any]) -> int:
    of = get_named_type(parent.fields["data"].type)
    if of.name.endswith("Connection"):
        return _cost(node, parent, variables)
    return 0 if node.selection_set is None else _selected(node.selection_set, of, variables)


def _selected(chosen: SelectionSetNode, parent: Any, variables: Mapping[str, Any]) -> int:
    return sum(_cost(each, parent, variables) for each in chosen.selections)


def _cost(node: Any, parent: Any, variables: Mapping[str, Any]) -> int:
    if node.selection_set is None:
        return 0
    of = get_named_type(parent.fields[node.name.value].type)
    if not of.name.endswith("Connection"):
        return 1 + _selected(node.selection_set, of, variables)
    edges = next(each for each in node.selection_set.selections if each.name.value == "edges")
    row = next(each for each in edges.selection_set.selections if each.name.value == "node")
    edge = get_named_type(of.fields["edges"].type)
    return _first(node, variables) * (
        1 + _selected(row.selection_set, get_named_type(edge.fields["node"].type), variables)
    )


def _first(node: FieldNode, variables: Mapping[str, Any]) -> int:
    for argument in node.arguments or ():
        if argument.name.value == "first":
            if isinstance(argument.value, VariableNode):
                return int(variables[argument.value.name.value])
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
    raise AssertionError(f"{node.name.value} asks for no number of rows")


@asynccontextmanager
async def fake_shiphero(now_s: float = 1_795_300_000.0) -> AsyncIterator[FakeShipHero]:
    """A server, up and listening, whose clock shows `now_s` and goes with trio's."""
    start_s = trio.current_time()
    fake = FakeShipHero(lambda: now_s + trio.current_time() - start_s)
    async with serving(fake):
        yield fake
