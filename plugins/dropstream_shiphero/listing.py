"""Listings of ShipHero's, read page by page.

Its cursors count places from a listing's beginning, and its order is nowhere promised: while it is read a
row may go, and those behind it move up. So every page begins a few rows before the last one's end, and has
to bring one of them again; else the listing is begun anew.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from dropstream_shiphero import answers
from dropstream_shiphero.client import Api
from dropstream_shiphero.documents import Document
from dropstreamd.errors import ProtocolMismatch, Unreachable
from dropstreamd.platform.rows import UNREADABLE

T = TypeVar("T")

MOST_TIMES = 4
MOST_PAGES = 20_000


class Rows(msgspec.Struct, frozen=True):
    """A page's rows as they came; `begun` where the listing starts, for the first time or anew."""

    rows: tuple[msgspec.Raw, ...]
    ended: bool
    begun: bool


class Listing:
    """One listing. `root` is its field, `overlap` how many rows each page brings again."""

    def __init__(
        self,
        api: Api,
        document: Document,
        root: str,
        variables: Mapping[str, object],
        *,
        at_once: int,
        overlap: int,
    ) -> None:
        self._api = api
        self._document = document
        self._root = root
        self._variables = variables
        self._at_once = at_once
        self._overlap = overlap
        self._after: str | None = None
        self._again: frozenset[str] = frozenset()
        self._times = 1
        self._pages = 0

    async def page(self) -> Rows:
        """The next page; not to be asked for after the last one."""
        begun = self._after is None
        found = await self._asked()
        edges = found.there
        ids = [_id(edge.node) for edge in edges]
        if self._again and self._again.isdisjoint(ids):
            self._begin_anew()
            return await self.page()
        ended = not found.page_info.has_next_page
        if not ended:
            if not edges:
                raise ProtocolMismatch(
                    f"ShipHero answered {self._document.name} with an empty page, and more to come"
                )
            place = len(edges) - 1 - self._overlap
            if place <= 0 and not begun:  # it brought little else again: go on behind it
                place = len(edges) - 1
            place = max(0, place)
            self._after = edges[place].cursor
            self._again = frozenset(ids[place + 1 :])
        return Rows(rows=tuple(edge.node for edge in edges), ended=ended, begun=begun)

    async def _asked(self) -> answers.RawConnection:
        self._pages += 1
        if self._pages > MOST_PAGES:
            raise ProtocolMismatch(f"ShipHero's listing {self._document.name} does not end")
        variables = {**self._variables, "first": self._at_once, "after": self._after}
        told = await self._api.query(self._document, variables, dict[str, answers.RawListed | None])
        listed = told.get(self._root)
        if listed is None or listed.data is None:
            raise ProtocolMismatch(f"ShipHero answered {self._document.name} with no rows and no error")
        return listed.data

    def _begin_anew(self) -> None:
        self._times += 1
        if self._times > MOST_TIMES:
            raise Unreachable(
                f"ShipHero's rows change faster than {self._document.name} can be read; the next run reads it"
            )
        self._after, self._again = None, frozenset()


class Rest(Generic[T]):
    """The lines of one record beyond those that came with it."""

    def __init__(self, api: Api, document: Document, root: str, line: type[T]) -> None:
        self._api = api
        self._document = document
        self._root = root
        self._line = line

    async def complete(self, key: str, first: answers.Connection[T] | None) -> tuple[T, ...]:
        """All lines of a record, of which the first ones are known."""
        lines = list(first or ())
        info = answers.PageInfo(has_next_page=False) if first is None else first.page_info
        into = dict[str, answers.Asked[answers.WithLines[self._line]] | None]  # type: ignore[name-defined]
        for _ in range(MOST_PAGES):
            if not info.has_next_page:
                return tuple(lines)
            told = await self._api.query(self._document, {"id": key, "after": info.end_cursor}, into)
            asked = told.get(self._root)
            if asked is None or asked.data is None or asked.data.line_items is None:
                raise ProtocolMismatch(f"ShipHero answered {self._document.name} with no lines and no error")
            lines += asked.data.line_items
            info = asked.data.line_items.page_info
        raise ProtocolMismatch(f"ShipHero's {self._document.name} does not end")


_id_decoder = msgspec.json.Decoder(answers.Id)


def _id(raw: msgspec.Raw) -> str:
    try:
        return _id_decoder.decode(raw).id
    except UNREADABLE:
        return ""
