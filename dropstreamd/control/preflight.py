"""Preflight: what a person must know before the first order. Nothing is sent, nothing is changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import cast

import msgspec
import trio

from dropstreamd.channels import deriving, orders, places, promises
from dropstreamd.channels.promises import NOTHING
from dropstreamd.channels.run import Scope
from dropstreamd.clock import utc
from dropstreamd.config.schema import Connection
from dropstreamd.config.untold import untold
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.runs import Backlog, Side
from dropstreamd.control.messages.setup import (
    LevelChange,
    Names,
    Preflight,
    SampleOrder,
    SideTested,
)
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.control.running import held_orders
from dropstreamd.control.side_tests import SIDES, look_at
from dropstreamd.model.handover import Item, Stamp
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.platform.contract import Finding, Session, Survey, Warehouse
from dropstreamd.store import cursors, documents, levels, stock
from dropstreamd.store.base import Reader
from dropstreamd.store.handover import Park, Ready
from dropstreamd.store.records import Flow
from dropstreamd.store.tables import Table

DEADLINE_S = 150.0
NAMES_LIMIT = 100
EXAMPLES = 20
ORDERS_TRIED = 200
"""Orders looked at for one that can be shown as a sample."""

TEXT_LIMIT_BYTES = 64 * 1024
NO_STOCK = "no stock of the warehouse has been read yet"
NO_ORDERS = "no order was imported yet: the first run of sales_orders brings them, and holds the older ones"
SKUS_LIMIT = 200_000
"""Levels compared; of more the count is what was found until then."""


async def preflight(desk: Desk, call: Call[Empty, Empty]) -> Preflight:
    """Ask both sides, and look at what is here already."""
    connection = desk.connection(call.path["c"])
    scope = desk.scope(connection)
    asked = _Asked(desk, scope)
    async with trio.open_nursery() as nursery:
        for side in SIDES:
            nursery.start_soon(asked.ask, side)
    known = await desk.scan(partial(_known, scope=scope))
    store, warehouse = asked.survey("store"), asked.survey("warehouse")
    no_store, no_warehouse = asked.unseen("store"), asked.unseen("warehouse")
    theirs = warehouse.skus if warehouse.skus is not None else known.figures
    apart = no_store or ("" if theirs is not None else no_warehouse or NO_STOCK)
    await desk.note(connection, "preflight", "was looked through before the first order", who=call.who)
    return Preflight(
        sides=tuple(asked.tested[side] for side in SIDES),
        store_skus_unmatched=_names(_without(connection, store.skus, theirs), apart),
        warehouse_skus_unmatched=_names(_unsold(connection, store.skus, theirs), apart),
        store_skus_twice=_names(store.duplicate_skus if store.skus is not None else None, no_store),
        warehouse_skus_twice=_names(
            warehouse.duplicate_skus if warehouse.skus is not None else None, no_warehouse
        ),
        methods_unmapped=_names(_unmapped(store.ship_methods, connection.methods), no_store),
        carriers_unmapped=_names(_unmapped(warehouse.carriers, connection.carriers), no_warehouse),
        shipments_refused=tuple(untold(connection, scope.account, desk.daemon.accounts.plugins)),
        overlaps=tuple(_overlaps(connection, scope.siblings)),
        sample_order=asked.sample,
        sample_unseen=no_warehouse or known.no_orders,
        levels_changed=_levels(known),
        level_examples=tuple(known.changes[:EXAMPLES]),
        backlog=known.backlog,
    )


# ---- what the sides tell


class _Asked:
    """Both sides' answers, as they come."""

    def __init__(self, desk: Desk, scope: Scope) -> None:
        self._desk = desk
        self._scope = scope
        self._surveys: dict[Side, Survey] = {}
        self.tested: dict[Side, SideTested] = {}
        self.sample: SampleOrder | None = None

    def survey(self, side: Side) -> Survey:
        return self._surveys.get(side, Survey())

    def unseen(self, side: Side) -> str:
        """Why nothing is known of the side; empty where it answered."""
        failure = self.tested[side].failure
        return "" if failure is None else f"the {side}: {failure.message}"

    async def ask(self, side: Side) -> None:
        async def look(session: Session) -> Sequence[Finding]:
            survey = self._surveys[side] = await session.survey()
            if side == "warehouse":
                await self._make_sample(cast("Warehouse", session))
            return survey.findings

        connection = self._scope.connection
        self.tested[side] = await look_at(self._desk, connection, side, look, DEADLINE_S)

    async def _make_sample(self, session: Warehouse) -> None:
        look = partial(_sample, scope=self._scope, session=session, now_s=self._desk.now_s())
        self.sample = await self._desk.scan(look)


