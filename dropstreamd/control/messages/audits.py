"""Audits: what two sides say of the same thing. They report, and change nothing."""

import msgspec


class OrderFound(msgspec.Struct, frozen=True, kw_only=True):
    """One order, what is wrong with it, and since when."""

    key: str
    number: str
    what: str
    since_s: float


class OrdersAudited(msgspec.Struct, frozen=True, kw_only=True):
    """`unaccounted` orders are open in the store and not so here, `overdue` ones have not left past their
    ship-by, whether the warehouse has them or not: how many, and the 200 oldest. `looked_at` orders of the
    store were compared; `trouble` says why not all were."""

    connection: str
    at_s: float
    looked_at: int
    unaccounted: int
    overdue: int
    unaccounted_orders: tuple[OrderFound, ...]
    overdue_orders: tuple[OrderFound, ...]
    trouble: str = ""


class LevelFound(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU that shows another level than the store was told last, at a `location` where it has several;
    None: it lacks it, or does not count it."""

    sku: str
    told: int
    shows: int | None
    location: str = ""


class InventoryAudited(msgspec.Struct, frozen=True, kw_only=True):
    """Of `looked_at` SKUs so many show `more` or `fewer` than they were told (orders since lower a level), or
    are `missing`: the 200 greatest differences. `trouble` says why not all were looked at."""

    connection: str
    looked_at: int
    more: int
    fewer: int
    missing: int
    levels: tuple[LevelFound, ...]
    trouble: str = ""
