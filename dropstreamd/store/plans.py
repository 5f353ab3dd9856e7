"""Plans: what would be done, as a person was shown it, kept until it is applied or too old."""

import msgspec

from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.tables import Table

ITEMS_LIMIT = 2_000
"""Items of one plan: it is applied in one transaction."""

PLANS_KEPT = 20
"""Of a connection; the oldest go."""

LIFE_S = 24 * 3600.0
"""How long a plan may be applied, in seconds."""


class PlanItem(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One document or level. `before` and `after` are for people; `mark` names what it was when it was
    shown: what has another one by now has moved. `location` is a level's, "" where the store has one."""

    key: str
    number: str
    before: str
    after: str
    mark: bytes
    location: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """`what` is `inventory.full`, `sales_orders.import` or `resend`; `unchanged` were looked at, and would
    stay as they are or may not be touched."""

    what: str
    at_s: float
    who: str
    items: tuple[PlanItem, ...]
    unchanged: int = 0


_plan = msgspec.msgpack.Decoder(Plan)


def put(tx: Writer, connection: str, plan_id: str, plan: Plan) -> None:
    """Keep a plan; the oldest of the connection go."""
    tx.put(Table.PLANS, (connection, plan_id), msgspec.msgpack.encode(plan))
    for count, (key, raw) in enumerate(list(tx.scan(Table.PLANS, (connection,), reverse=True))):
        if count >= PLANS_KEPT or _plan.decode(raw).at_s + LIFE_S < plan.at_s:
            tx.delete(Table.PLANS, key)


def get(tx: Reader, connection: str, plan_id: str, *, now_s: float) -> Plan | None:
    """The plan of that id, None where there is none or it is too old."""
    raw = tx.get(Table.PLANS, (connection, plan_id))
    plan = None if raw is None else _plan.decode(raw)
    return None if plan is None or plan.at_s + LIFE_S < now_s else plan


def drop(tx: Writer, connection: str, plan_id: str) -> None:
    """It was applied: it is not applied twice."""
    tx.delete(Table.PLANS, (connection, plan_id))
