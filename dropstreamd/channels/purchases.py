"""Purchase orders: stock on its way to a warehouse, told to the store, with what came of it.

What the warehouse tells, or was told (see `stock_notices`), is kept once for the account, newest wins;
each connection hands over from there what its store has not been told yet.
"""

from functools import partial

import msgspec

from dropstreamd.channels import traces
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.intake import Account, fetch
from dropstreamd.channels.listings import Listings
from dropstreamd.channels.pull import Filling, digest_of
from dropstreamd.channels.run import Fetched, Run, Scope
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.errors import Hold, ProtocolMismatch, Wait
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder
from dropstreamd.platform.contract import Page, Part, Source
from dropstreamd.store import cursors, documents, shelf
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book, Staged
from dropstreamd.store.handover import Nothing, Ready, Resolved
from dropstreamd.store.records import Document, Flow, Standing, Task
from dropstreamd.store.shelf import Shelf
from dropstreamd.store.transitions import BEFORE_RESTORE, Incoming

CHANNEL = "purchase_orders"
SLICE = 200
"""Purchase orders looked at in one go."""

ENDED = ("received", "cancelled", "closed")

decode = msgspec.msgpack.Decoder(PurchaseOrder)
_encode = msgspec.msgpack.Encoder().encode


def kept_of(account: WarehouseAccount) -> Shelf:
    """Where the account's purchase orders are kept."""
    return Shelf(f"{account.merchant}/{account.name}", CHANNEL)


def book(scope: Scope) -> Book:
    """The flow of a connection's purchase orders."""
    amends = Part.PURCHASE_ORDERS in scope.store_amends
    return Book(flow=Flow(scope.connection.id, CHANNEL), amends=amends, describe=describe)


# ---- from the warehouse


async def fetch_purchases(account: Account, source: Source[PurchaseOrder], *, now_s: float) -> Fetched:
    """Bring what the warehouse has changed since the last time."""
    flow = account.flow(CHANNEL)
    filling = Filling(
        kept_of(account.settings),
        flow,
        decode,
        key=lambda purchase: purchase.key,
        sku=lambda _purchase: "",
        older=_older,
        now_s=now_s,
    )
    return await fetch(account, source, flow, partial(_stage, filling), now_s=now_s)


def _stage(filling: Filling[PurchaseOrder], tx: Writer, page: Page[PurchaseOrder]) -> Fetched:
    staged = filling.stage(tx, msgspec.structs.replace(page, bad=()))
    return Fetched(new=staged.new, changed=staged.changed, bad=staged.bad)


def _older(one: PurchaseOrder, other: PurchaseOrder) -> bool:
    """Whether one is an older form than the other, as far as both tell when they changed."""
    return one.updated_at is not None and other.updated_at is not None and one.updated_at < other.updated_at


# ---- to the store


async def import_new(run: Run, start_s: float) -> None:
    """One run of `purchase_orders.import`: purchase orders that the store has not been told of."""
    await _run(run, start_s, new=True)


async def import_status(run: Run, start_s: float) -> None:
    """One run of `purchase_orders.status`: what came of those it was told of."""
    await _run(run, start_s, new=False)


async def _run(run: Run, start_s: float, *, new: bool) -> None:
    """What was fetched before is told also while the warehouse fails; then its error is raised."""
    try:
        await _fetch(run, new=new)
    except (Wait, Hold):
        await _tell_store(run, start_s, new=new)
        raise
    await _tell_store(run, start_s, new=new)


async def _fetch(run: Run, *, new: bool) -> None:
    """What the warehouse tells of its own purchase orders, and what came of those it was told of."""
    offers, feed = run.scope.warehouse_offers, run.scope.feed
    if Part.PURCHASE_ORDERS in offers:
        fetched = await feed.fetch_purchases()
        run.count("undecodable", fetched.bad)
    if not new and offers >= {Part.STOCK_NOTICES, Part.RECEIPTS}:
        fetched = await feed.fetch_receipts()
        run.count("received", fetched.new + fetched.changed)
        run.count("undecodable", fetched.bad)
        run.count("unmatched", fetched.unmatched)


async def _tell_store(run: Run, start_s: float, *, new: bool) -> None:
    if Part.PURCHASE_ORDERS not in run.scope.store_offers:
        return
    purchases = book(run.scope)
    resolved = partial(resolve, run.scope, Listings(run.scope.connection), run.now_s())
    await _stage_kept(run, purchases, start_s, new=new)
    if await anything_to_do(run, purchases, resolved):
        async with run.open_store() as store:
            if store.purchase_orders is None:
                raise ProtocolMismatch("the store's plugin takes no purchase orders")
            await deliver(run, purchases, store.purchase_orders, resolved)


async def _stage_kept(run: Run, purchases: Book, start_s: float, *, new: bool) -> None:
    """Look through what is kept of the account, a slice at a time."""
    after: str | None = None
    while True:
        arrived, after = run.state.read(
            partial(
                _arrived,
                kept=kept_of(run.scope.account),
                book=purchases,
                start_s=start_s,
                new=new,
                after=after,
            )
        )
        if arrived:
            staged: Staged = await run.state.write(
                partial(documents.stage, book=purchases, incoming=arrived, now_s=run.now_s(), run=run.id)
            )
            run.count("staged", staged.new + staged.changed)
            run.count("tasks", staged.tasks)
        await run.settled()
        if after is None:
            return


