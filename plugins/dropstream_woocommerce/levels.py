"""Levels become stock quantities, and are read back.

A SKU may be a product's or a variation's. Products are set a hundred at a time, variations as many of one
product's: WooCommerce knows no call for those of several. An entry that is refused is told beside the others.
"""

from collections.abc import Mapping, Sequence

import msgspec
import trio

from dropstream_woocommerce import wire
from dropstream_woocommerce.client import TOO_MANY, Api, Refusal, begun
from dropstream_woocommerce.goods import SkuFinder
from dropstream_woocommerce.settings import MOST_AT_ONCE, Settings
from dropstreamd.errors import DropstreamError, OutcomeUnknown
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

MOST_UNITS = 2**31 - 1
FIELDS = "id,sku,parent_id,type,manage_stock,stock_quantity"

_levels = msgspec.json.Decoder(dict[str, int])


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """`parent` is the product of a variation, 0 for a product."""

    sku: str
    id: int
    parent: int
    units: int


class Levels:
    """A `Sink[Level]`: keys are SKUs. Writing a level again does no harm."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._at_once = settings.levels_at_once
        self._finder = SkuFinder(api, FIELDS)

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=MOST_AT_ONCE, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Level]], stamp: Stamp) -> Preparation:
        """One look-up for up to 100 SKUs."""
        prepared = []
        for start in range(0, len(items), MOST_AT_ONCE):
            some = items[start : start + MOST_AT_ONCE]
            payload = msgspec.json.encode({item.document.sku: item.document.available for item in some})
            name = f"{stamp.attempt}-{start}"
            prepared.append(Prepared(name=name, keys=tuple(item.key for item in some), payload=payload))
        return Preparation(prepared=tuple(prepared))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Set them, less those that WooCommerce cannot take, in a call for products and one for each product
        with variations."""
        levels = _levels.decode(prepared.payload)
        there = await self._finder.find(levels)
        outcomes: list[Outcome] = []
        groups: dict[int, list[_Change]] = {}
        for sku, units in levels.items():
            change = _change(sku, units, there.get(sku, []), self._finder.odd)
            if isinstance(change, Rejected):
                outcomes.append(change)
            else:
                groups.setdefault(change.parent, []).append(change)
        some_set = False
        for parent, changes in groups.items():
            for start in range(0, len(changes), self._at_once):
                try:
                    outcomes += await self._set(parent, changes[start : start + self._at_once])
                except OutcomeUnknown:
                    raise
                except DropstreamError as error:
                    if some_set:
                        raise OutcomeUnknown(f"some of these levels were set: {error.message}") from error
                    raise
                some_set = True
        return outcomes

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Nothing is looked up: the newest level is pushed again, whatever became of this one."""
        await trio.lowlevel.checkpoint()
        return [Untouched(key=key) for key in prepared.keys]

    async def _set(self, parent: int, changes: list[_Change]) -> list[Outcome]:
        path = f"products/{parent}/variations/batch" if parent else "products/batch"
        body = {"update": [{"id": change.id, "stock_quantity": change.units} for change in changes]}
        answer = await self._api.write(path, body, wire.Updated)
        if isinstance(answer, Refusal):
            if answer.status != TOO_MANY or len(changes) == 1:
                return [_refused(change, str(answer)) for change in changes]
            half = len(changes) // 2  # the shop takes fewer than it should: another plugin says so
            told = await self._set(parent, changes[:half])
            with begun("the setting of some of these levels"):
                return [*told, *await self._set(parent, changes[half:])]
        by_id = {entry.id: entry for entry in answer.update}
        return [_outcome(change, by_id.get(change.id)) for change in changes]


class Shown:
    """A `LevelReader`: the stock quantities that the shop has."""

    def __init__(self, api: Api) -> None:
        self._finder = SkuFinder(api, FIELDS)

    async def read(self, skus: Sequence[str]) -> Mapping[str, int]:
        """A SKU that several have, or whose stock is not managed, is left out."""
        there = await self._finder.find(skus)
        return {
            sku: int(each[0].stock_quantity)
            for sku, each in there.items()
            if len(each) == 1 and each[0].manage_stock is True and each[0].stock_quantity is not None
        }


def _change(
    sku: str, units: int, there: Sequence[wire.Product], odd: Mapping[str, str]
) -> _Change | Rejected:
    if sku in odd or not there:
        return _missing(sku, odd)
    if len(there) > 1:
        ids = ", ".join(str(each.id) for each in there[:5])
        reason = f"{len(there)} products or variations have the SKU {sku} ({ids}): make them differ"
        return Rejected(key=sku, cause="sku-duplicate", reason=reason)
    product = there[0]
    if product.manage_stock == "parent":
        reason = (
            f"{sku} shares the stock of product {product.parent_id}: let WooCommerce manage the stock of the "
            "variation itself"
        )
        return Rejected(key=sku, cause="untracked", reason=reason)
    if product.manage_stock is not True:
        return _untracked(sku)
    if not 0 <= units <= MOST_UNITS:
        reason = f"{units} units of {sku} are no stock that WooCommerce can have"
        return Rejected(key=sku, cause="quantity", reason=reason)
    parent = product.parent_id if product.type == "variation" else 0
    return _Change(sku=sku, id=product.id, parent=parent, units=units)


def _missing(sku: str, odd: Mapping[str, str]) -> Rejected:
    """Nothing can be set for it; `odd` as the finder tells it."""
    if sku in odd:
        reason = f"of what has the SKU {sku} in WooCommerce, {odd[sku]}"
        return Rejected(key=sku, cause=UNTOLD, reason=reason)
    reason = f"WooCommerce has no product or variation with the SKU {sku}"
    if "" in odd:
        return Rejected(key=sku, cause=UNTOLD, reason=f"{reason}, unless it is this: {odd['']}")
    return Rejected(key=sku, cause=f"sku:{sku}", reason=reason)


def _untracked(sku: str) -> Rejected:
    reason = (
        f"WooCommerce does not manage the stock of {sku}, and sells it without limit: switch it on for the "
        "product (Inventory) or for the shop (Settings → Products → Inventory)"
    )
    return Rejected(key=sku, cause="untracked", reason=reason)


def _outcome(change: _Change, entry: wire.Entry | None) -> Outcome:
    """WooCommerce takes the quantity of what it does not manage without a word, and forgets it."""
    if entry is None:
        return _refused(change, "it does not say what became of it")
    if entry.error is not None:
        return _refused(change, str(entry.error.code) or "it does not say why")
    if entry.manage_stock is not None and entry.manage_stock is not True:
        return _untracked(change.sku)
    return Accepted(key=change.sku, remote=str(change.id))


def _refused(change: _Change, why: str) -> Rejected:
    reason = f"WooCommerce did not set the level of {change.sku}: {why[:100]}"
    return Rejected(key=change.sku, cause="refused", reason=reason)
