"""What came back: from the warehouse that received it to the store that sold it."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import msgspec

from dropstreamd.channels import orders, references, return_lines, returns, traces
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.intake import Account, fetch
from dropstreamd.channels.pull import digest_of
from dropstreamd.channels.return_lines import Expected
from dropstreamd.channels.run import Fetched, Run, Scope
from dropstreamd.channels.traces import Came, Trace
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.errors import Hold, ProtocolMismatch, Wait
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.returns import OutboundReturn, Receipt, Return, ReturnReceipt
from dropstreamd.platform.contract import Page, Part, Source
from dropstreamd.store import documents, handover
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Nothing, Park, Ready, Resolved
from dropstreamd.store.keys import Key
from dropstreamd.store.records import Document, Flow, Task
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import Incoming

FLOW = "receipts"
"""Receipts are a flow of their own beside the returns: one channel, two directions."""

_KIND = "receipt:"
"""Under which the account's unmatched rows keep them."""

_decode = msgspec.msgpack.Decoder(Receipt)
_decode_told = msgspec.msgpack.Decoder(ReturnReceipt)
_decode_return = msgspec.msgpack.Decoder(Return)
_decode_sent_return = msgspec.msgpack.Decoder(OutboundReturn)
_decode_order = msgspec.msgpack.Decoder(Order)
_decode_sent_order = msgspec.msgpack.Decoder(OutboundOrder)
_encode = msgspec.msgpack.Encoder().encode


