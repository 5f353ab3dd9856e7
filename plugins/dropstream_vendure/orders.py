"""Vendure's orders: every run lists all that are not closed, and looks at those that left the list.

Vendure's `updatedAt` cannot be followed: paying, modifying and shipping an order put its old value
back. So the list of orders that are placed and neither shipped nor cancelled is read whole, and the
ids on it are remembered in the cursor; an order that is no longer on it (cancelled, shipped by hand)
is read once more by its id. What is listed again unchanged is nothing new to the daemon.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import trio

from dropstream_vendure import documents, translate, wire
from dropstream_vendure.client import Api
from dropstream_vendure.settings import CANCELLED, Settings
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Page, Reread, Taken
from dropstreamd.platform.one_by_one import OF_ONE, by_tens, may_be_of_one
from dropstreamd.platform.overlap import Overlap

PAGE = 100
MOST_OPEN = 50_000
"""Orders that may be open at once; their ids are the cursor."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`listed`: ids of the orders that the last complete listing had, in order."""

    listed: tuple[str, ...]


_cursor = msgspec.json.Decoder(Cursor)
_ID = re.compile(r"[0-9]{1,9}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An id as Vendure's two strategies make them."""


class _Listing(msgspec.Struct, kw_only=True):
    """A listing that is going on."""

    before: frozenset[str]
    filter: dict[str, object]
    since: datetime
    rows: Overlap
    listed: set[str] = set()
    left: list[str] | None = None


class Orders:
    """A `Source[Order]`, and the `Rereader` of its orders."""

    in_bulk = True

    def __init__(self, api: Api, settings: Settings, clock: Clock) -> None:
        self._api = api
        self._settings = settings
        self._clock = clock
        self._listing: _Listing | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Order]:  # noqa: ARG002 - nothing has a mark
        """The next 100 orders of this run's listing; the cursor comes with the last page."""
        listing = self._listing
        if listing is None:
            listing = self._listing = self._begin(cursor)
        if listing.left is None:
            documents_, bad = await self._list(listing)
        else:
            documents_, bad = await self._look_at_the_left(listing)
        if listing.left is None or listing.left:
            return Page(documents=documents_, bad=bad, more=True)
        self._listing = None
        return Page(documents=documents_, bad=bad, cursor=_written(listing.listed))

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def read(self, keys: Sequence[str]) -> Reread[Order]:
        """By their ids, in one request."""
        documents_, bad = await self._by_id([key for key in keys if _ID.fullmatch(key)])
        return Reread(documents=documents_, bad=bad)

    def _begin(self, cursor: str | None) -> _Listing:
        since = utc(self._clock.now_s()) - timedelta(days=self._settings.lookback_days)
        return _Listing(
            before=_read(cursor), since=since, filter=unclosed(self._settings, since), rows=Overlap()
        )

    async def _list(self, listing: _Listing) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        rows = await self._rows(listing.filter, skip=listing.rows.skip)
        keys = [translate.row_key(row) if isinstance(row, bytes) else row.key for row in rows]
        fresh = listing.rows.fresh(rows, keys, PAGE)
        listing.listed.update(_ids(fresh))
        if len(listing.listed) > MOST_OPEN:
            raise Misconfigured(
                f"more than {MOST_OPEN} orders are neither shipped nor cancelled",
                remedy="close the finished ones in Vendure, or set a smaller lookback_days",
            )
        if listing.rows.done:
            listing.left = sorted(listing.before - listing.listed)
        return await self._translated(fresh)

    async def _look_at_the_left(self, listing: _Listing) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        """Read orders again that were listed in the last run and are no more."""
        left = listing.left or []
        some, listing.left = left[:PAGE], left[PAGE:]
        orders, bad = await self._by_id(some)
        # One that is too old for the list and waits yet is followed: some day it may be let go.
        listing.listed.update(
            each.key
            for each in orders
            if each.status == "waiting" or (each.status == "open" and each.placed_at > listing.since)
        )
        return orders, bad

    async def _by_id(self, ids: Sequence[str]) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        if not ids:
            return (), ()
        orders, bad = await self._translated(await self._rows({"id": {"in": list(ids)}}, skip=0))
        found = {order.key for order in orders} | {each.key for each in bad}
        return orders, (*bad, *(_gone(each) for each in ids if each not in found))

    async def _translated(self, rows: Sequence[bytes | Bad]) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
        shop = await self._api.shop()
        read = [
            translate.read_order(row, self._settings, shop) if isinstance(row, bytes) else row for row in rows
        ]
        orders = tuple(each for each in read if isinstance(each, Order))
        return orders, tuple(each for each in read if isinstance(each, Bad))

    async def _rows(self, wanted: dict[str, object], *, skip: int) -> list[bytes | Bad]:
        """A page of orders as they came. Where the server fails over it, its ids are listed and asked for."""
        variables = {"skip": skip, "take": PAGE, "filter": wanted}
        try:
            answer = await self._api.ask(documents.ORDERS, variables, wire.Orders, write=False)
        except OF_ONE as error:
            if not may_be_of_one(error):
                raise
            return await self._one_by_one(variables)
        if isinstance(answer, wire.Orders):
            return [bytes(item) for item in answer.orders.items]
        if answer.code == "USER_INPUT_ERROR":
            raise ProtocolMismatch(
                f"Vendure refused to list {PAGE} orders",
                remedy=f"its apiOptions.adminListQueryLimit must be at least {PAGE}",
            )
        return await self._one_by_one(variables)

    async def _one_by_one(self, variables: Mapping[str, object]) -> list[bytes | Bad]:
        listed = await self._api.query(documents.ORDER_IDS, variables, wire.OrderIds)
        ids = [each.id for each in listed.orders.items]
        found, failed = await by_tens(ids, self._with_ids, self._others)
        return [found[key] if key in found else _not_told(key, failed) for key in ids]

    async def _with_ids(self, ids: Sequence[str]) -> dict[str, bytes]:
        variables = {"skip": 0, "take": PAGE, "filter": {"id": {"in": list(ids)}}}
        answer = await self._api.query(documents.ORDERS, variables, wire.Orders)
        return {key: bytes(row) for row in answer.orders.items if (key := translate.row_id(bytes(row)))}

    async def _others(self) -> list[str]:
        """Ids of the first orders that were placed."""
        variables = {"skip": 0, "take": PAGE, "filter": {"active": {"eq": False}}}
        listed = await self._api.query(documents.ORDER_IDS, variables, wire.OrderIds)
        return [each.id for each in listed.orders.items]


