"""What a warehouse says of orders before they ship: taken, refused, stopped, closed short.

None of it makes an order go again by itself: what the warehouse refuses waits for a person.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from dropstreamd.channels import intake, orders, references, returns, sent_names
from dropstreamd.channels.intake import Account
from dropstreamd.channels.run import Fetched, Scope
from dropstreamd.channels.sent_names import Sent
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import Bad, Rejected
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.platform.contract import Page, Source
from dropstreamd.store import documents, handover, transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Document, Flow, State, Task

FLOW = "acknowledgements"
"""Whose cursor the account keeps, beside its channels'."""

HEARD = 20
"""Keys of words remembered for one order: a file that is read again says nothing new."""

BOOKS: Mapping[str, Callable[[Scope], Book]] = {orders.CHANNEL: orders.book, returns.CHANNEL: returns.book}
"""What a warehouse acknowledges."""

_sent = msgspec.msgpack.Decoder(OutboundOrder)


async def fetch(
    account: Account, source: Source[Acknowledgement], *, within_s: float, run: str, now_s: float
) -> Fetched:
    """Bring in every acknowledgement that is waiting; show what was not acknowledged within that time, in
    seconds (0: it need not be)."""
    stage = partial(_stage, account=account, run=run, now_s=now_s)
    fetched = await intake.fetch(account, source, account.flow(FLOW), stage, now_s=now_s)
    if within_s:
        await account.state.write(partial(report_unheard, account=account, within_s=within_s, now_s=now_s))
    return fetched


def _stage(tx: Writer, page: Page[Acknowledgement], *, account: Account, run: str, now_s: float) -> Fetched:
    fetched = Fetched()
    flow = account.flow(FLOW)
    for word in page.documents:
        spoken_of = _spoken_of(tx, account, word)
        scope = None if spoken_of is None else account.scopes.get(spoken_of.connection)
        if spoken_of is None or scope is None:
            named = word.reference or word.name
            reason = f"{word.verdict}: nothing is known by its reference {named[:60]!r}"
            bad = Bad(key=word.key, place="an acknowledgement", reason=reason, raw=msgspec.json.encode(word))
            fetched.bad += documents.park_bad(tx, flow, [bad], now_s=now_s)
            continue
        documents.mended(tx, flow, word.key)
        book = BOOKS[spoken_of.channel](scope)
        if word.name:
            sent_names.heard(tx, account.settings, word.name)
        fetched.new += hear(tx, scope, book, spoken_of.key, word, run=run, now_s=now_s)
    return fetched


def _spoken_of(tx: Reader, account: Account, word: Acknowledgement) -> Sent | None:
    """What it is about: known by the order's reference, or by the name that it was sent under."""
    link = references.find(tx, account.settings, word.reference) if word.reference else None
    if link is not None:
        return Sent(link.connection, orders.CHANNEL, link.order, 0.0)
    return sent_names.find(tx, account.settings, word.name) if word.name else None


def report_unheard(tx: Writer, *, account: Account, within_s: float, now_s: float) -> None:
    """Open a task for what was sent and the warehouse has not acknowledged in time."""
    for name, sent in list(sent_names.unheard(tx, account.settings, before_s=now_s - within_s)):
        doc = documents.get(tx, Flow(sent.connection, sent.channel), sent.key)
        if sent.connection not in account.scopes or doc is None or not doc.accepted:
            continue
        task = Task(
            kind="unheard",
            number=doc.number,
            title=f"{doc.number}: the warehouse has not acknowledged {name}",
            detail=f"it was to do so within {within_s / 3600:g} hours: ask whether it has the file",
            since_s=now_s,
        )
        documents.open_task(tx, Flow(sent.connection, sent.channel), f"{sent.key} unheard", task)
        sent_names.tell(tx, account.settings, name, sent)


