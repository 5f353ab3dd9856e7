"""Medusa's orders, followed by their time of change.

Payment does not move an order's `updated_at`: an order that waits to be paid is read again in every run,
until it is no longer waiting or older than the look-back. So is one that cannot be read: it may wait too.

Where Medusa fails over a page, it may be over one order of it: then the page's ids and times are listed
alone, and its orders asked for by their ids.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec
import trio

from dropstream_medusa import cursors, translate, wire
from dropstream_medusa.client import Api, Params
from dropstream_medusa.listing import Listing, bad_row, read_rows, row_key
from dropstream_medusa.places import Places
from dropstream_medusa.settings import Settings
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import Misconfigured
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page, Reread, Taken
from dropstreamd.platform.one_by_one import OF_ONE, by_tens, may_be_of_one
from dropstreamd.platform.rows import UNREADABLE

PAGE = 25
MOST_WAITING = 5_000
MOST_UNREAD = 500
"""Orders that cannot be read and are followed, as one that waits is: the newest."""

FIELDS = ",".join(
    (
        "id,display_id,custom_display_id,status,payment_status,created_at,updated_at,email",
        "currency_code,total,sales_channel.name,shipping_methods.name,shipping_methods.shipping_option_id",
        "items.id,items.title,items.variant_sku,items.variant_title,items.requires_shipping,items.unit_price",
        "items.detail.quantity,items.detail.fulfilled_quantity,items.variant.weight,items.variant.ean",
        "items.variant.upc,items.variant.barcode,items.variant.hs_code,items.variant.origin_country",
        "shipping_address.*,billing_address.*",
    )
)
MARKS = "id,created_at,updated_at"
"""What Medusa tells without summing an order up, and without its addresses, methods and products."""

OTHERS = 50

_placed = msgspec.json.Decoder(wire.Placed)
_ID = re.compile(r"(?!unreadable-)[A-Za-z0-9_-]{1,100}")
"""Medusa's own begin with `order_`; orders that were brought from elsewhere may have others."""


class _Run(msgspec.Struct, kw_only=True):
    """A reading that is going on. `left` are the orders that waited in the last run and were not met.
    `failed` says why some could not be read, by what came in their place."""

    bound: datetime
    oldest: datetime
    listing: Listing
    before: frozenset[str]
    failed: dict[bytes, str]
    met: set[str] = set()
    waiting: set[str] = set()
    unread: set[str] = set()
    left: list[str] | None = None


