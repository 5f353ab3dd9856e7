"""Levels become absolute adjustments at one location, up to 2,000 in a call.

BigCommerce takes a call and carries it out a little later ("Inventory Overview"): its answer names a
transaction, and what is read at once may still be the old figure. Which of a product or its variants is
counted is the product's own setting. A call with an entry that cannot be is refused whole: it is halved
until that entry stands alone.
"""

from collections.abc import Mapping, Sequence

import msgspec
import trio

from dropstream_bigcommerce import wire
from dropstream_bigcommerce.client import Api
from dropstream_bigcommerce.settings import Settings
from dropstream_bigcommerce.stocked import Stocked, StockFinder
from dropstreamd.errors import Hold, Misconfigured, OutcomeUnknown, ProtocolMismatch, Unreachable, Wait
from dropstreamd.model.handover import (
    UNTOLD,
    Accepted,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Writes,
)
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Record
from dropstreamd.platform.http import decode
from dropstreamd.platform.rows import UNREADABLE

BATCH = 2000
"""The most entries of one adjustment ("Absolute Adjustment")."""

MOST_UNITS = 2_147_483_647
MOST_CALLS = 60
"""Of one push, where entries are refused: what is left then is sent with the next run."""

LOCKED = 423

_levels = msgspec.json.Decoder(dict[str, int])
_stock = msgspec.json.Decoder(wire.StockItem)


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """`entry` is what it is set on, as an adjustment names it."""

    sku: str
    entry: dict[str, int]
    available: int

    @property
    def remote(self) -> str:
        return " ".join(f"{name}:{number}" for name, number in self.entry.items())


