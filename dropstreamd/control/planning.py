"""Plan, then apply: a diff that is shown and kept, and done later exactly as it was shown.

What has moved since is left alone, and told. A level that is applied goes with a run that also pushes what
moved meanwhile, as every smart run does; orders that are applied are let go, or sent again, and no others.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NoReturn

import msgspec

from dropstreamd.channels import inventory, older, orders, promises
from dropstreamd.channels.run import Scope
from dropstreamd.config.schema import Connection
from dropstreamd.control import planned_levels, taken_back, whereabouts
from dropstreamd.control.by_hand import Spot, reason_of
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.plans import (
    Applied,
    ApplyPlan,
    MakePlan,
    NotPlanned,
    PlanItemShown,
    PlanShown,
)
from dropstreamd.control.order_shown import find
from dropstreamd.control.order_verbs import refuse_no_resend, resend_now
from dropstreamd.control.preflight import NO_STOCK
from dropstreamd.control.refused import Refused, refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.control.running import instant
from dropstreamd.control.whereabouts import Look
from dropstreamd.errors import Misconfigured
from dropstreamd.store import documents, plans, runs
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import is_part
from dropstreamd.store.plans import ITEMS_LIMIT, LIFE_S, Plan, PlanItem
from dropstreamd.store.records import Document, Flow, State
from dropstreamd.store.runs import Line
from dropstreamd.store.transitions import BEFORE_START

JOBS = {
    "inventory.full": (inventory.CHANNEL, "smart"),
    "sales_orders.import": (orders.CHANNEL, "import"),
    "resend": (orders.CHANNEL, "import"),
}
"""The run that takes an applied plan along."""


# ---- plan


async def make(desk: Desk, call: Call[Empty, MakePlan]) -> PlanShown:
    """Work out what would be done, keep it and show it."""
    connection, asked = desk.connection(call.path["c"]), call.body
    if bool(asked.since) != (asked.what == "sales_orders.import"):
        refuse("bad request", "sales_orders.import takes a since, and nothing else does")
    if bool(asked.orders) != (asked.what == "resend"):
        refuse("bad request", "resend takes orders, and nothing else does")
    spot = _spot(desk, connection, why="", who=call.who)
    left_out: list[NotPlanned] = []
    look: Callable[[Reader], tuple[list[PlanItem], int]] = partial(planned_levels.planned, scope=spot.scope)
    if asked.what == "sales_orders.import":
        since_s = instant(asked.since, connection, spot.now_s).timestamp()
        look = partial(_older, scope=spot.scope, since_s=since_s)
    elif asked.what == "resend":
        look = partial(_resends, spot=spot, named=asked.orders, left_out=left_out)
    items, unchanged = await desk.scan(look)
    if asked.what == "inventory.full" and not items and not unchanged:
        read = f"dropstreamctl run {connection.name} inventory.smart"
        refuse("not possible", NO_STOCK, remedy=f"{read}: it reads it, and tells the store what it comes to")
    if asked.what == "resend":
        items = await _looked_up(desk, spot, items, left_out)
    if len(items) > ITEMS_LIMIT:
        refuse(
            "not possible",
            f"{len(items)} items: a plan has at most {ITEMS_LIMIT}",
            remedy="plan a shorter time, or run the job itself",
        )
    plan = Plan(what=asked.what, at_s=spot.now_s, who=call.who, items=tuple(items), unchanged=unchanged)
    plan_id = desk.daemon.ids.new()
    put = partial(plans.put, connection=connection.id, plan_id=plan_id, plan=plan)
    await desk.daemon.state.write(put)
    return msgspec.structs.replace(_shown(connection, plan_id, plan), left_out=tuple(left_out))


def _spot(desk: Desk, connection: Connection, *, why: str, who: str) -> Spot:
    return Spot(
        scope=desk.scope(connection),
        book=desk.book(connection, orders.CHANNEL),
        key="",
        why=why,
        who=who,
        now_s=desk.now_s(),
    )


def _older(tx: Reader, scope: Scope, since_s: float) -> tuple[list[PlanItem], int]:
    flow = Flow(scope.connection.id, orders.CHANNEL)
    items = []
    for key, order in older.backlog(tx, flow, since_s):
        doc = documents.get(tx, flow, key)
        if doc is not None:
            units = ", ".join(f"{line.open_quantity} × {line.sku}" for line in order.lines)
            before = f"held since {order.placed_at.astimezone(scope.connection.timezone):%Y-%m-%d %H:%M}"
            items.append(PlanItem(key=key, number=doc.number, before=before, after=units, mark=_mark(doc)))
    return items, 0


def _resends(
    tx: Reader, spot: Spot, named: tuple[str, ...], left_out: list[NotPlanned]
) -> tuple[list[PlanItem], int]:
    account, flow = spot.scope.account, spot.book.flow
    items: dict[str, PlanItem] = {}
    for one in named:
        usable = one and is_part(one)
        key = find(tx, spot.connection, account, flow, one) if usable else None
        doc = None if key is None else documents.get(tx, flow, key)
        if key is None or doc is None:
            left_out.append(NotPlanned(named=one[:100], why="there is no such order"))
            continue
        why = _why_not(tx, msgspec.structs.replace(spot, key=key), doc)
        if why:
            left_out.append(NotPlanned(named=one, why=why))
        else:
            before = f"{doc.state}{f': {doc.reason}' if doc.reason else ''}"
            after = f"sent again as {doc.reference}"
            items[key] = PlanItem(key=key, number=doc.number, before=before, after=after, mark=_mark(doc))
    return list(items.values()), 0


async def _looked_up(
    desk: Desk, spot: Spot, items: list[PlanItem], left_out: list[NotPlanned]
) -> list[PlanItem]:
    """Those that the warehouse has taken, as far as it can tell, and that it has."""
    docs = await desk.scan(partial(_documents, spot=spot, items=items))
    seen = await whereabouts.look(desk, spot.connection, docs)
    wanted = []
    for item in items:
        one = seen.get(item.key)
        hinders = "" if one is None else one.hinders(docs[item.key])
        if hinders:
            left_out.append(NotPlanned(named=item.number, why=hinders))
        elif one is not None:
            wanted.append(msgspec.structs.replace(item, before=f"{item.before}; {one.found.detail}"))
    return wanted


def _documents(tx: Reader, spot: Spot, items: Sequence[PlanItem]) -> dict[str, Document]:
    found = ((item.key, documents.get(tx, spot.book.flow, item.key)) for item in items)
    return {key: doc for key, doc in found if doc is not None}


def _why_not(tx: Reader, spot: Spot, doc: Document) -> str:
    try:
        refuse_no_resend(spot, doc, taken_back.other_packages(tx, spot, doc))
    except Refused as refused:
        return refused.message
    return ""


def _mark(doc: Document) -> bytes:
    """Another one as soon as the order itself, or what the warehouse says of it, has moved."""
    facts = (doc.state, doc.standing, doc.revision, doc.accepted, doc.resent, doc.cause, doc.word, doc.stay)
    return repr(facts).encode()


def _shown(connection: Connection, plan_id: str, plan: Plan) -> PlanShown:
    return PlanShown(
        id=plan_id,
        connection=connection.name,
        what=plan.what,
        at_s=plan.at_s,
        expires_s=plan.at_s + LIFE_S,
        who=plan.who,
        items=tuple(
            PlanItemShown(
                key=each.key,
                number=each.number,
                before=each.before,
                after=each.after,
                location=each.location,
            )
            for each in plan.items
        ),
        unchanged=plan.unchanged,
    )


# ---- look, apply


async def show(desk: Desk, call: Call[Empty, Empty]) -> PlanShown:
    """A plan that was made."""
    connection = desk.connection(call.path["c"])
    plan_id = desk.key(call.path["plan"])
    get = partial(plans.get, connection=connection.id, plan_id=plan_id, now_s=desk.now_s())
    plan = desk.daemon.state.read(get)
    if plan is None:
        _no_plan(connection, plan_id)
    return _shown(connection, plan_id, plan)


def _no_plan(connection: Connection, plan_id: str) -> NoReturn:
    detail = (
        f"{connection.name} has no plan {plan_id[:60]!r}, or no more: it was applied, or a day has passed"
    )
    refuse("not found", detail, remedy="make it again: dropstreamctl plan")


async def apply(desk: Desk, call: Call[Empty, ApplyPlan]) -> Applied:
    """Do what a plan shows, except what has moved since, in one transaction; once."""
    connection = desk.connection(call.path["c"])
    plan_id, why = desk.key(call.path["plan"]), reason_of(call.body.why)
    spot = _spot(desk, connection, why=why, who=call.who)
    seen = await _seen(desk, spot, plan_id)

    def whole(tx: Writer) -> tuple[str, Applied]:
        plan = plans.get(tx, connection.id, plan_id, now_s=spot.now_s)
        if plan is None:
            _no_plan(connection, plan_id)
        applied = _apply(tx, spot, plan, seen)
        plans.drop(tx, connection.id, plan_id)
        text = f"plan {plan_id} of {plan.what}: {applied.done} applied, {len(applied.moved)} moved: {why}"
        line = Line(at_s=spot.now_s, event="applied", text=text, channel=JOBS[plan.what][0], who=call.who)
        runs.log(tx, connection.id, line)
        return plan.what, applied

    what, applied = await desk.daemon.state.write(whole)
    desk.tell("applied", call.who, connection=connection.name, plan=plan_id)
    return msgspec.structs.replace(
        applied, run=_ask(desk, connection, what, call.who) if applied.done else ""
    )


async def _seen(desk: Desk, spot: Spot, plan_id: str) -> dict[str, Look]:
    """Of a plan to send orders again: where they are by now."""
    get = partial(plans.get, connection=spot.connection.id, plan_id=plan_id, now_s=spot.now_s)
    plan = desk.daemon.state.read(get)
    if plan is None or plan.what != "resend":
        return {}
    docs = await desk.scan(partial(_documents, spot=spot, items=plan.items))
    return await whereabouts.look(desk, spot.connection, docs)


def _ask(desk: Desk, connection: Connection, what: str, who: str) -> str:
    """The run that takes it along; none where a switch is off."""
    channel, job = JOBS[what]
    try:
        return desk.daemon.ask(connection.id, channel, job, who=who, agreed=None)
    except Misconfigured:
        return ""


def _apply(tx: Writer, spot: Spot, plan: Plan, seen: Mapping[str, Look]) -> Applied:
    moved = []
    done = 0
    deducted = promises.deducted(tx, spot.scope) if plan.what == "inventory.full" else promises.NOTHING
    for item in plan.items:
        one = msgspec.structs.replace(spot, key=item.key)
        match plan.what:
            case "inventory.full":
                why = planned_levels.push_again(tx, spot.scope, deducted, item)
            case "resend":
                why = _apply_resend(tx, one, item, seen.get(item.key))
            case _:
                why = _apply_older(tx, one, item)
        done += not why
        if why:
            moved.append(NotPlanned(named=item.number, why=why))
    return Applied(done=done, moved=tuple(moved))


def _apply_older(tx: Writer, spot: Spot, item: PlanItem) -> str:
    doc = documents.get(tx, spot.book.flow, item.key)
    if doc is None or _mark(doc) != item.mark or doc.state is not State.HELD or doc.cause != BEFORE_START:
        return _moved(doc)
    documents.release(tx, spot.book, item.key, now_s=spot.now_s, run="", why=spot.said)
    return ""


def _apply_resend(tx: Writer, spot: Spot, item: PlanItem, seen: Look | None) -> str:
    doc = documents.get(tx, spot.book.flow, item.key)
    if doc is None or _mark(doc) != item.mark or seen is None:
        return _moved(doc)
    why = _why_not(tx, spot, doc) or seen.hinders(doc)
    if not why:
        resend_now(tx, spot)
    return why


def _moved(doc: Document | None) -> str:
    if doc is None:
        return "it is gone"
    return f"it is {doc.state} by now{f': {doc.reason}' if doc.reason else ''}"


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/plans",
        name="make_plan",
        summary="Work out what would be done, and keep it for a day",
        handle=make,
        query=Empty,
        body=MakePlan,
        answer=PlanShown,
    ),
    Route(
        method="GET",
        path="/v1/connections/{c}/plans/{plan}",
        name="plan",
        summary="A plan that was made",
        handle=show,
        query=Empty,
        body=Empty,
        answer=PlanShown,
    ),
    Route(
        method="POST",
        path="/v1/connections/{c}/plans/{plan}/apply",
        name="apply_plan",
        summary="Do what a plan shows, except what has moved since",
        handle=apply,
        query=Empty,
        body=ApplyPlan,
        answer=Applied,
    ),
)
