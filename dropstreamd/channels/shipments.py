"""Shipments: packages that left the warehouse become fulfillments in the store that sold."""

import hashlib
from collections import Counter
from functools import partial

import msgspec

from dropstreamd.channels import (
    boxes,
    late,
    orders,
    parcels,
    promises,
    references,
    replacing,
    surplus,
    too_late,
    voided,
)
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.references import Allocation, Taken, Told
from dropstreamd.channels.run import Run, Scope
from dropstreamd.errors import Hold, ProtocolMismatch, Wait
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine, Package
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Nothing, Park, Ready, Resolved, Then
from dropstreamd.store.records import Document, Flow, Standing, State, Task
from dropstreamd.store.transitions import Incoming

CHANNEL = "shipments"

_decode = msgspec.msgpack.Decoder(Package)
_decode_order = msgspec.msgpack.Decoder(OutboundOrder)
_decode_source = msgspec.msgpack.Decoder(Order)
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
    await orders.listen(run)


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
    told: tuple[object, ...] = (
        package.reference,
        lines,
        package.carrier,
        package.service,
        package.tracking_numbers,
        package.tracking_url,
    )
    if package.voided:
        told = (*told, "voided")
    return Incoming(
        key=package.key,
        number=package.reference,
        digest=hashlib.blake2b(_encode(told), digest_size=16).digest(),
        content=_encode(package),
    )


def tell_of_fewer(
    tx: Writer, flow: Flow, before: Document | None, package: Package, *, number: str, now_s: float
) -> None:
    """Open a task for a package that came again with fewer units before the store was told of it. It may be
    another one that the warehouse gave the same number: then units left that the store is not told of."""
    if before is None or before.accepted or before.state in (State.OPEN, State.DOUBT):
        return
    old, new = (_units(each) for each in (_decode.decode(before.content), package))
    gone = old - new
    if not (gone and new):
        return
    units = ", ".join(f"{count} × {sku}" for sku, count in sorted(gone.items()))
    task = Task(
        kind="lines",
        number=number,
        title=f"{number}: package {package.key} came again with fewer units",
        detail=f"{units} less, before the store was told: if they left too, tell the store of them by hand",
        since_s=now_s,
    )
    documents.open_task(tx, flow, f"{package.key} lines", task)


def _units(package: Package) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in package.lines:
        units[line.sku] += line.quantity
    return units


def resolve(scope: Scope, now_s: float, tx: Reader, key: str, doc: Document) -> Resolved:
    """The package as the store is told of it: which lines of its order, at most what was ordered."""
    package = _decode.decode(doc.content)
    if package.voided:
        return voided.nothing_to_tell(scope, package, now_s, told=doc.accepted > 0)
    link = references.find(tx, scope.account, package.reference)
    if link is None or link.connection != scope.connection.id:
        return Park(cause="link", reason=f"{package.reference} is no order of this connection")
    order_doc = documents.get(tx, Flow(link.connection, orders.CHANNEL), link.order)
    if order_doc is None or not order_doc.sent:
        return Park(cause="link", reason=f"order {package.reference} was never handed over")
    found = _of_its_order(scope, now_s, tx, key, doc, package, link.order, order_doc)
    return replacing.as_of_the_order(tx, scope, order_doc, doc, key, found)


def _of_its_order(
    scope: Scope,
    now_s: float,
    tx: Reader,
    key: str,
    doc: Document,
    package: Package,
    order_key: str,
    order_doc: Document,
) -> Resolved:
    order = _decode_order.decode(order_doc.sent)
    taken = references.taken(tx, scope.account, package.reference)
    unsure = None if doc.accepted else voided.unsure(tx, scope, taken)
    if unsure is not None:
        return unsure
    taken = parcels.settled(order, voided.left_out(tx, scope, taken))
    if doc.accepted:
        allocation, _ = parcels.allocate(package, order, taken.without(key).units.values())
        return _amendment(scope, now_s, tx, package, order, order_key, taken, allocation)
    if package.key == by_hand_key(package.reference) and order_doc.stay != "shipped":
        free = partial(references.free, account=scope.account, reference=package.reference, package=key)
        return Nothing(why="its order is not marked as shipped any more", then=free)
    ended = _ended(order_doc, package)
    if ended:
        allocation, _ = parcels.allocate(package, order, taken.without(key).units.values())
        by_hand = not _cancelled_in_store(order_doc)
        return late.nothing_to_tell(
            scope, package, order, order_key, allocation, now_s, ended=ended, by_hand=by_hand
        )
    return _news(scope, now_s, tx, package, order, order_key, taken.without(key))


