"""The orders that a merchant ships, as they change.

The first run, and one after the settings that say which may be shipped were changed, lists all that are open.
Later ones list what was updated in a window of time, whose end lies
some minutes back: Amazon tells an order only then for sure, and refuses a later end. What is updated while a
window is read falls out of it, and into the next one, which begins some minutes before this one's end.

A search may be made twenty times at once and then once in three minutes. So a run asks for no page that it
would have to wait long for: where the pages of a window do not end, the place is kept, the run says that it
is unfinished, and the next one goes on from there. A page is told and handed over before the next one comes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import trio

from dropstream_amazon import translate, wire
from dropstream_amazon.client import Api, Query
from dropstream_amazon.instants import text
from dropstream_amazon.operations import ADDRESS_ROLE, SEARCH_ORDERS
from dropstream_amazon.settings import Settings
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import AuthFailed, ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.http import Response, decode

PAGE = 100
LAG_S = 150.0
"""How far back a window ends: two minutes at least ("searchOrders"), and a little for a fast clock."""

OVERLAP_S = 300.0
"""How much of a window is read again by the next."""

PATIENCE_S = 15.0
"""How long a page is waited for; where it takes longer, the next run asks."""

TOKEN_LIVES_S = 20 * 3600.0
"""How long a place in a listing is gone on from: Amazon forgets it after 24 hours."""

REACH = timedelta(days=700)
"""How far back open orders are looked for: Amazon tells none that is older than two years."""

OPEN = ("PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED")


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A window that is being read: `token` is where its next page is. `first`: all that are open. `which` are
    the settings that it is read under."""

    after: datetime
    before: datetime
    token: str
    begun: datetime
    first: bool = False
    which: str = ""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`since`: everything that was updated before it was seen; None until all that is open was listed.
    `which` are the settings that say which orders may be shipped, as of when all that is open was listed."""

    since: datetime | None = None
    listing: Listing | None = None
    which: str = ""


_cursor = msgspec.json.Decoder(Cursor)


class Orders:
    """A `Source[Order]`. All that it knows stands in the cursor."""

    def __init__(self, api: Api, settings: Settings, clock: Clock) -> None:
        self._api = api
        self._settings = settings
        self._clock = clock

    async def page(self, cursor: str | None, taken: Taken) -> Page[Order]:  # noqa: ARG002 - nothing has a mark
        """The next page of the window that is being read, or the first of the next one. Raises Unfinished
        where it would have to be waited long for."""
        await trio.lowlevel.checkpoint()
        kept, now = _read(cursor), utc(self._clock.now_s())
        self._api.hold_to_budget(SEARCH_ORDERS, PATIENCE_S, "searches for orders")
        listing = kept.listing
        if listing is not None and (
            (now - listing.begun).total_seconds() > TOKEN_LIVES_S or listing.which != self._which
        ):
            listing = None
        listing = listing or _opened(kept, now, self._which)
        if listing.before <= listing.after:
            read = listing.after + timedelta(seconds=OVERLAP_S)
            raise ProtocolMismatch(
                f"orders were looked at up to {read:%Y-%m-%d %H:%M} UTC, and by this machine's clock it is"
                f" {now:%Y-%m-%d %H:%M} UTC: there is nothing to ask for yet",
                remedy="is this machine's clock right? It was set back, or is slow",
            )
        response = await self._ask(listing)
        if response.status == 400 and listing.token:
            # The place is not known any more: the window is read from its beginning.
            listing = msgspec.structs.replace(listing, token="", begun=now)
            response = await self._ask(listing)
        if response.status == 400:
            self._api.check_account(SEARCH_ORDERS, response)
            raise ProtocolMismatch(
                f"{response.call}: Amazon refused the search of orders",
                remedy="is this machine's clock right? Amazon tells nothing of the last two minutes",
            )
        if not response.ok:
            self._api.refuse(SEARCH_ORDERS, response)
        return self._told(kept, listing, decode(response, wire.Orders))

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def recent(self) -> list[wire.Order]:
        """A page of the last month's orders, as far as they can be read."""
        now = utc(self._clock.now_s())
        query = {**self._always(), **_updated(now - timedelta(days=30), now - timedelta(seconds=LAG_S))}
        found = await self._api.get(SEARCH_ORDERS, wire.Orders, query=query)
        orders = (translate.read(bytes(raw)) for raw in found.orders)
        return [order for order in orders if not isinstance(order, Bad)]

    async def look(self) -> int:
        """One order of the last hour, to see whether that is permitted; how many came."""
        now = utc(self._clock.now_s())
        query = {**self._always(), **_updated(now - timedelta(hours=1), now - timedelta(seconds=LAG_S))}
        found = await self._api.get(SEARCH_ORDERS, wire.Orders, query={**query, "maxResultsPerPage": 1})
        return len(found.orders)

    # ---- asking

    @property
    def _which(self) -> str:
        return f"{sorted(self._settings.marketplaces)} {self._settings.amazon_labels}"

    def _always(self) -> Query:
        return {
            "marketplaceIds": self._settings.marketplaces,
            "fulfilledBy": translate.MERCHANT,
            "includedData": included_data(self._settings),
        }

    async def _ask(self, listing: Listing) -> Response:
        query: dict[str, str | int | Sequence[str]] = {**self._always(), "maxResultsPerPage": PAGE}
        if listing.first:
            query |= {
                "createdAfter": text(listing.after),
                "createdBefore": text(listing.before),
                "fulfillmentStatuses": OPEN,
            }
        else:
            query |= _updated(listing.after, listing.before)
        if listing.token:
            query["paginationToken"] = listing.token
        return await self._api.call(SEARCH_ORDERS, query=query)

    def _told(self, kept: Cursor, listing: Listing, found: wire.Orders) -> Page[Order]:
        orders, bad = self._translated(found)
        token = found.next_token
        if token:
            following = msgspec.structs.replace(listing, token=token)
            after = Cursor(since=kept.since, listing=following, which=kept.which)
        elif kept.since is None:
            after = Cursor(since=listing.before, which=listing.which)
        else:
            # What is open was listed once more: that says nothing of what is over since.
            since = kept.since if listing.first else max(kept.since, listing.before)
            after = Cursor(since=since, which=listing.which)
        return Page(documents=orders, bad=bad, cursor=msgspec.json.encode(after).decode(), more=bool(token))

    def _translated(self, found: wire.Orders) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        orders: list[Order] = []
        bad: list[Bad] = []
        addressed = unaddressed = 0
        for raw in found.orders:
            order = translate.read(bytes(raw))
            if isinstance(order, Bad):
                bad.append(order)
            elif translate.is_ours(order, self._settings):
                told = translate.translated(order, self._settings)
                orders.append(told)
                unaddressed += told.status == "waiting" and translate.lacks_address(order, self._settings)
                addressed += told.status == "open"
        if unaddressed and not addressed:
            raise AuthFailed(
                f"Amazon tells no address of {unaddressed} orders that may be shipped",
                remedy=f"the app needs the role {ADDRESS_ROLE}: request it in Seller Central, add it to the "
                "app, then authorize the app anew and store the new refresh token",
            )
        return tuple(orders), tuple(bad)


def included_data(settings: Settings) -> Sequence[str]:
    """What of an order is asked for."""
    data = ["RECIPIENT", "PROCEEDS", "CANCELLATION", "FULFILLMENT"]
    return [*data, "BUYER"] if settings.buyer_data else data


def _read(cursor: str | None) -> Cursor:
    if cursor is None:
        return Cursor()
    try:
        return _cursor.decode(cursor)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error


def _opened(kept: Cursor, now: datetime, which: str) -> Listing:
    """The next window to read."""
    before = now - timedelta(seconds=LAG_S)
    if kept.since is None or kept.which != which:
        return Listing(after=now - REACH, before=before, token="", begun=now, first=True, which=which)
    after = kept.since - timedelta(seconds=OVERLAP_S)
    return Listing(after=after, before=before, token="", begun=now, which=which)


def _updated(after: datetime, before: datetime) -> dict[str, str]:
    return {"lastUpdatedAfter": text(after), "lastUpdatedBefore": text(before)}
