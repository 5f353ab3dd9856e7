"""What a warehouse says of orders before they ship: taken, refused, stopped, closed short.

None of it makes an order go again by itself: what the warehouse refuses waits for a person.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from dropstreamd.channels import (
    answers,
    intake,
    kept_words,
    orders,
    promises,
    references,
    returns,
    sent_names,
    stock_notices,
)
from dropstreamd.channels.intake import Account
from dropstreamd.channels.kept_words import Keeping
from dropstreamd.channels.run import Fetched, Scope
from dropstreamd.channels.sent_names import Sent
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import Bad, Rejected, Writes
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.platform.contract import Page, Source
from dropstreamd.store import documents, settling, transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.keys import is_part
from dropstreamd.store.records import Document, Flow, Standing, State, Task

FLOW = "acknowledgements"
"""Whose cursor the account keeps, beside its channels'."""

HEARD = 20
"""Keys of words remembered for one order: a file that is read again says nothing new."""

BOOKS: Mapping[str, Callable[[Scope], Book]] = {
    orders.CHANNEL: orders.book,
    returns.CHANNEL: returns.book,
    stock_notices.FLOW: stock_notices.book,
}
"""What a warehouse acknowledges."""

_AT_REST = (State.ACCEPTED, State.PENDING, State.PARKED, State.HELD)
"""Where nothing of an order is on its way: of what waits, a change is parked or held as well."""

_sent = msgspec.msgpack.Decoder(OutboundOrder)


async def fetch(
    account: Account, source: Source[Acknowledgement], *, writes: Writes | None, run: str, now_s: float
) -> Fetched:
    """Bring in every acknowledgement that is waiting; show what was not acknowledged in time. `writes` are
    those of the warehouse's orders, where it takes any."""
    final = writes is not None and writes.receipt_stops
    within_s = 0.0 if writes is None else writes.acknowledged_within_s
    stage = partial(_stage, account=account, final=final, run=run, now_s=now_s)
    fetched = await intake.fetch(account, source, account.flow(FLOW), stage, now_s=now_s)
    if within_s:
        await account.state.write(partial(report_unheard, account=account, within_s=within_s, now_s=now_s))
    return fetched


def _stage(
    tx: Writer, page: Page[Acknowledgement], *, account: Account, final: bool, run: str, now_s: float
) -> Fetched:
    fetched = Fetched()
    flow = account.flow(FLOW)
    scopes = dict(account.scopes)
    # Those that were kept first: a document's words count in the order that they came.
    waiting = list(kept_words.take_out(tx, account.settings, BOOKS, scopes))
    for word in (*waiting, *page.documents):
        sent = _spoken_of(tx, account, word)
        scope = None if sent is None else scopes.get(sent.connection)
        if sent is not None and scope is not None:
            documents.mended(tx, flow, word.key)
            fetched.new += _take(tx, scope, sent, word, final=final, run=run, now_s=now_s)
        elif sent is not None and (kept := _keep(tx, account.settings, sent, word, now_s)) != "too many":
            documents.mended(tx, flow, word.key)
            fetched.unmatched += kept == "new"
        else:
            reason = f"{word.verdict}: {_unplaced(sent, word)}"
            bad = Bad(key=word.key, place="an acknowledgement", reason=reason, raw=msgspec.json.encode(word))
            fetched.bad += documents.park_bad(tx, flow, [bad], now_s=now_s)
    return fetched


def _keep(tx: Writer, account: WarehouseAccount, sent: Sent, word: Acknowledgement, now_s: float) -> Keeping:
    """Keep a word for a connection that is away, unless its document knows it already."""
    doc = documents.get(tx, Flow(sent.connection, sent.channel), sent.key)
    if doc is None or word.key in doc.heard:
        return "known"
    return kept_words.keep(tx, account, sent, word, now_s=now_s)


def _unplaced(sent: Sent | None, word: Acknowledgement) -> str:
    """Why nobody can take a word, now or later."""
    if sent is None:
        return f"nothing is known by its reference {(word.reference or word.name)[:60]!r}"
    return f"{kept_words.MOST} words on {sent.key} wait for connection {sent.connection}, which is away"


def _take(
    tx: Writer, scope: Scope, sent: Sent, word: Acknowledgement, *, final: bool, run: str, now_s: float
) -> bool:
    """Take a word on what was sent; whether it was new. `final`: the receipt of a cancellation does it."""
    book = BOOKS[sent.channel](scope)
    doc = documents.get(tx, book.flow, sent.key)
    if doc is None or word.key in doc.heard:
        return False
    if not word.name:
        return hear(tx, scope, book, sent.key, word, run=run, now_s=now_s)
    answers.settle_what_was_cut_off(tx, book, doc, word, now_s=now_s, run=run)
    doc = documents.get(tx, book.flow, sent.key) or doc
    of_the_order = answers.is_of_the_order(tx, scope.account, doc, sent, word)
    sent_names.heard(tx, scope.account, word)
    if of_the_order:
        return hear(tx, scope, book, sent.key, word, run=run, now_s=now_s)
    heard = _heard(doc, word, run, now_s)
    answers.take(tx, scope.account, book, sent, word, heard, final=final, now_s=now_s, run=run)
    return True


