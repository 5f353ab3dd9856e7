"""What a warehouse says of orders before they ship: taken, refused, stopped, closed short.

None of it makes an order go again by itself: what the warehouse refuses waits for a person.
"""

from collections import Counter
from functools import partial

import msgspec

from dropstreamd.channels import intake, orders, references
from dropstreamd.channels.intake import Account
from dropstreamd.channels.run import Fetched, Scope
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import Bad, Rejected
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.platform.contract import Page, Source
from dropstreamd.store import documents, handover, transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.records import Document, State, Task

FLOW = "acknowledgements"
"""Whose cursor the account keeps, beside its channels'."""

HEARD = 20
"""Keys of words remembered for one order: a file that is read again says nothing new."""

_sent = msgspec.msgpack.Decoder(OutboundOrder)


async def fetch(account: Account, source: Source[Acknowledgement], *, run: str, now_s: float) -> Fetched:
    """Bring in every acknowledgement that is waiting."""
    stage = partial(_stage, account=account, run=run, now_s=now_s)
    return await intake.fetch(account, source, account.flow(FLOW), stage, now_s=now_s)


def _stage(tx: Writer, page: Page[Acknowledgement], *, account: Account, run: str, now_s: float) -> Fetched:
    fetched = Fetched()
    flow = account.flow(FLOW)
    for word in page.documents:
        link = references.find(tx, account.settings, word.reference) if word.reference else None
        scope = None if link is None else account.scopes.get(link.connection)
        if link is None or scope is None:
            reason = f"{word.verdict}: no order is known by its reference {word.reference[:40]!r}"
            bad = Bad(key=word.key, place="an acknowledgement", reason=reason, raw=msgspec.json.encode(word))
            fetched.bad += documents.park_bad(tx, flow, [bad], now_s=now_s)
            continue
        documents.mended(tx, flow, word.key)
        fetched.new += hear(tx, scope, link.order, word, run=run, now_s=now_s)
    return fetched


def hear(tx: Writer, scope: Scope, key: str, word: Acknowledgement, *, run: str, now_s: float) -> bool:
    """Take the warehouse's word on one order; whether it was new."""
    book = orders.book(scope)
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
