"""Returns that buyers ask for, of what the merchant ships.

Amazon lists them in reports only, by the day that they were asked for: a run has one made for each
marketplace, and reads it. No report tells what changed, so each goes back to the requests of the last weeks,
and what is known already changes nothing.

A report's id is stored before it is waited for: one that takes longer than a run waits is read by the next,
and the run says that it is unfinished.
The place in time moves on once the reports of all marketplaces were read, and two windows have weeks in
common.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec
import trio

from dropstream_amazon.client import Api
from dropstream_amazon.reports import NO_DATA, Reports
from dropstream_amazon.return_rows import read_returns
from dropstream_amazon.settings import Settings
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import DropstreamError, Misconfigured, NotYet, ProtocolMismatch, Unfinished
from dropstreamd.model.handover import Bad
from dropstreamd.model.returns import Return
from dropstreamd.platform.contract import Page, Taken

KIND = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
PAGE = 100

REACH = timedelta(days=59)
"""How long a window is at most: a report has sixty days."""

FOLLOWED = timedelta(days=40)
"""How long a request is looked at again, and how much of a window is read again by the next."""

LAG_S = 150.0
"""How far back a window ends, for a clock that is fast."""

PATIENCE_S = 300.0
"""How long a run waits for reports."""

AGAIN_S = 900.0
"""After how long a report is looked at again that was not made by then."""

READY_S = 15.0
"""How long a run waits until it may ask for a report."""

LATE = timedelta(hours=2)
"""A report that is not made by then is asked for again."""


ANEW = timedelta(days=1)
"""How long the reports of a window are read for."""

MUTE = timedelta(days=1)
"""How long reports of a marketplace may be cancelled though there is something to tell."""

EDGE = timedelta(days=2)
"""How far within a window a day has to be to be in it for sure: days are a marketplace's own."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What is being read, since `begun`: `left` are the marketplaces whose reports were not read yet,
    `report` is the first one's, once it was asked for, at `asked`. Where one could not be read it is
    `partial`: the place in time does not move on with it."""

    after: datetime
    before: datetime
    begun: datetime
    left: tuple[str, ...]
    report: str = ""
    asked: datetime | None = None
    partial: bool = False


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Of a marketplace: the newest request that was told, by its day, and when its report was read."""

    newest: datetime
    read: datetime


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`since`: what was asked for before was told. `which` are the marketplaces of which that is true;
    those that ever had something to tell are `known`."""

    since: datetime | None = None
    window: Window | None = None
    which: tuple[str, ...] = ()
    known: dict[str, Known] = {}


class _Told(msgspec.Struct, kw_only=True):
    """A report that was read, and is being told."""

    returns: list[Return]
    bad: list[Bad]
    after: Cursor


_cursor = msgspec.json.Decoder(Cursor)


class Returns:
    """A `Source[Return]`. All that has to last stands in the cursor."""

    def __init__(self, api: Api, settings: Settings, clock: Clock) -> None:
        self._reports = Reports(api, KIND)
        self._marketplaces = tuple(sorted(set(settings.marketplaces)))
        self._clock = clock
        self._told: _Told | None = None
        self._failed: DropstreamError | None = None
        self._until_s: float | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Return]:  # noqa: ARG002 - nothing has a mark
        """The next hundred returns of a report; or a page without any, so that the report's id is kept.
        Raises Unfinished where Amazon has yet to make one, or to allow that one is asked for."""
        try:
            return await self._page(cursor)
        except Unfinished:
            if self._failed is None:
                raise
            raise self._failed from None  # what went wrong with a report before this one

    async def _page(self, cursor: str | None) -> Page[Return]:
        if self._told is not None:
            await trio.lowlevel.checkpoint()
            return self._next(self._told)
        kept, now = _read(cursor), utc(self._clock.now_s())
        if self._failed is not None and kept.window is None:
            failed, self._failed = self._failed, None
            raise failed
        if self._until_s is None:
            self._until_s = trio.current_time() + PATIENCE_S
        window = self._opened(kept, now)
        if not window.report:
            return await self._ask(kept, window, now)
        try:
            return await self._look(kept, window, now, self._until_s)
        except (ProtocolMismatch, Misconfigured, NotYet) as error:
            # The report is no good, and must not be looked at for ever, nor keep the others from being read:
            # why is told at the end.
            self._failed = self._failed or error
            after = _after(kept, msgspec.structs.replace(window, partial=True))
            return Page(cursor=self._written(after), more=True)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    # ---- a window

    def _opened(self, kept: Cursor, now: datetime) -> Window:
        """The one that is being read, or the next one. One that was begun long ago begins anew, since what
        its reports say is old; with other marketplaces all is read again."""
        same = kept.which == self._marketplaces
        if same and kept.window is not None and now - kept.window.begun < ANEW:
            return kept.window
        until = now - timedelta(seconds=LAG_S)
        after = until - REACH if kept.since is None else min(kept.since, until) - FOLLOWED
        after = after if same else min(after, until - REACH)
        return Window(after=after, before=min(until, after + REACH), begun=now, left=self._marketplaces)

    async def _ask(self, kept: Cursor, window: Window, now: datetime) -> Page[Return]:
        self._reports.hold_to_budget(READY_S)
        report = await self._reports.ask(window.left[0], window.after, window.before)
        asked = msgspec.structs.replace(window, report=report, asked=now)
        return Page(cursor=self._written(msgspec.structs.replace(kept, window=asked)), more=True)

    async def _look(self, kept: Cursor, window: Window, now: datetime, until_s: float) -> Page[Return]:
        document = await self._reports.document(window.report, until_s)
        if document is None:
            if window.asked is not None and now - window.asked > LATE:
                raise NotYet(
                    f"Amazon has not made report {window.report} of returns, which was asked for "
                    f"{(now - window.asked).total_seconds() / 3600:.0f} hours ago",
                    remedy="it is asked for again by the next run",
                )
            raise Unfinished(
                f"Amazon has not made report {window.report} of returns yet, which tells those of "
                f"{window.left[0]}",
                again_s=AGAIN_S,
            )
        if document == NO_DATA:
            self._failed = self._failed or _doubt(kept, window, now)
            return self._next(_Told(returns=[], bad=[], after=_after(kept, window)))
        returns, bad = await _in_a_thread(await self._reports.content(document))
        kept = _knowing(kept, window, returns, now)
        self._told = _Told(returns=returns, bad=bad, after=_after(kept, window))
        return self._next(self._told)

    def _next(self, told: _Told) -> Page[Return]:
        """A page; the place moves on with a report's last one."""
        some, told.returns = told.returns[:PAGE], told.returns[PAGE:]
        bad, told.bad = told.bad[:PAGE], told.bad[PAGE:]
        if told.returns or told.bad:
            return Page(documents=tuple(some), bad=tuple(bad), more=True)
        self._told = None
        after = told.after
        return Page(
            documents=tuple(some),
            bad=tuple(bad),
            cursor=self._written(after),
            more=after.window is not None or self._failed is not None or self._is_behind(after.since),
        )

    def _is_behind(self, since: datetime | None) -> bool:
        """Whether there is another window, since the last reading was weeks ago."""
        return since is None or utc(self._clock.now_s()) - since > ANEW

    def _written(self, cursor: Cursor) -> str:
        known = {name: each for name, each in cursor.known.items() if name in self._marketplaces}
        written = msgspec.structs.replace(cursor, which=self._marketplaces, known=known)
        return msgspec.json.encode(written).decode()


