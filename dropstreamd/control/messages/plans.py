"""Plans: what would be done, shown before it is, then done as it was shown."""

from typing import Annotated, Literal

import msgspec

What = Literal["inventory.full", "sales_orders.import", "resend"]


class MakePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`inventory.full`: the levels that a Full Sync would change. `sales_orders.import`: the older orders
    that a run with `since` would let go. `resend`: the `orders`, by any of their names."""

    what: What
    since: str = ""
    orders: Annotated[tuple[str, ...], msgspec.Meta(max_length=500)] = ()


class PlanItemShown(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU or an order: how it is, and how it will be. A level's `location` where the store has several."""

    key: str
    number: str
    before: str
    after: str
    location: str = ""


class NotPlanned(msgspec.Struct, frozen=True, kw_only=True):
    """An order that cannot be in the plan, and why."""

    named: str
    why: str


class PlanShown(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, which may be applied until `expires_s`. `unchanged` would stay as they are."""

    id: str
    connection: str
    what: str
    at_s: float
    expires_s: float
    who: str
    items: tuple[PlanItemShown, ...]
    unchanged: int = 0
    left_out: tuple[NotPlanned, ...] = ()


class ApplyPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`why` as with what a person does to an order."""

    why: str


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """`done` items go with the `run` that was asked for (empty where the channel is off: with its next
    one). The others have moved since the plan was made: each says how."""

    done: int
    moved: tuple[NotPlanned, ...]
    run: str = ""
