"""The order audit: what the store shows as open against the ledger, and what does not ship.

It reads and reports; nothing is staged, moved or sent by it. What the newest one found is kept.
"""

from collections.abc import Sequence
from functools import partial

import msgspec
import trio

from dropstreamd.channels import orders, told_orders
from dropstreamd.channels.life import Life, life_of
from dropstreamd.channels.run import Scope
from dropstreamd.errors import Hold, ProtocolMismatch, Wait
from dropstreamd.model.orders import Order
from dropstreamd.platform.limiter import Priority
from dropstreamd.store import cursors, documents, switches
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.records import Document, Flow, Standing, State
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import OLDER, WAITING

PAGES = 1_000
"""Pages of the store that one audit reads."""

AT_ONCE = 200
"""Documents looked at without a pause."""

SHOWN = 200
"""Findings kept of one kind; the rest is counted."""

KEPT = 50
"""Findings of one kind that are kept of the newest audit; the rest is counted."""

ON_ITS_WAY_S = 600.0
"""An order that the store has had for less than this at the last import may not have been told yet, in
seconds."""

_order = msgspec.msgpack.Decoder(Order)
_NOT_SENT = (State.PENDING, State.PARKED, State.HELD)
_WITH_THE_WAREHOUSE = (Life.SENT, Life.ACKNOWLEDGED, Life.PARTIALLY_SHIPPED)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One order, what is wrong with it, and since when (seconds since the epoch)."""

    key: str
    number: str
    what: str
    since_s: float


class Finds(msgspec.Struct, frozen=True, kw_only=True):
    """The first of them, and how many there are."""

    count: int = 0
    some: tuple[Found, ...] = ()


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found. `unaccounted`: open in the store, and not so here. `overdue`: not shipped past its
    ship-by, whether the warehouse has it or it was never sent. `looked_at` orders of the store were compared;
    `trouble` is why it were none, or not all: what is kept then has the unaccounted orders of the audit
    before, where those were more. `whole_s`, of what is kept, is when all were looked at last; until they
    ever were, when that was tried first."""

    at_s: float
    looked_at: int
    unaccounted: Finds
    overdue: Finds
    trouble: str = ""
    whole_s: float = 0.0

    @property
    def counts_from_s(self) -> float:
        """When all were looked at last, as far as that is known."""
        return self.whole_s or self.at_s


_audited = msgspec.msgpack.Decoder(Audited)


async def audit(scope: Scope) -> Audited:
    """Look at the store and at the ledger, at the lowest priority."""
    looked_at, unaccounted, trouble = 0, list[Found](), ""
    imported_s = scope.state.read(partial(_imported_s, connection=scope.connection.id))
    if not imported_s:
        trouble = "no import of orders has succeeded yet"
    else:
        try:
            async with scope.open_store(Priority.FULL) as store:
                if store.orders is None:
                    raise ProtocolMismatch("the store's plugin offers no orders")
                cursor: str | None = None
                for _ in range(PAGES):
                    page = await store.orders.page(cursor, lambda _mark: False)
                    cursor = page.cursor or cursor
                    looked_at += len(page.documents)
                    compare = partial(_compare, scope=scope, told=page.documents, imported_s=imported_s)
                    unaccounted += scope.state.read(compare)
                    await trio.lowlevel.checkpoint()
                    if not page.more:
                        break
                else:
                    trouble = f"the store still had more after {PAGES} pages"
        except (Wait, Hold) as error:
            trouble = error.message
    overdue = await _overdue(scope)
    return Audited(
        at_s=scope.clock.now_s(),
        looked_at=looked_at,
        unaccounted=_finds(unaccounted),
        overdue=_finds(overdue),
        trouble=trouble,
    )


def keep(tx: Writer, *, connection: str, found: Audited) -> Audited:
    """Keep what an audit found, the newest alone; as it is kept. One that could not look at all orders
    does not say that those found before are in order by now."""
    before = last(tx, connection)
    unaccounted = found.unaccounted
    if found.trouble and before is not None and before.unaccounted.count > unaccounted.count:
        unaccounted = before.unaccounted
    whole_s = found.at_s if before is None or not found.trouble else before.counts_from_s
    kept = msgspec.structs.replace(
        found,
        unaccounted=_few(unaccounted),
        overdue=_few(found.overdue),
        whole_s=whole_s,
    )
    cursors.keep_order_audit(tx, connection, msgspec.msgpack.encode(kept))
    return kept


def _few(finds: Finds) -> Finds:
    return Finds(count=finds.count, some=finds.some[:KEPT])


def last(tx: Reader, connection: str) -> Audited | None:
    """What the newest audit found; None before the first."""
    raw = cursors.order_audit(tx, connection)
    return None if raw is None else _audited.decode(raw)


def by_now(tx: Reader, scope: Scope) -> Audited | None:
    """The same, less what was put right since, as far as we know: an order that the store has told of since
    then, or that is not overdue any more. What the store shows is looked at by the next audit."""
    found = last(tx, scope.connection.id)
    if found is None:
        return None
    flow = Flow(scope.connection.id, orders.CHANNEL)
    astray = [each for each in found.unaccounted.some if not _told_since(tx, flow, each.key, found.at_s)]
    overdue = [
        each for each in found.overdue.some if _is_overdue(tx, scope, documents.get(tx, flow, each.key))
    ]
    return msgspec.structs.replace(
        found, unaccounted=_less(found.unaccounted, astray), overdue=_less(found.overdue, overdue)
    )


def _less(finds: Finds, left: list[Found]) -> Finds:
    return Finds(count=finds.count - len(finds.some) + len(left), some=tuple(left))