class Levels:
    """A `Sink[Level]`: keys are SKUs. Writing a level again does no harm. It reads them, too."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._location = settings.location
        self._finder = StockFinder(api)

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=BATCH, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Level]], stamp: Stamp) -> Preparation:
        """One call for up to 2,000 SKUs."""
        prepared = []
        for start in range(0, len(items), BATCH):
            some = items[start : start + BATCH]
            payload = msgspec.json.encode({item.document.sku: item.document.available for item in some})
            name = f"{stamp.attempt}-{start}"
            prepared.append(Prepared(name=name, keys=tuple(item.key for item in some), payload=payload))
        return Preparation(prepared=tuple(prepared))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Set them at once, less those that BigCommerce cannot take."""
        levels = _levels.decode(prepared.payload)
        found = await self._finder.find(list(levels))
        outcomes: list[Outcome] = []
        changes: list[_Change] = []
        for sku, available in levels.items():
            change = _change(sku, available, found.get(sku, []), self._finder.unreadable)
            if isinstance(change, Rejected):
                outcomes.append(change)
            else:
                changes.append(change)
        return [*outcomes, *await self._set(changes)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Nothing is looked up: the newest level is pushed again, whatever became of this one."""
        await trio.lowlevel.checkpoint()
        return [Untouched(key=key) for key in prepared.keys]

    async def read(self, skus: Sequence[str]) -> Mapping[str, int]:
        """As `LevelReader`."""
        found = await self._finder.find(skus)
        entries = {
            sku: (one[0].product, one[0].variant)
            for sku, one in found.items()
            if _unsettable(sku, one, {}) is None
        }
        units: dict[tuple[int, int | None], int] = {}
        products = sorted({product for product, _ in entries.values()})
        for start in range(0, len(products), 100):
            query: dict[str, int | list[int]] = {
                "product_id:in": products[start : start + 100],
                "limit": 1000,
            }
            for item in await self._items(query):
                identity = item.identity
                if identity.product_id is not None:
                    units[identity.product_id, identity.variant_id] = item.total_inventory_onhand
                    units.setdefault((identity.product_id, None), item.total_inventory_onhand)
        return {sku: units[entry] for sku, entry in entries.items() if entry in units}

    async def _items(self, query: Mapping[str, int | list[int]]) -> list[wire.StockItem]:
        found: list[wire.StockItem] = []
        for page in range(1, 100):
            path = f"v3/inventory/locations/{self._location}/items"
            response = await self._api.get(path, {**query, "page": page})
            if response.status == 404:
                raise self._no_location()
            rows = decode(response, wire.Rows)
            for row in rows.data:
                try:
                    found.append(_stock.decode(row))
                except UNREADABLE:
                    continue  # nothing is known of what it shows, as of what it does not list
            if page >= rows.meta.pagination.total_pages:
                return found
        raise ProtocolMismatch("BigCommerce lists more than 99 pages of levels for 100 products")

    # ---- setting

    async def _set(self, changes: list[_Change]) -> list[Outcome]:
        """What became of them. Those that were not reached any more are untouched."""
        told: list[Outcome] = []
        waiting = [changes] if changes else []
        for number in range(MOST_CALLS):
            if not waiting:
                return told
            some = waiting.pop(0)
            try:
                status = await self._adjust(some)
            except (Wait, Hold) as error:
                if told and not isinstance(error, OutcomeUnknown):
                    raise OutcomeUnknown("a part of the levels was set in BigCommerce") from error
                raise
            if status == 200:
                told += [Accepted(key=change.sku, remote=change.remote) for change in some]
                continue
            if number == 0:
                await self._look_at_location()
            if len(some) == 1:
                told.append(_refused(some[0], status))
            else:
                half = len(some) // 2
                waiting[:0] = [some[:half], some[half:]]
        return [*told, *(Untouched(key=change.sku) for some in waiting for change in some)]

    async def _adjust(self, changes: list[_Change]) -> int:
        """The status of the answer: 200, or one by which it was refused whole."""
        items = [
            {"location_id": self._location, **change.entry, "quantity": change.available}
            for change in changes
        ]
        body = {"reason": "dropstreamd", "items": items}
        response = await self._api.write("PUT", "v3/inventory/adjustments/absolute", body)
        if response.status == LOCKED:
            raise Unreachable(f"{response.call}: BigCommerce is working on these levels: they are locked")
        if response.ok:
            decode(response, wire.Transaction)
            return 200
        return response.status

    async def _look_at_location(self) -> None:
        """Raises Misconfigured where it is the location that is not there: then all are refused."""
        path = f"v3/inventory/locations/{self._location}/items"
        if (await self._api.get(path, {"limit": 1})).status == 404:
            raise self._no_location()

    def _no_location(self) -> Misconfigured:
        return Misconfigured(
            f"BigCommerce has no location {self._location}",
            remedy="set `location` to the id of one: 1 is the store's first",
        )


def _change(
    sku: str, available: int, found: Sequence[Stocked], unreadable: Mapping[str, str]
) -> _Change | Rejected:
    wrong = _unsettable(sku, found, unreadable)
    if wrong is not None:
        return wrong
    if not 0 <= available <= MOST_UNITS:
        reason = f"{available} units of {sku} are no quantity that BigCommerce can have"
        return Rejected(key=sku, cause="quantity", reason=reason)
    one = found[0]
    entry = {"product_id": one.product} if one.variant is None else {"variant_id": one.variant}
    return _Change(sku=sku, entry=entry, available=available)


def _unsettable(sku: str, found: Sequence[Stocked], unreadable: Mapping[str, str]) -> Rejected | None:
    """Why no level can be set for a SKU, if so. `unreadable`: what may have it too."""
    if not found:
        return _missing(sku, unreadable)
    if len(found) > 1:
        ids = ", ".join(str(each.product) for each in found[:5])
        reason = f"{len(found)} products of BigCommerce have the SKU {sku} ({ids}): make them differ"
        return Rejected(key=sku, cause="sku-duplicate", reason=reason)
    one = found[0]
    if one.tracking == "none":
        reason = f"BigCommerce does not track the inventory of {sku}, and sells it without limit"
        return Rejected(key=sku, cause="untracked", reason=reason)
    if one.shared:
        reason = (
            f"BigCommerce counts the variants of product {one.product}, {sku} among them, together: let it "
            "track inventory by variant"
        )
        return Rejected(key=sku, cause="tracked-together", reason=reason)
    if one.tracking == "variant" and one.variant is None:
        reason = f"{sku} is a product whose variants BigCommerce counts: each of them needs a SKU of its own"
        return Rejected(key=sku, cause="tracked-by-variant", reason=reason)
    return None


def _missing(sku: str, unreadable: Mapping[str, str]) -> Rejected:
    reason = f"BigCommerce has no product with the SKU {sku}"
    if not unreadable:
        return Rejected(key=sku, cause=f"sku:{sku}", reason=reason)
    told = "; ".join(f"{place}: {why}" for place, why in list(unreadable.items())[:3])
    reason = f"{reason}, unless it is one of {len(unreadable)} that cannot be read ({told})"
    return Rejected(key=sku, cause=UNTOLD, reason=reason)


def _refused(change: _Change, status: int) -> Rejected:
    """By the status; BigCommerce's words are not repeated."""
    reason = f"BigCommerce did not set the level of {change.sku} ({change.remote}, status {status})"
    return Rejected(key=change.sku, cause="refused", reason=reason)
