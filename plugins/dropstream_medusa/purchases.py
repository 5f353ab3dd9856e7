"""Stock on its way to a warehouse becomes the incoming quantity of Medusa's inventory levels.

Medusa knows no purchase orders. How many units of an item each of them still brings stands in the item's
metadata, under a key of that purchase order and location alone, and the incoming quantity is the sum:
so each is written again, changed and closed without touching the others. Medusa merges a metadata key by
key, and an empty text removes one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from dropstream_medusa import wire, wire_goods
from dropstream_medusa.client import Api, Params, Refusal, begun
from dropstream_medusa.places import Places
from dropstreamd.model.handover import (
    Accepted,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Withdrawn,
    Writes,
)
from dropstreamd.model.purchases import PurchaseOrder
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone
from dropstreamd.platform.rows import UNREADABLE

WRITING = "writing"
OVER = ("received", "cancelled", "closed")
AT_ONCE = 50
FIELDS = ",".join(("id,sku,metadata,location_levels.location_id,location_levels.incoming_quantity",))


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of a purchase order: units still to come, by SKU. `before` are the SKUs that it
    had when it was last accepted."""

    order: str
    incoming: dict[str, int]
    before: tuple[str, ...]


_wanted = msgspec.json.Decoder(Wanted)
_skus = msgspec.json.Decoder(tuple[str, ...])


class Purchases:
    """A `Sink[PurchaseOrder]`. An accepted one's `remote` names its SKUs, so that a line which is no longer
    on it is found. Writing one again does no harm."""

    def __init__(self, api: Api, places: Places) -> None:
        self._api = api
        self._places = places

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[PurchaseOrder]], stamp: Stamp) -> Preparation:
        """One attempt for each purchase order."""
        return each_alone(items, stamp, _frozen)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Write its units to its items, then the sums. Refused whole where a SKU has no level there."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        location = (await self._places.location()).id
        items = await self._items(wanted)
        refused = _refused(key, wanted, items, location)
        if refused is not None:
            return [refused]
        try:
            await record(WRITING, if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        return [await self._write(key, wanted, items, location)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Write what is missing of it."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if step != WRITING:
            return [Untouched(key=key)]
        location = (await self._places.location()).id
        items = await self._items(wanted)
        refused = _refused(key, wanted, items, location)
        return [refused or await self._write(key, wanted, items, location)]

    async def _items(self, wanted: Wanted) -> dict[str, wire_goods.TrackedItem]:
        """The inventory items of its SKUs, and of those that it had before."""
        skus = sorted({*wanted.incoming, *wanted.before})
        found: dict[str, wire_goods.TrackedItem] = {}
        for start in range(0, len(skus), AT_ONCE):
            params: Params = {"sku[]": skus[start : start + AT_ONCE], "limit": AT_ONCE, "fields": FIELDS}
            answer = await self._api.read("inventory-items", params, wire_goods.InventoryItems)
            found |= {item.sku: item for item in answer.inventory_items}
        return found

    async def _write(
        self, key: str, wanted: Wanted, items: dict[str, wire_goods.TrackedItem], location: str
    ) -> Outcome:
        mine = _metadata_key(location, wanted.order)
        sums: dict[str, int] = {}
        with begun(f"purchase order {wanted.order}"):
            for sku, item in items.items():
                units = wanted.incoming.get(sku, 0)
                there = dict(_incoming(item, location))
                if there.get(mine, 0) != units:
                    body = {"metadata": {mine: units or ""}}
                    answer = await self._api.write(
                        f"inventory-items/{item.id}", body, wire.Done, params={"fields": "id"}
                    )
                    if isinstance(answer, Refusal):
                        return _no(key, sku, answer)
                level = item.level(location)
                total = sum({**there, mine: units}.values())
                if level is not None and int(level.incoming_quantity) != total:
                    sums[item.id] = total
            for some in _batches(list(sums)):
                updates = [
                    {"inventory_item_id": item, "location_id": location, "incoming_quantity": sums[item]}
                    for item in some
                ]
                answer = await self._api.write(
                    "inventory-items/location-levels/batch", {"update": updates}, wire.Done
                )
                if isinstance(answer, Refusal):
                    return _no(key, "its SKUs", answer)
        skus = sorted(sku for sku, units in wanted.incoming.items() if units)
        return Accepted(key=key, remote=msgspec.json.encode(skus).decode())


def _frozen(item: Item[PurchaseOrder]) -> Wanted | Rejected:
    order = item.document
    if not order.lines:
        return Rejected(key=item.key, cause="lines", reason="it has no lines")
    incoming: Counter[str] = Counter()
    for line in order.lines:
        incoming[line.sku] += 0 if order.status in OVER else line.incoming
    before: tuple[str, ...] = ()
    if item.remote:
        before = _skus.decode(item.remote)
    return Wanted(order=order.key, incoming=dict(incoming), before=before)


def _refused(
    key: str, wanted: Wanted, items: dict[str, wire_goods.TrackedItem], location: str
) -> Rejected | None:
    for sku, units in wanted.incoming.items():
        if units and sku not in items:
            reason = f"Medusa has no inventory item with the SKU {sku}"
            return Rejected(key=key, cause=f"sku:{sku}", reason=reason)
        if units and items[sku].level(location) is None:
            reason = f"Medusa has no level of {sku} at this location: push the levels, then release it"
            return Rejected(key=key, cause="no-level", reason=reason)
    return None


def _no(key: str, what: str, refusal: Refusal) -> Rejected:
    return Rejected(
        key=key, cause="refused", reason=f"Medusa did not note what is coming of {what}: {refusal}"
    )


def _metadata_key(location: str, order: str) -> str:
    return f"{_prefix(location)}{order}"


def _prefix(location: str) -> str:
    return f"{wire.MARK} incoming {location} "


def _incoming(item: wire_goods.TrackedItem, location: str) -> Iterator[tuple[str, int]]:
    """Units by metadata key; what is no number of ours is none."""
    for name, raw in (item.metadata or {}).items():
        if name.startswith(_prefix(location)):
            try:
                yield name, msgspec.json.decode(raw, type=int)
            except UNREADABLE:
                continue


def _batches(items: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
