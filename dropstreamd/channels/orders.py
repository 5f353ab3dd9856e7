"""Sales orders: from the store to the warehouse, each once."""

import hashlib
from functools import partial

import msgspec
import trio

from dropstreamd.channels import (
    corrections,
    elsewhere,
    older,
    outbound,
    promises,
    replacing,
    rules,
    sent_names,
    unstopped,
)
from dropstreamd.channels.attempts import OF_ONE_ALONE
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.run import Run, Scope
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.errors import Hold, ProtocolMismatch, Wait
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.platform.contract import Page, Part
from dropstreamd.store import cursors, documents, handover
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book, Staged
from dropstreamd.store.handover import Resolve, Resolved
from dropstreamd.store.records import Document, Flow, Standing, State, Task
from dropstreamd.store.transitions import BEFORE_RESTORE, BEFORE_START, RESTORED, WAITING, Incoming

CHANNEL = "sales_orders"
BUYER_ASKS = "the buyer asks for it to be cancelled: accept or decline that in the store"
PAGES = 10_000
"""Pages of one run; a store that says `more` for longer is not making progress."""

_decode = msgspec.msgpack.Decoder(Order)
_decode_sent = msgspec.msgpack.Decoder(OutboundOrder)
_encode = msgspec.msgpack.Encoder().encode
_json = msgspec.json.Encoder().encode


def book(scope: Scope) -> Book:
    """The flow of a connection's orders."""
    return Book(
        flow=Flow(scope.connection.id, CHANNEL),
        amends=Part.ORDERS in scope.warehouse_amends,
        cancels=Part.ORDERS in scope.warehouse_cancels,
        read_sent=_decode_sent.decode,
        named=sent_names.keeper(scope, CHANNEL),
        ended=partial(_all_has_left, scope.account),
        describe=outbound.describe,
        saved=promises.keeper(scope.account, scope.connection),
    )


def _all_has_left(account: WarehouseAccount, tx: Reader, doc: Document) -> bool:
    """Whether packages have taken all of an order: a refund afterwards is none of the warehouse's business,
    and what it is told of a closed order it may take for a new one."""
    return bool(doc.sent) and not promises.left(tx, account, _decode_sent.decode(doc.sent))


async def import_orders(run: Run, start_s: float) -> None:
    """One run of `sales_orders.import`.

    Orders placed before `start_s` (when the channel was first enabled) are staged and held, unless
    a person has `agreed` to some: then these are let go, once it was seen that they still wait, and of
    the others it is counted how many were placed since the same day. The store is looked at right before
    the first hand-over, and again while a long one goes on. At the end the warehouse's words are heard, also
    where single orders failed: it may have sent others back.
    """
    scope = run.scope
    orders, resolved = book(scope), partial(resolve, scope)
    await pull(run, orders, start_s)
    looked_s = trio.current_time()
    if run.agreed is not None:
        let = await run.state.write(
            partial(older.release, book=orders, agreed=run.agreed, now_s=run.now_s(), run=run.id)
        )
        run.count("released", let.released)
        run.count("held_back", let.held_back)
    if run.state.read(partial(cursors.restored_s, connection=scope.connection.id)):
        await run.state.write(partial(expect_packages, book=orders, resolve=resolved))
    failed: Wait | Hold | None = None
    try:
        await _hand_over(run, orders, resolved, start_s, looked_s)
    except OF_ONE_ALONE as error:
        failed = error
    try:
        await listen(run)
    except (Wait, Hold) as error:
        if failed is None:
            raise
        raise failed from error
    await unstopped.show(run, orders.flow)
    if failed is not None:
        raise failed


async def _hand_over(run: Run, orders: Book, resolved: Resolve, start_s: float, looked_s: float) -> None:
    if not await anything_to_do(run, orders, resolved):
        return
    async with run.scope.feed.session() as warehouse:
        if warehouse.orders is None:
            raise ProtocolMismatch("the warehouse's plugin takes no orders")
        look_again = partial(pull, run, orders, start_s)
        await deliver(run, orders, warehouse.orders, resolved, look_again=look_again, looked_s=looked_s)


async def listen(run: Run) -> None:
    """Hear what the warehouse says of what it was sent, where it says anything."""
    if Part.ACKNOWLEDGEMENTS in run.scope.warehouse_offers:
        fetched = await run.scope.feed.fetch_acknowledgements()
        run.count("acknowledged", fetched.new)
        run.count("undecodable", fetched.bad)


async def pull(run: Run, orders: Book, start_s: float) -> None:
    """Stage what the store tells since the last time; hand nothing over.

    One at a time: a page that another run was given earlier and stages later would bring back what was
    cancelled in between.
    """
    async with run.scope.pulling, run.open_store() as store:
        if store.orders is None:
            raise ProtocolMismatch("the store's plugin offers no orders")
        for _ in range(PAGES):
            cursor = run.state.read(partial(cursors.get, flow=orders.flow))
            page = await store.orders.page(cursor, lambda _mark: False)
            staged = await run.state.write(
                partial(
                    _stage,
                    scope=run.scope,
                    book=orders,
                    page=page,
                    start_s=start_s,
                    now_s=run.now_s(),
                    run=run.id,
                )
            )
            _count(run, staged)
            await run.settled()
            if not page.more:
                return
        raise ProtocolMismatch(f"the store still had more after {PAGES} pages")


def _count(run: Run, staged: Staged) -> None:
    run.count("staged", staged.new + staged.changed)
    run.count("undecodable", staged.bad)
    run.count("tasks", staged.tasks)


