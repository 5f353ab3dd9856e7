"""BigCommerce's orders: what changed since the last run, each with its lines and addresses in one call.

A page that is named by its number slips when an order changes meanwhile. So pages are made by id, which
never changes: those modified since some instant, the next 250 behind the last id. One of a lower id that
changes while that goes on is modified after the run began, and comes with the next one, which begins where
this one did, by the store's own clock, less some minutes. The first run, and one after the settings have
changed, lists every order that may go.

What was told as open is remembered in the cursor. Of these it is told when they are over; of what was never
open here nothing is told. What could not be read is remembered there too, and some of it is looked at again
in each run: nobody may ever change it. It cannot be asked for by its key from outside: which of an order's
addresses has which key, and whether it was let go, is known here alone.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import trio

from dropstream_bigcommerce import translate, wire
from dropstream_bigcommerce.client import Api, Query
from dropstream_bigcommerce.parts import NOTHING, Told, taken_apart
from dropstream_bigcommerce.reading import PAGE, WITH_LINES, OrderReader
from dropstream_bigcommerce.settings import Settings
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import Misconfigured, ProtocolMismatch, Unreachable
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.http import Response
from dropstreamd.platform.one_by_one import OF_ONE

OVERLAP_S = 600.0
"""How long a change may take to be found."""

SMALLER_PAGE = 50
SURELY_LAST = 10
MOST_TOLD = 50_000
MOST_UNREAD = 1_000
UNREAD_AGAIN = 10
"""Orders that could not be read which a run looks at once more; others each time, where there are more."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`since`: everything modified before it was seen; None until all that may go was listed. `told`: orders
    that were told as open or waiting, by id. `which` are the settings that say which may go, as of when
    they were listed. `unread`: ids of orders that could not be read, that looked at last at the end."""

    since: datetime | None
    told: dict[int, Told] = {}
    which: str = ""
    unread: tuple[int, ...] = ()


_cursor = msgspec.json.Decoder(Cursor)


class _Run(msgspec.Struct, kw_only=True):
    """A run that is going on: `listings` are still to be read, of the first one what is behind `after`; each
    is a status, or None for what was modified since. `began` is the store's time, or ours where that was
    earlier. Of `unread` it is known whether this run has looked at it."""

    since: datetime | None
    told: dict[int, Told]
    which: str
    began: datetime
    listings: list[int | None]
    unread: dict[int, bool] = {}
    after: int = 0
    asked: bool = False
    looks: bool = True

    @property
    def left(self) -> list[int]:
        """What could not be read and was not looked at."""
        return [number for number, looked in self.unread.items() if not looked]


class Orders:
    """A `Source[Order]`."""

    def __init__(self, api: Api, settings: Settings, clock: Clock) -> None:
        self._api = api
        self._reader = OrderReader(api)
        self._settings = settings
        self._clock = clock
        self._run: _Run | None = None
        self._most = PAGE

    async def page(self, cursor: str | None, taken: Taken) -> Page[Order]:  # noqa: ARG002 - nothing has a mark
        """The next orders of this run. What was told is in every cursor, how far it got in the last."""
        run = self._run
        if run is None:
            run = self._run = self._begun(cursor)
        read = await (self._listed(run) if run.listings else self._looked_at(run))
        found: list[Order] = []
        bad: list[Bad] = []
        for order in read:
            if isinstance(order, Bad):
                _set_aside(run, order)
                bad += _at_each_address(order, run.told)
            else:
                found += self._told(run, order)
        if len(run.told) > MOST_TOLD:
            raise Misconfigured(
                f"more than {MOST_TOLD} orders are open", remedy="complete those in BigCommerce that are over"
            )
        more = bool(run.listings) or bool(run.looks and run.left)
        if not more:
            self._run = None
        return Page(documents=tuple(found), bad=tuple(bad), cursor=self._written(run), more=more)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    def _begun(self, cursor: str | None) -> _Run:
        now = utc(self._clock.now_s())
        kept = _read(cursor)
        listings: list[int | None] = [None] if kept.since else []
        if kept.since is None or kept.which != self._which:
            listings += sorted(self._settings.shippable)
        return _Run(
            since=kept.since,
            told=dict(kept.told),
            which=kept.which,
            began=now,
            listings=listings,
            unread=dict.fromkeys(kept.unread, False),
        )

    @property
    def _which(self) -> str:
        return f"{sorted(self._settings.shippable)} {sorted(self._settings.channels)}"

    # ---- reading

    async def _listed(self, run: _Run) -> list[wire.Order | Bad]:
        return [await self._reader.whole(row) for row in await self._rows(run)]

    async def _looked_at(self, run: _Run) -> list[wire.Order | Bad]:
        """What could not be read and stood in no list of this run. Where BigCommerce fails over one of them,
        those behind it are left to the next run."""
        run.looks = False
        read: list[wire.Order | Bad] = []
        for number in run.left[:UNREAD_AGAIN]:
            try:
                order = await self._reader.one(number)
            except OF_ONE as error:
                return [*read, _failed(number, error.message)]
            if order is None and number not in run.told:
                del run.unread[number]
            else:
                read.append(order or _failed(number, "the store no longer has it"))
        return read

    async def _rows(self, run: _Run) -> Sequence[bytes]:
        """The next page by id. The last order of the page before comes again: whether the least id is meant
        to be in it is not written down. Nor is how many orders BigCommerce lists at most, if each comes with
        its lines: only a page of very few is taken for the last one."""
        response = await self._smaller_if_too_much(run)
        if not run.asked:
            run.asked = True
            run.began = min(run.began, translate.instant(response.headers.get("date")) or run.began)
        before = str(run.after)
        rows = self._api.rows_of(response)
        new = [row for row in rows if translate.row_key(row) != before]
        ids = [int(key) for key in map(translate.row_key, new) if key.isdecimal()]
        if len(rows) < SURELY_LAST or not new:
            run.listings.pop(0)
            run.after = 0
        elif max(ids, default=0) <= run.after:
            raise ProtocolMismatch("BigCommerce lists orders that are not behind the last one")
        else:
            run.after = max(ids)
        return new

    async def _smaller_if_too_much(self, run: _Run) -> Response:
        """A page; a smaller one where the largest fails, which may be more than BigCommerce can gather
        ("API status codes": 500)."""
        try:
            return await self._api.get("v2/orders", self._query(run))
        except Unreachable:
            if self._most == SMALLER_PAGE:
                raise
            self._most = SMALLER_PAGE
        return await self._api.get("v2/orders", self._query(run))

    def _query(self, run: _Run) -> Query:
        query: dict[str, str | int | Sequence[str | int]] = {**WITH_LINES, "limit": self._most, "sort": "id"}
        if run.after:
            query["min_id"] = run.after
        status = run.listings[0]
        if status is not None:
            query["status_id"] = status
        elif run.since is not None:
            earlier = run.since - timedelta(seconds=OVERLAP_S)
            query["min_date_modified"] = earlier.isoformat(timespec="seconds")
        return query

    def _told(self, run: _Run, order: wire.Order) -> list[Order]:
        """What is told of it, which is nothing of an order that was over before it was ever told, unless it
        could not be read then."""
        before = run.told.pop(order.id, NOTHING)
        was_odd = run.unread.pop(order.id, None) is not None
        if before is NOTHING and not translate.concerns_us(order, self._settings):
            return []
        parts = taken_apart(order, before, self._settings)
        if parts.told is not NOTHING:
            run.told[order.id] = parts.told
        known = was_odd or before is not NOTHING or parts.told is not NOTHING
        return [*parts.orders, *parts.gone] if known else []

    def _written(self, run: _Run) -> str:
        """After its end, the next run begins where this one did."""
        since, which = run.since, run.which
        if not run.listings:
            began = run.began.astimezone(UTC)
            since, which = (began if since is None else max(since, began)), self._which
        told = dict(sorted(run.told.items()))
        unread = tuple(run.unread)[-MOST_UNREAD:]
        return msgspec.json.encode(Cursor(since=since, told=told, which=which, unread=unread)).decode()


def _set_aside(run: _Run, bad: Bad) -> None:
    if bad.key.isdecimal():
        run.unread.pop(int(bad.key), None)
        run.unread[int(bad.key)] = True


def _failed(number: int, reason: str) -> Bad:
    return Bad(key=str(number), place=f"order {number}", reason=reason, raw=b"")


def _at_each_address(bad: Bad, told: dict[int, Told]) -> list[Bad]:
    """An order that cannot be read is none at any of the addresses that it was told with."""
    before = told.get(int(bad.key), NOTHING) if bad.key.isdecimal() else NOTHING
    others = [f"{bad.key}-{address}" for address in before.addresses[1:]]
    return [bad, *(msgspec.structs.replace(bad, key=key) for key in others)]


def _read(cursor: str | None) -> Cursor:
    if cursor is None:
        return Cursor(since=None)
    try:
        return _cursor.decode(cursor)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error