class Orders:
    """A `Source[Order]`, and the `Rereader` of its orders."""

    in_bulk = True

    def __init__(self, api: Api, places: Places, settings: Settings, clock: Clock) -> None:
        self._api = api
        self._places = places
        self._settings = settings
        self._clock = clock
        self._run: _Run | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Order]:  # noqa: ARG002 - nothing has a mark
        """The next 25 orders of this run; the cursor comes with the last page."""
        run = self._run
        if run is None:
            run = self._run = await self._begin(cursor)
        if run.left is None:
            rows = await run.listing.next()
            if run.listing.done:
                run.left = sorted(run.before - run.met)
        else:
            some, run.left = run.left[:PAGE], run.left[PAGE:]
            rows = await self._rows(run.failed, {"id[]": some, "limit": PAGE})
        orders, bad = self._translated(run, rows)
        if run.left is not None:
            run.left = [key for key in run.left if key not in run.met]
            if not run.left:
                self._run = None
                return Page(documents=orders, bad=bad, cursor=_finished(run))
        return Page(documents=orders, bad=bad, more=True)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002
        """Nothing to do: pages bear no marks."""
        await trio.lowlevel.checkpoint()

    async def read(self, keys: Sequence[str]) -> Reread[Order]:
        """By their ids, in one request; by tens and by themselves where Medusa fails over that."""
        asked = [key for key in dict.fromkeys(keys) if _ID.fullmatch(key)]
        if not asked:
            await trio.lowlevel.checkpoint()
            return Reread()
        found, failed = await by_tens(asked, self._by_id, self._others)
        told = [
            translate.read_order(found[key], self._settings)
            if key in found
            else _bad(key, failed.get(key, "the store no longer has it"))
            for key in asked
        ]
        orders = tuple(each for each in told if isinstance(each, Order))
        return Reread(documents=orders, bad=tuple(each for each in told if isinstance(each, Bad)))

    async def _by_id(self, ids: Sequence[str]) -> dict[str, bytes]:
        rows = await read_rows(self._api, "orders", {**_FIELDS, "id[]": ids, "limit": len(ids)}, "orders")
        return {key: row for row in rows if (key := row_key(row)) in ids}

    async def _others(self) -> list[str]:
        """Ids of some orders: the last ones, the oldest of them first."""
        latest: Params = {"order": "-id", "limit": OTHERS, "fields": "id"}
        return [row_key(row) for row in reversed(await read_rows(self._api, "orders", latest, "orders"))]

    async def _rows(self, failed: dict[bytes, str], wanted: Params) -> list[bytes]:
        """A page of a list. Where Medusa fails over it, its orders are asked for by their ids. In the place
        of one over which it fails come its id and times, and `failed` says of these why."""
        try:
            return await read_rows(self._api, "orders", {**wanted, **_FIELDS}, "orders")
        except OF_ONE as error:
            if not may_be_of_one(error):
                raise
        rows = await read_rows(self._api, "orders", {**wanted, "fields": MARKS}, "orders")
        marks = {row_key(row): row for row in rows}
        found, why = await by_tens([key for key in marks if _ID.fullmatch(key)], self._by_id, self._others)
        gone = "the store lists it, and does not tell it when it is asked for"
        failed |= {mark: why.get(key, gone) for key, mark in marks.items() if key not in found}
        return [found.get(key, mark) for key, mark in marks.items()]

    async def _begin(self, cursor: str | None) -> _Run:
        oldest = utc(self._clock.now_s()) - timedelta(days=self._settings.lookback_days)
        stored = cursors.read_cursor(cursor, at_first=oldest)
        channel = await self._places.channel()
        of_channel: Params = {"sales_channel_id[]": channel.id} if channel else {}
        bound = await cursors.next_bound(self._api, "orders", of_channel, stored.since)
        wanted = {**of_channel, **cursors.changed_since(stored.since)}
        failed: dict[bytes, str] = {}
        listing = Listing(self._api, "orders", wanted, page=PAGE, read=partial(self._rows, failed))
        before = frozenset(stored.waiting)
        return _Run(bound=bound, oldest=oldest, listing=listing, before=before, failed=failed)

    def _translated(self, run: _Run, rows: Sequence[bytes]) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        read = [
            bad_row(row, "order id", run.failed[row])
            if row in run.failed
            else translate.read_order(row, self._settings)
            for row in rows
        ]
        orders = tuple(each for each in read if isinstance(each, Order))
        run.met.update(each.key for each in read)
        run.waiting.update(
            order.key for order in orders if order.status == "waiting" and order.placed_at > run.oldest
        )
        run.unread.update(
            each.key
            for row, each in zip(rows, read, strict=True)
            if isinstance(each, Bad) and _is_since(row, run.oldest)
        )
        if len(run.waiting) > MOST_WAITING:
            raise Misconfigured(
                f"more than {MOST_WAITING} orders wait to be paid",
                remedy="cancel them in Medusa, set a smaller lookback_days, or add to open_payments",
            )
        return orders, tuple(each for each in read if isinstance(each, Bad))


_FIELDS: Params = {"fields": FIELDS}


def _finished(run: _Run) -> str:
    followed = run.waiting.union(sorted(run.unread)[-MOST_UNREAD:])
    return cursors.written(cursors.Cursor(since=run.bound, waiting=tuple(sorted(followed))))


def _is_since(row: bytes, oldest: datetime) -> bool:
    try:
        return _placed.decode(row).created_at > oldest
    except UNREADABLE:
        return False


def _bad(key: str, reason: str) -> Bad:
    return Bad(key=key, place=f"order id {key}", reason=reason, raw=b"")