def _stage(
    tx: Writer, *, scope: Scope, book: Book, page: Page[Order], start_s: float, now_s: float, run: str
) -> Staged:
    restored_s = cursors.restored_s(tx, book.flow.connection)
    arrived, bad = [], list(page.bad)
    before: dict[str, Document | None] = {}
    for order in page.documents:
        old = documents.get(tx, book.flow, order.key) if documents.may_be_key(order.key) else None
        reason = _another_of_that_key(old, order)
        if reason:
            key = f"{order.key} {order.number}"[:80]
            bad.append(Bad(key=key, place=f"order {order.number}", reason=reason, raw=_json(order)))
        else:
            known = order if old is None else rerouted(scope.connection, old, order)
            arrived.append(incoming(known, start_s, restored_s))
            before[order.key] = old
    staged = documents.stage(tx, book, arrived, now_s=now_s, run=run)
    for key, old in before.items():
        staged.tasks += elsewhere.tell(tx, scope, book, key, old, now_s=now_s)
        staged.tasks += tell_of_the_first(tx, book, key, old, now_s=now_s)
    staged.bad += documents.stage_bad(tx, book, bad, now_s=now_s, run=run)
    if page.cursor is not None:
        cursors.put(tx, book.flow, page.cursor)
    return staged


def tell_of_the_first(tx: Writer, book: Book, key: str, before: Document | None, *, now_s: float) -> int:
    """Open a task for an order that was to be sent again and is over before it was: the warehouse may have
    it from the first time, and nothing tells it to stop; 1 if it did."""
    doc = documents.get(tx, book.flow, key)
    if doc is None or not doc.resent or doc.state is not State.VOID:
        return 0
    if before is not None and before.state is State.VOID:
        return 0
    task = Task(
        kind="first",
        number=doc.number,
        title=f"{doc.number} is over before it was sent again",
        detail=f"the warehouse may have it as {doc.reference} from the first time: stop it there",
        since_s=now_s,
    )
    documents.open_task(tx, book.flow, f"{key} first", task)
    return 1


def _another_of_that_key(old: Document | None, order: Order) -> str:
    """What is wrong with an order whose key was another order's, "" for nothing: neither may take the
    place of the other. A shop that was set up anew counts from the beginning."""
    if old is None or old.number == order.number:
        return ""
    known = _decode.decode(old.content)  # whose number may be a newer one
    if known.number == order.number or known.placed_at == order.placed_at:
        return ""
    return f"the store gave it the key of order {old.number}: a shop set up anew wants another connection"


def rerouted(connection: Connection, old: Document, order: Order) -> Order:
    """The order, marked where it is to be sent from another location than it was told of first: what the
    warehouse has of it must change, if locations are its facilities. An order that was there before they
    were mapped is none the other for it."""
    before = _decode.decode(old.content)
    moved = before.rerouted or before.location not in ("", order.location)
    return msgspec.structs.replace(order, rerouted=True) if connection.locations and moved else order


def incoming(order: Order, start_s: float, restored_s: float = 0.0) -> Incoming:
    """An order as the ledger takes it. Its digest covers what a warehouse must act on, and not how
    much of it the store shows as fulfilled: that comes from our own shipments."""
    lines = [(line.key, line.sku, line.quantity) for line in order.lines if line.quantity > 0]
    handed: tuple[object, ...] = (
        order.ship_to,
        order.ship_method,
        order.note,
        sorted(lines),
        order.status == "cancelled",
    )
    seldom = (
        order.ship_by,
        order.deliver_by,
        order.gift_message,
        order.delivery_note,
        order.incoterm,
        order.tax_ids,
        order.cancel_requested,
    )
    if any(seldom):  # of the others the digest stays what it was before these were known
        handed = (*handed, *seldom)
    if order.rerouted:
        handed = (*handed, order.location)
    standing = {
        "open": Standing.READY,
        "waiting": Standing.HELD,
        "cancelled": Standing.OVER,
        "closed": Standing.OVER,
    }[order.status]
    reason = "the store does not let it be shipped yet"
    if order.cancel_requested and standing is Standing.READY:
        standing, reason = (
            Standing.HELD,
            BUYER_ASKS,
        )
    return Incoming(
        key=order.key,
        number=order.number,
        digest=hashlib.blake2b(_encode(handed), digest_size=16).digest(),
        content=_encode(order),
        standing=standing,
        cause=WAITING,
        reason=reason,
        older=_older(order.placed_at.timestamp(), start_s, restored_s),
        part=corrections.part_of(order),
    )


def _older(placed_s: float, start_s: float, restored_s: float) -> str:
    if placed_s < restored_s:
        return BEFORE_RESTORE
    return BEFORE_START if placed_s < start_s else ""


def expect_packages(tx: Writer, *, book: Book, resolve: Resolve) -> None:
    """Keep the references of orders that may have been handed over after the backup that the state came
    from: a package that bears one proves its order, and is the store's to know of."""
    keys = [key for cause, key in documents.owned(tx, book.flow, State.DOUBT) if cause == RESTORED]
    keys += [key for cause, key in documents.owned(tx, book.flow, State.HELD) if cause == BEFORE_RESTORE]
    for key in keys:
        handover.foresee(tx, book, key, resolve)


def resolve(scope: Scope, tx: Reader, key: str, doc: Document) -> Resolved:
    """The order as its warehouse takes it, or why it cannot go."""
    connection = scope.connection
    replaced = replacing.stopped(tx, scope, doc)
    if replaced is not None:
        return replaced
    decision = rules.decide(connection.rules, corrections.wanted(doc), doc)
    stopped = rules.stopped(decision, doc, scope.clock.now_s(), connection.timezone)
    return stopped or outbound.resolve(scope, tx, key, doc, decision)
