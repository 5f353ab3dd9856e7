"""Shipments: packages that left the warehouse become fulfillments in the store that sold."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from functools import partial

import msgspec

from dropstreamd.channels import orders, promises, references
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.references import Allocation
from dropstreamd.channels.run import Run, Scope
from dropstreamd.errors import Hold, ProtocolMismatch, Wait
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine, Package
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Nothing, Park, Ready, Resolved, Then
from dropstreamd.store.records import Document, Flow, Task
from dropstreamd.store.transitions import Incoming

CHANNEL = "shipments"

_decode = msgspec.msgpack.Decoder(Package)
_decode_order = msgspec.msgpack.Decoder(OutboundOrder)
_decode_sent = msgspec.msgpack.Decoder(Fulfillment)
_encode = msgspec.msgpack.Encoder().encode


def book(connection_id: str, *, amends: bool) -> Book:
    """The flow of a connection's shipments."""
    return Book(flow=Flow(connection_id, CHANNEL), amends=amends, describe=describe)


def book_of(scope: Scope) -> Book:
    """The same, of a connection as its runs see it."""
    return book(scope.connection.id, amends=Part.SHIPMENTS in scope.store_amends)


async def export_shipments(run: Run) -> None:
    """One run of `shipments.export`: fetch what the warehouse has, tell the store what is new.

    What was fetched before is told to the store also while the warehouse fails; then its error is raised.
    """
    try:
        fetched = await run.scope.feed.fetch_packages()
    except (Wait, Hold):
        await _tell_store(run)
        raise
    run.count("staged", fetched.new + fetched.changed)
    run.count("undecodable", fetched.bad)
    run.count("unmatched", fetched.unmatched)
    await _tell_store(run)


async def _tell_store(run: Run) -> None:
    scope = run.scope
    shipments = book_of(scope)
    resolved = partial(resolve, scope, run.now_s())
    if await anything_to_do(run, shipments, resolved):
        async with run.open_store() as store:
            if store.shipments is None:
                raise ProtocolMismatch("the store's plugin takes no shipments")
            await deliver(run, shipments, store.shipments, resolved)


def incoming(package: Package) -> Incoming:
    """A package as the ledger takes it; what the store must be told makes its revision."""
    lines = sorted((line.sku, line.quantity, line.order_line) for line in package.lines)
    told = (
        package.reference,
        lines,
        package.carrier,
        package.service,
        package.tracking_numbers,
        package.tracking_url,
    )
    return Incoming(
        key=package.key,
        number=package.reference,
        digest=hashlib.blake2b(_encode(told), digest_size=16).digest(),
        content=_encode(package),
    )


def resolve(scope: Scope, now_s: float, tx: Reader, key: str, doc: Document) -> Resolved:
    """The package as the store is told of it: which lines of its order, at most what was ordered."""
    package = _decode.decode(doc.content)
    link = references.find(tx, scope.account, package.reference)
    if link is None or link.connection != scope.connection.id:
        return Park(cause="link", reason=f"{package.reference} is no order of this connection")
    order_doc = documents.get(tx, Flow(link.connection, orders.CHANNEL), link.order)
    if order_doc is None or not order_doc.sent:
        return Park(cause="link", reason=f"order {package.reference} was never handed over")
    order = _decode_order.decode(order_doc.sent)
    taken = references.allocations(tx, scope.account, package.reference)
    told = taken.pop(key, ())
    allocation, spare = allocate(package, order, taken.values())
    if doc.accepted:
        return _amendment(scope, now_s, package, order, link.order, told, allocation)
    if not allocation and spare and not any(line.sku in spare for line in order.lines):
        sku = next(iter(spare))
        return Park(cause=f"sku:{sku}", reason=f"{sku} is on no line of order {package.reference}")
    then = _then(scope, now_s, package, order, link.order, allocation, spare)
    if not allocation:
        return Nothing(why="all of it had left in other packages", then=then)
    fulfillment = _fulfillment(scope, package, order, link.order, allocation)
    return Ready(document=fulfillment, reference=package.reference, then=then)


