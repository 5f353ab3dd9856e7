"""Returns that were asked for in Medusa, followed by their time of change.

One that is still being drawn up (`open`) is none yet: it has no lines, and is removed when it is given up.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import trio

from dropstream_medusa import cursors, translate, wire_returns
from dropstream_medusa.client import Api, Params
from dropstream_medusa.listing import Listing, bad_row
from dropstream_medusa.places import Places
from dropstream_medusa.settings import Settings
from dropstreamd.clock import Clock, utc
from dropstreamd.model.handover import Bad
from dropstreamd.model.returns import Return
from dropstreamd.platform.contract import Page, Taken

PAGE = 25
STATUSES = ("requested", "partially_received", "received", "canceled")
FIELDS = ",".join(
    (
        "id,display_id,status,order_id,created_at,updated_at,requested_at",
        "items.id,items.item_id,items.quantity,items.note,items.reason.label,items.item.variant_sku",
    )
)
ORDER_FIELDS = "id,display_id,custom_display_id,sales_channel_id,shipping_address.*"


class _Run(msgspec.Struct, kw_only=True):
    bound: datetime
    listing: Listing


class Returns:
    """A `Source[Return]`."""

    def __init__(self, api: Api, places: Places, settings: Settings, clock: Clock) -> None:
        self._api = api
        self._places = places
        self._settings = settings
        self._clock = clock
        self._run: _Run | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Return]:  # noqa: ARG002 - nothing has a mark
        """The next 25 returns of this run; the cursor comes with the last page."""
        run = self._run
        if run is None:
            run = self._run = await self._begin(cursor)
        returns, bad = await self._translated(await run.listing.next())
        if not run.listing.done:
            return Page(documents=returns, bad=bad, more=True)
        self._run = None
        return Page(documents=returns, bad=bad, cursor=cursors.written(cursors.Cursor(since=run.bound)))

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002
        """Nothing to do: pages bear no marks."""
        await trio.lowlevel.checkpoint()

    async def _begin(self, cursor: str | None) -> _Run:
        oldest = utc(self._clock.now_s()) - timedelta(days=self._settings.lookback_days)
        stored = cursors.read_cursor(cursor, at_first=oldest)
        bound = await cursors.next_bound(self._api, "returns", {}, stored.since)
        wanted = {**cursors.changed_since(stored.since), "status[]": STATUSES, "fields": FIELDS}
        return _Run(bound=bound, listing=Listing(self._api, "returns", wanted, page=PAGE))

    async def _translated(self, rows: Sequence[bytes]) -> tuple[tuple[Return, ...], tuple[Bad, ...]]:
        """Those of the sales channel. Medusa fails over a list of returns with their orders, so that
        these are asked for by themselves."""
        read = [translate.decode_return(row) for row in rows]
        orders = await self._orders({each.order_id for each in read if isinstance(each, wire_returns.Return)})
        channel = await self._places.channel()
        returns: list[Return] = []
        bad = [each for each in read if isinstance(each, Bad)]
        for row, found in zip(rows, read, strict=True):
            if isinstance(found, Bad):
                continue
            order = orders.get(found.order_id)
            if order is None:
                bad.append(bad_row(row, "return id", "the store no longer has its order"))
            elif channel is None or order.sales_channel_id == channel.id:
                returns.append(translate.return_of(found, order))
        return tuple(returns), tuple(bad)

    async def _orders(self, ids: set[str]) -> dict[str, wire_returns.ReturnedOrder]:
        if not ids:
            return {}
        params: Params = {"id[]": sorted(ids), "limit": PAGE, "fields": ORDER_FIELDS}
        answer = await self._api.read("orders", params, wire_returns.ReturnedOrders)
        return {order.id: order for order in answer.orders}
