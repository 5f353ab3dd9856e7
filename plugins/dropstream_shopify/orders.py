"""Shopify's fulfillment orders: what changed since the last run, each looked at as it is now.

The first run lists all that are open. Later ones follow two clocks, since neither tells everything: what
changed of fulfillment orders (holds, moves, fulfillments), and what changed of orders (payment, addresses,
cancellations), whose fulfillment orders are then read by their ids. Both are searches sorted by the time of
change. Shopify pages them by value and id, so that equal times at a page's end lose nothing, and one that
changes meanwhile comes again at the end. A search lags behind: each begins some minutes before the last.

What was told as open, or could not be read, is remembered in the cursor, page by page. One of these that is
over, or moved to a location that is not ours, is told once more; of what was never open here nothing is told,
unless it is asked for by its key. All of them are looked at again when the settings let others be shipped: in
Shopify nothing of what waited has changed then.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
import trio

from dropstream_shopify import documents, translate, wire
from dropstream_shopify.client import Api
from dropstream_shopify.fulfillment_orders import FulfillmentOrders
from dropstream_shopify.settings import Settings
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page, Reread, Taken
from dropstreamd.platform.rows import UNREADABLE

OVERLAP_S = 600.0
"""How long a search may lag behind, and our clock before the shop's."""

_GID = "gid://shopify/FulfillmentOrder/"
MOST_TOLD = 50_000


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`since`: everything that changed before it was seen; None until all that is open was listed. `told`:
    numbers of the fulfillment orders that were told as open, as waiting or as bad, each less the one before
    it. `which` are the settings that say which of them may be shipped, as of when they were told."""

    since: datetime | None
    told: tuple[int, ...] = ()
    which: str = ""


_cursor = msgspec.json.Decoder(Cursor)
_stamped = msgspec.json.Decoder(wire.Stamped)


class _Run(msgspec.Struct, kw_only=True):
    """A run that is going on. `list` lists fulfillment orders; `follow` reads those in `left` by their
    ids, and lists the orders that changed until `orders_end`. `which` of the settings takes the place of what
    was `kept` once all that was told before has been looked at as they say."""

    since: datetime | None
    started: datetime
    told: set[str]
    which: str
    kept: str
    step: Literal["list", "follow", "end"] = "list"
    after: str | None = None
    newest: datetime | None = None
    seen: set[str] = set()
    left: list[str] = []
    orders_after: str | None = None
    orders_end: bool = False


class Orders:
    """A `Source[Order]`, and the `Rereader` of its orders."""

    in_bulk = True

    def __init__(self, api: Api, settings: Settings, clock: Clock) -> None:
        self._api = api
        self._settings = settings
        self._clock = clock
        self._shop = FulfillmentOrders(api)
        self._run: _Run | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Order]:  # noqa: ARG002 - nothing has a mark
        """The next orders of this run. What was told is in every cursor, how far it got in the last."""
        run = self._run
        if run is None:
            run = self._run = _begun(cursor, utc(self._clock.now_s()), self._which)
        rows = await (self._list(run) if run.step == "list" else self._follow(run))
        found, bad = await self._translated(run, rows)
        if len(run.told) > MOST_TOLD:
            raise Misconfigured(
                f"more than {MOST_TOLD} fulfillment orders are open",
                remedy="close those that are over in Shopify",
            )
        more = run.step != "end"
        if not more:
            self._run = None
        return Page(documents=found, bad=bad, cursor=_written(run), more=more)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def read(self, keys: Sequence[str]) -> Reread[Order]:
        """By their ids, past the search. What is not ours (any more) is cancelled for us, as in `page`."""
        orders: list[Order] = []
        bad: list[Bad] = []
        wanted = [key for key in keys if translate.is_id(key)]
        for row in await self._shop.by_id(wanted):
            order = await self._shop.whole(row)
            if isinstance(order, Bad):
                bad.append(order)
            else:
                ours = translate.concerns_us(order, self._settings)
                orders.append(translate.translated(order, self._settings, ours=ours))
        found = {order.key for order in orders} | {each.key for each in bad}
        return Reread(
            documents=tuple(orders), bad=(*bad, *(_gone(key) for key in wanted if key not in found))
        )

    # ---- reading

    @property
    def _which(self) -> str:
        return f"{self._settings.ship_when} {self._settings.ship_again}"

    async def _list(self, run: _Run) -> Sequence[bytes | Bad]:
        """A page of fulfillment orders: all that are open at first, then all that changed."""
        first = run.since is None
        variables = {"after": run.after, "closed": not first, "query": _changed(run.since)}
        found = await self._shop.listed(variables)
        rows = [bytes(row) for row in found.nodes]
        for row in rows:
            _note_time(run, row)
        run.after = found.page_info.end_cursor
        if not found.page_info.has_next_page:
            run.step = "follow"
            if first or run.kept != run.which:
                run.left = sorted(run.told - run.seen - {translate.row_key(row) for row in rows})
            if first:  # a listing of what is open is whole; only what was told and is missing is looked at
                run.orders_end = True
                run.step = "follow" if run.left else "end"
        return rows

    async def _follow(self, run: _Run) -> Sequence[bytes | Bad]:
        """Fulfillment orders of orders that changed, and were not listed in this run."""
        if not run.left and not run.orders_end:
            variables = {"after": run.orders_after, "query": _changed(run.since)}
            answer = await self._api.query(documents.CHANGED_ORDERS, variables, wire.ChangedOrders)
            for order in answer.orders.nodes:
                run.newest = max(run.newest or order.updated_at, order.updated_at)
                ids = [each.id for each in order.fulfillment_orders.nodes]
                run.left += [each for each in ids if each not in run.seen]
            run.orders_after = answer.orders.page_info.end_cursor
            run.orders_end = not answer.orders.page_info.has_next_page
        at_once = self._shop.at_once
        some, run.left = run.left[:at_once], run.left[at_once:]
        if not run.left and run.orders_end:
            run.step = "end"
        return await self._shop.by_id(some)

    async def _translated(
        self, run: _Run, rows: Sequence[bytes | Bad]
    ) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        orders: list[Order] = []
        bad: list[Bad] = []
        for row in rows:
            key = row.key if isinstance(row, Bad) else translate.row_key(row)
            run.seen.add(key)
            order = await self._shop.whole(row)
            if isinstance(order, Bad):
                bad.append(order)
                if translate.is_id(key):  # once it can be read it may be told by its key: it is followed
                    run.told.add(key)
                continue
            ours = translate.concerns_us(order, self._settings)
            if not ours and key not in run.told:
                continue
            told = translate.translated(order, self._settings, ours=ours)
            if told.status in ("open", "waiting"):
                run.told.add(key)
            elif key in run.told:
                run.told.discard(key)
            else:
                continue  # it was over before it was ever told
            orders.append(told)
        return tuple(orders), tuple(bad)


def _gone(key: str) -> Bad:
    reason = "the shop has it no more, or hides it: orders of over 60 days need the scope read_all_orders"
    return Bad(key=key, place=key, reason=reason, raw=b"")


def _begun(cursor: str | None, now: datetime, which: str) -> _Run:
    if cursor is None:
        return _Run(since=None, started=now, told=set(), which=which, kept=which)
    try:
        kept = _cursor.decode(cursor)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error
    told: set[str] = set()
    number = 0
    for step in kept.told:
        number += step
        told.add(f"{_GID}{number}")
    return _Run(since=kept.since, started=now, told=told, which=which, kept=kept.which)


def _written(run: _Run) -> str:
    """After its end, the next run begins at the newest change seen, and no later than where this one did by
    our clock: whatever happened after it had begun is read again. One that saw no change moves nothing: our
    clock alone may be ahead of the shop's, and what changes until then would never be listed."""
    since, which = run.since, run.kept
    if run.step == "end":
        which = run.which
        if run.newest is not None:
            begun = min(run.started, run.newest)
            since = begun if since is None else max(since, begun)
    numbers = sorted(int(each.removeprefix(_GID)) for each in run.told)
    steps = tuple(one - before for one, before in zip(numbers, [0, *numbers], strict=False))
    return msgspec.json.encode(Cursor(since=since, told=steps, which=which)).decode()


def _note_time(run: _Run, row: bytes) -> None:
    try:
        at = _stamped.decode(row).updated_at
    except UNREADABLE:
        return  # it is told as one that cannot be decoded
    run.newest = max(run.newest or at, at)


def _changed(since: datetime | None) -> str | None:
    """The search for what changed since then, some minutes earlier."""
    if since is None:
        return None
    earlier = since.astimezone(UTC) - timedelta(seconds=OVERLAP_S)
    return f"updated_at:>='{earlier.strftime('%Y-%m-%dT%H:%M:%SZ')}'"
