"""A seller's orders: what changed since the last run, each as it is now.

The first run, and one after the settings that say which may be shipped were changed, lists what is not
shipped yet; later ones what was modified since the one before, whatever its state, so that an order which was
shipped or cancelled elsewhere is told of. The window is open at its end: an order that changes while it is
being read moves within it, and comes again in the next run, since that begins some minutes before this one
did by eBay's own clock.

Pages are cut by counting ("getOrders": limit, offset), so that an order which moves away shifts all that come
after it. Therefore each page begins with the order that the last one ended with; where it does not, something
before it has gone, and the page before is read again. A page that begins with an order which was seen and
has not changed since leaves nothing out between the two: one that has changed may have moved past others.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec
import trio

from dropstream_ebay import translate, wire
from dropstream_ebay.by_id import by_id
from dropstream_ebay.client import FULFILLMENT, Api, errors_of, read, read_one
from dropstream_ebay.settings import Settings
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import Misconfigured, ProtocolMismatch, Unreachable
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page, Reread, Taken
from dropstreamd.platform.http import Response
from dropstreamd.platform.rows import OddRow

PAGE = 200
MOST_STEPS_BACK = 100
OVERLAP_S = 900.0
"""How long a change may take until it is found, and our clock be before eBay's."""

OPEN = "orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}"
FIRST_S = 90 * 86_400.0
"""How far back the first run looks; of older orders eBay tells no address any more ("getOrders")."""

