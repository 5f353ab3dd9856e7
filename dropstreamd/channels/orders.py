"""Sales orders: from the store to the warehouse, each once."""

import hashlib
from functools import partial

import msgspec

from dropstreamd.channels import expanding, kits, known_skus, promises, references, rules
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.references import Link
from dropstreamd.channels.run import Run, Scope
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order, OutboundLine, OutboundOrder
from dropstreamd.platform.contract import Page, Part
from dropstreamd.store import cursors, documents, handover
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book, Staged
from dropstreamd.store.handover import Nothing, Park, Ready, Resolve, Resolved
from dropstreamd.store.records import Document, Flow, Standing, State
from dropstreamd.store.transitions import BEFORE_RESTORE, BEFORE_START, RESTORED, WAITING, Incoming

CHANNEL = "sales_orders"
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
        describe=describe,
        saved=promises.keeper(scope.account, scope.connection),
    )


async def import_orders(run: Run, start_s: float) -> None:
    """One run of `sales_orders.import`.

    Orders placed before `start_s` (when the channel was first enabled) are staged and held, unless
    the run has a `since`: then those placed since are let go.
    """
    scope = run.scope
    orders, resolved = book(scope), partial(resolve, scope)
    await pull(run, orders, start_s)
    if run.since is not None:
        since_s = run.since.timestamp()
        released = await run.state.write(
            partial(release_backlog, book=orders, since_s=since_s, now_s=run.now_s(), run=run.id)
        )
        run.count("released", released)
    if run.state.read(partial(cursors.restored_s, connection=scope.connection.id)):
        await run.state.write(partial(expect_packages, book=orders, resolve=resolved))
    if await anything_to_do(run, orders, resolved):
        async with scope.feed.session() as warehouse:
            if warehouse.orders is None:
                raise ProtocolMismatch("the warehouse's plugin takes no orders")
            await deliver(run, orders, warehouse.orders, resolved)


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
                partial(_stage, book=orders, page=page, start_s=start_s, now_s=run.now_s(), run=run.id)
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


def _stage(tx: Writer, *, book: Book, page: Page[Order], start_s: float, now_s: float, run: str) -> Staged:
    restored_s = cursors.restored_s(tx, book.flow.connection)
    arrived, bad = [], list(page.bad)
    for order in page.documents:
        reason = _another_of_that_key(tx, book.flow, order)
        if reason:
            key = f"{order.key} {order.number}"[:80]
            bad.append(Bad(key=key, place=f"order {order.number}", reason=reason, raw=_json(order)))
        else:
            arrived.append(incoming(order, start_s, restored_s))
    staged = documents.stage(tx, book, arrived, now_s=now_s, run=run)
    staged.bad += documents.stage_bad(tx, book, bad, now_s=now_s, run=run)
    if page.cursor is not None:
        cursors.put(tx, book.flow, page.cursor)
    return staged


def _another_of_that_key(tx: Reader, flow: Flow, order: Order) -> str:
    """What is wrong with an order whose key was another order's, "" for nothing: neither may take the
    place of the other. A shop that was set up anew counts from the beginning."""
    old = documents.get(tx, flow, order.key)
    if old is None or old.number == order.number:
        return ""
    if _decode.decode(old.content).placed_at == order.placed_at:
        return ""
    return f"the store gave it the key of order {old.number}: a shop set up anew wants another connection"


def incoming(order: Order, start_s: float, restored_s: float = 0.0) -> Incoming:
    """An order as the ledger takes it. Its digest covers what a warehouse must act on, and not how
    much of it the store shows as fulfilled: that comes from our own shipments."""
    lines = [(line.key, line.sku, line.quantity) for line in order.lines if line.quantity > 0]
    handed = (order.ship_to, order.ship_method, order.note, sorted(lines), order.status == "cancelled")
    standing = {
        "open": Standing.READY,
        "waiting": Standing.HELD,
        "cancelled": Standing.OVER,
        "closed": Standing.OVER,
    }[order.status]
    return Incoming(
        key=order.key,
        number=order.number,
        digest=hashlib.blake2b(_encode(handed), digest_size=16).digest(),
        content=_encode(order),
        standing=standing,
        cause=WAITING,
        reason="the store does not let it be shipped yet",
        older=_older(order.placed_at.timestamp(), start_s, restored_s),
    )


def _older(placed_s: float, start_s: float, restored_s: float) -> str:
    if placed_s < restored_s:
        return BEFORE_RESTORE
    return BEFORE_START if placed_s < start_s else ""


def backlog(tx: Reader, flow: Flow, since_s: float) -> list[tuple[str, Order]]:
    """Key and order of everything held because it is older than the channel, placed since then."""
    found = []
    for cause, key in documents.owned(tx, flow, State.HELD):
        doc = documents.get(tx, flow, key) if cause == BEFORE_START else None
        if doc is not None:
            order = _decode.decode(doc.content)
            if order.placed_at.timestamp() >= since_s:
                found.append((key, order))
    return found


