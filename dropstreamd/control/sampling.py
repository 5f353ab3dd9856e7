"""A sample order: how the warehouse would be told of one. Nothing is sent, nothing is kept."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import cast

from dropstreamd.channels import orders, told_orders
from dropstreamd.channels.run import Scope
from dropstreamd.clock import utc
from dropstreamd.control.messages.setup import SampleOrder
from dropstreamd.control.side_tests import known_error
from dropstreamd.errors import DropstreamError
from dropstreamd.model.handover import Item, Stamp
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.platform.contract import Part, Source, Store, Warehouse
from dropstreamd.store import cursors, documents, transitions
from dropstreamd.store.base import Reader
from dropstreamd.store.handover import Park, Ready
from dropstreamd.store.records import Document, Flow, Standing
from dropstreamd.store.tables import Table

TRIED = 200
"""Orders looked at for one that can be shown."""

TEXT_LIMIT_BYTES = 64 * 1024
PAGES = 5
"""Asked for, until one has an open order: calls of some platforms are few."""

NO_ORDERS = "no order was imported yet: the first run of sales_orders brings them, and holds the older ones"
NONE_OPEN = "no order was imported yet, and there is no open one among those that the store tells of first"


def is_new(tx: Reader, scope: Scope) -> bool:
    """Whether no order of the connection's store was ever read, and some could be."""
    offered = scope.store_offers & scope.warehouse_offers
    return Part.ORDERS in offered and cursors.get(tx, _flow(scope)) is None


async def first_of(session: Store) -> tuple[Sequence[Order], str]:
    """The orders that the store tells of first, and why there are none to make a sample of. Where it
    fails, the cause: that keeps nobody from seeing what else was found."""
    if session.orders is None:
        return (), NO_ORDERS
    try:
        told = await _first_open(session.orders)
    except DropstreamError as error:
        return (), f"the store's orders: {error.message}"
    except BaseExceptionGroup as group:
        return (), f"the store's orders: {known_error(group).message}"
    return told, NONE_OPEN


async def _first_open(source: Source[Order]) -> Sequence[Order]:
    """Of the first page that has any: stores that list by status may begin with a rare one."""
    cursor: str | None = None
    for _ in range(PAGES):
        page = await source.page(cursor, lambda _mark: False)
        found = [order for order in page.documents if order.status == "open"]
        if found or not page.more:
            return found[:TRIED]
        cursor = page.cursor if page.cursor is not None else cursor
    return ()


def make(
    tx: Reader, scope: Scope, session: Warehouse, told: Sequence[Order], now_s: float
) -> SampleOrder | None:
    """The first order that can be written, as it would be; else why the first one cannot. Those that wait
    here come first, then those that the store has `told` and that are not imported."""
    if session.orders is None:
        return None
    problem: SampleOrder | None = None
    for key, doc, imported in chain(_waiting(tx, scope), _not_imported(told, now_s)):
        resolved = orders.resolve(scope, tx, key, doc)
        if isinstance(resolved, Park):
            problem = problem or _not_written(doc.number, resolved.reason)
        elif isinstance(resolved, Ready):
            item = Item(key=key, document=cast("OutboundOrder", resolved.document))
            made = session.orders.prepare([item], Stamp(attempt="PREFLIGHT", at=utc(now_s)))
            if made.prepared:
                first = made.prepared[0]
                text = first.payload[:TEXT_LIMIT_BYTES].decode("utf-8", "replace")
                return SampleOrder(number=doc.number, name=first.name, text=text, imported=imported)
            problem = problem or _not_written(doc.number, "; ".join(each.reason for each in made.rejected))
    return problem


def _waiting(tx: Reader, scope: Scope) -> Iterator[tuple[str, Document, bool]]:
    flow = _flow(scope)
    keys = chain.from_iterable(
        tx.scan(table, tuple(flow), limit=TRIED) for table in (Table.PENDING, Table.PARKED)
    )
    for path, _ in keys:
        doc = documents.get(tx, flow, path[-1])
        if doc is not None:
            yield path[-1], doc, True


def _not_imported(told: Iterable[Order], now_s: float) -> Iterator[tuple[str, Document, bool]]:
    for order in told:
        doc = transitions.arrive(None, told_orders.incoming(order, 0.0), now_s, "")
        if doc is not None and doc.standing is Standing.READY and documents.may_be_key(order.key):
            yield order.key, doc, False


def _flow(scope: Scope) -> Flow:
    return Flow(scope.connection.id, orders.CHANNEL)


def _not_written(number: str, why: str) -> SampleOrder:
    return SampleOrder(number=number, name="", text="", problem=why)
