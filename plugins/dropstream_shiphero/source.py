"""Sources over ShipHero's listings: rows become documents, or are set aside by themselves."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec
import trio

from dropstream_shiphero import answers, values
from dropstream_shiphero.client import Api
from dropstream_shiphero.documents import Document
from dropstream_shiphero.listing import Listing
from dropstream_shiphero.values import Unusable
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.rows import UNREADABLE, unreadable_key

T = TypeVar("T")
R = TypeVar("R")

SETTLED = timedelta(days=1)
"""A window that ended so long ago gets no more rows, whatever the clocks say."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """All that was made, or changed, before `at` was read."""

    at: datetime


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What is followed: rows of a listing from an instant on.

    `since` is the variable that takes it, `until` the one that ends a window of `window`, and `stamp` the
    row's own instant. A first run goes back by `first` (None: to the beginning), every other one by `overlap`
    behind what was read. `look_back` reads so much anew in every run, since the listing tells no changes.
    `again` is listed beside it in every run that is not the first, from `first` ago on.
    """

    document: Document
    root: str
    at_once: int
    since: str
    until: str = ""
    stamp: str = ""
    first: timedelta | None = None
    overlap: timedelta = timedelta()
    window: timedelta = timedelta(days=7)
    look_back: timedelta | None = None
    variables: Mapping[str, object] = {}
    again: Mapping[str, object] = {}
    repeated: int = 5


class Told(msgspec.Struct, Generic[T], frozen=True):
    """What a row gives."""

    documents: tuple[T, ...] = ()


Translate = Callable[[R, datetime | None], Awaitable[Told[T]]]
"""Makes documents of a row; the instant is the one before which all was read in earlier runs. Raises
Unusable."""


class _Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A listing to be read; `written` is what is read to when it has ended, None for the newest row."""

    variables: Mapping[str, object]
    written: datetime | None = None


class FollowedSource(Generic[R, T]):
    """A `Source[T]`."""

    def __init__(
        self,
        api: Api,
        clock: Clock,
        followed: Followed,
        row: type[R],
        what: str,
        translate: Translate[R, T],
    ) -> None:
        self._api = api
        self._clock = clock
        self._followed = followed
        self._decoder = msgspec.json.Decoder(row)
        self._what = what
        self._translate = translate
        self._before: datetime | None = None
        self._newest: datetime | None = None
        self._legs: list[_Leg] | None = None
        self._listing: Listing | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[T]:  # noqa: ARG002 - nothing has a mark
        """The next rows."""
        if self._legs is None:
            self._before = self._newest = _read(cursor)
            self._legs = self._planned(self._before)
        if not self._legs:
            return Page()
        leg = self._legs[0]
        if self._listing is None:
            self._listing = self._opened(leg)
        rows = await self._listing.page()
        found = await self._translated(rows.rows)
        if not rows.ended:
            return msgspec.structs.replace(found, more=True)
        self._listing = None
        self._legs.pop(0)
        return msgspec.structs.replace(found, cursor=self._written(leg), more=bool(self._legs))

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    # ---- what to read

    def _planned(self, before: datetime | None) -> list[_Leg]:
        """Windows that are over, then what is new, then what is read again."""
        followed, now = self._followed, utc(self._clock.now_s())
        if followed.look_back is not None:
            return [_Leg(variables={followed.since: values.iso(now - followed.look_back)})]
        start = None if followed.first is None else now - followed.first
        if before is not None:
            start = before - followed.overlap
        legs: list[_Leg] = []
        while followed.until and start is not None and start + followed.window < now - SETTLED:
            end = start + followed.window
            until = {followed.since: values.iso(start), followed.until: values.iso(end)}
            legs.append(_Leg(variables=until, written=end))
            start = end - timedelta(seconds=1)
        legs.append(_Leg(variables={} if start is None else {followed.since: values.iso(start)}))
        if before is not None and followed.again and followed.first is not None:
            since = {followed.since: values.iso(now - followed.first)}
            legs.append(_Leg(variables={**since, **followed.again}))
        return legs

    def _opened(self, leg: _Leg) -> Listing:
        followed = self._followed
        return Listing(
            self._api,
            followed.document,
            followed.root,
            {**followed.variables, **leg.variables},
            at_once=followed.at_once,
            overlap=followed.repeated,
        )

    def _written(self, leg: _Leg) -> str | None:
        if self._followed.look_back is not None:
            return None
        if leg.written is not None and (self._newest is None or leg.written > self._newest):
            self._newest = leg.written
        return None if self._newest is None else msgspec.json.encode(Cursor(at=self._newest)).decode()

    # ---- what is read

    async def _translated(self, rows: Iterable[msgspec.Raw]) -> Page[T]:
        documents: list[T] = []
        unusable: list[Bad] = []
        for raw in rows:
            self._seen(raw)
            try:
                told = await self._translate(self._decoder.decode(raw), self._before)
            except (*UNREADABLE, Unusable) as error:
                unusable.append(bad(self._what, bytes(raw), str(error)))
                continue
            documents.extend(told.documents)
        return Page(documents=tuple(documents), bad=tuple(unusable))

    def _seen(self, raw: msgspec.Raw) -> None:
        """The row's own instant counts, whatever becomes of the row, as far as our own clock has come: one
        that runs ahead would hide what comes after it."""
        try:
            told = _texts.decode(raw).get(self._followed.stamp) if self._followed.stamp else None
            at = values.instant(told if isinstance(told, str) else None)
        except (*UNREADABLE, Unusable):
            return
        at = None if at is None else min(at, utc(self._clock.now_s()))
        if at is not None and (self._newest is None or at > self._newest):
            self._newest = at


_texts = msgspec.json.Decoder(dict[str, object])
_cursor = msgspec.json.Decoder(Cursor)
_id = msgspec.json.Decoder(answers.Id)


def _read(cursor: str | None) -> datetime | None:
    if cursor is None:
        return None
    try:
        return _cursor.decode(cursor).at
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error


def bad(what: str, raw: bytes, reason: str) -> Bad:
    """A record that gives no document, under the same key whenever it comes again."""
    try:
        key = f"{what} {_id.decode(raw).id}"
    except UNREADABLE:
        key = ""
    if not key or len(key.encode()) > values.MOST_BYTES or "\0" in key:
        key = unreadable_key(raw)
    return Bad(key=key, place=f"{key} in ShipHero", reason=reason, raw=raw)