def _news(
    scope: Scope,
    now_s: float,
    tx: Reader,
    package: Package,
    order: OutboundOrder,
    order_key: str,
    others: Taken,
) -> Resolved:
    """A package that the store was not told of yet."""
    allocation, spare = parcels.allocate(package, order, others.units.values())
    if not allocation and spare and not any(line.sku in spare for line in order.lines):
        sku = next(iter(spare))
        return Park(cause=f"sku:{sku}", reason=f"{sku} is on no line of order {package.reference}")
    told = parcels.completed(order, allocation, others)
    tasks = [surplus.task(order, package, allocation, spare, now_s)] if spare else []
    tasks += _told_before(tx, scope, order, package, allocation, others, now_s)
    then = _then(scope, now_s, package, order, order_key, allocation, spare, told, others, tasks)
    lines = parcels.fulfilled(order, allocation, told)
    if not lines:
        if allocation:
            return Nothing(why="its units complete no kit yet", then=then)
        book = book_of(scope)
        box = boxes.told_with_the_first(tx, scope, book, package, order.number, others, now_s, then)
        return box or Nothing(why=boxes.ALL_LEFT, then=then)
    fulfillment = _fulfillment(scope, tx, package, order, order_key, lines, told)
    return Ready(document=fulfillment, reference=package.reference, then=then)


def _ended(order_doc: Document, package: Package) -> str:
    """How the order had ended when the warehouse shipped it after all; "" where it had not, or where a person
    lets the store be told all the same. One that the warehouse alone cancelled is open in the store: what
    left before is told."""
    if order_doc.left_after_all and not _cancelled_in_store(order_doc):
        return ""
    if order_doc.stay == "shipped":
        return "" if package.key == by_hand_key(package.reference) else "was marked as shipped by hand"
    by_hand = order_doc.stay == "withdrawn" and order_doc.stopping == "done"
    return "was cancelled" if by_hand or _cancelled_in_store(order_doc) else ""


def _cancelled_in_store(order_doc: Document) -> bool:
    over = order_doc.standing is Standing.OVER
    return over and _decode_source.decode(order_doc.content).status == "cancelled"


def by_hand_key(reference: str) -> str:
    """The key of the package that a person says has left outside of the warehouse."""
    return f"by hand {reference}"


def _amendment(
    scope: Scope,
    now_s: float,
    tx: Reader,
    package: Package,
    order: OutboundOrder,
    order_key: str,
    taken: Taken,
    now: tuple[Allocation, ...],
) -> Ready:
    """A store's fulfillment takes new tracking; other lines are for a person to mend."""
    before, told = taken.units.get(package.key, ()), taken.told.get(package.key, Told())
    lines = parcels.fulfilled(order, before, told)
    fulfillment = _fulfillment(scope, tx, package, order, order_key, lines, told)
    then = None
    if _by_sku(before) != _by_sku(now):
        task = _other_lines(package, order, _by_sku(before), _by_sku(now), now_s)
        flow = Flow(scope.connection.id, CHANNEL)
        then = partial(documents.open_task, flow=flow, key=f"{package.key} lines", task=task)
    return Ready(document=fulfillment, reference=package.reference, then=then)


def _other_lines(
    package: Package, order: OutboundOrder, before: Counter[str], after: Counter[str], now_s: float
) -> Task:
    detail = "; ".join(
        f"{sku}: the store was told {before[sku]}, now {after[sku]}"
        for sku in sorted(before.keys() | after.keys())
        if before[sku] != after[sku]
    )
    return Task(
        kind="lines",
        number=order.number,
        title=f"{order.number}: package {package.key} has other lines than the store was told",
        detail=detail,
        since_s=now_s,
    )


