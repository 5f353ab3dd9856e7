"""Levels become quantities `available` at one location: the one that they name, or the settings'.

`inventorySetQuantities` takes 250 and either sets them all or none: an entry that is refused is taken out,
and the rest sent again under another idempotency key. Nothing is compared with what was there unless that is
set: after every sale what we set before is stale, and the new figure is right all the same.
"""

import uuid
from collections.abc import Mapping, Sequence

import msgspec
import trio

from dropstream_shopify import documents_goods, wire, wire_goods
from dropstream_shopify.client import Api, Refusal
from dropstream_shopify.search import SkuFinder
from dropstream_shopify.settings import Settings, location_id
from dropstreamd.errors import NoLocation, OutcomeUnknown
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

BATCH = 250
"""The most entries of an input list ("GraphQL Admin API": input arrays)."""

MOST_UNITS = 1_000_000_000
MOST_ROUNDS = 12

_NAMESPACE = uuid.UUID("a3a55fd0-5b6f-4d52-9c1c-0d3c8c6a1f4e")
_AGAIN = frozenset({"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"})
_NOT_STOCKED = "ITEM_NOT_STOCKED_AT_LOCATION"
_STALE = "CHANGE_FROM_QUANTITY_STALE"


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """`before` is what the store must show for the change to be made; None for anything. `looked_again`:
    it was read anew, since it was another."""

    sku: str
    item: str
    available: int
    before: int | None = None
    looked_again: bool = False