def _told_since(tx: Reader, flow: Flow, key: str, at_s: float) -> bool:
    """Whether the store told of an order after that; what a person changed here tells nothing of it."""
    doc = documents.get(tx, flow, key)
    if doc is None or doc.changed_s <= at_s:
        return False
    return not any(step.at_s == doc.changed_s and "by hand" in step.text for step in doc.history)


def _imported_s(tx: Reader, connection: str) -> float:
    return switches.followed(tx, connection, orders.CHANNEL, "import").last_success_s


def _finds(found: list[Found]) -> Finds:
    oldest = sorted(found, key=lambda each: each.since_s)
    return Finds(count=len(oldest), some=tuple(oldest[:SHOWN]))


# ---- the store against the ledger


def _compare(tx: Reader, scope: Scope, told: Sequence[Order], imported_s: float) -> list[Found]:
    flow = Flow(scope.connection.id, orders.CHANNEL)
    found = []
    for order in told:
        new = order.updated_at.timestamp() > imported_s - ON_ITS_WAY_S
        if order.status != "open" or new or not documents.may_be_key(order.key):
            continue
        what = _wrong(tx, scope, flow, order)
        if what:
            since_s = order.placed_at.timestamp()
            found.append(Found(key=order.key, number=order.number, what=what, since_s=since_s))
    return found


def _wrong(tx: Reader, scope: Scope, flow: Flow, order: Order) -> str:
    """How an order that the store shows as open differs from the ledger; "" for not at all."""
    doc = documents.get(tx, flow, order.key)
    if doc is None:
        unread = documents.unread(tx, flow, order.key)
        return f"it cannot be read: {unread}" if unread else "it was never told to us"
    if doc.standing is Standing.OVER:
        return "the store shows it as open, and told us that it is over"
    if doc.standing is Standing.HELD and not order.cancel_requested:
        return "the store lets it be shipped, and told us that it waits"
    order = told_orders.rerouted(scope.connection, doc, order)
    if told_orders.incoming(order, 0.0).digest != doc.digest and not doc.override:
        return "it changed in the store, and we were not told"
    return _left_open(tx, scope, doc) if any(line.open_quantity for line in order.lines) else ""


def _left_open(tx: Reader, scope: Scope, doc: Document) -> str:
    """Why the store should not show units of it as open."""
    if doc.state is State.VOID and not doc.stay and not doc.cause:
        return (
            f"nothing of it was handed over: {doc.history[-1].text if doc.history else 'no reason is kept'}"
        )
    if doc.state is State.ACCEPTED and life_of(tx, scope.account, doc) is Life.SHIPPED and not doc.stay:
        return "all of it has left the warehouse, and the store shows it as open"
    return ""


# ---- what does not ship


async def _overdue(scope: Scope) -> list[Found]:
    found, after = list[Found](), None
    while True:
        some, after = scope.state.read(partial(_overdue_page, scope=scope, after=after))
        found += some
        await trio.lowlevel.checkpoint()
        if after is None:
            return found


def _overdue_page(tx: Reader, scope: Scope, after: str | None) -> tuple[list[Found], str | None]:
    flow = Flow(scope.connection.id, orders.CHANNEL)
    start = None if after is None else (*flow, after)
    keys = [path[-1] for path, _ in tx.scan(Table.DOCUMENTS, tuple(flow), after=start, limit=AT_ONCE)]
    found = []
    for key in keys:
        doc = documents.get(tx, flow, key)
        due_s = None if doc is None else _due_s(scope, doc)
        if doc is not None and due_s is not None and _is_overdue(tx, scope, doc):
            what = _why_late(tx, scope, doc)
            found.append(Found(key=key, number=doc.number, what=what, since_s=due_s))
    return found, keys[-1] if len(keys) == AT_ONCE else None


def _is_overdue(tx: Reader, scope: Scope, doc: Document | None) -> bool:
    due_s = None if doc is None else _due_s(scope, doc)
    if doc is None or due_s is None or due_s >= scope.clock.now_s():
        return False
    return not doc.accepted or _waits(tx, scope, doc)


def _due_s(scope: Scope, doc: Document) -> float | None:
    """Until when it was to leave: its ship-by, else some days after its hand-over, or after it came where it
    was never handed over. None for one that need not leave, or that the store itself holds; one whose buyer
    asks to cancel it waits for a person there."""
    if doc.standing is Standing.OVER or doc.purged:
        return None
    order = _order.decode(doc.content)
    unsent = not doc.accepted and doc.state in _NOT_SENT and doc.cause not in OLDER
    if doc.state is State.ACCEPTED and doc.handed_s:
        since_s = doc.handed_s
    elif unsent and (doc.cause != WAITING or order.cancel_requested):
        since_s = doc.first_s
    else:
        return None
    ship_by = order.ship_by
    return since_s + scope.connection.ship_within_s if ship_by is None else ship_by.timestamp()


def _why_late(tx: Reader, scope: Scope, doc: Document) -> str:
    if not doc.accepted:
        return f"it was not sent: {doc.reason or 'its turn has not come'}"
    return f"it was sent, and {'part of it' if _in_part(tx, scope, doc) else 'nothing'} has left"


def _waits(tx: Reader, scope: Scope, doc: Document) -> bool:
    return life_of(tx, scope.account, doc) in _WITH_THE_WAREHOUSE


def _in_part(tx: Reader, scope: Scope, doc: Document) -> bool:
    return life_of(tx, scope.account, doc) is Life.PARTIALLY_SHIPPED
