"""Taking personal data out of what is closed: names, addresses, telephones, e-mails, notes.

What stays, for ever: keys, numbers, digests, revisions, outcomes, references, SKUs and quantities. So a later
touch of an old order in the store is neither a new order nor a change, and a package or a return that comes
late still finds its lines and kits.

Closed is what nobody owns any more: void, or handed over and shipped, cancelled, closed short or over in the
store, without a task. Returns keep their sender until the store has closed them: the goods may still be on
their way. What is pending, held, parked or in doubt is kept whatever its age, since it is still to go; so is
a package that no order is known for, which names nobody. Of what could not be decoded, the bytes go.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial

import msgspec
import trio
from msgspec.structs import replace

from dropstreamd.channels import orders, receipts, references, returns, shipments, told_orders
from dropstreamd.channels.life import Life, life_of
from dropstreamd.channels.run import Scope
from dropstreamd.model.orders import Address, Order, OutboundOrder
from dropstreamd.model.returns import OutboundReturn, Return
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Document, Event, Flow, Standing, State
from dropstreamd.store.tables import Table

_order = msgspec.msgpack.Decoder(Order)
_outbound = msgspec.msgpack.Decoder(OutboundOrder)
_return = msgspec.msgpack.Decoder(Return)
_outbound_return = msgspec.msgpack.Decoder(OutboundReturn)
_encode = msgspec.msgpack.Encoder().encode

_ENDED = (Life.SHIPPED, Life.CLOSED_SHORT, Life.CANCELLED, Life.SHIPPED_AFTER_CANCEL)
_NOBODY = Address()


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How the documents of one flow are purged: what is left of one, and until when one is in use."""

    flow: str
    book: Callable[[Scope], Book]
    strip: Callable[[Document], Document]
    used_s: Callable[[Reader, Scope, Document], float | None]


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """A look at one page of documents: the keys that are due, and the last one looked at (None: no more)."""

    due: tuple[str, ...]
    last: str | None


def look(tx: Reader, scope: Scope, kind: Kind, *, after: str | None, limit: int, before_s: float) -> Looked:
    """What of the next documents was closed before then."""
    flow = Flow(scope.connection.id, kind.flow)
    start = None if after is None else (*flow, after)
    keys = [path[-1] for path, _ in tx.scan(Table.DOCUMENTS, tuple(flow), after=start, limit=limit)]
    busy = _at_work(tx, scope.connection.id)
    due = [key for key in keys if _is_due(tx, scope, kind, key, busy, before_s)]
    return Looked(due=tuple(due), last=keys[-1] if len(keys) == limit else None)


def _at_work(tx: Reader, connection: str) -> frozenset[str]:
    """The numbers of everything that a person is at."""
    return frozenset(task.number for _, _, task in documents.tasks(tx, connection))


def _is_due(tx: Reader, scope: Scope, kind: Kind, key: str, busy: Collection[str], before_s: float) -> bool:
    doc = documents.get(tx, Flow(scope.connection.id, kind.flow), key)
    if doc is None or doc.purged or doc.number in busy:
        return False
    if doc.state is not State.VOID and (
        doc.state is not State.ACCEPTED or doc.changed_since_accepted or doc.owes_stop
    ):
        return False
    used_s = kind.used_s(tx, scope, doc)
    return used_s is not None and max(used_s, _touched_s(doc)) < before_s


def _touched_s(doc: Document) -> float:
    return max(doc.first_s, doc.changed_s, doc.handed_s, doc.history[-1].at_s if doc.history else 0.0)


def purge(tx: Writer, *, scope: Scope, kind: Kind, keys: Sequence[str], before_s: float, now_s: float) -> int:
    """Take what a look found to be due, if it still is; how many."""
    book = kind.book(scope)
    busy = _at_work(tx, scope.connection.id)
    count = 0
    for key in keys:
        doc = documents.get(tx, book.flow, key)
        if doc is not None and _is_due(tx, scope, kind, key, busy, before_s):
            documents.save(tx, book, key, _purged(kind.strip(doc), now_s), doc)
            count += 1
    return count


def _purged(doc: Document, now_s: float) -> Document:
    """What people wrote, or may have, goes too."""
    first = tuple(Event(step.at_s, step.run, "first seen") for step in doc.history[:1])
    last = Event(now_s, "", "closed long ago: names, addresses and the steps between were taken out")
    return replace(
        doc,
        offered=b"",
        reason="",
        stay_why="",
        override=b"",
        overrode=b"",
        history=(*first, last),
        purged=True,
    )


# ---- orders


