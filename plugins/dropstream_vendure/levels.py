"""Levels become stock on hand at one location: the one that they name, or the settings'.

Vendure sells what is on hand less what is allocated to its own unfulfilled orders. So that it sells
`available`, on hand is set to `available` plus what is allocated. That may lessen between the reading
and the setting (a fulfillment, a cancellation); the answer tells what it is then, and the level is set
again. If it has grown, an order was placed, and the level stays lower by its units.
"""

from collections.abc import Mapping, Sequence

import msgspec
import trio

from dropstream_vendure import documents, wire_stock
from dropstream_vendure.client import Api, Refusal
from dropstream_vendure.settings import Settings, home
from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.model.handover import (
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
from dropstreamd.platform.locations import find_location

BATCH = 100
MOST_UNITS = 2**31 - 1
MOST_PAGES = 100
ROUNDS = 3


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """`allocated` is what was when last told."""

    sku: str
    variant: str
    available: int
    allocated: int

    @property
    def on_hand(self) -> int:
        return self.available + self.allocated


class Levels:
    """A `Sink[Level]`: keys are SKUs. Writing a level again does no harm."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._home = home(settings)
        self._mapped = settings.mapped
        self._locations: tuple[wire_stock.Location, ...] | None = None

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=BATCH, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Level]], stamp: Stamp) -> Preparation:
        """One call for up to 100 SKUs."""
        return prepare_levels(items, stamp, most=BATCH)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Set them at once; where Vendure refuses the whole, in halves until the culprit stands alone."""
        batch = read_batch(prepared)
        levels, location = batch.levels, await self._find_location(batch.location)
        tracked = (await self._api.shop()).global_settings.track_inventory
        variants = await self._variants(list(levels))
        changes: list[_Change] = []
        outcomes: list[Outcome] = []
        for sku, available in levels.items():
            change = _change(sku, available, variants.get(sku, []), location, tracked=tracked)
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
        """A `LevelReader`: on hand less allocated, at the settings' location."""
        return await self._read(await self._find_location(None), skus)

    async def read_at(self, location: str, skus: Sequence[str]) -> Mapping[str, int]:
        """A `LocatedLevelReader`, likewise."""
        return await self._read(await self._find_location(location), skus)

    async def _read(self, location: str, skus: Sequence[str]) -> Mapping[str, int]:
        tracked = (await self._api.shop()).global_settings.track_inventory
        variants = await self._variants(list(skus), documents.READ_LEVELS)
        found = {}
        for sku, several in variants.items():
            available = several[0].available(location)
            if len(several) == 1 and available is not None and _is_tracked(several[0], tracked=tracked):
                found[sku] = available
        return found

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Nothing is looked up: the newest level is pushed again, whatever became of this one."""
        await trio.lowlevel.checkpoint()
        return [Untouched(key=key) for key in prepared.keys]

    async def _set(
        self, changes: list[_Change], location: str
    ) -> tuple[list[Accepted | Rejected], list[_Change]]:
        """What became of them, and the changes that must be made again since less is allocated now."""
        if not changes:
            return [], []
        inputs = [
            {
                "id": change.variant,
                "stockLevels": [{"stockLocationId": location, "stockOnHand": change.on_hand}],
            }
            for change in changes
        ]
        answer = await self._api.ask(
            documents.SET_LEVELS, {"changes": inputs}, wire_stock.SetLevels, write=True
        )
        if not isinstance(answer, Refusal):
            return _set_by(changes, answer, location)
        if len(changes) == 1:
            reason = f"Vendure did not set the level of {changes[0].sku}: {answer}"
            return [Rejected(key=changes[0].sku, cause="refused", reason=reason)], []
        half = len(changes) // 2
        told, again = await self._set(changes[:half], location)
        more_told, more_again = await self._set(changes[half:], location)
        return [*told, *more_told], [*again, *more_again]

    async def _variants(
        self, skus: list[str], query: str = documents.VARIANTS
    ) -> dict[str, list[wire_stock.StockVariant]]:
        """The variants of each SKU, exactly so written; a SKU may have several, or none."""
        found: dict[str, list[wire_stock.StockVariant]] = {}
        seen = 0
        for _ in range(MOST_PAGES):
            variables = {"skip": seen, "take": BATCH, "skus": skus}
            page = (await self._api.query(query, variables, wire_stock.Variants)).product_variants
            for variant in page.items:
                found.setdefault(variant.sku, []).append(variant)
            seen += len(page.items)
            if not page.items or seen >= page.total_items:
                return found
        raise ProtocolMismatch(f"{len(skus)} SKUs have more than {MOST_PAGES * BATCH} variants in Vendure")

    async def _find_location(self, wanted: str | None) -> str:
        if self._locations is None:
            answer = await self._api.query(documents.LOCATIONS, {}, wire_stock.Locations)
            self._locations = answer.stock_locations.items
        if wanted is None:
            return choose_location(self._locations, self._home).id
        there = {each.id: each.name for each in self._locations}
        return find_location(there, wanted, self._mapped, store="Vendure")


def choose_location(locations: Sequence[wire_stock.Location], wanted: str) -> wire_stock.Location:
    """The configured stock location, by id or name, or the only one. Raises Misconfigured, naming the
    choices: Vendure would take the id of another channel's location without a word."""
    choices = ", ".join(f"{each.name} (id {each.id})" for each in locations) or "none"
    if wanted:
        by_id = [each for each in locations if each.id == wanted]
        named = by_id or [each for each in locations if each.name == wanted]
        if len(named) == 1:
            return named[0]
        many = "several stock locations are" if named else "no stock location of this channel is"
        raise Misconfigured(
            f"Vendure: {many} {wanted!r}", remedy=f"set stock_location to the id of one of: {choices}"
        )
    if len(locations) == 1:
        return locations[0]
    many = "has several stock locations" if locations else "has no stock location"
    raise Misconfigured(f"Vendure's channel {many}", remedy=f"set stock_location to one of: {choices}")


def _is_tracked(variant: wire_stock.StockVariant, *, tracked: bool) -> bool:
    return variant.track_inventory == "TRUE" or (variant.track_inventory == "INHERIT" and tracked)


def _change(
    sku: str, available: int, variants: list[wire_stock.StockVariant], location: str, *, tracked: bool
) -> _Change | Rejected:
    if not variants:
        return Rejected(key=sku, cause=f"sku:{sku}", reason=f"Vendure has no variant with the SKU {sku}")
    if len(variants) > 1:
        ids = ", ".join(each.id for each in variants[:5])
        reason = f"{len(variants)} variants of Vendure have the SKU {sku} (ids {ids}): make them differ"
        return Rejected(key=sku, cause="sku-duplicate", reason=reason)
    variant = variants[0]
    if not _is_tracked(variant, tracked=tracked):
        reason = f"Vendure does not track the stock of {sku}, and sells it without limit"
        return Rejected(key=sku, cause="untracked", reason=reason)
    change = _Change(sku=sku, variant=variant.id, available=available, allocated=variant.allocated(location))
    if available < 0 or change.on_hand > MOST_UNITS:
        reason = f"{change.on_hand} units of {sku} are no stock that Vendure can have"
        return Rejected(key=sku, cause="quantity", reason=reason)
    return change


def _set_by(
    changes: list[_Change], answer: wire_stock.SetLevels, location: str
) -> tuple[list[Accepted | Rejected], list[_Change]]:
    allocated = {each.id: each.allocated(location) for each in answer.update_product_variants if each}
    told: list[Accepted | Rejected] = []
    again: list[_Change] = []
    for change in changes:
        now = allocated.get(change.variant, change.allocated)
        if now < change.allocated:
            again.append(msgspec.structs.replace(change, allocated=now))
        else:
            told.append(Accepted(key=change.sku, remote=change.variant))
    return told, again