_FUTURE = 30850


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that changed before `since` was seen. `which` are the settings that say which orders may be
    shipped, as of when what is open was listed."""

    since: datetime
    which: str = ""


_cursor = msgspec.json.Decoder(Cursor)


class _Run(msgspec.Struct, kw_only=True):
    """A run that is going on. `begun` is when, by eBay's clock where that was told. `seen` are the orders
    that were told in it, by their ids, with their times of change. `since`: what the next run begins at,
    where this one lists once more what is open, which says nothing of what is over since."""

    filter: str
    since: datetime | None = None
    begun: datetime | None = None
    offset: int = 0
    steps_back: int = 0
    seen: dict[str, datetime | None] = {}


class Orders:
    """A `Source[Order]`, and the `Rereader` of its orders."""

    in_bulk = True

    def __init__(self, api: Api, settings: Settings, clock: Clock) -> None:
        self._api = api
        self._settings = settings
        self._clock = clock
        self._run: _Run | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Order]:  # noqa: ARG002 - nothing has a mark
        """The next orders of this run. The cursor comes with the last of them."""
        run = self._run
        if run is None:
            run = self._run = self._opened(cursor)
        answer = await self._api.get(
            f"{FULFILLMENT}/order", {"filter": run.filter, "limit": PAGE, "offset": run.offset}
        )
        page = self._page(answer)
        if run.begun is None:
            run.begun = _told_at(answer) or utc(self._clock.now_s())
        rows = page.rows()
        if run.offset and (not rows or self._is_unseen(run, rows[0])):
            return self._stepped_back(run)
        found, bad = await self._translated([row for row in rows if self._is_new(run, row)])
        reached = run.offset + len(rows)
        if reached < page.total:
            if reached <= run.offset + 1:
                raise ProtocolMismatch(
                    f"eBay told {page.total} orders, and gave none beyond the first {reached}"
                )
            run.offset = reached - 1  # the next page begins with the last of this one
            return Page(documents=found, bad=bad, more=True)
        self._run = None
        kept = Cursor(since=run.since or run.begun - timedelta(seconds=OVERLAP_S), which=self._which)
        return Page(documents=found, bad=bad, cursor=msgspec.json.encode(kept).decode())

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def read(self, keys: Sequence[str]) -> Reread[Order]:
        """By their ids. What is not ours any more is cancelled for us: no list tells that. An open one so old
        that eBay tells no address of it any more is left out: what is known of it counts."""
        wanted = [key for key in keys if translate.is_id(key)]
        told = [await self._told_again(row) for row in await by_id(self._api, wanted)]
        return Reread(
            documents=tuple(each for each in told if isinstance(each, Order)),
            bad=tuple(each for each in told if isinstance(each, Bad)),
        )

    # ---- reading

    @property
    def _which(self) -> str:
        return f"{sorted(self._settings.marketplaces)} {self._settings.ebay_labels}"

    def _opened(self, cursor: str | None) -> _Run:
        kept = _read(cursor)
        if kept is not None and kept.which == self._which:
            return _Run(filter=f"lastmodifieddate:[{_written(kept.since)}..]")
        first = utc(self._clock.now_s()) - timedelta(seconds=FIRST_S)
        created = f"creationdate:[{_written(first)}..],{OPEN}"
        return _Run(filter=created, since=None if kept is None else kept.since)

    def _page(self, answer: Response) -> wire.Orders:
        if any(each.error_id == _FUTURE for each in errors_of(answer)):
            raise Misconfigured(
                "eBay takes the time that orders are asked from for one in the future",
                remedy="set this machine's clock",
            )
        return read(answer, wire.Orders)

    def _stepped_back(self, run: _Run) -> Page[Order]:
        run.steps_back += 1
        if run.steps_back > MOST_STEPS_BACK:
            raise Unreachable("eBay's orders changed faster than they could be read")
        run.offset = max(0, run.offset - PAGE)
        return Page(more=True)

    @staticmethod
    def _is_new(run: _Run, row: bytes) -> bool:
        """Whether it was not told in this run, as it is now; from now on it was."""
        if not Orders._is_unseen(run, row):
            return False
        run.seen[translate.row_key(row)] = translate.modified(row)
        return True

    @staticmethod
    def _is_unseen(run: _Run, row: bytes) -> bool:
        key = translate.row_key(row)
        return key not in run.seen or run.seen[key] != translate.modified(row)

    async def _translated(self, rows: Sequence[bytes]) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        orders: list[Order] = []
        bad: list[Bad] = []
        for row in rows:
            order = translate.decoded(row)
            if isinstance(order, wire.Order):
                if not translate.concerns_us(order, self._settings):
                    continue
                told = await self._told(order, row, ours=True)
            else:
                told = order
            if isinstance(told, Bad):
                bad.append(told)
            else:
                orders.append(told)
        return tuple(orders), tuple(bad)

    async def _told_again(self, row: bytes | Bad) -> Order | Bad | None:
        if isinstance(row, Bad):
            return row
        order = translate.decoded(row)
        if isinstance(order, Bad):
            return order
        oldest = utc(self._clock.now_s()) - timedelta(seconds=FIRST_S)
        if order.creation_date < oldest and translate.is_bare(order, self._settings):
            return None
        ours = translate.concerns_us(order, self._settings)
        if not ours and not all(line.listing_marketplace_id for line in order.line_items):
            return None  # it does not say where it was sold
        return await self._told(order, row, ours=ours)

    async def _told(self, order: wire.Order, row: bytes, *, ours: bool) -> Order | Bad:
        """The order as ours. Of one of which some has left, lines tell only that, and not how many units."""
        if not translate.is_begun(order):
            return translate.translated(order, (), self._settings, row, ours=ours)
        path = f"{FULFILLMENT}/order/{translate.quoted(order.order_id)}/shipping_fulfillment"
        answer = await self._api.get(path)
        if not answer.ok:
            reason = "some of it has left, and eBay does not tell what"
            return Bad(key=order.order_id, place=f"order {order.order_id}", reason=reason, raw=row)
        try:
            fulfillments = read_one(answer, wire.Fulfillments, "fulfillments").fulfillments
        except OddRow as odd:
            return Bad(key=order.order_id, place=f"order {order.order_id}", reason=odd.message, raw=row)
        return translate.translated(order, fulfillments, self._settings, row, ours=ours)


def _read(cursor: str | None) -> Cursor | None:
    if cursor is None:
        return None
    try:
        return _cursor.decode(cursor)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _told_at(answer: Response) -> datetime | None:
    """The instant of the answer, as eBay tells it."""
    try:
        at = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
