"""A route as data: the one table that serves requests and describes them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Generic, Literal, TypeVar

import msgspec

from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.runs import StreamEvent

Q = TypeVar("Q", bound=msgspec.Struct)
B = TypeVar("B", bound=msgspec.Struct)

BODY_LIMIT_BYTES = 256 * 1024


class Empty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing is asked."""


class Call(msgspec.Struct, Generic[Q, B], frozen=True, kw_only=True):
    """One request, decoded. `path` has the parts of its path by name, `who` is whose process asks."""

    path: Mapping[str, str]
    query: Q
    body: B
    who: str


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that goes on: None is a heartbeat."""

    events: AsyncGenerator[StreamEvent | None, None]


class Route(msgspec.Struct, Generic[Q, B], frozen=True, kw_only=True):
    """One thing that the API does. `path` is a template (`{part}`, the last one may hold slashes:
    `{part:path}`). `answer` is the type of what `handle` returns."""

    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: str
    name: str
    summary: str
    handle: Callable[[Desk, Call[Q, B]], Awaitable[object]]
    query: type[Q]
    body: type[B]
    answer: Any
    status: int = 200
    limit_bytes: int = BODY_LIMIT_BYTES
