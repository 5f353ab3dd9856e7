"""Preflight: what a person must know before the first order. Nothing is sent, nothing is changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import cast

import msgspec
import trio

from dropstreamd.channels import deriving, places, promises
from dropstreamd.channels.run import Scope
from dropstreamd.config.schema import Connection
from dropstreamd.config.untold import untold
from dropstreamd.control import sampling, sku_fit
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.runs import Backlog, Side
from dropstreamd.control.messages.setup import (
    LevelChange,
    Names,
    NearSku,
    Preflight,
    SampleOrder,
    SideTested,
)
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.control.running import held_orders
from dropstreamd.control.side_tests import SIDES, look_at
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Finding, Session, Store, Survey, Warehouse
from dropstreamd.store import levels, stock
from dropstreamd.store.base import Reader

DEADLINE_S = 150.0
NAMES_LIMIT = 100
EXAMPLES = 20
MEANT = 3
"""SKUs that one may mean."""
ORDERS_WAIT_S = 60.0
"""For the orders that the store tells of first, where there are none here to make a sample of."""

NO_STOCK = "no stock of the warehouse has been read yet"
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
    unmatched = _without(connection, store.skus, theirs)
    fit = partial(_misfits, connection, store.skus, theirs, unmatched)
    hidden, near = await trio.to_thread.run_sync(fit)
    await desk.note(connection, "preflight", "was looked through before the first order", who=call.who)
    return Preflight(
        sides=tuple(asked.tested[side] for side in SIDES),
        store_skus_unmatched=_names(unmatched, apart),
        warehouse_skus_unmatched=_names(_unsold(connection, store.skus, theirs), apart),
        store_skus_twice=_names(store.duplicate_skus if store.skus is not None else None, no_store),
        warehouse_skus_twice=_names(
            warehouse.duplicate_skus if warehouse.skus is not None else None, no_warehouse
        ),
        methods_unmapped=_names(_held(store.ship_methods, connection), no_store),
        carriers_unmapped=_names(_unmapped(warehouse.carriers, connection.carriers), no_warehouse),
        skus_hidden=_names(hidden, apart),
        skus_near=_names(near, apart),
        near_examples=tuple(
            NearSku(sku=sku, meant=tuple(meant[:MEANT]))
            for sku, meant in islice((near or {}).items(), EXAMPLES)
        ),
        shipments_refused=tuple(untold(connection, scope.account, desk.daemon.accounts.plugins)),
        overlaps=tuple(_overlaps(connection, scope.siblings)),
        sample_order=asked.sample,
        sample_unseen=no_warehouse or asked.no_orders,
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
        self.no_orders = ""
        self._told: Sequence[Order] = ()
        self._heard = trio.Event()
        if not desk.daemon.state.read(partial(sampling.is_new, scope=scope)):
            self._heard.set()

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
            elif not self._heard.is_set():
                self._hear(*await sampling.first_of(cast("Store", session)))
            return survey.findings

        connection = self._scope.connection
        self.tested[side] = await look_at(self._desk, connection, side, look, DEADLINE_S)
        if side == "store":
            self._hear((), sampling.NO_ORDERS)

    def _hear(self, told: Sequence[Order], none: str) -> None:
        if not self._heard.is_set():
            self._told, self.no_orders = told, none
            self._heard.set()

    async def _make_sample(self, session: Warehouse) -> None:
        with trio.move_on_after(ORDERS_WAIT_S):
            await self._heard.wait()
        self._hear((), sampling.NO_ORDERS)
        look = partial(
            sampling.make,
            scope=self._scope,
            session=session,
            told=self._told,
            now_s=self._desk.now_s(),
        )
        self.sample = await self._desk.scan(look)


# ---- what is here


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    figures: Collection[str] | None
    changes: list[LevelChange]
    backlog: Backlog


def _known(tx: Reader, scope: Scope) -> _Known:
    connection, account = scope.connection, scope.account
    figures = stock.figures(tx, (account.merchant, account.name))
    return _Known(
        figures=figures.keys() or None,
        changes=level_changes(tx, scope)[0],
        backlog=held_orders(tx, connection.id, 0.0),
    )


def level_changes(tx: Reader, scope: Scope) -> tuple[list[LevelChange], int]:
    """The levels that a Full Sync would change, as far as we know what the store shows, and of how many."""
    connection, account = scope.connection, scope.account
    promised = promises.deducted(tx, scope)
    found, looked_at = [], 0
    for place in places.now(tx, connection, account):
        figures = stock.figures(tx, (account.merchant, account.name), place.facility)
        flow, unsent = places.flow(connection, place), promised.of(place.facility)
        # What the store was told once is among them: its listing may have gone.
        sold = deriving.channel_skus(connection, islice(figures, SKUS_LIMIT))
        skus = dict.fromkeys(chain(sold, islice(levels.in_store(tx, flow), SKUS_LIMIT)))
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


def _misfits(
    connection: Connection,
    ours: Collection[str] | None,
    theirs: Collection[str] | None,
    unmatched: Collection[str] | None,
) -> tuple[set[str] | None, dict[str, list[str]] | None]:
    if ours is None or theirs is None or unmatched is None:
        return None, None
    return sku_fit.hidden(connection, ours, theirs), sku_fit.near(connection, unmatched, theirs)


def _unmapped(names: Collection[str] | None, mapped: Mapping[str, str]) -> set[str] | None:
    return None if names is None else {name for name in names if name not in mapped}


def _held(methods: Collection[str] | None, connection: Connection) -> set[str] | None:
    """The ship methods whose orders would wait for a mapping."""
    unmapped = _unmapped(methods, connection.methods)
    return set() if unmapped is not None and connection.unmapped_method == "pass" else unmapped


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