def release_backlog(tx: Writer, *, book: Book, since_s: float, now_s: float, run: str) -> int:
    """Let older orders go that were placed since then; how many."""
    keys = [key for key, _ in backlog(tx, book.flow, since_s)]
    why = "asked for by --since"
    return sum(documents.release(tx, book, key, now_s=now_s, run=run, why=why) for key in keys)


def expect_packages(tx: Writer, *, book: Book, resolve: Resolve) -> None:
    """Keep the references of orders that may have been handed over after the backup that the state came
    from: a package that bears one proves its order, and is the store's to know of."""
    keys = [key for cause, key in documents.owned(tx, book.flow, State.DOUBT) if cause == RESTORED]
    keys += [key for cause, key in documents.owned(tx, book.flow, State.HELD) if cause == BEFORE_RESTORE]
    for key in keys:
        handover.foresee(tx, book, key, resolve)


def resolve(scope: Scope, tx: Reader, key: str, doc: Document) -> Resolved:
    """The order as its warehouse takes it, or why it cannot go."""
    connection, account = scope.connection, scope.account
    decision = rules.decide(connection.rules, _decode.decode(doc.content), doc)
    stopped = rules.stopped(decision, doc, scope.clock.now_s(), connection.timezone)
    if stopped is not None:
        return stopped
    order = decision.order
    lines = _lines(scope, tx, order, doc)
    if not isinstance(lines, tuple):
        return lines
    method = connection.methods.get(order.ship_method)
    if method is None:
        if connection.unmapped_method == "hold":
            cause = f"method:{order.ship_method}"[:80]
            return Park(cause=cause, reason=f"ship method {order.ship_method!r} is not mapped")
        method = order.ship_method
    reference = doc.reference or references.make(connection, order.number)
    wrong = _unusable(scope, tx, reference, key)
    if wrong is not None:
        return wrong
    outbound = OutboundOrder(
        reference=reference,
        number=order.number,
        placed_at=order.placed_at,
        ship_to=order.ship_to,
        bill_to=order.bill_to,
        ship_method=method,
        lines=lines,
        email=order.email,
        po_number=order.po_number,
        note=order.note,
        channel_code=order.channel_code,
    )
    link = partial(references.keep, account=account, reference=reference, link=Link(connection.id, key))
    return Ready(document=outbound, reference=reference, then=link, note=decision.note)


def _lines(
    scope: Scope, tx: Reader, order: Order, doc: Document
) -> tuple[OutboundLine, ...] | Park | Nothing:
    """What the warehouse is to send of it, or why it cannot."""
    wanted = kits.to_ship(order.lines)
    nameless = [line.name or line.key for line in wanted if line.open_quantity and not line.sku]
    if nameless:
        return Park(cause="sku:", reason=f"a line has no SKU: {nameless[0]}")
    handed = _decode_sent.decode(doc.sent).lines if doc.accepted and doc.sent else ()
    lines = expanding.outbound_lines(wanted, handed, scope.connection)
    if not lines:
        return Nothing(why="nothing is left to ship")
    return known_skus.unknown(tx, scope, doc, lines, handed) or lines


def _unusable(scope: Scope, tx: Reader, reference: str, key: str) -> Park | None:
    limit = scope.account.reference_max_length
    if not reference:
        return Park(cause="reference", reason="its number has no character that a warehouse takes")
    if len(reference) > limit:
        reason = f"its reference {reference} has {len(reference)} characters, the warehouse takes {limit}"
        return Park(cause="reference", reason=reason)
    link = references.find(tx, scope.account, reference)
    if link is None or link == Link(scope.connection.id, key):
        return None
    whose = next((each.name for each in scope.siblings if each.id == link.connection), link.connection)
    reason = f"its reference {reference} is already that of an order of {whose}"
    return Park(cause="reference", reason=f"{reason}: give each connection a template of its own")


def describe(doc: Document) -> str:
    """How the order differs from what the warehouse was told, line by line."""
    order = _decode.decode(doc.content)
    if order.status == "cancelled":
        return "cancelled in the store: stop it at the warehouse, or expect it to ship"
    if not doc.sent:
        return "changed in the store"
    sent = _decode_sent.decode(doc.sent)
    differences = _line_differences(order, sent)
    if order.ship_to != sent.ship_to:
        differences.append("another address")
    if order.note != sent.note:
        differences.append("another note")
    return "; ".join(differences) or "another ship method"


def _line_differences(order: Order, sent: OutboundOrder) -> list[str]:
    before = {line.order_line: line for line in sent.lines}
    found = []
    for line in kits.to_ship(order.lines):
        old = before.pop(line.key, None)
        if old is None:
            if line.open_quantity:
                found.append(f"line added: {line.open_quantity} × {line.sku}")
        elif line.quantity != old.ordered:
            sku = old.kit or line.sku
            found.append(f"{sku}: {old.ordered} were ordered, now {line.quantity} are")
    for old in before.values():
        found.append(f"line removed: {expanding.handed(old)} × {old.kit or old.sku}")
    return found