def hear(
    tx: Writer, scope: Scope, book: Book, key: str, word: Acknowledgement, *, run: str, now_s: float
) -> bool:
    """Take the warehouse's word on one order or return; whether it was new."""
    old = documents.get(tx, book.flow, key)
    if old is None or word.key in old.heard:
        return False
    if word.verdict == "rejected" and old.state is State.DOUBT and not old.accepted:
        rejection = Rejected(key=key, cause=_codes(word), reason=_said(word))
        handover.resolve_doubt(tx, book, key, rejection, now_s=now_s, run=run)
    else:
        handover.proven(tx, book, key, now_s=now_s, run=run)
    before = documents.get(tx, book.flow, key)
    if before is None:
        raise AssertionError(f"{key} went while its acknowledgement was read")
    heard = transitions.noted(before, now_s, run, f"the warehouse: {_said(word)}")
    heard = msgspec.structs.replace(heard, word=word.verdict, heard=(*before.heard[1 - HEARD :], word.key))
    task = _task(tx, scope.account, heard, word, now_s)
    documents.save(tx, book, key, _moved(heard, word, now_s, run), before)
    if task is not None:
        documents.open_task(tx, book.flow, f"{key} {task.kind}", task)
    return True


def _moved(doc: Document, word: Acknowledgement, now_s: float, run: str) -> Document:
    """What a word does to an order that the warehouse has."""
    match word.verdict:
        case "rejected" if doc.stopping == "sent":
            return msgspec.structs.replace(doc, stopping="refused")
        case "rejected" if doc.accepted and doc.state in (State.ACCEPTED, State.PENDING):
            return transitions.send_back(doc, _codes(word), _said(word), now_s, run)
        case "cancelled":
            return msgspec.structs.replace(doc, stopping="done", stopped=True)
        case "not-cancelled":
            return msgspec.structs.replace(doc, stopping="refused")
        case "closed-short":
            return msgspec.structs.replace(doc, short=True)
    return doc


def _task(
    tx: Reader, account: WarehouseAccount, doc: Document, word: Acknowledgement, now_s: float
) -> Task | None:
    """What a person has to see to, for nothing else will; `doc` as it was before the word."""
    verdict, of_stop = word.verdict, doc.stopping == "sent"
    if verdict == "not-cancelled" or (verdict == "rejected" and of_stop):
        kind, title = "not-stopped", "was cancelled in the store, and the warehouse does not stop it"
        detail = "expect it to ship, or call the warehouse"
    elif verdict == "rejected" and doc.state is State.OPEN:
        kind, title = "rejected", "was refused by the warehouse while it was being sent"
        detail = "mend what it says, then send it again"
    elif verdict == "cancelled" and not (of_stop or doc.stopped):
        kind, title = "stopped", "was cancelled by the warehouse, and is open in the store"
        detail = f"not sent: {_left_text(tx, account, doc)}"
    elif verdict == "closed-short":
        kind, title = "short", "was closed by the warehouse with units left to send, and no backorder"
        detail = f"not sent: {_left_text(tx, account, doc)}: refund them, or order them anew"
    else:
        return None
    said = f"{_said(word)}; {detail}"
    return Task(kind=kind, number=doc.number, title=f"{doc.number} {title}", detail=said, since_s=now_s)


def left(tx: Reader, account: WarehouseAccount, doc: Document) -> Counter[str]:
    """Units of the warehouse's SKUs that were handed over and that no package has taken."""
    units: Counter[str] = Counter()
    for line in _sent.decode(doc.sent).lines if doc.sent else ():
        units[line.sku] += line.quantity
    for taken in references.allocations(tx, account, doc.reference).values() if doc.sent else ():
        for one in taken:
            units[one.sku] -= one.quantity
    return +units


def _left_text(tx: Reader, account: WarehouseAccount, doc: Document) -> str:
    units = left(tx, account, doc)
    return ", ".join(f"{count} × {sku}" for sku, count in sorted(units.items())) or "nothing"


def _codes(word: Acknowledgement) -> str:
    return " ".join(word.codes) or word.verdict


def _said(word: Acknowledgement) -> str:
    codes = f" ({', '.join(word.codes)})" if word.codes else ""
    return f"{word.verdict}{codes}{': ' if word.reason else ''}{word.reason}"
