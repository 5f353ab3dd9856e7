"""What came back: from the warehouse that received it to the store that sold it."""

from collections import Counter
from functools import partial

import msgspec

from dropstreamd.channels import return_lines, returnable, returned_kits, returns, traces
from dropstreamd.channels.deliver import anything_to_do, deliver
from dropstreamd.channels.pull import digest_of
from dropstreamd.channels.return_lines import Expected
from dropstreamd.channels.returned_kits import Lacking, Telling
from dropstreamd.channels.run import Run, Scope
from dropstreamd.channels.traces import Brought, Came, Trace
from dropstreamd.errors import Hold, ProtocolMismatch, Wait
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.returns import OutboundReturn, Receipt, Return, ReturnReceipt
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Nothing, Park, Ready, Resolved
from dropstreamd.store.records import Document, Flow, Task
from dropstreamd.store.transitions import BEFORE_RESTORE, Incoming

FLOW = "receipts"
"""Receipts are a flow of their own beside the returns: one channel, two directions."""

_decode = msgspec.msgpack.Decoder(Receipt)
_decode_told = msgspec.msgpack.Decoder(ReturnReceipt)
_decode_return = msgspec.msgpack.Decoder(Return)
_decode_sent_return = msgspec.msgpack.Decoder(OutboundReturn)
_decode_order = msgspec.msgpack.Decoder(Order)
_decode_sent_order = msgspec.msgpack.Decoder(OutboundOrder)
_encode = msgspec.msgpack.Encoder().encode


def book(scope: Scope) -> Book:
    """The flow of the receipts of a connection."""
    amends = Part.RECEIPTS in scope.store_amends
    return Book(flow=Flow(scope.connection.id, FLOW), amends=amends, describe=describe)


