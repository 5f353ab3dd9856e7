"""What comes back of a call to ShipHero, whatever was asked: errors, credits, and pages of rows."""

import re
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from dropstreamd.platform.rows import UNREADABLE

T = TypeVar("T")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One error. Its code stands beside the message ("Error Glossary"), and not in `extensions`."""

    message: str = ""
    code: int | str | None = None
    operation: str | None = None
    field: str | None = None
    path: tuple[str | int, ...] | None = None
    required_credits: int | None = None
    remaining_credits: int | None = None
    time_remaining: str | None = None

    @property
    def number(self) -> int | None:
        """The code, where there is one; one that is no number is as good as 0."""
        if self.code is None or isinstance(self.code, int):
            return self.code
        return int(self.code) if self.code.isdecimal() and len(self.code) < 9 else 0


class _Told(msgspec.Struct, frozen=True):
    complexity: int | None = None


_NULL_TEXT = b"null"
_NULL = msgspec.Raw(_NULL_TEXT)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What comes back, its data not decoded yet."""

    raw: msgspec.Raw = msgspec.field(name="data", default=_NULL)
    errors: tuple[Failure, ...] | None = None

    @property
    def data(self) -> bytes | None:
        """None where there is none."""
        return None if bytes(self.raw) == _NULL_TEXT else bytes(self.raw)

    @property
    def complexity(self) -> int | None:
        """What the fields of the answer say that it asked for; None where none does."""
        if self.data is None:
            return None
        told = [each.complexity for each in _fields(self.data).values() if each is not None]
        return sum(each or 0 for each in told) if any(each is not None for each in told) else None

    def only_warns(self, error: Failure, scope: re.Pattern[str]) -> bool:
        """Whether it concerns a scope, and what was asked came all the same ("Scope warnings are not
        errors")."""
        root = error.operation or (str(error.path[0]) if error.path else "")
        return (
            self.data is not None
            and bool(scope.search(error.message))
            and root in _fields(self.data, there=True)
        )


_fields_decoder = msgspec.json.Decoder(dict[str, _Told | None])


def _fields(data: bytes, *, there: bool = False) -> dict[str, _Told | None]:
    try:
        found = _fields_decoder.decode(data)
    except UNREADABLE:
        return {}
    return {name: each for name, each in found.items() if each is not None or not there}


class Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float


class Quota(msgspec.Struct, frozen=True):
    credits_remaining: int
    max_available: int
    increment_rate: int


class QuotaData(msgspec.Struct, frozen=True):
    user_quota: Quota | None


class PageInfo(
    msgspec.Struct, frozen=True, rename={"has_next_page": "hasNextPage", "end_cursor": "endCursor"}
):
    has_next_page: bool
    end_cursor: str | None = None


class Edge(msgspec.Struct, Generic[T], frozen=True):
    cursor: str
    node: T | None = None


class Connection(msgspec.Struct, Generic[T], frozen=True, rename={"page_info": "pageInfo"}):
    """A page of rows."""

    edges: tuple[Edge[T] | None, ...]
    page_info: PageInfo = PageInfo(has_next_page=False)

    def __iter__(self) -> Iterator[T]:
        return (edge.node for edge in self.edges if edge is not None and edge.node is not None)


class RawEdge(msgspec.Struct, frozen=True):
    cursor: str
    node: msgspec.Raw


class RawConnection(msgspec.Struct, frozen=True, rename={"page_info": "pageInfo"}):
    """A page of rows that are decoded one by one."""

    edges: tuple[RawEdge | None, ...]
    page_info: PageInfo

    @property
    def there(self) -> list[RawEdge]:
        """Those that have a row."""
        return [edge for edge in self.edges if edge is not None and bytes(edge.node) != _NULL_TEXT]


class RawListed(msgspec.Struct, frozen=True):
    """As `Listed`, of such a page."""

    data: RawConnection | None = None


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A root field that is a list."""

    data: Connection[T] | None = None


class Asked(msgspec.Struct, Generic[T], frozen=True):
    """A root field that is one record."""

    data: T | None = None


class Id(msgspec.Struct, frozen=True):
    id: str


class WithLines(msgspec.Struct, Generic[T], frozen=True):
    """One record of which lines were asked for alone."""

    line_items: Connection[T] | None = None
