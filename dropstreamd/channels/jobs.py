"""The channels and their jobs, as data: what each needs of both sides, and what one run does."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec

from dropstreamd.channels import (
    catalogs,
    inventory,
    orders,
    outbound,
    products,
    purchases,
    receipts,
    returns,
    shipments,
    stock_notices,
)
from dropstreamd.channels.run import Run, Scope
from dropstreamd.channels.same_warehouse import hold_to_one_warehouse
from dropstreamd.config.schema import Connection
from dropstreamd.errors import Hold, Wait
from dropstreamd.platform.contract import Part
from dropstreamd.platform.limiter import Priority
from dropstreamd.store import level_flows
from dropstreamd.store.base import Reader
from dropstreamd.store.documents import Book, Describe
from dropstreamd.store.records import Flow
from dropstreamd.store.tables import Table

Execute = Callable[[Run, float], Awaitable[None]]
"""Does one run; the second argument is when the channel was first enabled, seconds since the epoch."""


def _always(_connection: Connection) -> bool:
    return True


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that a job, or one half of it (`what`), needs of the two sides; None: nothing of that
    one. It counts for the connections for which `where` is true."""

    store: Part | None = None
    warehouse: Part | None = None
    what: str = ""
    where: Callable[[Connection], bool] = _always

    def lacking(self, store: frozenset[Part], warehouse: frozenset[Part]) -> list[tuple[str, Part]]:
        """The sides that do not offer what is needed of them, and what that is."""
        sides = (("store", self.store, store), ("warehouse", self.warehouse, warehouse))
        return [(side, part) for side, part, offers in sides if part is not None and part not in offers]


def both(part: Part) -> tuple[Needs, ...]:
    """What a job needs that moves one part between the sides."""
    return (Needs(store=part, warehouse=part),)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job of a channel. It exists for a connection of which one of its `needs` is met. A pending run
    of a job takes in one of those it `absorbs`."""

    channel: str
    name: str
    needs: tuple[Needs, ...]
    title: str
    priority: Priority
    execute: Execute
    absorbs: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.channel, self.name)


async def _export_shipments(run: Run, _start_s: float) -> None:
    await shipments.export_shipments(run)


async def _smart(run: Run, _start_s: float) -> None:
    await inventory.smart(run)


async def _full(run: Run, _start_s: float) -> None:
    await inventory.full(run)


async def _update_products(run: Run, _start_s: float) -> None:
    await products.update(run)


async def _export_products(run: Run, _start_s: float) -> None:
    await products.export(run)


async def _sync_catalogs(run: Run, _start_s: float) -> None:
    await catalogs.sync(run)


RETURN_REQUESTS = Needs(store=Part.RETURNS, warehouse=Part.RETURNS, what="requests")
RETURN_RECEIPTS = Needs(store=Part.RECEIPTS, warehouse=Part.RECEIPTS, what="receipts")


async def _sync_returns(run: Run, start_s: float) -> None:
    """Both halves, as far as they exist; one that fails does not keep the other from its turn."""
    scope = run.scope
    failed: Wait | Hold | None = None
    if not RETURN_REQUESTS.lacking(scope.store_offers, scope.warehouse_offers):
        try:
            await returns.hand_over(run, start_s)
        except (Wait, Hold) as error:
            failed = error
    if not RETURN_RECEIPTS.lacking(scope.store_offers, scope.warehouse_offers):
        await receipts.export(run)
    if failed is not None:
        raise failed


TO_STORE = Needs(store=Part.PURCHASE_ORDERS, warehouse=Part.PURCHASE_ORDERS, what="to the store")
TO_WAREHOUSE = Needs(warehouse=Part.STOCK_NOTICES, what="to the warehouse")


async def _import_purchases(run: Run, start_s: float) -> None:
    """The warehouse is told first of what was entered here, the store also where that fails."""
    await _both_ways(run, stock_notices.hand_over, partial(purchases.import_new, run, start_s))


async def _purchase_status(run: Run, start_s: float) -> None:
    """What the warehouse says of both: of what it was told, and of what it tells."""
    await _both_ways(run, orders.listen, partial(purchases.import_status, run, start_s))


async def _both_ways(
    run: Run, to_warehouse: Callable[[Run], Awaitable[None]], to_store: Callable[[], Awaitable[None]]
) -> None:
    failed: Wait | Hold | None = None
    if not TO_WAREHOUSE.lacking(run.scope.store_offers, run.scope.warehouse_offers):
        try:
            await to_warehouse(run)
        except (Wait, Hold) as error:
            failed = error
    await to_store()
    if failed is not None:
        raise failed


def _makes_drafts(connection: Connection) -> bool:
    return connection.catalogs == "drafts"


def _makes_list(connection: Connection) -> bool:
    return connection.catalogs == "list"


def _at_its_warehouse(execute: Execute) -> Execute:
    """`execute`, held where the connection's warehouse is another than before."""

    async def held(run: Run, start_s: float) -> None:
        await hold_to_one_warehouse(run.scope)
        await execute(run, start_s)

    return held


