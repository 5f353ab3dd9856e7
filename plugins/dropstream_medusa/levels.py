"""Levels become stocked quantities at one location: the one that they name, or the settings'.

Medusa sells what is stocked less what is reserved for its own unfulfilled orders. So that it sells
`available`, the stocked quantity is set to `available` plus what is reserved. That may lessen between
the reading and the setting (a fulfillment, a cancellation); the answer tells what it is then, and the level
is set again. If it has grown, an order was placed, and the level stays lower by its units.
"""

from collections.abc import Mapping, Sequence

import msgspec
import trio

from dropstream_medusa import wire_goods
from dropstream_medusa.client import Api, Params, Refusal
from dropstream_medusa.listing import read_rows, sku_of
from dropstream_medusa.places import Places
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
from dropstreamd.platform.level_batch import prepare_levels, read_batch
from dropstreamd.platform.rows import OddRow, read_row

BATCH = 50
MOST_UNITS = 2**31 - 1
ROUNDS = 3
FIELDS = ",".join(
    (
        "id,sku,manage_inventory,allow_backorder,inventory_items.required_quantity",
        "inventory_items.inventory.id,inventory_items.inventory.location_levels.location_id",
        "inventory_items.inventory.location_levels.stocked_quantity",
        "inventory_items.inventory.location_levels.reserved_quantity",
    )
)


_variant = msgspec.json.Decoder(wire_goods.StockVariant)


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """`reserved` is what was when last told; `new` where the location has no level yet."""

    sku: str
    variant: str
    item: str
    units: int
    reserved: int
    new: bool


class Levels:
    """A `Sink[Level]`: keys are SKUs. Writing a level again does no harm."""

    def __init__(self, api: Api, places: Places) -> None:
        self._api = api
        self._places = places

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=BATCH, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Level]], stamp: Stamp) -> Preparation:
        """One call for up to 50 SKUs."""
        return prepare_levels(items, stamp, most=BATCH)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Set them at once; where Medusa refuses the whole, in halves until the culprit stands alone."""
        batch = read_batch(prepared)
        levels, location = batch.levels, (await self._places.location(batch.location)).id
        variants, odd = await self._variants(list(levels))
        changes: list[_Change] = []
        outcomes: list[Outcome] = []
        for sku, available in levels.items():
            if sku in odd:
                outcomes.append(Rejected(key=sku, cause=UNTOLD, reason=f"{sku}: {odd[sku]}"))
                continue
            change = _change(sku, available, variants.get(sku), location)
            if isinstance(change, Rejected):
                outcomes.append(change)
            else:
                changes.append(change)
        for _ in range(ROUNDS):
            told, changes = await self._set(changes, location)
            outcomes += told
            if not changes:
                return outcomes
        return [*outcomes, *(Untouched(key=change.sku) for change in changes)]

    async def read(self, skus: Sequence[str]) -> Mapping[str, int]:
        """A `LevelReader`: stocked less reserved, at the settings' location."""
        return await self._read((await self._places.location()).id, skus)

    async def read_at(self, location: str, skus: Sequence[str]) -> Mapping[str, int]:
        """A `LocatedLevelReader`, likewise."""
        return await self._read((await self._places.location(location)).id, skus)

    async def _read(self, location: str, skus: Sequence[str]) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for start in range(0, len(skus), BATCH):
            variants, _ = await self._variants(list(skus[start : start + BATCH]))
            for sku, variant in variants.items():
                sellable = variant.sellable(location)
                if sellable is not None:
                    found[sku] = sellable
        return found

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Nothing is looked up: the newest level is pushed again, whatever became of this one."""
        await trio.lowlevel.checkpoint()
        return [Untouched(key=key) for key in prepared.keys]

    async def _set(
        self, changes: list[_Change], location: str
    ) -> tuple[list[Accepted | Rejected], list[_Change]]:
        """What became of them, and the changes that must be made again since less is reserved now."""
        if not changes:
            return [], []
        body = {
            kind: [
                {
                    "inventory_item_id": change.item,
                    "location_id": location,
                    "stocked_quantity": change.units + change.reserved,
                }
                for change in changes
                if change.new is new
            ]
            for kind, new in (("create", True), ("update", False))
        }
        answer = await self._api.write("inventory-items/location-levels/batch", body, wire_goods.SetLevels)
        if not isinstance(answer, Refusal):
            return _set_by(changes, answer)
        if len(changes) == 1:
            reason = f"Medusa did not set the level of {changes[0].sku}: {answer}"
            return [Rejected(key=changes[0].sku, cause="refused", reason=reason)], []
        half = len(changes) // 2
        told, again = await self._set(changes[:half], location)
        more_told, more_again = await self._set(changes[half:], location)
        return [*told, *more_told], [*again, *more_again]

    async def _variants(self, skus: list[str]) -> tuple[dict[str, wire_goods.StockVariant], dict[str, str]]:
        """The variant of each SKU, exactly so written; a SKU is unique in Medusa. Then those that cannot be
        read, and why: where one does not even tell its SKU, each that was not told may be it."""
        params: Params = {"sku[]": skus, "limit": len(skus), "fields": FIELDS}
        found: dict[str, wire_goods.StockVariant] = {}
        odd: dict[str, str] = {}
        for row in await read_rows(self._api, "product-variants", params, "variants"):
            try:
                variant = read_row(row, _variant.decode, "variant")
            except OddRow as error:
                odd[sku_of(row)] = error.message
            else:
                found[variant.sku] = variant
        nameless = odd.pop("", None)
        if nameless is not None:
            odd |= dict.fromkeys([sku for sku in skus if sku not in found and sku not in odd], nameless)
        return found, odd


def _change(
    sku: str, available: int, variant: wire_goods.StockVariant | None, location: str
) -> _Change | Rejected:
    if variant is None:
        return Rejected(key=sku, cause=f"sku:{sku}", reason=f"Medusa has no variant with the SKU {sku}")
    parts = [part for part in variant.inventory_items if part.inventory is not None]
    if not variant.manage_inventory or not parts:
        reason = f"Medusa does not manage the stock of {sku}, and sells it without limit"
        return Rejected(key=sku, cause="untracked", reason=reason)
    item = parts[0].inventory
    if len(parts) > 1 or item is None:
        reason = f"{sku} is a kit of {len(parts)} stock items in Medusa: its parts have levels, it has none"
        return Rejected(key=sku, cause="kit", reason=reason)
    level = item.level(location)
    change = _Change(
        sku=sku,
        variant=variant.id,
        item=item.id,
        units=available * parts[0].required_quantity,
        reserved=0 if level is None else int(level.reserved_quantity),
        new=level is None,
    )
    if available < 0 or change.units + change.reserved > MOST_UNITS:
        reason = f"{available} units of {sku} are no stock"
        return Rejected(key=sku, cause="quantity", reason=reason)
    return change


def _set_by(
    changes: list[_Change], answer: wire_goods.SetLevels
) -> tuple[list[Accepted | Rejected], list[_Change]]:
    reserved = {
        each.inventory_item_id: int(each.reserved_quantity) for each in (*answer.created, *answer.updated)
    }
    told: list[Accepted | Rejected] = []
    again: list[_Change] = []
    for change in changes:
        now = reserved.get(change.item, change.reserved)
        if now < change.reserved:
            again.append(msgspec.structs.replace(change, reserved=now, new=False))
        else:
            told.append(Accepted(key=change.sku, remote=change.variant))
    return told, again
