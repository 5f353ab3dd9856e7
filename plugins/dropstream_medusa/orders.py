"""Medusa's orders, followed by their time of change.

Payment does not move an order's `updated_at`: an order that waits to be paid is read again in every run,
until it is no longer waiting or older than the look-back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import trio

from dropstream_medusa import cursors, translate
from dropstream_medusa.client import Api, Params
from dropstream_medusa.listing import Listing, read_rows
from dropstream_medusa.places import Places
from dropstream_medusa.settings import Settings
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import Misconfigured
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page, Taken

PAGE = 25
MOST_WAITING = 5_000
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


class _Run(msgspec.Struct, kw_only=True):
    """A reading that is going on. `left` are the orders that waited in the last run and were not met."""

    bound: datetime
    oldest: datetime
    listing: Listing
    before: frozenset[str]
    met: set[str] = set()
    waiting: set[str] = set()
    left: list[str] | None = None


class Orders:
    """A `Source[Order]`."""

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
            rows = await read_rows(self._api, "orders", {**_FIELDS, "id[]": some, "limit": PAGE}, "orders")
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

    async def _begin(self, cursor: str | None) -> _Run:
        oldest = utc(self._clock.now_s()) - timedelta(days=self._settings.lookback_days)
        stored = cursors.read_cursor(cursor, at_first=oldest)
        channel = await self._places.channel()
        of_channel: Params = {"sales_channel_id[]": channel.id} if channel else {}
        bound = await cursors.next_bound(self._api, "orders", of_channel, stored.since)
        wanted = {**of_channel, **cursors.changed_since(stored.since), **_FIELDS}
        listing = Listing(self._api, "orders", wanted, page=PAGE)
        return _Run(bound=bound, oldest=oldest, listing=listing, before=frozenset(stored.waiting))

    def _translated(self, run: _Run, rows: Sequence[bytes]) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        read = [translate.read_order(row, self._settings) for row in rows]
        orders = tuple(each for each in read if isinstance(each, Order))
        run.met.update(each.key for each in read)
        run.waiting.update(
            order.key for order in orders if order.status == "waiting" and order.placed_at > run.oldest
        )
        if len(run.waiting) > MOST_WAITING:
            raise Misconfigured(
                f"more than {MOST_WAITING} orders wait to be paid",
                remedy="cancel them in Medusa, set a smaller lookback_days, or add to open_payments",
            )
        return orders, tuple(each for each in read if isinstance(each, Bad))


_FIELDS: Params = {"fields": FIELDS}


def _finished(run: _Run) -> str:
    return cursors.written(cursors.Cursor(since=run.bound, waiting=tuple(sorted(run.waiting))))
