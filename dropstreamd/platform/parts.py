"""The parts of a plugin's session: what is read from a platform page by page, what is written to it, and how.

A plugin takes these names from `contract`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import msgspec

from dropstreamd.model.handover import (
    Bad,
    Handed,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Stamp,
    Whereabouts,
    Writes,
)
from dropstreamd.model.stock import Adjustment, StockRow

T = TypeVar("T")


# ---- reading


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Documents that came together.

    `cursor`, where not None, is stored in the same transaction as the documents and handed to the
    first `page` of a later run: reading again from it must bring everything changed since (an
    overlap is welcome, the daemon deduplicates). `more` asks for another call in this run. `mark`
    names a finite piece of input (a file) that ends with this page: it is remembered as taken
    together with the documents, and handed to `confirm` once they are durable. `read`, on such
    a page, is the key (`inbox.file_key`) that the file would have been set aside under: if it was before,
    that is settled.
    """

    documents: tuple[T, ...] = ()
    bad: tuple[Bad, ...] = ()
    cursor: str | None = None
    more: bool = False
    mark: str | None = None
    read: str | None = None


class StockPage(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one snapshot of a warehouse's stock.

    Pages with the same `snapshot` form one; `last` ends it. `as_of` is the instant that the figures
    were true: by it, an older snapshot never replaces a newer one. `mark` as in `Page`, on the last
    page; on a page that is not the last it says that the file gave no snapshot: it was taken before,
    or cannot be read to its end (then `bad` says why), or told `adjustments` alone. Pages of it that came
    before are dropped. `adjustments`, on a page with a mark, change the figures that are known, each once,
    where they are newer than those.
    """

    snapshot: str
    as_of: datetime
    rows: tuple[StockRow, ...]
    bad: tuple[Bad, ...] = ()
    last: bool = False
    more: bool = False
    mark: str | None = None
    adjustments: tuple[Adjustment, ...] = ()


Taken = Callable[[str], bool]
"""Tells whether a mark was taken durably in an earlier run (then it only wants confirming)."""


class Source(Protocol[T]):
    """Tells documents that have changed."""

    async def page(self, cursor: str | None, taken: Taken) -> Page[T]:
        """The next page. `cursor` is the one stored last, None at the very first.

        Within one session, calls continue where the last page ended, and `more` on a page says
        whether another call has anything to bring. A mark for which `taken` is true is brought
        again as an empty page with that mark. Where there may be more, and the platform does not tell it
        for now (its budget of calls is used up, what was asked for is not made yet), Unfinished is raised
        after the last page that can be had: an empty page says that there is nothing.
        """
        ...

    async def confirm(self, marks: Sequence[str]) -> None:
        """Their content is durable: archive them. Idempotent; an unknown mark is no error."""
        ...


class Reread(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Documents as they are now."""

    documents: tuple[T, ...] = ()
    bad: tuple[Bad, ...] = ()


READ_AGAIN = 50
"""Keys that a `Rereader` is asked for at once, at most."""


class Rereader(Protocol[T]):
    """Reads single documents of a `Source` once more, by the keys that it told them under.

    Orders are read so right before they are handed over, as the list of what has changed may lag behind, and
    so are those that could not be read.
    """

    @property
    def in_bulk(self) -> bool:
        """Whether one request reads many of them. If not, only those are asked for that could not be
        read."""
        ...

    async def read(self, keys: Sequence[str]) -> Reread[T]:
        """Each of them as it is now, as the source tells it: closed and cancelled ones too, and one
        that the platform no longer has as bad. A document that cannot be read is bad, under the key that
        the source gives it. Where the platform fails over one of them, that one alone is bad. What cannot
        be a key of this platform's is left out. At most `READ_AGAIN` keys."""
        ...


class StockSource(Protocol):
    """Tells complete snapshots of stock."""

    async def page(self, taken: Taken) -> StockPage | None:
        """The next page of the snapshots waiting, oldest first; None when there is none (more)."""
        ...

    async def confirm(self, marks: Sequence[str]) -> None:
        """As `Source.confirm`."""
        ...


# ---- writing


class Record(Protocol):
    """Makes a step of an attempt durable before it returns.

    With `if_wanted` it first looks whether every document of the attempt is still as it was opened,
    in the same transaction; if one was changed or cancelled, nothing is recorded and `Withdrawn` is
    raised. A sink asks so right before the step that gives its write its effect.
    """

    async def __call__(self, step: str, *, if_wanted: bool = False) -> None: ...


class Sink(Protocol[T]):
    """Takes documents."""

    @property
    def writes(self) -> Writes: ...

    def prepare(self, items: Sequence[Item[T]], stamp: Stamp) -> Preparation:
        """Fix names and bytes of what will be sent. Pure: no I/O, the same answer every time."""
        ...

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Send exactly `prepared`; one outcome for each of its keys.

        A `Wait` or `Hold` says that the write had no effect, except `OutcomeUnknown`: after that,
        after any other exception and after a cancellation the daemon does as `repeat` allows.
        """
        ...

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:
        """What became of an attempt that was not settled; `step` is the last one recorded, "" for
        none. Asked at the earliest `visible_after_s` after it was opened. Only sinks that repeat
        by `lookup` are asked; it may finish what was begun."""
        ...


class LevelReader(Protocol):
    """Reads back what a store shows, for an audit."""

    async def read(self, skus: Sequence[str]) -> Mapping[str, int]:
        """The units that each SKU shows as available now, in the measure that levels are set in. A SKU
        that the store lacks, or sells without limit, is left out. At most `LEVELS_READ` SKUs."""
        ...


class LocatedLevelReader(Protocol):
    """Reads back what a store shows at one of its locations."""

    async def read_at(self, location: str, skus: Sequence[str]) -> Mapping[str, int]:
        """As `LevelReader.read`. Raises NoLocation where the store has no such location."""
        ...


LEVELS_READ = 100
"""SKUs that a `LevelReader` is asked for at once, at most."""


class HandedReader(Protocol):
    """Looks where orders are that were handed over, before a person has one sent again. Reads only."""

    async def look(self, handed: Sequence[Handed]) -> Sequence[Whereabouts]:
        """One for each, in their order."""
        ...