class Levels:
    """A `Sink[Level]`: keys are SKUs. Writing a level again does no harm. It reads them back, too."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._home = settings.stock_location
        self._stocks_new = settings.stock_new_items
        self._compares = settings.check_quantities
        self._finder = SkuFinder(api)

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=BATCH, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Level]], stamp: Stamp) -> Preparation:
        """One call for up to 250 SKUs."""
        return prepare_levels(items, stamp, most=BATCH)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Set them at once, less those that Shopify cannot take."""
        batch = read_batch(prepared)
        at = self._at(batch.location)
        variants = await self._finder.find(list(batch.levels), at if self._compares else "")
        outcomes: list[Outcome] = []
        changes: list[_Change] = []
        for sku, available in batch.levels.items():
            change = _change(sku, available, variants.get(sku, []))
            if isinstance(change, Rejected):
                outcomes.append(change)
            else:
                changes.append(change)
        for number in range(MOST_ROUNDS):
            if not changes:
                return outcomes
            key = f"{prepared.name}-{number}"
            told, changes = await self._set(changes, at, key)
            outcomes += told
        return [*outcomes, *(Untouched(key=change.sku) for change in changes)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Nothing is looked up: the newest level is pushed again, whatever became of this one."""
        await trio.lowlevel.checkpoint()
        return [Untouched(key=key) for key in prepared.keys]

    async def read(self, skus: Sequence[str]) -> Mapping[str, int]:
        """A `LevelReader`, at the settings' location."""
        return await self.read_at(self._home, skus)

    async def read_at(self, location: str, skus: Sequence[str]) -> Mapping[str, int]:
        """A `LocatedLevelReader`. What is not stocked at the location is left out."""
        found = {}
        variants = await self._finder.find(skus, self._at(location))
        for sku, several in variants.items():
            item = several[0].inventory_item
            if len(several) == 1 and item.tracked and item.available is not None:
                found[sku] = item.available
        return found

    def _at(self, location: str | None) -> str:
        return self._home if location is None else location_id(location)

    async def _set(self, changes: list[_Change], at: str, key: str) -> tuple[list[Outcome], list[_Change]]:
        """What became of them, and those that are to be sent again."""
        quantities = [
            {
                "inventoryItemId": change.item,
                "locationId": at,
                "quantity": change.available,
                "changeFromQuantity": change.before,
            }
            for change in changes
        ]
        made = {"name": "available", "reason": "correction", "quantities": quantities}
        variables = {"input": made, "key": _idempotency_key(key, made)}
        answer = await self._api.ask(documents_goods.SET_LEVELS, variables, wire_goods.SetLevels, write=True)
        if isinstance(answer, Refusal):
            return [_refused(change, answer.code) for change in changes], []
        errors = answer.inventory_set_quantities.user_errors
        if not errors:
            return [Accepted(key=change.sku, remote=change.item) for change in changes], []
        return await self._without_the_refused(changes, errors, at, key)

    async def _without_the_refused(
        self, changes: list[_Change], errors: Sequence[wire.UserError], at: str, key: str
    ) -> tuple[list[Outcome], list[_Change]]:
        codes = {error.code or "" for error in errors}
        if "INVALID_LOCATION" in codes:
            raise NoLocation(
                f"Shopify has no location {at} that this app may use",
                remedy="correct `locations`: `dropstreamctl preflight` lists those that there are",
            )
        if "IDEMPOTENCY_CONCURRENT_REQUEST" in codes:
            raise OutcomeUnknown("Shopify is still working on these levels")
        if codes <= _AGAIN:
            return [], changes
        by_index = {error.index: error.code or "" for error in errors if error.index is not None}
        if not by_index:
            return [_refused(change, min(codes)) for change in changes], []
        told: list[Outcome] = []
        again: list[_Change] = []
        stale: list[_Change] = []
        for index, change in enumerate(changes):
            code = by_index.get(index)
            if code is None:
                again.append(change)
            elif code == _STALE and change.before is not None:
                stale.append(change)
            elif code == _NOT_STOCKED and self._stocks_new:
                told.append(await self._stock(change, at, key))
            else:
                told.append(_refused(change, code))
        return told, again + await self._looked_at_again(stale, at)

    async def _looked_at_again(self, stale: list[_Change], at: str) -> list[_Change]:
        """With what the store shows now; what is stale even then is not compared any more."""
        twice = [msgspec.structs.replace(change, before=None) for change in stale if change.looked_again]
        once = [change for change in stale if not change.looked_again]
        variants = await self._finder.find([change.sku for change in once], at)
        for change in once:
            now = next((each.inventory_item.available for each in variants.get(change.sku, [])), None)
            twice.append(msgspec.structs.replace(change, before=now, looked_again=True))
        return twice

    async def _stock(self, change: _Change, at: str, key: str) -> Outcome:
        """Stock the item at the location, with its level."""
        variables = {"item": change.item, "location": at, "available": change.available}
        variables["key"] = _idempotency_key(key, variables)
        answer = await self._api.ask(documents_goods.STOCK_ITEM, variables, wire_goods.StockItem, write=True)
        if isinstance(answer, Refusal) or answer.inventory_activate.user_errors:
            return _refused(change, _NOT_STOCKED)
        return Accepted(key=change.sku, remote=change.item)


def _change(sku: str, available: int, variants: Sequence[wire_goods.StockVariant]) -> _Change | Rejected:
    if not variants:
        return Rejected(key=sku, cause=f"sku:{sku}", reason=f"Shopify has no variant with the SKU {sku}")
    if len(variants) > 1:
        ids = ", ".join(each.id.rpartition("/")[2] for each in variants[:5])
        reason = f"{len(variants)} variants of Shopify have the SKU {sku} ({ids}): make them differ"
        return Rejected(key=sku, cause="sku-duplicate", reason=reason)
    item = variants[0].inventory_item
    if not item.tracked:
        reason = f"Shopify does not track the quantity of {sku}, and sells it without limit"
        return Rejected(key=sku, cause="untracked", reason=reason)
    if not 0 <= available <= MOST_UNITS:
        reason = f"{available} units of {sku} are no quantity that Shopify can have"
        return Rejected(key=sku, cause="quantity", reason=reason)
    return _Change(sku=sku, item=item.id, available=available, before=item.available)


def _refused(change: _Change, code: str) -> Rejected:
    """By Shopify's code; its words are not repeated."""
    if code == _NOT_STOCKED:
        reason = (
            f"{change.sku} is not stocked at the location: stock it there in Shopify, or set stock_new_items"
        )
        return Rejected(key=change.sku, cause="not-stocked", reason=reason)
    if code == "NON_MUTABLE_INVENTORY_ITEM":
        reason = f"{change.sku} is a bundle in Shopify, whose quantity follows from its components"
        return Rejected(key=change.sku, cause="bundle", reason=reason)
    reason = f"Shopify did not set the level of {change.sku}: {code or 'it does not say why'}"
    return Rejected(key=change.sku, cause="refused", reason=reason)


def _idempotency_key(name: str, made: Mapping[str, object]) -> str:
    """Of these parameters under this name: the same again, and no other's."""
    return str(uuid.uuid5(_NAMESPACE, f"{name} {msgspec.json.encode(made).decode()}"))