def _strip_order(doc: Document) -> Document:
    order = _order.decode(doc.content)
    lines = tuple(replace(line, name="") for line in order.lines)
    bare = replace(
        order,
        ship_to=_NOBODY,
        bill_to=None,
        lines=lines,
        email="",
        po_number="",
        note="",
        gift_message="",
        delivery_note="",
        tax_ids=(),
    )
    # Without what a person put in, the digest is again the source's own: the next touch compares with that.
    digest = told_orders.incoming(order, 0.0).digest if doc.override else doc.digest
    same = doc.accepted_digest == doc.digest
    return replace(
        doc,
        content=_encode(bare),
        sent=_strip_sent(doc.sent) if doc.sent else b"",
        digest=digest,
        accepted_digest=digest if same else doc.accepted_digest,
    )


def _strip_sent(sent: bytes) -> bytes:
    order = _outbound.decode(sent)
    lines = tuple(replace(line, name="") for line in order.lines)
    return _encode(
        replace(
            order,
            ship_to=_NOBODY,
            bill_to=None,
            lines=lines,
            email="",
            po_number="",
            note="",
            gift_message="",
            delivery_note="",
            tax_ids=(),
        )
    )


def _order_used_s(tx: Reader, scope: Scope, doc: Document) -> float | None:
    """Until its last package was told of; None while it is not closed."""
    open_there = doc.state is State.ACCEPTED and doc.standing is not Standing.OVER
    if open_there and life_of(tx, scope.account, doc) not in _ENDED:
        return None
    flow = Flow(scope.connection.id, shipments.CHANNEL)
    keys = references.allocations(tx, scope.account, doc.reference) if doc.reference else ()
    packages = (documents.get(tx, flow, key) for key in keys)
    return max((_touched_s(each) for each in packages if each is not None), default=0.0)


# ---- returns


def _strip_return(doc: Document) -> Document:
    asked = _return.decode(doc.content)
    lines = tuple(replace(line, reason="") for line in asked.lines)
    sent = b""
    if doc.sent:
        told = _outbound_return.decode(doc.sent)
        bare = tuple(replace(line, reason="") for line in told.lines)
        sent = _encode(replace(told, sender=None, note="", lines=bare))
    return replace(doc, content=_encode(replace(asked, sender=None, note="", lines=lines)), sent=sent)


def _return_used_s(_tx: Reader, _scope: Scope, doc: Document) -> float | None:
    closed = doc.state is State.VOID or doc.standing is Standing.OVER
    return 0.0 if closed else None


# ---- packages and receipts name nobody: only their steps go


def _strip_nothing(doc: Document) -> Document:
    return doc


def _used_no_more(_tx: Reader, _scope: Scope, _doc: Document) -> float | None:
    return 0.0


KINDS: tuple[Kind, ...] = (
    Kind(flow=orders.CHANNEL, book=orders.book, strip=_strip_order, used_s=_order_used_s),
    Kind(flow=returns.CHANNEL, book=returns.book, strip=_strip_return, used_s=_return_used_s),
    Kind(flow=shipments.CHANNEL, book=shipments.book_of, strip=_strip_nothing, used_s=_used_no_more),
    Kind(flow=receipts.FLOW, book=receipts.book, strip=_strip_nothing, used_s=_used_no_more),
)


# ---- what could not be decoded


def purge_bad(tx: Writer, *, flows: Sequence[Flow], before_s: float, limit: int) -> int:
    """Take the bytes out of what could not be decoded before then; how many. That it was there, where and
    why stays, until it is mended or forgotten."""
    count = 0
    for flow in flows:
        count += documents.empty_bad(tx, flow, before_s=before_s, limit=limit - count)
    return count


async def sweep(scope: Scope, *, keep_s: float, limit: int) -> int:
    """Purge everything of a connection that was closed so long ago, `limit` documents in a transaction;
    how many."""
    state, now_s = scope.state, scope.clock.now_s()
    before_s = now_s - keep_s
    count = 0
    for kind in KINDS:
        after: str | None = None
        while True:
            looked = state.read(
                partial(look, scope=scope, kind=kind, after=after, limit=limit, before_s=before_s)
            )
            if looked.due:
                write = partial(
                    purge, scope=scope, kind=kind, keys=looked.due, before_s=before_s, now_s=now_s
                )
                count += await state.write(write)
            await trio.lowlevel.checkpoint()
            if looked.last is None:
                break
            after = looked.last
    account = "/".join((scope.account.merchant, scope.account.name))
    flows = [Flow(owner, kind.flow) for kind in KINDS for owner in (scope.connection.id, account)]
    while emptied := await state.write(partial(purge_bad, flows=flows, before_s=before_s, limit=limit)):
        count += emptied
    return count
