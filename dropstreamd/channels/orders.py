"""Sales orders: from the store to the warehouse, each once."""

from functools import partial

import msgspec

from dropstreamd.channels import (
    corrections,
    held_after,
    older,
    outbound,
    promises,
    replacing,
    rules,
    sent_by_another,
    sent_names,
    split_off,
    too_late,
    unstopped,
)
from dropstreamd.channels.attempts import OF_ONE_ALONE
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.look import Look
from dropstreamd.channels.run import Run, Scope
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.errors import Hold, ProtocolMismatch, Unfinished, Wait
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.platform.contract import Part
from dropstreamd.store import cursors, documents, handover
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Park, Ready, Resolve, Resolved
from dropstreamd.store.records import Document, Flow, State
from dropstreamd.store.transitions import BEFORE_RESTORE, RESTORED

CHANNEL = "sales_orders"

_decode_sent = msgspec.msgpack.Decoder(OutboundOrder)


def book(scope: Scope) -> Book:
    """The flow of a connection's orders."""
    return Book(
        flow=Flow(scope.connection.id, CHANNEL),
        amends=Part.ORDERS in scope.warehouse_amends,
        cancels=Part.ORDERS in scope.warehouse_cancels,
        read_sent=_decode_sent.decode,
        named=sent_names.keeper(scope, CHANNEL),
        ended=partial(_is_done_with, scope.account),
        describe_ended=partial(too_late.describe, scope),
        describe=outbound.describe,
        saved=promises.keeper(scope),
        told_by_hand=partial(_told_by_hand, scope),
    )


def _is_done_with(account: WarehouseAccount, tx: Reader, doc: Document) -> bool:
    """Whether packages have taken all of an order, or the warehouse has closed it with less: a refund
    afterwards is none of its business, and what it is told of a closed order it may take for a new one."""
    return doc.short or (bool(doc.sent) and not promises.left(tx, account, _decode_sent.decode(doc.sent)))


def _told_by_hand(scope: Scope, tx: Reader, _key: str, doc: Document) -> bytes:
    """What packages, returns and deductions refer to from then on."""
    if not doc.sent:
        return b""
    decision = rules.decide(scope.connection.rules, corrections.wanted(doc), doc)
    told = outbound.told_by_hand(scope, tx, doc, decision.order)
    return doc.sent if told is None else documents.encode(told)


async def import_orders(run: Run, start_s: float) -> None:
    """One run of `sales_orders.import`.

    Orders placed before `start_s` (when the channel was first enabled) are staged and held, unless
    a person has `agreed` to some: then these are let go, once it was seen that they still wait, and of
    the others it is counted how many were placed since the same day. What is handed over is looked at in
    the store right before, see `Look`. At the end the warehouse's words are heard, also where single orders
    failed: it may have sent others back. Raises Unfinished where the store did not tell all that changed;
    what it told is handed over before that, besides it only what is read by its key, and nothing where it
    told nothing: then the words alone are heard.
    """
    scope = run.scope
    orders, resolved = book(scope), partial(resolve, scope)
    look = Look(run, orders, start_s)
    try:
        unfinished = await look.at_changes()
    except Unfinished:
        await listen(run)
        raise
    await held_after.show(run, orders.flow)
    if run.agreed is not None:
        let = await run.state.write(
            partial(older.release, book=orders, agreed=run.agreed, now_s=run.now_s(), run=run.id)
        )
        run.count("released", let.released)
        run.count("held_back", let.held_back)
    if run.state.read(partial(cursors.restored_s, connection=scope.connection.id)):
        as_sent = partial(_resolve_here, scope)
        await run.state.write(partial(expect_packages, book=orders, resolve=as_sent))
    goes = resolved if unfinished is None else partial(_if_seen, look, resolved)
    failed: Wait | Hold | None = None
    try:
        await look.at_what_could_not_be_read()
    except OF_ONE_ALONE:  # it is shown as one that cannot be read, and slows no other down
        run.count("not_read_again")
    except (Wait, Hold) as error:  # the others do not depend on it
        failed = error
    try:
        await _hand_over(run, orders, goes, look)
    except OF_ONE_ALONE as error:
        failed = failed or error
    try:
        await listen(run)
    except (Wait, Hold) as error:
        if failed is None:
            raise
        raise failed from error
    await unstopped.show(run, orders.flow)
    await held_after.show(run, orders.flow)
    if failed is not None:
        raise failed
    if unfinished is not None:
        raise unfinished


async def _hand_over(run: Run, orders: Book, resolved: Resolve, look: Look) -> None:
    if not await anything_to_do(run, orders, resolved):
        return
    async with run.scope.feed.session() as warehouse:
        if warehouse.orders is None:
            raise ProtocolMismatch("the warehouse's plugin takes no orders")
        await deliver(run, orders, warehouse.orders, resolved, look=look)
        if await split_off.follows(run, orders, resolved):
            await deliver(run, orders, warehouse.orders, resolved, look=look)


async def listen(run: Run) -> None:
    """Hear what the warehouse says of what it was sent, where it says anything."""
    if Part.ACKNOWLEDGEMENTS in run.scope.warehouse_offers:
        fetched = await run.scope.feed.fetch_acknowledgements()
        run.count("acknowledged", fetched.new)
        run.count("undecodable", fetched.bad)
        run.count("unmatched", fetched.unmatched)


def expect_packages(tx: Writer, *, book: Book, resolve: Resolve) -> None:
    """Keep the references of orders that may have been handed over after the backup that the state came
    from: a package that bears one proves its order, and is the store's to know of."""
    keys = [key for cause, key in documents.owned(tx, book.flow, State.DOUBT) if cause == RESTORED]
    keys += [key for cause, key in documents.owned(tx, book.flow, State.HELD) if cause == BEFORE_RESTORE]
    for key in keys:
        handover.foresee(tx, book, key, resolve)


def _if_seen(look: Look, resolve: Resolve, tx: Reader, key: str, doc: Document) -> Resolved:
    """As `resolve`, where the store did not tell all that changed: what it told nothing of in this run may
    have been cancelled since."""
    found = resolve(tx, key, doc)
    if doc.accepted or not isinstance(found, Ready) or look.has_seen(key):
        return found
    reason = "the store did not tell all that changed: it goes once that is known"
    return Park(cause="not-looked-at", reason=reason)


def resolve(scope: Scope, tx: Reader, key: str, doc: Document) -> Resolved:
    """The order as its warehouse takes it, or why it cannot go."""
    elsewhere = replacing.stopped(tx, scope, doc) or sent_by_another.stopped(tx, scope, key, doc)
    elsewhere = elsewhere or split_off.stopped(tx, scope, key, doc)
    return elsewhere or _resolve_here(scope, tx, key, doc)


def _resolve_here(scope: Scope, tx: Reader, key: str, doc: Document) -> Resolved:
    """The same, whatever another document or connection has of it."""
    connection = scope.connection
    decision = rules.decide(connection.rules, corrections.wanted(doc), doc)
    stopped = rules.stopped(decision, doc, scope.clock.now_s(), connection.timezone)
    return stopped or outbound.resolve(scope, tx, key, doc, decision)
