"""Reading what a store tells, page by page; and keeping on a shelf what either side tells as a whole."""

import hashlib
from collections.abc import Callable, Collection
from functools import partial
from typing import Generic, TypeVar

import msgspec

from dropstreamd.channels.run import Run
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.platform.contract import Page, Source
from dropstreamd.store import cursors, documents, shelf
from dropstreamd.store.base import Writer
from dropstreamd.store.documents import Staged
from dropstreamd.store.records import Flow
from dropstreamd.store.shelf import MOST_ROWS, Shelf, Shelved

T = TypeVar("T")

PAGES = 10_000
"""Pages of one run; a store that says `more` for longer is not making progress."""

Stage = Callable[[Writer, Page[T]], Staged]
"""Takes the documents of a page, in the transaction that stores its cursor."""

_encode = msgspec.msgpack.Encoder().encode


def digest_of(*handed: object) -> bytes:
    """Names the hand-over fields of a document."""
    return hashlib.blake2b(_encode(handed), digest_size=16).digest()


async def pull(
    run: Run,
    source: Source[T],
    flow: Flow,
    stage: Stage[T],
    *,
    read: Callable[[Page[T]], None] = lambda _page: None,
) -> None:
    """Stage what the store tells since the last time; what is durable is confirmed. `read` is told of
    each page once."""
    for _ in range(PAGES):
        cursor = run.state.read(partial(cursors.get, flow=flow))
        page = await source.page(cursor, lambda _mark: False)
        read(page)
        staged = await run.state.write(partial(_stage_page, flow=flow, page=page, stage=stage))
        run.count("staged", staged.new + staged.changed)
        run.count("undecodable", staged.bad)
        run.count("tasks", staged.tasks)
        if page.mark is not None:
            await source.confirm([page.mark])
        await run.settled()
        if not page.more:
            return
    raise ProtocolMismatch(f"the store still had more after {PAGES} pages")


def _stage_page(tx: Writer, *, flow: Flow, page: Page[T], stage: Stage[T]) -> Staged:
    staged = stage(tx, page)
    if page.cursor is not None:
        cursors.put(tx, flow, page.cursor)
    return staged


class Filling(Generic[T]):
    """Fills a shelf with what one reading of a source tells.

    `key` and `sku` name a document. A reading without a cursor, a mark or anything bad is a whole
    listing: what it lacks is gone, unless it lacks everything.
    """

    def __init__(
        self,
        kept: Shelf,
        flow: Flow,
        decoder: "msgspec.msgpack.Decoder[T]",
        *,
        key: Callable[[T], str],
        sku: Callable[[T], str],
        older: Callable[[T, T], bool],
        now_s: float,
    ) -> None:
        self.kept = kept
        self._flow = flow
        self._decoder = decoder
        self._key = key
        self._sku = sku
        self._older = older
        self._now_s = now_s
        self._whole = True
        self._told = 0
        self._seen: set[str] = set()

    def read(self, page: Page[T]) -> None:
        """A page came: is it a part of a whole listing? Once a page, before it is staged."""
        self._told += len(page.documents)
        if self._told > MOST_ROWS:
            raise ProtocolMismatch(f"{self._flow.channel}: more than {MOST_ROWS} were told at once")
        self._whole = self._whole and page.cursor is None and page.mark is None and not page.bad
        if self._whole:
            self._seen.update(self._key(document) for document in page.documents)
        else:
            self._seen.clear()

    def stage(self, tx: Writer, page: Page[T]) -> Staged:
        """See `Stage`. One that is older than what is kept changes nothing."""
        staged = Staged()
        for document in page.documents:
            self._put(tx, document, staged)
        staged.bad += documents.park_bad(tx, self._flow, page.bad, now_s=self._now_s)
        return staged

    def _put(self, tx: Writer, document: T, staged: Staged) -> None:
        key, sku = self._key(document), self._sku(document)
        if not documents.may_be_key(key) or (sku and not documents.may_be_key(sku)):
            reason = "its key or its SKU is empty, too long, or not text"
            bad = Bad(
                key=key, place=f"{self._flow.channel} {key[:40]!r}", reason=reason, raw=_encode(document)
            )
            staged.bad += documents.park_bad(tx, self._flow, [bad], now_s=self._now_s)
            return
        documents.mended(tx, self._flow, key)
        old = shelf.get(tx, self.kept, key)
        if old is not None and self._older(document, self._decoder.decode(old.content)):
            staged.same += 1
            return
        row = Shelved(content=_encode(document), sku=sku, at_s=self._now_s)
        changed = shelf.put(tx, self.kept, key, row)
        staged.new += old is None
        staged.changed += changed and old is not None
        staged.same += not changed

    def missing(self) -> Collection[str] | None:
        """What a whole listing had; None where what was read is none, or has nothing."""
        return self._seen if self._whole and self._seen else None


def forget_missing(tx: Writer, *, kept: Shelf, seen: Collection[str], now_s: float) -> int:
    """Mark as gone what a whole listing did not have; how many."""
    gone = [(key, row) for key, row in shelf.rows(tx, kept) if not row.gone and key not in seen]
    for key, row in gone:
        shelf.put(tx, kept, key, msgspec.structs.replace(row, gone=True, at_s=now_s))
    return len(gone)
