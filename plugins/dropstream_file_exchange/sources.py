"""The warehouse's folder `out` as sources: files waiting, read one after the other."""

import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import trio

from dropstream_file_exchange.settings import Shipments
from dropstream_file_exchange.shipments import Gathered, read_packages
from dropstreamd.clock import utc
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Bad, Page, StockPage, Taken
from dropstreamd.platform.files import Entry
from dropstreamd.platform.inbox import Fetched, Inbox, file_key, mark

T = TypeVar("T")

OpenInbox = Callable[[], Awaitable[Inbox]]


class Finished:
    """A file of which nothing more is to be read: its mark, and why it could not be, if so. `digest` is that
    of one that was read to its end now, or as far as it can be: `read` is its key where nothing was wrong."""

    def __init__(self, entry: Entry, file_mark: str, reason: str = "", digest: str = "") -> None:
        self.entry = entry
        self.mark = file_mark
        self.bad: tuple[Bad, ...] = ()
        self.read = file_key(entry.name, digest) if digest and not reason else None
        if reason:
            place = entry.name.encode(errors="backslashreplace").decode()
            seen = digest or hashlib.blake2b(file_mark.encode(), digest_size=16).hexdigest()
            self.bad = (Bad(key=file_key(entry.name, seen), place=place, reason=reason, raw=b""),)


class Queue(Generic[T]):
    """The files that wait, from the first call on; at most one is open."""

    def __init__(self, open_inbox: OpenInbox, read: Callable[[Fetched], Generator[T, None, None]]) -> None:
        self._open_inbox = open_inbox
        self._read = read
        self._waiting: deque[Entry] | None = None
        self._fetched: Fetched | None = None
        self._portions: Generator[T, None, None] | None = None

    @property
    def more(self) -> bool:
        """Whether another call has anything to bring, besides the end of the file at hand."""
        return bool(self._waiting)

    async def next(self, taken: Taken) -> T | Finished | None:
        """The next portion of the file at hand, or the end of one; None when nothing waits."""
        await trio.lowlevel.checkpoint()
        while self._portions is None or self._fetched is None:
            if self._waiting is None:
                self._waiting = deque(await (await self._open_inbox()).waiting())
            if not self._waiting:
                return None
            finished = await self._begin(self._waiting[0], taken)
            self._waiting.popleft()
            if finished is not None:
                return finished
        try:
            portion = next(self._portions, None)
        except ProtocolMismatch as error:
            return self._end(self._fetched, str(error))
        return self._end(self._fetched) if portion is None else portion

    def close(self) -> None:
        """Let go of the file at hand."""
        if self._portions is not None:
            self._portions.close()
        if self._fetched is not None:
            self._fetched.content.close()
        self._fetched = self._portions = None

    async def _begin(self, entry: Entry, taken: Taken) -> Finished | None:
        """Open a file. One that needs no reading is finished at once; one that has gone, skipped."""
        inbox = await self._open_inbox()
        refusal = inbox.too_large(entry)
        if refusal is not None:
            unread = mark(entry, "", readable=False)
            return Finished(entry, unread, "" if taken(unread) else refusal)
        fetched = await inbox.fetch(entry)
        if fetched is None:
            return None
        for readable in (True, False):
            if taken(fetched.mark(readable=readable)):
                fetched.content.close()
                return Finished(entry, fetched.mark(readable=readable))
        self._fetched, self._portions = fetched, self._read(fetched)
        return None

    def _end(self, fetched: Fetched, reason: str = "") -> Finished:
        self.close()
        return Finished(fetched.entry, fetched.mark(readable=not reason), reason, fetched.digest)


class ShipmentSource:
    """Packages, file by file, oldest first."""

    def __init__(self, open_inbox: OpenInbox, settings: Shipments, zone: ZoneInfo) -> None:
        self._open_inbox = open_inbox
        self._queue: Queue[Gathered] = Queue(
            open_inbox, lambda fetched: read_packages(fetched, settings, zone)
        )

    async def page(self, cursor: str | None, taken: Taken) -> Page[Package]:
        """About 2,000 rows of one file. There is no cursor: what was taken is known by its mark."""
        while True:
            found = await self._queue.next(taken)
            if found is None:
                return Page(cursor=cursor)
            if isinstance(found, Finished):
                return Page(
                    bad=found.bad, mark=found.mark, cursor=cursor, more=self._queue.more, read=found.read
                )
            if found.packages or found.bad:
                return Page(documents=found.packages, bad=found.bad, cursor=cursor, more=True)

    async def confirm(self, marks: Sequence[str]) -> None:
        """Archive the files, or remove them; an unreadable one goes to quarantine."""
        await (await self._open_inbox()).confirm(marks)

    def close(self) -> None:
        self._queue.close()


class InventorySource:
    """Snapshots, file by file, oldest first."""

    def __init__(
        self, open_inbox: OpenInbox, read: Callable[[Fetched], Generator[StockPage, None, None]]
    ) -> None:
        self._open_inbox = open_inbox
        self._queue: Queue[StockPage] = Queue(open_inbox, read)
        self._ended: str | None = None  # the mark of the snapshot whose last page was brought

    async def page(self, taken: Taken) -> StockPage | None:
        """2,000 rows of one snapshot.

        A page with a mark that is not the `last` of its snapshot says that the file is done with and
        gave no snapshot: it was taken before, or cannot be read (then `bad` says why, and the pages
        of it that came before are worth nothing).
        """
        while True:
            found = await self._queue.next(taken)
            if isinstance(found, StockPage):
                self._ended = found.mark
                return msgspec.structs.replace(found, more=not found.last or self._queue.more)
            if found is None:
                return None
            if found.mark != self._ended:
                return self._without_snapshot(found)

    async def confirm(self, marks: Sequence[str]) -> None:
        """As of shipments."""
        await (await self._open_inbox()).confirm(marks)

    def close(self) -> None:
        self._queue.close()

    def _without_snapshot(self, found: Finished) -> StockPage:
        return StockPage(
            snapshot=found.mark,
            as_of=utc(found.entry.mtime_s),
            rows=(),
            bad=found.bad,
            more=self._queue.more,
            mark=found.mark,
        )
