"""The drift audit: what a store shows of each SKU against what it was told last. It reads and reports.

A store lowers a level by what it sells, so that fewer units than were told are no wonder until the next run;
more are: somebody else has set them, or cancelled an order, and what is not there may be sold.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from dropstreamd.channels import places
from dropstreamd.channels.run import Scope
from dropstreamd.errors import Hold, Wait
from dropstreamd.platform.contract import LEVELS_READ, Store
from dropstreamd.platform.limiter import Priority
from dropstreamd.store import levels
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Flow
from dropstreamd.store.tables import Table

SKUS_LIMIT = 50_000
"""SKUs that one audit reads back."""

SHOWN = 200
"""Differences kept; the rest is counted."""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU that shows another level than it was told, at a location where the store has several; None: the
    store does not have it, or does not count it."""

    sku: str
    told: int
    shows: int | None
    location: str = ""


class Drifted(msgspec.Struct, frozen=True, kw_only=True):
    """Of `looked_at` SKUs so many show `more` and `fewer` than they were told, or are `missing`; `some` of
    them, the greatest differences first. `trouble` is why not all were looked at; `can`: the store can
    tell."""

    can: bool = True
    looked_at: int = 0
    more: int = 0
    fewer: int = 0
    missing: int = 0
    some: tuple[Drift, ...] = ()
    trouble: str = ""


async def audit(scope: Scope) -> Drifted:
    """Read back every level that the store took and that no run is about to change."""
    told = scope.state.read(partial(_told_everywhere, scope=scope))
    found: list[Drift] = []
    looked_at, trouble, total = 0, "", sum(map(len, told.values()))
    if total > SKUS_LIMIT:
        trouble = f"only the first {SKUS_LIMIT} of {total} levels"
    try:
        async with scope.open_store(Priority.FULL) as store:
            for location, levels_told in told.items():
                if not _can_read(store, location):
                    return Drifted(can=False)
                skus = list(levels_told)[: SKUS_LIMIT - looked_at]
                for start in range(0, len(skus), LEVELS_READ):
                    some = skus[start : start + LEVELS_READ]
                    shown = await _read(store, some, location)
                    looked_at += len(some)
                    each = (
                        Drift(sku=sku, told=levels_told[sku], shows=shown.get(sku), location=location or "")
                        for sku in some
                    )
                    found += [one for one in each if one.shows != one.told]
    except (Wait, Hold) as error:
        trouble = error.message
    return _summed(looked_at, found, trouble)


def _can_read(store: Store, location: str | None) -> bool:
    return (store.levels if location is None else store.located_levels) is not None


async def _read(store: Store, skus: Sequence[str], location: str | None) -> Mapping[str, int]:
    if location is None:
        return {} if store.levels is None else await store.levels.read(skus)
    return {} if store.located_levels is None else await store.located_levels.read_at(location, skus)


def _told_everywhere(tx: Reader, scope: Scope) -> dict[str | None, dict[str, int]]:
    here = places.now(tx, scope.connection, scope.account)
    return {place.location: _told(tx, places.flow(scope.connection, place)) for place in here}


def _told(tx: Reader, flow: Flow) -> dict[str, int]:
    told = {}
    for sku in levels.in_store(tx, flow):
        record = levels.get(tx, flow, sku)
        moving = tx.get(Table.PENDING, (*flow, sku)) is not None
        if record is not None and record.accepted is not None and not (moving or record.attempt):
            told[sku] = record.accepted
    return told


def _summed(looked_at: int, found: Sequence[Drift], trouble: str) -> Drifted:
    def size(one: Drift) -> tuple[bool, int]:
        return (one.shows is not None, -abs(one.told - (one.shows or 0)))

    return Drifted(
        looked_at=looked_at,
        more=sum(one.shows is not None and one.shows > one.told for one in found),
        fewer=sum(one.shows is not None and one.shows < one.told for one in found),
        missing=sum(one.shows is None for one in found),
        some=tuple(sorted(found, key=size)[:SHOWN]),
        trouble=trouble,
    )