def unclosed(settings: Settings, since: datetime) -> dict[str, object]:
    """The filter for orders that were placed since then and are neither shipped nor cancelled. Of a
    marketplace's orders those of its sellers count, not the aggregate of them."""
    return {
        "active": {"eq": False},
        "type": {"notEq": "Aggregate"},
        "orderPlacedAt": {"after": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")},
        "state": {"notIn": sorted({*settings.closed_states, CANCELLED})},
    }


def _ids(rows: Sequence[bytes | Bad]) -> list[str]:
    ids = [translate.row_id(row) if isinstance(row, bytes) else row.key for row in rows]
    return [each for each in ids if each is not None]


def _not_told(key: str, failed: Mapping[str, str]) -> Bad:
    if key not in failed:
        return _gone(key)
    return Bad(key=key, place=f"order id {key}", reason=failed[key], raw=b"")


def _gone(key: str) -> Bad:
    reason = "the store no longer has it in this channel"
    return Bad(key=key, place=f"order id {key}", reason=reason, raw=b"")


def _read(cursor: str | None) -> frozenset[str]:
    if cursor is None:
        return frozenset()
    try:
        return frozenset(_cursor.decode(cursor).listed)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error


def _written(listed: set[str]) -> str:
    return msgspec.json.encode(Cursor(listed=tuple(sorted(listed)))).decode()