def _after(kept: Cursor, window: Window) -> Cursor:
    """The place behind the report of the first marketplace that is left. The next window after one that was
    partial begins where that one did."""
    left = window.left[1:]
    if left:
        following = msgspec.structs.replace(window, left=left, report="", asked=None)
        return msgspec.structs.replace(kept, window=following)
    began = kept.since or window.after + FOLLOWED
    return msgspec.structs.replace(kept, since=began if window.partial else window.before, window=None)


def _knowing(kept: Cursor, window: Window, returns: Sequence[Return], now: datetime) -> Cursor:
    if not returns:
        return kept
    known = Known(newest=max(each.requested_at for each in returns), read=now)
    return msgspec.structs.replace(kept, known=kept.known | {window.left[0]: known})


def _doubt(kept: Cursor, window: Window, now: datetime) -> NotYet | None:
    """What is wrong with a report that was cancelled, if it can't be that there is nothing to tell: Amazon
    cancels those that are asked for too often, too ("Reports API FAQ"). Nothing is lost by going on, since
    the next windows have the same weeks."""
    marketplace = window.left[0]
    known = kept.known.get(marketplace)
    if known is None or now - known.read < MUTE:
        return None
    if not window.after + EDGE <= known.newest <= window.before:
        return None
    return NotYet(
        f"Amazon cancels all reports of returns of {marketplace} since {known.read:%Y-%m-%d %H:%M} UTC, "
        f"though they would have to tell those of {known.newest:%Y-%m-%d}",
        remedy="see whether another program of the seller asks for the same report, or schedules it: Amazon "
        "makes some only so often. It is asked for again by the next run",
    )


async def _in_a_thread(content: str) -> tuple[list[Return], list[Bad]]:
    return await trio.to_thread.run_sync(partial(read_returns, content))


def _read(cursor: str | None) -> Cursor:
    if cursor is None:
        return Cursor()
    try:
        return _cursor.decode(cursor)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error
