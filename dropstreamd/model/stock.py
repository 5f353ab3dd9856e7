"""Stock as a warehouse reports it, and the levels that a store is told."""

from datetime import datetime

import msgspec

MOST_UNITS = 10**12
"""A figure beyond this, either way, is no count of units."""

AHEAD_S = 3600.0
"""How far ahead of ours a warehouse's clock may run, in seconds."""


class StockRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of a warehouse's snapshot: units of a SKU in one status at one facility."""

    sku: str
    quantity: int
    status: str = ""
    facility: str = ""


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """Units that became more or less in a warehouse at `at`, told by themselves and not as a figure: each
    row's quantity is the difference. `key` is the same whenever it is told again; `number` is for people."""

    key: str
    number: str
    at: datetime
    rows: tuple[StockRow, ...]


class Level(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many units of a channel SKU the store may sell (never negative), in all or at one `location` of
    its own: None is the one that the store's settings name, or its only one."""

    sku: str
    available: int
    location: str | None = None


def believable_s(at_s: float, now_s: float) -> float:
    """When something was that a warehouse tells, by its own clock, to have been at `at_s`. That clock may run
    a little ahead of ours; a time from further ahead is wrong, and counts as now."""
    return at_s if at_s <= now_s + AHEAD_S else now_s
