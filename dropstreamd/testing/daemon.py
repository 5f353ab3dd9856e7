"""The daemon's side of the contract, in memory: what it keeps of a source, and records of a write."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Literal, TypeVar

import msgspec
import trio

from dropstreamd.model.handover import Bad, Withdrawn
from dropstreamd.platform.contract import Page, Source, StockPage, StockSource
from dropstreamd.testing.stand import Stand, require, within

T = TypeVar("T")

MOST_PAGES = 1_000
MOST_KEY_BYTES = 100

Between = Callable[[int], Awaitable[None]]


async def nothing(_pages: int) -> None:
    """Between pages."""
    await trio.lowlevel.checkpoint()


class Kept(Generic[T]):
    """What was made durable of a source's documents: by key the last one, cursor and marks."""

    def __init__(self) -> None:
        self.documents: dict[str, T] = {}
        self.bad: dict[str, Bad] = {}
        self.cursor: str | None = None
        self.marks: set[str] = set()
        self.pages: list[Page[Any]] = []

    async def run(self, stand: Stand, source: Source[T], between: Between = nothing) -> None:
        """One run: every page, as long as there are more. Confirms nothing."""
        self.pages = []
        more = True
        while more:
            page = await within("page", source.page(self.cursor, self.marks.__contains__))
            self.pages.append(page)
            require(len(self.pages) < MOST_PAGES, f"`more` does not end after {MOST_PAGES} pages")
            self._keep(stand, page)
            more = page.more
            await between(len(self.pages))

    def _keep(self, stand: Stand, page: Page[T]) -> None:
        for document in page.documents:
            key = getattr(document, "key", None)
            require(isinstance(key, str) and key, f"a document has the key {key!r}")
            _check_key(str(key))
            self.documents[str(key)] = document
        for bad in page.bad:
            check_bad(stand, bad)
            self.bad[bad.key] = bad
        self.cursor = page.cursor or self.cursor
        if page.mark is not None:
            self.marks.add(page.mark)


class Snapshot(msgspec.Struct, kw_only=True):
    """A snapshot as its pages told it."""

    pages: list[StockPage] = []
    whole: bool = False

    @property
    def units(self) -> dict[str, int]:
        units: dict[str, int] = {}
        for page in self.pages:
            for row in page.rows:
                units[row.sku] = units.get(row.sku, 0) + row.quantity
        return units

    @property
    def bad(self) -> dict[str, Bad]:
        return {bad.key: bad for page in self.pages for bad in page.bad}


async def snapshots(stand: Stand, source: StockSource, taken: set[str]) -> list[Snapshot]:
    """Every snapshot that waits. Confirms nothing."""
    found: list[Snapshot] = []
    count = 0
    while (page := await within("page", source.page(taken.__contains__))) is not None:
        count += 1
        require(count < MOST_PAGES, f"pages do not end after {MOST_PAGES}")
        if not found or found[-1].pages[0].snapshot != page.snapshot:
            found.append(Snapshot())
        require(not found[-1].whole, "a page follows the last one of its snapshot")
        for bad in page.bad:
            check_bad(stand, bad)
        found[-1].pages.append(page)
        found[-1].whole = page.last
    return found


def check_bad(stand: Stand, bad: Bad) -> None:
    """A document that was set aside says which, where and why."""
    _check_key(bad.key)
    require(bad.place, f"the bad document {bad.key} does not say where it stood")
    require(bad.reason, f"the bad document {bad.key} does not say what is wrong with it")
    require(isinstance(bad.raw, bytes), f"the bad document {bad.key} is not kept as bytes")
    stand.see("a bad document", bad.place, bad.reason)


def _check_key(key: str) -> None:
    size = len(key.encode(errors="surrogateescape"))
    require(0 < size <= MOST_KEY_BYTES, f"a key has {size} bytes, 1 to {MOST_KEY_BYTES} are allowed")
    require("\0" not in key, "a key holds a NUL")


class Killed(BaseException):
    """The daemon died here."""


When = Literal["before", "after"]


class Steps:
    """A `Record`. It can die before or after the step of a number (from 1) is durable, and say that
    the write is no longer wanted."""

    def __init__(
        self,
        *,
        step: str = "",
        die_at: int = 0,
        when: When = "after",
        wanted: bool = True,
        asked: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.step = step
        self.count = 0
        self.times_asked = 0
        self._die_at = die_at
        self._when = when
        self._wanted = wanted
        self._asked = asked

    @property
    def died(self) -> bool:
        return 0 < self._die_at <= self.count

    async def __call__(self, step: str, *, if_wanted: bool = False) -> None:
        await trio.lowlevel.checkpoint()
        if if_wanted:
            self.times_asked += 1
            if self._asked is not None:
                await self._asked()
            if not self._wanted:
                raise Withdrawn
        self.count += 1
        if self.count == self._die_at and self._when == "before":
            raise Killed
        self.step = step
        if self.count == self._die_at:
            raise Killed
