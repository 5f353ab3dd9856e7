"""Platforms that tell documents: a store's changed orders, a warehouse's files and snapshots."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec
import trio

from dropstreamd.errors import Hold, Unfinished, Unreachable, Wait
from dropstreamd.model.handover import Bad
from dropstreamd.platform.contract import READ_AGAIN, Page, Reread, StockPage, Taken
from tests.fakes.points import Points

T = TypeVar("T")

AGAIN_S = 180.0
"""How long after its budget was used up a source says to ask again."""


class Changed(msgspec.Struct, Generic[T], frozen=True):
    """The newest state of a document, and when it last changed."""

    at: int
    document: T | Bad


class ChangesSource(Generic[T]):
    """A `contract.Source` that lists documents by when they changed, with an overlap, in pages.

    The platform (`change`) outlives the sessions; each `session` pages from its cursor on.
    """

    def __init__(self, points: Points, *, page_size: int = 3, overlap: int = 2) -> None:
        self.points = points
        self.page_size = page_size
        self.overlap = overlap
        self.down = 0
        self.allowed: int | None = None
        """Pages that it tells from now on, before its budget is used up."""
        self.pages = 0
        self.rows: dict[str, Changed[T]] = {}
        self.in_bulk = True
        self.takes_s = 0.0
        """How long it takes to tell a single document, in seconds."""
        self.asked: list[tuple[str, ...]] = []
        """The keys of each request for single documents."""
        self.page_takes_s = 0.0
        self.fails_over: set[str] = set()
        self.trouble: Wait | Hold = Unreachable("the store fails over one of them")
        self.single: dict[str, T | Bad] = {}
        """What single documents are told as, where the list of changes tells another form."""
        self._at = 0

    def change(self, key: str, document: T | Bad) -> None:
        """The document is new, or has changed."""
        self._at += 1
        self.rows[key] = Changed(self._at, document)

    def session(self) -> "ChangesSession[T]":
        return ChangesSession(self)

    def again(self) -> "ByKey[T]":
        return ByKey(self)


class ChangesSession(Generic[T]):
    """One session's reading."""

    def __init__(self, source: ChangesSource[T]) -> None:
        self._source = source
        self._position: int | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[T]:
        source = self._source
        source.points.reach("page")
        await trio.lowlevel.checkpoint()
        if source.down:
            source.down -= 1
            raise Unreachable("the store is down")
        if source.allowed is not None:
            if not source.allowed:
                raise Unfinished("its budget is used up", again_s=AGAIN_S)
            source.allowed -= 1
        source.pages += 1
        await trio.sleep(source.page_takes_s)
        if self._position is None:
            self._position = max(0, int(cursor or 0) - source.overlap)
        waiting = sorted((row.at, key) for key, row in source.rows.items() if row.at > self._position)
        now = waiting[: source.page_size]
        self._position = now[-1][0] if now else self._position
        told = [source.rows[key].document for _, key in now]
        return Page(
            documents=tuple(one for one in told if not isinstance(one, Bad)),
            bad=tuple(one for one in told if isinstance(one, Bad)),
            cursor=str(max(self._position, int(cursor or 0))),
            more=len(waiting) > len(now),
        )

    async def confirm(self, marks: Sequence[str]) -> None:
        assert not marks, "a list of changes has no marks"


class ByKey(Generic[T]):
    """A `contract.Rereader` of the same documents."""

    def __init__(self, source: ChangesSource[T]) -> None:
        self._source = source
        self.in_bulk = source.in_bulk

    async def read(self, keys: Sequence[str]) -> Reread[T]:
        source = self._source
        assert 0 < len(keys) <= READ_AGAIN
        source.points.reach("read again")
        await trio.sleep(source.takes_s * len(keys))
        source.asked.append(tuple(keys))
        if source.fails_over & set(keys):
            raise source.trouble
        told = [source.single.get(key) or source.rows[key].document for key in keys if key in source.rows]
        return Reread(
            documents=tuple(one for one in told if not isinstance(one, Bad)),
            bad=tuple(one for one in told if isinstance(one, Bad)),
        )


class FilesSource(Generic[T]):
    """A `contract.Source` over files in a folder: each is a mark, archived once confirmed."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.files: dict[str, tuple[T | Bad, ...]] = {}
        self.archived: list[str] = []

    def put(self, name: str, *documents: T | Bad) -> None:
        """A file appears."""
        self.files[name] = documents

    def session(self) -> "FilesSession[T]":
        return FilesSession(self)


class FilesSession(Generic[T]):
    def __init__(self, source: FilesSource[T]) -> None:
        self._source = source
        self._done: set[str] = set()

    async def page(self, cursor: str | None, taken: Taken) -> Page[T]:
        self._source.points.reach("page")
        await trio.lowlevel.checkpoint()
        waiting = [name for name in sorted(self._source.files) if name not in self._done]
        if not waiting:
            return Page()
        name, more = waiting[0], len(waiting) > 1
        self._done.add(name)
        if taken(name):
            return Page(mark=name, more=more)
        told = self._source.files[name]
        return Page(
            documents=tuple(one for one in told if not isinstance(one, Bad)),
            bad=tuple(one for one in told if isinstance(one, Bad)),
            mark=name,
            more=more,
        )

    async def confirm(self, marks: Sequence[str]) -> None:
        await archive(self._source, marks)


async def archive(source: "FilesSource[T] | StockFiles", marks: Sequence[str]) -> None:
    """Take the files away; those that are gone already are no error."""
    source.points.reach("before archive")
    await trio.lowlevel.checkpoint()
    for mark in marks:
        if source.files.pop(mark, None) is not None:
            source.archived.append(mark)
    source.points.reach("after archive")


class StockFiles:
    """A `contract.StockSource` over snapshot files, each of some pages, oldest name first."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.files: dict[str, tuple[StockPage, ...]] = {}
        self.archived: list[str] = []

    def put(self, name: str, *pages: StockPage) -> None:
        """A file appears. The last page should end its snapshot."""
        self.files[name] = pages

    def session(self) -> "StockSession":
        return StockSession(self)


class StockSession:
    def __init__(self, source: StockFiles) -> None:
        self._source = source
        self._queue: list[StockPage] | None = None

    async def page(self, taken: Taken) -> StockPage | None:
        self._source.points.reach("page")
        await trio.lowlevel.checkpoint()
        if self._queue is None:
            self._queue = []
            for name, pages in sorted(self._source.files.items()):
                again = taken(name)
                for number, page in enumerate(pages, start=1):
                    mark = name if number == len(pages) else None
                    if not again or mark:
                        rows = () if again else page.rows
                        self._queue.append(msgspec.structs.replace(page, rows=rows, mark=mark, more=True))
        return self._queue.pop(0) if self._queue else None

    async def confirm(self, marks: Sequence[str]) -> None:
        await archive(self._source, marks)