def _amendment(
    scope: Scope,
    now_s: float,
    package: Package,
    order: OutboundOrder,
    order_key: str,
    told: tuple[Allocation, ...],
    now: tuple[Allocation, ...],
) -> Ready:
    """A store's fulfillment takes new tracking; other lines are for a person to mend."""
    fulfillment = _fulfillment(scope, package, order, order_key, told)
    before, after = _by_sku(told), _by_sku(now)
    then = None
    if before != after:
        detail = "; ".join(
            f"{sku}: the store was told {before[sku]}, now {after[sku]}"
            for sku in sorted(before.keys() | after.keys())
            if before[sku] != after[sku]
        )
        task = Task(
            kind="lines",
            number=order.number,
            title=f"{order.number}: package {package.key} has other lines than the store was told",
            detail=detail,
            since_s=now_s,
        )
        flow = Flow(scope.connection.id, CHANNEL)
        then = partial(documents.open_task, flow=flow, key=f"{package.key} lines", task=task)
    return Ready(document=fulfillment, reference=package.reference, then=then)


def _by_sku(allocation: tuple[Allocation, ...]) -> Counter[str]:
    units: Counter[str] = Counter()
    for one in allocation:
        units[one.sku] += one.quantity
    return units


def _fulfillment(
    scope: Scope, package: Package, order: OutboundOrder, order_key: str, allocation: tuple[Allocation, ...]
) -> Fulfillment:
    return Fulfillment(
        order_key=order_key,
        order_number=order.number,
        package_key=package.key,
        lines=_fulfilled(allocation),
        carrier=scope.connection.carriers.get(package.carrier, package.carrier),
        service=package.service,
        tracking_numbers=package.tracking_numbers,
        tracking_url=package.tracking_url,
        shipped_at=package.shipped_at,
    )


def allocate(
    package: Package, order: OutboundOrder, others: Iterable[tuple[Allocation, ...]]
) -> tuple[tuple[Allocation, ...], Counter[str]]:
    """Share the package's units out over the order's lines: the line that the warehouse names first,
    then any of the same SKU. What no line can take is returned by SKU.

    A package without lines is all that is left of the order.
    """
    left = Counter({line.order_line: line.quantity for line in order.lines})
    for others_taken in others:
        for one in others_taken:
            left[one.order_line] -= one.quantity
    if not package.lines:
        whole = [Allocation(line.order_line, line.sku, left[line.order_line]) for line in order.lines]
        return tuple(one for one in whole if one.quantity > 0), Counter()
    taken: Counter[tuple[str, str]] = Counter()
    spare: Counter[str] = Counter()
    for part in package.lines:
        units = part.quantity
        same = [line for line in order.lines if line.sku == part.sku]
        for line in sorted(same, key=lambda line: line.number != part.order_line):
            some = min(units, max(0, left[line.order_line]))
            taken[line.order_line, line.sku] += some
            left[line.order_line] -= some
            units -= some
        if units:
            spare[part.sku] += units
    allocation = tuple(Allocation(line, sku, units) for (line, sku), units in taken.items() if units)
    return allocation, spare


def _fulfilled(allocation: tuple[Allocation, ...]) -> tuple[FulfillmentLine, ...]:
    return tuple(FulfillmentLine(order_line=one.order_line, quantity=one.quantity) for one in allocation)


def _then(
    scope: Scope,
    now_s: float,
    package: Package,
    order: OutboundOrder,
    order_key: str,
    allocation: tuple[Allocation, ...],
    spare: Counter[str],
) -> Then:
    """What is written when the package is opened: what it took, and what was too much."""
    connection, account = scope.connection.id, scope.account

    def then(tx: Writer) -> None:
        references.allocate(tx, account, order.reference, package.key, allocation)
        promises.shipped(tx, account, connection, order_key, order, now_s=now_s)
        if spare:
            documents.open_task(
                tx,
                Flow(connection, CHANNEL),
                f"{package.key} over",
                Task(
                    kind="over-shipped",
                    number=order.number,
                    title=f"{order.number}: more left the warehouse than was ordered",
                    detail=_too_much(package, allocation, spare),
                    since_s=now_s,
                ),
            )

    return then


def _too_much(package: Package, allocation: tuple[Allocation, ...], spare: Counter[str]) -> str:
    surplus = ", ".join(f"{units} × {sku}" for sku, units in sorted(spare.items()))
    told = "the rest was told to the store" if allocation else "the store was told nothing of it"
    tracking = ", ".join(package.tracking_numbers) or "none"
    return f"package {package.key}: {surplus} too many; {told}; tracking number {tracking}"


def describe(doc: Document) -> str:
    """How the package differs from what the store was told."""
    package = _decode.decode(doc.content)
    if not doc.sent:
        return "changed in the warehouse"
    sent = _decode_sent.decode(doc.sent)
    if package.tracking_numbers != sent.tracking_numbers:
        before = ", ".join(sent.tracking_numbers) or "none"
        return f"tracking number {before} became {', '.join(package.tracking_numbers) or 'none'}"
    return "its lines or its carrier changed in the warehouse"
