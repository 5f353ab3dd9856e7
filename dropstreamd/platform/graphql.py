"""GraphQL over HTTP: one document asked, its data and its errors told apart."""

from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from dropstreamd.platform.http import HttpClient, Response, decode
from dropstreamd.platform.http_errors import Applied, mismatch

T = TypeVar("T")


class GraphqlError(msgspec.Struct, frozen=True, kw_only=True):
    """One error of an answer. What its `code` means (`extensions.code`, empty where there is none)
    is the platform's; `message` may quote what was sent: it is for decisions, not for logs. `extensions`
    are all of them, as JSON."""

    message: str
    code: str = ""
    path: tuple[str | int, ...] = ()
    extensions: bytes = b"{}"


class Answer(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What came back: `data` may be there in part beside `errors`, and None only with some. `extensions`
    are those of the whole answer, as JSON."""

    data: T | None
    errors: tuple[GraphqlError, ...] = ()
    extensions: bytes = b"{}"


async def ask(
    http: HttpClient,
    document: str,
    variables: Mapping[str, object],
    into: type[T],
    *,
    applied: Applied,
    cost: float = 1.0,
) -> Answer[T]:
    """POST `document` to the client's own address; `data` decoded as `into`, strictly.

    `applied` is `safe` for a query, `write` for a mutation. Raises as `HttpClient.request` and
    `decode` do; an answer with neither data nor errors is a ProtocolMismatch too (for a mutation
    OutcomeUnknown).
    """
    response = await http.request(
        "POST", applied=applied, json={"query": document, "variables": variables}, cost=cost
    )
    return judged(response, into)


def judged(response: Response, into: type[T]) -> Answer[T]:
    """The answer that a response to a document holds. Raises as `ask` does."""
    wire: _Wire[T] = decode(response, _Wire[into])  # type: ignore[valid-type]
    errors = tuple(
        GraphqlError(
            message=error.message,
            code=_code(error.extensions),
            path=error.path or (),
            extensions=bytes(error.extensions),
        )
        for error in wire.errors or ()
    )
    if wire.data is None and not errors:
        raise mismatch(response.call, "answered neither data nor errors", certain=not response.ok)
    return Answer(data=wire.data, errors=errors, extensions=bytes(wire.extensions))


def _code(extensions: bytes) -> str:
    try:
        return msgspec.json.decode(extensions, type=_Extensions).code
    except msgspec.ValidationError:
        return ""


class _Extensions(msgspec.Struct, frozen=True):
    code: str = ""


class _Error(msgspec.Struct, frozen=True):
    message: str
    extensions: msgspec.Raw = msgspec.Raw(b"{}")
    path: tuple[str | int, ...] | None = None


class _Wire(msgspec.Struct, Generic[T], frozen=True):
    data: T | None = None
    errors: tuple[_Error, ...] | None = None
    extensions: msgspec.Raw = msgspec.Raw(b"{}")