class Unmatched(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A receipt of nothing that we know: kept with the account, tried again at every fetch."""

    receipt: Receipt
    since_s: float


_unmatched = msgspec.msgpack.Decoder(Unmatched)


def book(scope: Scope) -> Book:
    """The flow of the receipts of a connection."""
    amends = Part.RECEIPTS in scope.store_amends
    return Book(flow=Flow(scope.connection.id, FLOW), amends=amends, describe=describe)


# ---- from the warehouse


async def fetch_receipts(account: Account, source: Source[Receipt], *, run: str, now_s: float) -> Fetched:
    """Bring in every receipt that is waiting, and try those again that nothing was known of."""
    stage = partial(_stage, account=account, run=run, now_s=now_s)
    total = await fetch(account, source, account.flow(FLOW), stage, now_s=now_s)
    total.new += await account.state.write(partial(rematch, account=account, run=run, now_s=now_s))
    return total


def _stage(tx: Writer, page: Page[Receipt], *, account: Account, run: str, now_s: float) -> Fetched:
    fetched = Fetched()
    flow = account.flow(FLOW)
    for receipt in page.documents:
        reason = _unusable(receipt)
        if reason:
            bad = Bad(key=receipt.key, place="a receipt", reason=reason, raw=msgspec.json.encode(receipt))
            fetched.bad += documents.park_bad(tx, flow, [bad], now_s=now_s)
            continue
        documents.mended(tx, flow, receipt.key)
        path = _path(account.settings, receipt.key)
        basis = find(tx, account.settings, receipt)
        scope = None if basis is None else account.scopes.get(basis.connection)
        if basis is None or scope is None:
            fetched.unmatched += _keep_unmatched(tx, path, receipt, now_s)
            continue
        tx.delete(Table.UNMATCHED, path)
        staged = give(tx, scope, basis, receipt, run=run, now_s=now_s)
        fetched.new += staged.new
        fetched.changed += staged.changed
    return fetched


def _unusable(receipt: Receipt) -> str:
    """What is wrong with a receipt of any source; "" for nothing."""
    named = [text for text in (receipt.reference, receipt.order_reference) if text]
    if not all(documents.may_be_key(text) for text in (receipt.key, *named)):
        return "its number or a reference of it is empty, too long, or not text"
    if not receipt.lines:
        return "it has no lines"
    if any(line.quantity < 1 for line in receipt.lines):
        return "a line of it has less than one unit"
    return ""


def find(tx: Reader, account: WarehouseAccount, receipt: Receipt) -> Trace | None:
    """What a receipt is of: the return whose reference it bears; else the order; else that whose parcel
    it was. An order's only return is meant by its order too, unless the parcel came back by itself."""
    link = traces.find_return(tx, account, receipt.reference)
    if link is not None:
        return Trace(link.connection, ret=link.order)
    named = receipt.order_reference or receipt.reference
    order = references.find(tx, account, named) if named else None
    if order is not None:
        found = Trace(order.connection, order.order)
    else:
        parcel = traces.find_parcel(tx, account, receipt.tracking_numbers)
        if parcel is None:
            return None
        found = Trace(parcel.connection, ret=parcel.ret) if parcel.ret else parcel
    if found.ret or receipt.kind == "return-to-sender":
        return found
    asked = traces.returns_of(tx, account, found.connection, found.order)
    return Trace(found.connection, ret=asked[0]) if len(asked) == 1 else found


def give(
    tx: Writer, scope: Scope, basis: Trace, receipt: Receipt, *, run: str, now_s: float
) -> documents.Staged:
    """Stage a receipt with the connection that it is for. It proves that its return, or its order,
    arrived."""
    if basis.ret:
        handover.proven(tx, returns.book(scope), basis.ret, now_s=now_s, run=run)
    else:
        handover.proven(tx, orders.book(scope), basis.order, now_s=now_s, run=run)
    return documents.stage(tx, book(scope), [incoming(receipt)], now_s=now_s, run=run)


def incoming(receipt: Receipt) -> Incoming:
    """A receipt as the ledger takes it; what the store must be told makes its revision."""
    lines = sorted((line.sku, line.condition, line.quantity, line.return_line) for line in receipt.lines)
    return Incoming(
        key=receipt.key,
        number=receipt.reference or receipt.order_reference or receipt.key,
        digest=digest_of(lines, receipt.reference, receipt.order_reference, receipt.kind),
        content=_encode(receipt),
    )


def _path(account: WarehouseAccount, key: str) -> Key:
    return (account.merchant, account.name, _KIND, key)


def _keep_unmatched(tx: Writer, path: Key, receipt: Receipt, now_s: float) -> bool:
    raw = tx.get(Table.UNMATCHED, path)
    known = None if raw is None else _unmatched.decode(raw)
    if known is None or known.receipt != receipt:
        since_s = now_s if known is None else known.since_s
        tx.put(Table.UNMATCHED, path, _encode(Unmatched(receipt=receipt, since_s=since_s)))
    return known is None


def rematch(tx: Writer, *, account: Account, run: str, now_s: float) -> int:
    """Try unmatched receipts again; how many found what they are of."""
    found = 0
    for one in list(unmatched(tx, account.settings)):
        basis = find(tx, account.settings, one.receipt)
        scope = None if basis is None else account.scopes.get(basis.connection)
        if basis is not None and scope is not None:
            give(tx, scope, basis, one.receipt, run=run, now_s=now_s)
            tx.delete(Table.UNMATCHED, _path(account.settings, one.receipt.key))
            found += 1
    return found


def unmatched(tx: Reader, account: WarehouseAccount) -> Iterator[Unmatched]:
    """Every receipt of the account that nothing is known of."""
    for _, raw in tx.scan(Table.UNMATCHED, (account.merchant, account.name, _KIND)):
        yield _unmatched.decode(raw)


# ---- to the store


async def export(run: Run) -> None:
    """Fetch what came back, tell the store what is new; also while the warehouse fails: then its error
    is raised."""
    try:
        fetched = await run.scope.feed.fetch_receipts()
    except (Wait, Hold):
        await _tell_store(run)
        raise
    run.count("staged", fetched.new + fetched.changed)
    run.count("undecodable", fetched.bad)
    run.count("unmatched", fetched.unmatched)
    await _tell_store(run)


async def _tell_store(run: Run) -> None:
    received, resolved = book(run.scope), partial(resolve, run.scope, run.now_s())
    if await anything_to_do(run, received, resolved):
        async with run.open_store() as store:
            if store.receipts is None:
                raise ProtocolMismatch("the store's plugin takes no receipts")
            await deliver(run, received, store.receipts, resolved)


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt is counted against."""

    trace: Trace
    expected: tuple[Expected, ...]
    order_key: str
    order_number: str
    store_skus: dict[str, str]
    return_number: str = ""


def resolve(scope: Scope, now_s: float, tx: Reader, key: str, doc: Document) -> Resolved:
    """The receipt as its store is told of it: which lines, at most what was asked for or ordered."""
    receipt = _decode.decode(doc.content)
    trace = find(tx, scope.account, receipt)
    basis = None if trace is None or trace.connection != scope.connection.id else _basis(scope, tx, trace)
    if basis is None:
        return Park(cause="link", reason=f"receipt {key} is of no return or order of this connection")
    others = traces.came_back(tx, scope.account, basis.trace)
    others.pop(key, None)
    came, spare = return_lines.share_out(receipt.lines, basis.expected, others.values())
    if not came and not doc.accepted and not any(line.sku in spare for line in basis.expected):
        sku = next(iter(spare))
        return Park(cause=f"sku:{sku}", reason=f"{sku} is on no line of what receipt {key} is of")
    then = partial(_then, scope=scope, now_s=now_s, key=key, basis=basis, came=came, spare=spare)
    lines = return_lines.store_lines(came, basis.expected, basis.store_skus)
    if not lines and not doc.accepted:
        return Nothing(why="all of it had come back in other receipts", then=then)
    settings = scope.connection.returns
    told = ReturnReceipt(
        receipt_key=key,
        order_key=basis.order_key,
        order_number=basis.order_number,
        return_key=basis.trace.ret,
        return_number=basis.return_number,
        lines=lines,
        received_at=receipt.received_at,
        kind=receipt.kind,
        restock=settings.restock,
        refund=settings.refund,
    )
    return Ready(document=told, reference=receipt.reference, then=then)


def _basis(scope: Scope, tx: Reader, trace: Trace) -> Basis | None:
    return _of_return(tx, trace) if trace.ret else _of_order(scope, tx, trace)


def _of_return(tx: Reader, trace: Trace) -> Basis | None:
    doc = documents.get(tx, Flow(trace.connection, returns.CHANNEL), trace.ret)
    if doc is None or not doc.sent:
        return None
    ret = _decode_return.decode(doc.content)
    return Basis(
        trace=Trace(trace.connection, ret=trace.ret),
        expected=return_lines.of_return(_decode_sent_return.decode(doc.sent)),
        order_key=ret.order_key,
        order_number=ret.order_number,
        store_skus={line.order_line: line.sku for line in ret.lines},
        return_number=ret.number,
    )


def _of_order(scope: Scope, tx: Reader, trace: Trace) -> Basis | None:
    doc = returns.order_of(tx, scope, trace.order)
    if doc is None or not doc.sent:
        return None
    sent = _decode_sent_order.decode(doc.sent)
    first = returns.order_of(tx, scope, doc.replaces) if doc.replaces else None
    return Basis(
        trace=Trace(trace.connection, trace.order),
        expected=return_lines.of_order(sent),
        order_key=doc.replaces or trace.order,
        order_number=sent.number if first is None else first.number,
        store_skus={line.key: line.sku for line in _decode_order.decode(doc.content).lines},
    )


def _then(
    tx: Writer,
    *,
    scope: Scope,
    now_s: float,
    key: str,
    basis: Basis,
    came: tuple[Came, ...],
    spare: Counter[str],
) -> None:
    """What is written when the receipt is opened: what it brought, and what was too much."""
    traces.keep_came(tx, scope.account, basis.trace, key, came)
    if not spare:
        return
    number = basis.return_number or basis.order_number
    surplus = ", ".join(f"{units} × {sku}" for sku, units in sorted(spare.items()))
    told = "the rest was told to the store" if came else "the store was told nothing of it"
    documents.open_task(
        tx,
        Flow(scope.connection.id, FLOW),
        f"{key} over",
        Task(
            kind="over-returned",
            number=number,
            title=f"{number}: more came back than was {'asked for' if basis.trace.ret else 'sent'}",
            detail=f"receipt {key}: {surplus} too many; {told}",
            since_s=now_s,
        ),
    )


def describe(doc: Document) -> str:
    """How the receipt differs from what the store was told."""
    if not doc.sent:
        return "changed in the warehouse"
    before: Counter[str] = Counter()
    for line in _decode_told.decode(doc.sent).lines:
        before[line.condition] += line.quantity
    now: Counter[str] = Counter()
    for part in _decode.decode(doc.content).lines:
        now[part.condition] += part.quantity
    found = [
        f"{condition}: the store was told {before[condition]}, now {now[condition]}"
        for condition in sorted(before.keys() | now.keys())
        if before[condition] != now[condition]
    ]
    return "; ".join(found) or "its lines changed in the warehouse"