def _sample(tx: Reader, scope: Scope, session: Warehouse, now_s: float) -> SampleOrder | None:
    """The first waiting order that can be written, as it would be; else why the first one cannot."""
    if session.orders is None:
        return None
    flow = Flow(scope.connection.id, orders.CHANNEL)
    keys = chain.from_iterable(
        tx.scan(table, tuple(flow), limit=ORDERS_TRIED) for table in (Table.PENDING, Table.PARKED)
    )
    problem: SampleOrder | None = None
    for path, _ in keys:
        doc = documents.get(tx, flow, path[-1])
        if doc is None:
            continue
        resolved = orders.resolve(scope, tx, path[-1], doc)
        if isinstance(resolved, Park):
            problem = problem or _not_written(doc.number, resolved.reason)
        elif isinstance(resolved, Ready):
            item = Item(key=path[-1], document=cast("OutboundOrder", resolved.document))
            made = session.orders.prepare([item], Stamp(attempt="PREFLIGHT", at=utc(now_s)))
            if made.prepared:
                text = made.prepared[0].payload[:TEXT_LIMIT_BYTES].decode("utf-8", "replace")
                return SampleOrder(number=doc.number, name=made.prepared[0].name, text=text)
            problem = problem or _not_written(doc.number, "; ".join(each.reason for each in made.rejected))
    return problem


def _not_written(number: str, why: str) -> SampleOrder:
    return SampleOrder(number=number, name="", text="", problem=why)


# ---- what is here


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    no_orders: str
    figures: Collection[str] | None
    changes: list[LevelChange]
    backlog: Backlog


def _known(tx: Reader, scope: Scope) -> _Known:
    connection, account = scope.connection, scope.account
    figures = stock.figures(tx, (account.merchant, account.name))
    read = cursors.get(tx, Flow(connection.id, orders.CHANNEL))
    return _Known(
        no_orders=NO_ORDERS if read is None else "",
        figures=figures.keys() or None,
        changes=level_changes(tx, scope)[0],
        backlog=held_orders(tx, connection.id, 0.0),
    )


def level_changes(tx: Reader, scope: Scope) -> tuple[list[LevelChange], int]:
    """The levels that a Full Sync would change, as far as we know what the store shows, and of how many."""
    connection, account = scope.connection, scope.account
    promised = promises.unsent(tx, account, scope.siblings) if connection.deduct_unsent else NOTHING
    found, looked_at = [], 0
    for place in places.now(tx, connection, account):
        figures = stock.figures(tx, (account.merchant, account.name), place.facility)
        skus = deriving.channel_skus(connection, islice(figures, SKUS_LIMIT))
        flow, unsent = places.flow(connection, place), promised.of(place.facility)
        looked_at += len(skus)
        for sku in skus:
            derived = deriving.derive(connection, account, unsent, tx, sku, place)
            record = levels.get(tx, flow, sku)
            before = None if record is None else record.accepted
            if derived is not None and derived.available != before:
                found.append(
                    LevelChange(
                        sku=sku, before=before, after=derived.available, location=place.location or ""
                    )
                )
    return found, looked_at


# ---- what does not fit


def _without(
    connection: Connection, ours: Collection[str] | None, theirs: Collection[str] | None
) -> set[str] | None:
    if ours is None or theirs is None:
        return None
    return {sku for sku in ours if not all(each in theirs for each in deriving.recipe(connection, sku))}


def _unsold(
    connection: Connection, ours: Collection[str] | None, theirs: Collection[str] | None
) -> set[str] | None:
    if ours is None or theirs is None:
        return None
    return set(theirs) - {each for sku in ours for each in deriving.recipe(connection, sku)}


def _unmapped(names: Collection[str] | None, mapped: Mapping[str, str]) -> set[str] | None:
    return None if names is None else {name for name in names if name not in mapped}


def _names(found: Collection[str] | None, unseen: str) -> Names:
    """`unseen` is what was in the way of looking."""
    if found is None:
        return Names(count=0, known=False, why=unseen)
    return Names(count=len(found), names=tuple(sorted(found)[:NAMES_LIMIT]))


def _levels(known: "_Known") -> Names:
    if known.figures is None:
        return Names(count=0, known=False, why=NO_STOCK)
    return Names(count=len(known.changes), names=tuple(each.sku for each in known.changes[:NAMES_LIMIT]))


def _overlaps(connection: Connection, siblings: Iterable[Connection]) -> Iterator[str]:
    for other in siblings:
        if other.id == connection.id:
            continue
        yield f"{other.name} sells from the same stock, and its orders go to the same warehouse"
        shared = len(connection.listings.keys() & other.listings.keys())
        if shared:
            yield f"{shared} SKUs are listed in {other.name} too"


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/preflight",
        name="preflight",
        summary="What a person must know before the first order",
        handle=preflight,
        query=Empty,
        body=Empty,
        answer=Preflight,
    ),
)