def _arrived(
    tx: Reader, *, kept: Shelf, book: Book, start_s: float, new: bool, after: str | None
) -> tuple[list[Incoming], str | None]:
    arrived: list[Incoming] = []
    restored_s = cursors.restored_s(tx, book.flow.connection)
    seen = list(shelf.rows(tx, kept, after=after, limit=SLICE))
    for key, row in seen:
        doc = documents.get(tx, book.flow, key)
        told = doc is not None and doc.accepted > 0
        if told is new:
            continue
        purchase = decode.decode(row.content)
        if doc is None and _is_history(purchase, start_s):
            continue
        one = incoming(purchase, told=told, restored_s=restored_s)
        if doc is None or (doc.digest, doc.standing) != (one.digest, one.standing):
            arrived.append(one)
    return arrived, seen[-1][0] if len(seen) == SLICE else None


def _is_history(purchase: PurchaseOrder, start_s: float) -> bool:
    """Ended before the channel was first enabled, as far as it tells when it changed."""
    changed = purchase.updated_at
    return purchase.status in ENDED and (changed is None or changed.timestamp() < start_s)


def incoming(purchase: PurchaseOrder, *, told: bool, restored_s: float = 0.0) -> Incoming:
    """A purchase order as the ledger takes it. One that the store was told of (`told`) is always to be
    told how it goes on; one that was cancelled before is not told at all."""
    began = purchase.ordered_at or purchase.updated_at
    over = purchase.status == "cancelled" and not told
    lines = [(line.key, line.sku, line.expected, line.received, line.damaged) for line in purchase.lines]
    head = (purchase.number, purchase.status, purchase.supplier, purchase.expected_at, purchase.note)
    return Incoming(
        key=purchase.key,
        number=purchase.number,
        digest=digest_of(head, lines),
        content=_encode(purchase),
        standing=Standing.OVER if over else Standing.READY,
        older=BEFORE_RESTORE if began is not None and began.timestamp() < restored_s else "",
    )


def resolve(scope: Scope, listings: Listings, now_s: float, tx: Reader, key: str, doc: Document) -> Resolved:
    """The purchase order in the store's SKUs. What came differently than expected is a task, never a
    reason to hold it back; of one that was entered here there is that task already."""
    purchase = decode.decode(doc.content)
    if not purchase.lines and not doc.accepted:
        return Nothing(why="it has no lines")
    told = msgspec.structs.replace(purchase, lines=store_lines(listings, purchase))
    before = differences(decode.decode(doc.sent)) if doc.accepted and doc.sent else ()
    found = differences(told)
    then = None
    if found and found != before and traces.find_notice(tx, scope.account, key) is None:
        task = received_otherwise(purchase.number, found, now_s)
        flow = Flow(scope.connection.id, CHANNEL)
        then = partial(documents.open_task, flow=flow, key=f"{key} received", task=task)
    return Ready(document=told, reference=purchase.number, then=then)


def store_lines(listings: Listings, purchase: PurchaseOrder) -> tuple[PurchaseLine, ...]:
    """The lines under the store's SKUs: the first that is listed for the warehouse's, else the same."""
    return tuple(
        msgspec.structs.replace(line, sku=next(iter(listings.channel_skus(line.sku)), line.sku))
        for line in purchase.lines
    )


def received_otherwise(number: str, found: tuple[str, ...], now_s: float) -> Task:
    """For a person to see: the warehouse is believed, and nothing is refused."""
    return Task(
        kind="received-otherwise",
        number=number,
        title=f"{number}: what came is not what was expected",
        detail="; ".join(found),
        since_s=now_s,
    )


def differences(purchase: PurchaseOrder) -> tuple[str, ...]:
    """What came otherwise than expected, line by line: too much and damaged at once, too little once
    nothing more is to come."""
    over = purchase.status in ("received", "closed")
    found = []
    for line in purchase.lines:
        parts = []
        if line.received > line.expected or (over and line.received < line.expected):
            parts.append(f"{line.received} of {line.expected} came")
        if line.damaged:
            parts.append(f"{line.damaged} damaged")
        if parts:
            found.append(f"{line.sku}: {', '.join(parts)}")
    return tuple(found)


def describe(doc: Document) -> str:
    """How the purchase order differs from what the store was told."""
    now = decode.decode(doc.content)
    if not doc.sent:
        return "changed in the warehouse"
    sent = decode.decode(doc.sent)
    found = [] if now.status == sent.status else [f"{sent.status} became {now.status}"]
    before = {line.key: line for line in sent.lines}
    for line in now.lines:
        old = before.pop(line.key, None)
        if old is None:
            found.append(f"line added: {line.expected} × {line.sku}")
        elif (old.expected, old.received, old.damaged) != (line.expected, line.received, line.damaged):
            found.append(f"{line.sku}: {line.received} of {line.expected} came, {line.damaged} damaged")
    found.extend(f"line removed: {old.expected} × {old.sku}" for old in before.values())
    return "; ".join(found) or "its date, supplier or note changed"
