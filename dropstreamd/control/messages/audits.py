"""Audits: what two sides say of the same thing. They report, and change nothing."""

import msgspec


class OrderFound(msgspec.Struct, frozen=True, kw_only=True):
    """One order, what is wrong with it, and since when."""

    key: str
    number: str
    what: str
    since_s: float


class OrdersAudited(msgspec.Struct, frozen=True, kw_only=True):
    """`unaccounted` orders are open in the store and not so here, `overdue` ones are with the warehouse past
    their ship-by: how many, and the 200 oldest. `looked_at` orders of the store were compared; `trouble` says
    why not all were."""

    connection: str
    at_s: float
    looked_at: int
    unaccounted: int
    overdue: int
    unaccounted_orders: tuple[OrderFound, ...]
    overdue_orders: tuple[OrderFound, ...]
    trouble: str = ""