def _told_before(
    tx: Reader,
    scope: Scope,
    order: OutboundOrder,
    package: Package,
    allocation: tuple[Allocation, ...],
    others: Taken,
    now_s: float,
) -> list[tuple[str, Task]]:
    """What another package's fulfillment has told of this one, and is true no longer."""
    tasks = []
    other = parcels.told_with(package.key, others)
    missing = set(package.tracking_numbers) - set(_sent(tx, scope, other) if other is not None else ())
    if other is not None and missing:
        title = f"{order.number}: the tracking of package {package.key} changed"
        detail = f"now {', '.join(package.tracking_numbers)}; the store was told of it with package {other}"
        task = Task(kind="tracking", number=order.number, title=title, detail=detail, since_s=now_s)
        tasks.append((f"{package.key} tracking", task))
    lacking = parcels.lacking(order, allocation, others)
    if lacking:
        title = f"{order.number}: the store was told of more kits than have left"
        detail = "; ".join(f"{sku}: the store was told {told}, now {whole}" for sku, told, whole in lacking)
        task = Task(kind="lines", number=order.number, title=title, detail=detail, since_s=now_s)
        tasks.append((f"{package.key} lines", task))
    return tasks


def _sent(tx: Reader, scope: Scope, package: str) -> tuple[str, ...]:
    """The tracking numbers that the store was told of with a package."""
    doc = documents.get(tx, Flow(scope.connection.id, CHANNEL), package)
    return _decode_sent.decode(doc.sent).tracking_numbers if doc is not None and doc.sent else ()


def _by_sku(allocation: tuple[Allocation, ...]) -> Counter[str]:
    units: Counter[str] = Counter()
    for one in allocation:
        units[one.sku] += one.quantity
    return units


def _fulfillment(
    scope: Scope,
    tx: Reader,
    package: Package,
    order: OutboundOrder,
    order_key: str,
    lines: tuple[FulfillmentLine, ...],
    told: Told,
) -> Fulfillment:
    """As the store is told of it. Kits that packages completed together have the tracking of all of them,
    this one's first. A warehouse that tells the day alone may seem to have shipped what nobody had ordered
    yet, which a store may refuse."""
    tracking = dict.fromkeys(package.tracking_numbers)
    for other in told.others:
        doc = documents.get(tx, Flow(scope.connection.id, CHANNEL), other)
        if doc is not None:
            tracking.update(dict.fromkeys(_decode.decode(doc.content).tracking_numbers))
    return Fulfillment(
        order_key=order_key,
        order_number=order.number,
        package_key=package.key,
        lines=lines,
        carrier=scope.connection.carriers.get(package.carrier, package.carrier),
        service=package.service,
        tracking_numbers=tuple(tracking),
        tracking_url=package.tracking_url,
        shipped_at=None if package.shipped_at is None else max(package.shipped_at, order.placed_at),
        location=scope.connection.location_of(package.facility or order.facility),
    )


def _then(
    scope: Scope,
    now_s: float,
    package: Package,
    order: OutboundOrder,
    order_key: str,
    allocation: tuple[Allocation, ...],
    spare: Counter[str],
    told: Told,
    others: Taken,
    tasks: list[tuple[str, Task]],
) -> Then:
    """What is written when the package is opened: what it took and tells, which lines the units of others
    are of by now, and what a person must see."""
    connection, account = scope.connection.id, scope.account

    def then(tx: Writer) -> None:
        for other in others.moved:
            units, before = others.units[other], others.told.get(other)
            references.allocate(tx, account, order.reference, other, units, before)
        promises.shipped(
            tx, account, connection, order_key, order, package, allocation, told, spare=spare, now_s=now_s
        )
        for key, task in tasks:
            documents.open_task(tx, Flow(connection, CHANNEL), key, task)
        too_late.renew(tx, scope, orders.book(scope), order_key, now_s=now_s)

    return then


def describe(doc: Document) -> str:
    """How the package differs from what the store was told."""
    package = _decode.decode(doc.content)
    if package.voided:
        return voided.described(package)
    if not doc.sent:
        return "changed in the warehouse"
    sent = _decode_sent.decode(doc.sent).tracking_numbers
    offered = _decode_sent.decode(doc.offered).tracking_numbers if doc.offered else ()
    now = offered if set(package.tracking_numbers) < set(offered) else package.tracking_numbers
    if now != sent:
        return f"tracking number {', '.join(sent) or 'none'} became {', '.join(now) or 'none'}"
    return "its lines or its carrier changed in the warehouse"