def _spoken_of(tx: Reader, account: Account, word: Acknowledgement) -> Sent | None:
    """What it is about: known by the order's reference, or by the name that it was sent under."""
    named = documents.may_be_key(word.reference)
    link = references.find(tx, account.settings, word.reference) if named else None
    if link is not None:
        return Sent(link.connection, orders.CHANNEL, link.order, 0.0)
    return sent_names.find(tx, account.settings, word.name) if word.name and is_part(word.name) else None


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
        settling.resolve_doubt(tx, book, key, rejection, now_s=now_s, run=run)
    else:
        settling.proven(tx, book, key, now_s=now_s, run=run)
    before = documents.get(tx, book.flow, key)
    if before is None:
        raise AssertionError(f"{key} went while its acknowledgement was read")
    heard = msgspec.structs.replace(_heard(before, word, run, now_s), word=word.verdict)
    task = _task(tx, scope.account, book, heard, word, now_s)
    documents.save(tx, book, key, _moved(heard, word, now_s, run), before)
    if task is not None:
        documents.open_task(tx, book.flow, f"{key} {task.kind}", task)
    return True


def _heard(doc: Document, word: Acknowledgement, run: str, now_s: float) -> Document:
    of = f", of {word.name}" if word.name else ""
    noted = transitions.noted(doc, now_s, run, f"the warehouse{of}: {_said(word)}")
    return msgspec.structs.replace(noted, heard=(*doc.heard[1 - HEARD :], word.key))


def _moved(doc: Document, word: Acknowledgement, now_s: float, run: str) -> Document:
    """What a word does to an order that the warehouse has."""
    if word.verdict == "rejected":
        return _refused(doc, word, now_s, run)
    if word.verdict == "cancelled" or (word.verdict == "closed-short" and doc.stopping == "sent"):
        return transitions.stopped_by_itself(doc)
    if word.verdict == "not-cancelled":
        return msgspec.structs.replace(doc, stopping="refused")
    return msgspec.structs.replace(doc, short=True) if word.verdict == "closed-short" else doc


def _refused(doc: Document, word: Acknowledgement, now_s: float, run: str) -> Document:
    if _of_stop(doc, word):
        return msgspec.structs.replace(doc, stopping="refused")
    if _never_taken(doc, word):
        known = msgspec.structs.replace(doc, accepted=doc.revision, accepted_digest=doc.digest)
        return transitions.stopped_by_itself(transitions.free(known, State.ACCEPTED))
    if doc.stopping or doc.stopped or not doc.accepted or doc.state not in _AT_REST:
        return doc
    return transitions.send_back(doc, _codes(word), _said(word), now_s, run)


def _of_stop(doc: Document, word: Acknowledgement) -> bool:
    """Whether a word without a name, which may be on either, is on the cancellation and not on the order."""
    return doc.stopping == "sent" and not word.name


def _never_taken(doc: Document, word: Acknowledgement) -> bool:
    """Whether a refusal ends an order that was cancelled: the warehouse never took it."""
    wanted = doc.standing is not Standing.OVER and doc.stay != "withdrawn"
    if wanted or doc.state not in (State.ACCEPTED, State.PENDING):
        return False
    return doc.accepted > 0 and (not doc.stopping or word.name != "")


def _task(
    tx: Reader, account: WarehouseAccount, book: Book, doc: Document, word: Acknowledgement, now_s: float
) -> Task | None:
    """What a person has to see to, for nothing else will; `doc` as it was before the word."""
    verdict, of_stop = word.verdict, doc.stopping == "sent"
    if verdict == "not-cancelled" or (verdict == "rejected" and _of_stop(doc, word)):
        kind, title = "not-stopped", "was cancelled in the store, and the warehouse does not stop it"
        detail = "expect it to ship, or call the warehouse"
    elif verdict == "rejected" and doc.state in (State.OPEN, State.DOUBT):
        kind, title = "rejected", "was refused by the warehouse while it was being sent"
        detail = "mend what it says, then send it again"
    elif verdict == "cancelled" and not (of_stop or doc.stopped or doc.standing is Standing.OVER):
        kind, title = "stopped", "was cancelled by the warehouse, and is open in the store"
        detail = _left_text(tx, account, book, doc)
    elif verdict == "closed-short" and not of_stop:
        kind, title = "short", "was closed by the warehouse with units left to send, and no backorder"
        rest = "once its packages are here, refund the rest or order it anew"
        detail = f"{_left_text(tx, account, book, doc)}; {rest}"
    else:
        return None
    said = f"{_said(word)}; {detail}"
    return Task(kind=kind, number=doc.number, title=f"{doc.number} {title}", detail=said, since_s=now_s)


def left(tx: Reader, account: WarehouseAccount, doc: Document) -> Counter[str]:
    """Units of the warehouse's SKUs that were handed over and that no package has taken."""
    return promises.left(tx, account, _sent.decode(doc.sent)) if doc.sent else Counter()


def _left_text(tx: Reader, account: WarehouseAccount, book: Book, doc: Document) -> str:
    """What no package has taken, as far as packages are known here: words are heard sooner than they are."""
    if book.flow.channel != orders.CHANNEL:
        return "ask the warehouse what is left of it"
    units = left(tx, account, doc)
    listed = ", ".join(f"{count} × {sku}" for sku, count in sorted(units.items())) or "nothing"
    return f"in no package heard of yet: {listed}"


def _codes(word: Acknowledgement) -> str:
    return " ".join(word.codes) or word.verdict


def _said(word: Acknowledgement) -> str:
    codes = f" ({', '.join(word.codes)})" if word.codes else ""
    return f"{word.verdict}{codes}{': ' if word.reason else ''}{word.reason}"