def incoming(receipt: Receipt, restored_s: float = 0.0) -> Incoming:
    """A receipt as the ledger takes it; what the store must be told makes its revision. One from before
    a restore may have been told: a person lets it go."""
    came = receipt.received_at
    lines = sorted((line.sku, line.condition, line.quantity, line.return_line) for line in receipt.lines)
    return Incoming(
        key=receipt.key,
        number=receipt.reference or receipt.order_reference or receipt.key,
        digest=digest_of(lines, receipt.reference, receipt.order_reference, receipt.kind),
        content=_encode(receipt),
        older=BEFORE_RESTORE if came is not None and came.timestamp() < restored_s else "",
    )


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
    trace = traces.find(tx, scope.account, receipt)
    basis = None if trace is None or trace.connection != scope.connection.id else _basis(scope, tx, trace)
    if basis is None:
        return Park(cause="link", reason=f"receipt {key} is of no return or order of this connection")
    brought = traces.brought(tx, scope.account, basis.trace)
    others, before = brought.without(key), brought.kits.get(key, {})
    counted = _count(tx, scope, receipt, basis, others, told=doc.accepted > 0)
    if isinstance(counted, Park):
        return counted
    came, spare = counted.came, counted.spare
    if not came and not doc.accepted and not any(line.sku in spare for line in basis.expected):
        sku = next(iter(spare))
        return Park(cause=f"sku:{sku}", reason=f"{sku} is on no line of what receipt {key} is of")
    telling = returned_kits.tell(came, others, before, counted.expected, basis.store_skus)
    tasks = _tasks(key, basis, counted, telling, now_s)
    then = partial(_then, scope=scope, key=key, basis=basis, came=came, telling=telling, tasks=tasks)
    if not telling.lines and not doc.accepted:
        return Nothing(why="the store was told of all of it with other receipts", then=then)
    settings = scope.connection.returns
    told = ReturnReceipt(
        receipt_key=key,
        order_key=basis.order_key,
        order_number=basis.order_number,
        return_key=basis.trace.ret,
        return_number=basis.return_number,
        lines=telling.lines,
        received_at=receipt.received_at,
        kind=receipt.kind,
        restock=settings.restock,
        refund=settings.refund and not telling.lacking,
    )
    return Ready(document=told, reference=receipt.reference, then=then)


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt brought back of what is `expected`, what is to `spare` by SKU, and `why` where that is
    more than was sent."""

    expected: tuple[Expected, ...]
    came: tuple[Came, ...]
    spare: Counter[str]
    why: str = ""


def _count(
    tx: Reader, scope: Scope, receipt: Receipt, basis: Basis, others: Brought, *, told: bool
) -> Counted | Park:
    """Count a receipt against what it is of, less what came back of its order under other names. What is not
    known to have left waits until it is, unless the store was `told` of the receipt before."""

    def shared_out(expected: tuple[Expected, ...]) -> Counted:
        came, spare = return_lines.share_out(receipt.lines, expected, others.units.values())
        why = "" if order is None else order.said(basis.expected, expected, spare)
        return Counted(expected=expected, came=came, spare=spare, why=why)

    order = returnable.find(tx, scope, basis.order_key, basis.trace, receipt.key)
    if order is None:
        return shared_out(basis.expected)
    sold = shared_out(order.of_what_was_sold(basis.expected, others))
    left = shared_out(order.of_what_has_left(basis.expected, others))
    if told or left.spare == sold.spare:
        return sold
    if order.all_known:
        return left
    units = _listed(left.spare - sold.spare)
    return Park(
        cause="not-shipped", reason=f"{units} came back and are in no package heard of yet: {left.why}"
    )


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
    key: str,
    basis: Basis,
    came: tuple[Came, ...],
    telling: Telling,
    tasks: list[tuple[str, Task]],
) -> None:
    """What is written when the receipt is opened: what it brought and tells, and what a person must see."""
    traces.keep_brought(tx, scope.account, basis.trace, key, came, telling.kits)
    for name, task in tasks:
        documents.open_task(tx, Flow(scope.connection.id, FLOW), name, task)


def _tasks(
    key: str,
    basis: Basis,
    counted: Counted,
    telling: Telling,
    now_s: float,
) -> list[tuple[str, Task]]:
    tasks = []
    number = basis.return_number or basis.order_number
    if counted.spare:
        told = "the rest was told to the store" if counted.came else "the store was told nothing of it"
        asked = basis.trace.ret and not counted.why
        over = Task(
            kind="over-returned",
            number=number,
            title=f"{number}: more came back than was {'asked for' if asked else 'sent'}",
            detail="; ".join(
                filter(None, (f"receipt {key}: {_listed(counted.spare)} too many", told, counted.why))
            ),
            since_s=now_s,
        )
        tasks.append((f"{key} over", over))
    if telling.lacking:
        tasks.append((f"{key} kits", _incomplete(key, number, telling.lacking, now_s)))
    return tasks


def _incomplete(key: str, number: str, lacking: tuple[Lacking, ...], now_s: float) -> Task:
    """The store is told kits: what of them came back, only the warehouse's receipt says."""
    kits = ", ".join(f"{one.kits} × {one.sku}" for one in lacking)
    missing: Counter[str] = Counter()
    for one in lacking:
        missing.update(one.missing)
    told = "the store was told the kits as in quarantine or damaged, and to pay nothing back by itself"
    return Task(
        kind="incomplete-kit",
        number=number,
        title=f"{number}: {kits} came back incomplete",
        detail=f"receipt {key}: {_listed(missing)} are missing; {told}",
        since_s=now_s,
    )


def _listed(units: Counter[str]) -> str:
    return ", ".join(f"{count} × {sku}" for sku, count in sorted(units.items()))


def describe(doc: Document) -> str:
    """How the receipt differs from what the store was told, each in its own words."""
    if not doc.sent:
        return "changed in the warehouse"
    before, now = _lines(_decode_told.decode(doc.sent)), _lines(_decode.decode(doc.content))
    return f"the store was told {before}; now it is {now}"


def _lines(told: Receipt | ReturnReceipt) -> str:
    return ", ".join(f"{line.quantity} × {line.sku} ({line.condition})" for line in told.lines) or "nothing"