def _job(
    channel: str,
    name: str,
    title: str,
    priority: Priority,
    execute: Execute,
    *needs: Needs,
    absorbs: str = "",
) -> Job:
    return Job(
        channel=channel,
        name=name,
        needs=needs,
        title=title,
        priority=priority,
        execute=_at_its_warehouse(execute),
        absorbs=absorbs,
    )


_BOTH_PURCHASES = (TO_STORE, TO_WAREHOUSE)
_DRAFTS = Needs(store=Part.CATALOGUE, warehouse=Part.CATALOGUE, where=_makes_drafts)
_LIST = Needs(warehouse=Part.CATALOGUE, where=_makes_list)
_FIRST, _SMART, _FULL = Priority.ORDERS, Priority.SMART, Priority.FULL

JOBS: tuple[Job, ...] = (
    _job(orders.CHANNEL, "import", "Import sales orders", _FIRST, orders.import_orders, *both(Part.ORDERS)),
    _job(shipments.CHANNEL, "export", "Export shipments", _FIRST, _export_shipments, *both(Part.SHIPMENTS)),
    _job(inventory.CHANNEL, "full", "Full Sync", _FULL, _full, *both(Part.INVENTORY), absorbs="smart"),
    _job(inventory.CHANNEL, "smart", "Smart Sync", _SMART, _smart, *both(Part.INVENTORY)),
    _job(
        products.CHANNEL,
        "update",
        "Update our catalogue",
        _FULL,
        _update_products,
        Needs(store=Part.PRODUCTS),
    ),
    _job(products.CHANNEL, "export", "Export the item master", _FULL, _export_products, *both(Part.PRODUCTS)),
    _job(returns.CHANNEL, "sync", "Sync returns", _FIRST, _sync_returns, RETURN_REQUESTS, RETURN_RECEIPTS),
    _job(catalogs.CHANNEL, "sync", "Sync catalogs", _FULL, _sync_catalogs, _DRAFTS, _LIST),
    _job(purchases.CHANNEL, "import", "Import purchase orders", _FIRST, _import_purchases, *_BOTH_PURCHASES),
    _job(
        purchases.CHANNEL,
        "status",
        "Import purchase order status",
        _FIRST,
        _purchase_status,
        *_BOTH_PURCHASES,
    ),
)
"""In the order in which those of one channel go when several are due."""

CHANNELS: tuple[str, ...] = tuple(dict.fromkeys(job.channel for job in JOBS))

FLOWS: Mapping[str, tuple[str, ...]] = {
    **{channel: (channel,) for channel in CHANNELS},
    returns.CHANNEL: (returns.CHANNEL, receipts.FLOW),
    purchases.CHANNEL: (purchases.CHANNEL, stock_notices.FLOW),
}
"""Where the documents of each channel move: what is parked, in doubt or a task bears the flow's name."""

ALL_FLOWS: tuple[str, ...] = tuple(flow for names in FLOWS.values() for flow in names)

ACTS: Mapping[str, Callable[[Scope], Book]] = {
    orders.CHANNEL: orders.book,
    shipments.CHANNEL: shipments.book_of,
    products.CHANNEL: products.book,
    returns.CHANNEL: returns.book,
    receipts.FLOW: receipts.book,
    catalogs.CHANNEL: catalogs.book,
    purchases.CHANNEL: purchases.book,
    stock_notices.FLOW: stock_notices.book,
}
"""The flows whose documents are acts, and what each knows of them."""

DESCRIBED: Mapping[str, Describe] = {
    orders.CHANNEL: outbound.describe,
    shipments.CHANNEL: shipments.describe,
    returns.CHANNEL: returns.describe,
    receipts.FLOW: receipts.describe,
    catalogs.CHANNEL: catalogs.describe,
    purchases.CHANNEL: purchases.describe,
    stock_notices.FLOW: stock_notices.describe,
}
"""The acts that must not be done twice: those in doubt after a restore. Products are not among them,
the newest of which wins."""


def of_channel(channel: str) -> tuple[Job, ...]:
    """The jobs of a channel, in their order."""
    return tuple(job for job in JOBS if job.channel == channel)


def flows(tx: Reader, owner: str, channel: str) -> tuple[str, ...]:
    """Where a connection's documents of a channel are: its levels are by location where it has any."""
    plain = FLOWS[channel]
    if channel != inventory.CHANNEL:
        return plain
    tables = (Table.DOCUMENTS, Table.PENDING, Table.PARKED)
    flow = Flow(owner, channel)
    return (
        *plain,
        *(level_flows.flow_at(flow, each).channel for each in level_flows.located(tx, flow, tables)),
    )


def all_flows(tx: Reader, owner: str) -> tuple[str, ...]:
    """The same of every channel."""
    return tuple(flow for channel in CHANNELS for flow in flows(tx, owner, channel))
