"""Units that a warehouse has under one document of an order, and that the store tells of in another by now.

Where a store tells an order as several documents, units go from one to another after a hand-over: a hold on
some of them, an app, another location. What has them now does not go before the warehouse was told that they
are gone from the first: by its change, or by a person. Nor does what would make more of a line than was sold
in all: that the first has lost them may not have been told yet.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import NamedTuple

import msgspec

from dropstreamd.channels import corrections, expanding, kits, parcels, references
from dropstreamd.channels.run import Run, Scope
from dropstreamd.model.orders import Order, OrderLine, OutboundOrder
from dropstreamd.store import cursors, documents, handover, homes
from dropstreamd.store.base import Reader
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Park, Resolve
from dropstreamd.store.records import Document, Flow, State
from dropstreamd.store.transitions import SPLIT_OFF, sent_back

ORDERS = "sales_orders"

RETRY_LIMIT = 1_000
"""Documents that wait for others which a run looks at again once those went."""

_order = msgspec.msgpack.Decoder(Order)
_sent = msgspec.msgpack.Decoder(OutboundOrder)


def stopped(tx: Reader, scope: Scope, key: str, doc: Document) -> Park | None:
    """Why a document, or a change of it, does not go; None where the warehouse has nothing of it elsewhere,
    or a person lets it go all the same."""
    order = corrections.wanted(doc)
    if not order.store_order or doc.replaces:
        return None
    lines = _to_go(doc, order)
    in_all = Counter({line.key: line.quantity for line in lines})
    for other in _others(tx, scope, key, order.store_order) if lines else ():
        cause = f"{SPLIT_OFF}{other.key}"[:80]
        if cause in doc.passed:
            continue
        units, shown = _with_warehouse(tx, other), _order.decode(other.doc.content)
        told = {line.key: line for line in shown.lines}
        for line in lines:
            there, has = told.get(line.key), units[line.key]
            under_way = has > (0 if there is None else there.fulfilled)
            in_all[line.key] += has if under_way else 0
            too_many = under_way and 0 < line.sold < in_all[line.key]
            if too_many or has > _wanted(shown, there):
                return Park(cause=cause, reason=_reason(scope, other))
    return None


async def follows(run: Run, book: Book, resolve: Resolve) -> bool:
    """Whether something can go now, since what it waited for was changed at the warehouse."""
    if not run.state.read(partial(_waits, book=book)):
        return False
    retry = partial(handover.retry_parked, book=book, resolve=resolve, limit=RETRY_LIMIT, cause=SPLIT_OFF)
    return await run.state.write(retry) > 0


def _waits(tx: Reader, *, book: Book) -> bool:
    return any(cause.startswith(SPLIT_OFF) for cause, _ in documents.owned(tx, book.flow, State.PARKED))


def _to_go(doc: Document, order: Order) -> list[OrderLine]:
    """The lines of which more is to go than the warehouse has of this document."""
    lines = kits.to_ship(order.lines)
    if not (doc.accepted and doc.sent):
        return [line for line in lines if line.open_quantity]
    handed = _ordered(_sent.decode(doc.sent))
    return [line for line in lines if line.quantity > handed[line.key]]


class _Other(NamedTuple):
    """Another document of the same order, and whose it is."""

    connection: str
    key: str
    doc: Document


def _others(tx: Reader, scope: Scope, key: str, store_order: str) -> Iterator[_Other]:
    """Those of all connections of the store account."""
    store = scope.connection.store
    accounts = (store.account_key, *store.former_keys)
    known = chain.from_iterable(cursors.connections_of(tx, account) for account in accounts)
    for connection in dict.fromkeys(known):  # one that ran under two names of the account counts once
        for other in cursors.documents_of(tx, connection, store_order):
            doc = None if other == key else documents.get(tx, Flow(connection, ORDERS), other)
            if doc is not None:
                yield _Other(connection, other, doc)


def _with_warehouse(tx: Reader, other: _Other) -> Counter[str]:
    """Units of the store's lines that its warehouse has, or may have, or that have left, with those that the
    store had shipped before. What a person let go once more may be there from the first time."""
    doc = other.doc
    if not doc.sent or not (doc.accepted or doc.resent or doc.state in (State.OPEN, State.DOUBT)):
        return Counter()
    sent = _sent.decode(doc.sent)
    has = _ordered(sent)
    before = {part.order_line: has[part.order_line] - expanding.handed(part) for part in sent.lines}
    if _is_over_there(doc):
        has = Counter()
    elif doc.state is State.ACCEPTED and not doc.changed_since_accepted and not doc.stopping:
        shown = {line.key: line.quantity for line in _order.decode(doc.content).lines}
        has = Counter({line: shown.get(line, 0) for line in before})
    elif doc.offered:
        has |= _ordered(_sent.decode(doc.offered))
    home = homes.get(tx, other.connection)
    left = (
        Counter[str]()
        if home is None
        else parcels.told(sent, references.taken_at(tx, home.path, sent.reference))
    )
    return has | Counter({line: before[line] + count for line, count in left.items()})


def _is_over_there(doc: Document) -> bool:
    """Whether it is certain that the warehouse sends no more of it."""
    return sent_back(doc) or doc.short or (doc.stopped and doc.stopping in ("", "done"))


def _ordered(sent: OutboundOrder) -> Counter[str]:
    return Counter({part.order_line: part.ordered or expanding.handed(part) for part in sent.lines})


def _wanted(shown: Order, line: OrderLine | None) -> int:
    """What the store still says of the line, what it shows as shipped included."""
    if line is None:
        return 0
    return line.fulfilled if shown.status == "cancelled" else line.quantity


def _reason(scope: Scope, other: _Other) -> str:
    named = next((each.name for each in scope.siblings if each.id == other.connection), other.connection)
    by = "" if other.connection == scope.connection.id else f" by {named}"
    return (
        f"{other.doc.number} was handed over{by} with units of it: it goes once that was changed or stopped "
        "at the warehouse; if it is to go all the same, release it"
    )
