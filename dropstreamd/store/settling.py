"""Closing attempts: what became of what was handed over, each in one transaction.

As in `documents`, every function takes the transaction first and may be run again.
"""

from collections.abc import Sequence

import msgspec

from dropstreamd.model.handover import (
    Accepted,
    InDoubt,
    Outcome,
    Rejected,
    Untouched,
)
from dropstreamd.store import transitions
from dropstreamd.store.base import Writer
from dropstreamd.store.documents import (
    Book,
    able,
    encode,
    get,
    open_task,
    save,
    task_of_change,
    unread,
)
from dropstreamd.store.handover import IN_DOUBT
from dropstreamd.store.records import Attempt, AttemptKey, Document, Flow, State, Task
from dropstreamd.store.tables import Table

_attempt = msgspec.msgpack.Decoder(Attempt)


class Settled(msgspec.Struct, kw_only=True):
    """What the outcomes of one attempt came to."""

    accepted: int = 0
    refused: int = 0
    doubt: int = 0
    untouched: int = 0
    tasks: int = 0


def settle(
    tx: Writer, book: Book, attempt_id: str, outcomes: Sequence[Outcome], *, now_s: float, run: str
) -> Settled:
    """Close an attempt. A key of it without an outcome is in doubt: it was sent and nothing is known."""
    raw = tx.get(Table.ATTEMPTS, (*book.flow, attempt_id))
    if raw is None:
        return Settled()
    attempt = _attempt.decode(raw)
    by_key = {outcome.key: outcome for outcome in outcomes}
    counts = Settled()
    doubted = []
    for tried in attempt.keys:
        old = get(tx, book.flow, tried.key)
        if old is None or old.attempt != attempt_id:
            continue
        outcome = by_key.get(tried.key) or InDoubt(key=tried.key, why="the answer did not name it")
        doc = _settle_one(tx, book, tried, outcome, old, now_s, run, counts)
        if doc.state is State.DOUBT:
            doubted.append(tried)
    counts.doubt = len(doubted)
    _keep_doubted(tx, book.flow, attempt_id, attempt, doubted)
    return counts


def _settle_one(
    tx: Writer,
    book: Book,
    tried: AttemptKey,
    outcome: Outcome,
    old: Document,
    now_s: float,
    run: str,
    counts: Settled,
) -> Document:
    if old.proven and not old.accepted and not isinstance(outcome, Accepted):
        outcome = Accepted(key=tried.key)
    doc = transitions.settle(old, tried, outcome, now_s, run, able=able(tx, book, tried.key))
    why = unread(tx, book.flow, tried.key)
    if why is not None:
        doc = transitions.hide(doc, why)
    save(tx, book, tried.key, doc, old)
    counts.accepted += doc.accepted > old.accepted
    counts.refused += doc.state is State.PARKED
    counts.untouched += isinstance(outcome, Untouched)
    if isinstance(outcome, Rejected) and doc.accepted and doc.digest == tried.digest:
        counts.tasks += _refused_change(tx, book, tried.key, doc, outcome, now_s)
    else:
        counts.tasks += task_of_change(tx, book, tried.key, doc, now_s)
    return doc


def _refused_change(tx: Writer, book: Book, key: str, doc: Document, outcome: Rejected, now_s: float) -> int:
    """A change of something handed over was refused: trying again would be refused again."""
    task = Task(
        kind="refused",
        number=doc.number,
        title=f"{doc.number} changed after hand-over, and the change was refused",
        detail=f"{book.described(tx, doc)}; refused: {outcome.reason}",
        since_s=now_s,
        revision=doc.revision,
    )
    open_task(tx, book.flow, key, task)
    return 1


def _keep_doubted(
    tx: Writer, flow: Flow, attempt_id: str, attempt: Attempt, doubted: Sequence[AttemptKey]
) -> None:
    """An attempt outlives its settling for the keys that are in doubt."""
    if not doubted:
        tx.delete(Table.ATTEMPTS, (*flow, attempt_id))
        return
    left = msgspec.structs.replace(attempt, keys=tuple(doubted), step=IN_DOUBT)
    tx.put(Table.ATTEMPTS, (*flow, attempt_id), encode(left))


def resolve_doubt(tx: Writer, book: Book, key: str, outcome: Outcome, *, now_s: float, run: str) -> bool:
    """Settle one document in doubt by what a person, or the other side later, says of it."""
    old = get(tx, book.flow, key)
    if old is None or old.state is not State.DOUBT:
        return False
    raw = tx.get(Table.ATTEMPTS, (*book.flow, old.attempt)) if old.attempt else None
    tried = AttemptKey(key, old.revision, old.digest)  # of a restored one, that no attempt is known of
    if raw is not None:
        attempt = _attempt.decode(raw)
        tried = next((one for one in attempt.keys if one.key == key), tried)
        rest = [one for one in attempt.keys if one.key != key]
        _keep_doubted(tx, book.flow, old.attempt, attempt, rest)
    _settle_one(tx, book, tried, outcome, old, now_s, run, Settled())
    return True


def taken_after_all(tx: Writer, book: Book, key: str, *, now_s: float, run: str) -> bool:
    """The other side acts on a document that it had sent back: nobody has to hand it over again."""
    old = get(tx, book.flow, key)
    if old is None or not transitions.sent_back(old):
        return False
    acted = transitions.noted(old, now_s, run, "the other side acts on it after all")
    save(tx, book, key, transitions.free(acted, State.ACCEPTED), old)
    return True


def proven(tx: Writer, book: Book, key: str, *, now_s: float, run: str) -> bool:
    """The other side itself spoke of this document: it has it, whatever we thought.

    An open attempt is left to its own settling, which then cannot come to anything else.
    """
    old = get(tx, book.flow, key)
    if old is None or old.accepted or old.proven:
        return False
    if old.state is State.OPEN:
        spoken = transitions.noted(old, now_s, run, "the other side spoke of it")
        save(tx, book, key, msgspec.structs.replace(spoken, proven=True), old)
        return True
    if old.state is State.DOUBT:
        return resolve_doubt(tx, book, key, Accepted(key=key), now_s=now_s, run=run)
    tried = AttemptKey(key, old.revision, old.digest)
    doc = transitions.accept(old, tried, "", now_s, run, able=able(tx, book, key))
    save(tx, book, key, doc, old)
    return True
