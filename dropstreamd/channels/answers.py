"""Answers to a name that something was sent under: which hand-over they speak of, and what follows.

A warehouse repeats itself, and answers late. An answer to a cancellation or a change says nothing of the
order itself, and one to an earlier hand-over must not undo a later one, nor stand in its way.
"""

import msgspec

from dropstreamd.channels import sent_names
from dropstreamd.channels.sent_names import Sent
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import Accepted, Outcome, Rejected
from dropstreamd.store import documents, handover, settling
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Attempt, Document, State, Task


def is_of_the_order(
    tx: Reader, account: WarehouseAccount, doc: Document, sent: Sent, word: Acknowledgement
) -> bool:
    """Whether an answer tells where the order itself stands now."""
    if sent.purpose != "new" or sent.verdict == word.verdict:
        return False
    under_way = doc.accepted > 0 or doc.state in (State.OPEN, State.DOUBT)
    if sent_names.newest(tx, account, sent) not in (word.name, ""):
        # It went again since: what is known of the earlier hand-over matters if nothing is of the later one.
        return word.verdict != "rejected" and not under_way
    return under_way or word.verdict != "rejected"


def settle_what_was_cut_off(
    tx: Writer, book: Book, doc: Document, word: Acknowledgement, *, now_s: float, run: str
) -> None:
    """Whoever answers to a name has what was sent under it, whatever he makes of it: no look-up is needed.
    Nobody is sending meanwhile, for the account is read and written by one at a time."""
    attempt = _attempt_of(tx, book, doc, word) if doc.state is State.OPEN else None
    if attempt is not None:
        arrived = [
            Accepted(key=tried.key, remote=word.name, final=not tried.cancel) for tried in attempt.keys
        ]
        settling.settle(tx, book, doc.attempt, arrived, now_s=now_s, run=run)


def take(
    tx: Writer,
    account: WarehouseAccount,
    book: Book,
    sent: Sent,
    word: Acknowledgement,
    heard: Document,
    *,
    final: bool,
    now_s: float,
    run: str,
) -> None:
    """Store what an answer that is none of the order comes to. `heard` is the document with the word in its
    history. `final`: a cancellation that was received is done."""
    key = sent.key
    task = _task_of(tx, account, heard, sent, word)
    doc = _answered(heard, sent, word, final=final)
    documents.save(tx, book, key, doc, documents.get(tx, book.flow, key))
    outcome = _settled_by(tx, book, key, doc, word, final=final)
    if outcome is not None:
        settling.resolve_doubt(tx, book, key, outcome, now_s=now_s, run=run)
    if task is not None:
        kind, title, detail = task
        said = f"{word.verdict} ({', '.join(word.codes)})" if word.codes else word.verdict
        shown = Task(
            kind=kind,
            number=doc.number,
            title=f"{doc.number} {title}",
            detail=f"{said}{': ' if word.reason else ''}{word.reason}; {detail}",
            since_s=now_s,
        )
        documents.open_task(tx, book.flow, f"{key} {kind}", shown)


def _task_of(
    tx: Reader, account: WarehouseAccount, doc: Document, sent: Sent, word: Acknowledgement
) -> tuple[str, str, str] | None:
    """Kind, title and detail of what a person has to see to after an answer that is none of the order."""
    newest = sent_names.newest(tx, account, sent)
    if sent.verdict == word.verdict:
        return None
    if sent.purpose == "new" and word.verdict != "rejected" and newest != word.name:
        title = "was sent again, and the warehouse has the first one too"
        detail = f"it took {word.name}, and {newest} was sent since: see that it ships once"
        return "twice", title, detail
    if sent.purpose == "change" and word.verdict == "rejected" and doc.state is not State.DOUBT:
        title = "changed after hand-over, and the warehouse refused the change"
        return "refused", title, "it has the order as it was before: tell it, or expect that to ship"
    if sent.purpose == "stop" and word.verdict == "rejected" and doc.stopping == "sent":
        title = "was cancelled in the store, and the warehouse does not stop it"
        return "not-stopped", title, "expect it to ship, or call the warehouse"
    return None


def _answered(doc: Document, sent: Sent, word: Acknowledgement, *, final: bool) -> Document:
    if sent.purpose != "stop" or doc.stopping != "sent":
        return doc
    if word.verdict == "rejected":
        return msgspec.structs.replace(doc, stopping="refused")
    return msgspec.structs.replace(doc, stopping="done") if final else doc


def _settled_by(
    tx: Reader, book: Book, key: str, doc: Document, word: Acknowledgement, *, final: bool
) -> Outcome | None:
    """What an answer says of the attempt that is in doubt; None where it speaks of another one."""
    attempt = _attempt_of(tx, book, doc, word) if doc.state is State.DOUBT else None
    if attempt is None:
        return None
    if word.verdict == "rejected":
        return Rejected(key=key, cause=" ".join(word.codes) or word.verdict, reason=word.reason)
    stops = any(tried.key == key and tried.cancel for tried in attempt.keys)
    return Accepted(key=key, remote=word.name, final=final or not stops)


def _attempt_of(tx: Reader, book: Book, doc: Document, word: Acknowledgement) -> Attempt | None:
    """The document's attempt, if it is the one that a word speaks of."""
    attempt = next((one for at, one in handover.attempts(tx, book.flow) if at == doc.attempt), None)
    return attempt if attempt is not None and attempt.name == word.name else None
