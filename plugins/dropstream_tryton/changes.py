"""Records that changed, followed by Tryton's time of last modification.

That is the time at which a transaction began, so that one which took long shows up behind the cursor:
every run goes back by a quarter of an hour, and what comes again is nothing new to the daemon. Records
of equal time are told apart by their id. A change of a related record (a package, a move) may leave
the record itself as it was: a second listing brings those.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from dropstream_tryton import wire
from dropstream_tryton.client import ASCENDING, OPTIONAL, Api
from dropstream_tryton.places import House, Places
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.rows import UNREADABLE

OVERLAP = timedelta(minutes=15)
PAGE = 25


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`own`: all that changed before was read; `related`: likewise of related records."""

    own: datetime
    related: datetime


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What is followed: records of a model in a domain. `first` narrows the first listing of all.
    `optional` are fields that may be asked for where the model has the first of each. `related` names the
    dotted fields whose records' changes count too, where there are such."""

    model: str
    fields: tuple[str, ...]
    domain: Callable[[House], list[object]]
    first: tuple[object, ...] = ()
    optional: tuple[tuple[str, tuple[str, ...]], ...] = ()
    related: tuple[str, ...] = ()
    inactive: bool = False


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A page of records as they came."""

    rows: tuple[msgspec.Raw, ...]
    cursor: str | None
    more: bool


class _Run(msgspec.Struct, kw_only=True):
    """A listing that is going on: `after` is where the next page begins."""

    since: Cursor | None
    newest: datetime | None
    after: tuple[datetime, int] | None = None
    in_related: bool = False
    after_id: int = 0


_cursor = msgspec.json.Decoder(Cursor)
_changed = msgspec.json.Decoder(wire.Changed)


class Changes:
    """Brings pages of what changed since a cursor."""

    def __init__(self, api: Api, places: Places, followed: Followed) -> None:
        self._api = api
        self._places = places
        self._followed = followed
        self._run: _Run | None = None
        self._fields: tuple[str, ...] = ()
        self._related_fields: tuple[str, ...] = ()

    async def page(self, cursor: str | None) -> Listed:
        """The next page of this run."""
        if self._run is None:
            await self._know()
            since = _read(cursor)
            self._run = _Run(since=since, newest=None if since is None else since.own)
        run = self._run
        if run.in_related:
            return await self._related(run)
        return await self._own(run)

    async def _know(self) -> None:
        """What this server's modules have of the fields."""
        followed = self._followed
        known = await self._api.fields_of(followed.model) if followed.optional else frozenset()
        more = [name for field, names in followed.optional if field in known for name in names]
        self._fields = (*followed.fields, *more)
        self._related_fields = tuple(
            name for name in followed.related if name not in OPTIONAL or name in known
        )

    async def _own(self, run: _Run) -> Listed:
        rows = await self._rows(self._since(run), ASCENDING)
        last = last_readable(rows)
        if last is not None:
            run.after = (last.last_modified_at.at, last.id)
            run.newest = max(run.newest or last.last_modified_at.at, last.last_modified_at.at)
        whole = len(rows) < PAGE
        if last is None and not whole:
            raise _endless(self._followed.model)
        # At the very first, all records came in the first listing, whatever has changed of them.
        run.in_related = whole and run.since is not None and bool(self._related_fields)
        if whole and not run.in_related:
            return self._end(rows)
        own = run.newest
        if own is None:
            return Listed(rows=tuple(rows), cursor=None, more=True)
        related = own if run.since is None else run.since.related
        return Listed(rows=tuple(rows), cursor=_written(own, related), more=True)

    async def _related(self, run: _Run) -> Listed:
        if run.since is None:
            raise AssertionError("there is a second listing from a cursor only")
        at = wire.instant(run.since.related - OVERLAP)
        changed = [[f"{name}.last_modified_at", ">=", at] for name in self._related_fields]
        rows = await self._rows([["id", ">", run.after_id], ["OR", *changed]], (("id", "ASC"),))
        if len(rows) < PAGE:
            return self._end(rows)
        last = last_readable(rows)
        if last is None:
            raise _endless(self._followed.model)
        run.after_id = last.id
        return Listed(rows=tuple(rows), cursor=None, more=True)

    def _end(self, rows: Sequence[msgspec.Raw]) -> Listed:
        run, self._run = self._run, None
        newest = None if run is None else run.newest
        cursor = None if newest is None else _written(newest, newest)
        return Listed(rows=tuple(rows), cursor=cursor, more=False)

    def _since(self, run: _Run) -> list[object]:
        if run.after is not None:
            at, key = run.after
            same = [["last_modified_at", "=", wire.instant(at)], ["id", ">", key]]
            later: list[object] = [["OR", ["last_modified_at", ">", wire.instant(at)], same]]
        elif run.since is not None:
            later = [["last_modified_at", ">=", wire.instant(run.since.own - OVERLAP)]]
        else:
            later = []
        return later if run.since is not None else [*later, *self._followed.first]

    async def _rows(self, more: Sequence[object], order: Sequence[Sequence[str]]) -> list[msgspec.Raw]:
        followed = self._followed
        domain = [*followed.domain(await self._places.house()), *more]
        return await self._api.rows(
            followed.model,
            domain,
            "last_modified_at",
            *self._fields,
            into=msgspec.Raw,
            order=order,
            limit=PAGE,
            context={"active_test": False} if followed.inactive else None,
        )


def last_readable(rows: Sequence[msgspec.Raw]) -> wire.Changed | None:
    """Where a page ends, as far as it can be read: what comes behind that is asked for again."""
    for raw in reversed(rows):
        try:
            return _changed.decode(raw)
        except UNREADABLE:
            continue
    return None


def _endless(model: str) -> ProtocolMismatch:
    return ProtocolMismatch(
        f"Tryton told {PAGE} records of {model}, and of none its id and when it was changed"
    )


def _read(cursor: str | None) -> Cursor | None:
    if cursor is None:
        return None
    try:
        return _cursor.decode(cursor)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error


def _written(own: datetime, related: datetime) -> str:
    return msgspec.json.encode(Cursor(own=own, related=related)).decode()
