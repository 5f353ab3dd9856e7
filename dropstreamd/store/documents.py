"""Documents and their owners: stage, look up, park, release; tasks.

Every function takes the transaction first, does no I/O of its own and may be run again. The
indexes (`pending`, `parked`) are kept by `save` alone, so that a document and its owner never
disagree.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence, Set

import msgspec

from dropstreamd.model.handover import Bad
from dropstreamd.store import transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import MAX_PART_BYTES, is_part
from dropstreamd.store.records import BadRecord, Document, Flow, Purpose, Standing, State, Task
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import Able, Incoming

encode = msgspec.msgpack.Encoder().encode
_document = msgspec.msgpack.Decoder(Document)
_task = msgspec.msgpack.Decoder(Task)
_bad = msgspec.msgpack.Decoder(BadRecord)

_PARKED = {State.PARKED: "parked", State.HELD: "held", State.DOUBT: "doubt"}
"""The states kept in the `parked` index, by cause."""

_BAD = "bad"
"""Where the `parked` index lists what could not be decoded."""


# ---- documents and their owners

Describe = Callable[[Document], str]
"""Says in words how a document differs from what was handed over: lines and quantities, no names."""

Saved = Callable[[Writer, str, Document], None]
"""Told of every document saved, in its transaction: keeps what else hangs on it."""


ReadSent = Callable[[bytes], object]

Named = Callable[[Writer, str, str, Purpose, float], None]
"""Told the name of the call or file that a document is about to be sent in, its key, what for and the
instant, in the transaction that opens the attempt: the other side may answer to that name alone."""


def _as_it_is(sent: bytes) -> object:
    return sent


Ended = Callable[[Reader, Document], bool]
"""Whether the other side has nothing left to do for a document that it has: nothing to change or stop."""


def _never(_tx: Reader, _doc: Document) -> bool:
    return False


DescribeEnded = Callable[[Reader, Document], str]
"""As `Describe`, of a document that has `Ended`; "" where that makes no difference."""


def _as_any_other(_tx: Reader, _doc: Document) -> str:
    return ""


ToldByHand = Callable[[Writer, str, Document], bytes]
"""The form that the other side has of a document once a person has told it of the newest revision."""


def _as_it_was_sent(_tx: Writer, _key: str, doc: Document) -> bytes:
    return doc.sent


def nobody_asks_by_name(_tx: Writer, _name: str, _key: str, _purpose: Purpose, _at_s: float) -> None:
    """A `Named` for flows whose other side answers to what it is told inside."""


def _nothing_hangs_on_it(_tx: Writer, _key: str, _doc: Document) -> None:
    pass


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """One flow's documents, and what its channel knows of them.

    `amends`: the sink takes a changed document after hand-over; `cancels`: it stops one that the source
    took back, told in the form that was accepted, which `read_sent` decodes. Otherwise it becomes a task.
    `named` keeps the names that documents are sent under; of what has `ended` a change is a task, which
    `describe_ended` may put in other words. What a person has seen to is from then on what was handed over,
    in the form that `told_by_hand` makes of it.
    """

    flow: Flow
    amends: bool
    describe: Describe
    saved: Saved = _nothing_hangs_on_it
    cancels: bool = False
    read_sent: ReadSent = _as_it_is
    named: Named = nobody_asks_by_name
    ended: Ended = _never
    describe_ended: DescribeEnded = _as_any_other
    told_by_hand: ToldByHand = _as_it_was_sent

    def described(self, tx: Reader, doc: Document) -> str:
        """How a document differs from what was handed over, as a task says it."""
        ended = self.describe_ended(tx, doc) if self.ended(tx, doc) else ""
        return ended or self.describe(doc)


def get(tx: Reader, flow: Flow, key: str) -> Document | None:
    """The document of that key, None where the flow never saw it."""
    raw = tx.get(Table.DOCUMENTS, (*flow, key))
    return None if raw is None else _document.decode(raw)


def save(tx: Writer, book: Book, key: str, doc: Document, old: Document | None) -> None:
    """Store `doc` in the place of `old`, and its owner with it."""
    flow = book.flow
    if old is not None:
        _unindex(tx, flow, key, old)
    tx.put(Table.DOCUMENTS, (*flow, key), encode(doc))
    if doc.state is State.PENDING:
        tx.put(Table.PENDING, (*flow, key), b"")
    elif doc.state in _PARKED:
        tx.put(Table.PARKED, (*flow, _PARKED[doc.state], doc.cause or "-", key), b"")
    book.saved(tx, key, doc)


def _unindex(tx: Writer, flow: Flow, key: str, old: Document) -> None:
    if old.state is State.PENDING:
        tx.delete(Table.PENDING, (*flow, key))
    elif old.state in _PARKED:
        tx.delete(Table.PARKED, (*flow, _PARKED[old.state], old.cause or "-", key))


def owned(tx: Reader, flow: Flow, state: State) -> Iterator[tuple[str, str]]:
    """Cause and key of every document in `state`, one of parked, held and in doubt."""
    for key, _ in tx.scan(Table.PARKED, (*flow, _PARKED[state])):
        yield key[-2], key[-1]


# ---- stage


class Staged(msgspec.Struct, kw_only=True):
    """What a page came to."""

    new: int = 0
    changed: int = 0
    same: int = 0
    bad: int = 0
    tasks: int = 0


def stage(tx: Writer, book: Book, incoming: Sequence[Incoming], *, now_s: float, run: str) -> Staged:
    """Take what a source told. Sources repeat themselves: what is known already changes nothing."""
    counts = Staged()
    for new in incoming:
        if not may_be_key(new.key):
            counts.bad += stage_bad(tx, book, [_keyless(new)], now_s=now_s, run=run)
            continue
        old = get(tx, book.flow, new.key)
        doc = transitions.arrive(old, new, now_s, run)
        mended(tx, book.flow, new.key)
        if doc is None or doc is old:
            counts.same += 1
            continue
        changed = old is not None and old.digest != doc.digest
        if changed or (old is not None and old.cause == transitions.UNDECODABLE):
            doc = transitions.amend(doc, able(tx, book, new.key))
        save(tx, book, new.key, doc, old)
        counts.new += old is None
        counts.changed += old is not None
        if changed:
            counts.tasks += task_of_change(tx, book, new.key, doc, now_s)
    return counts


def may_be_key(key: str) -> bool:
    """Whether a document may have this key: 1 to 100 bytes of text."""
    return bool(key) and is_part(key) and len(key.encode()) <= MAX_PART_BYTES


def _keyless(new: Incoming) -> Bad:
    reason = f"its key is empty, over {MAX_PART_BYTES} bytes, or not text"
    return Bad(key=new.key, place=f"document {new.number[:40]!r}", reason=reason, raw=new.content)


def _bad_key(key: str) -> str:
    """A key that can be kept, the same for the same document."""
    if may_be_key(key):
        return key
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def able(tx: Reader, book: Book, key: str) -> Able:
    """What may go to the sink by itself after a hand-over: nothing while a person is at it, nor once the
    other side has done all of it."""
    if not (book.amends or book.cancels) or get_task(tx, book.flow, key) is not None:
        return Able()
    doc = get(tx, book.flow, key)
    if doc is not None and doc.accepted and book.ended(tx, doc):
        return Able()
    return Able(amends=book.amends, cancels=book.cancels)


def task_of_change(tx: Writer, book: Book, key: str, doc: Document, now_s: float) -> int:
    """Open or renew the task "changed after hand-over"; 1 if there is one. A change back renews it
    too: somebody may have acted on the change."""
    path = (*book.flow, key)
    owed = doc.changed_since_accepted or doc.owes_stop
    if doc.state is not State.ACCEPTED or not (owed or tx.get(Table.TASKS, path)):
        return 0
    detail = book.described(tx, doc) if owed else "changed back to what was handed over"
    title = f"{doc.number} {'was cancelled by hand' if doc.owes_stop else 'changed'} after hand-over"
    task = Task(
        kind="changed",
        number=doc.number,
        title=title,
        detail=detail,
        since_s=now_s,
        revision=doc.revision,
    )
    open_task(tx, book.flow, key, task)
    return 1


def stage_bad(tx: Writer, book: Book, bad: Sequence[Bad], *, now_s: float, run: str) -> int:
    """Park what could not be decoded; how many of them were not known yet. An older form of the same
    document, not handed over yet, is held."""
    new = park_bad(tx, book.flow, bad, now_s=now_s)
    for one in bad:
        old = get(tx, book.flow, _bad_key(one.key))
        if old is not None:
            doc = transitions.hide(old, one.reason)
            if doc is not old:
                save(tx, book, _bad_key(one.key), transitions.noted(doc, now_s, run, doc.reason), old)
    return new


def park_bad(tx: Writer, flow: Flow, bad: Sequence[Bad], *, now_s: float) -> int:
    """As `stage_bad`, where no document can be known by the same key."""
    new = 0
    for one in bad:
        key = (*flow, _BAD, "undecodable", _bad_key(one.key))
        if tx.get(Table.PARKED, key) is None:
            new += 1
            record = BadRecord(place=one.place, reason=one.reason, raw=one.raw[:65536], at_s=now_s)
            tx.put(Table.PARKED, key, encode(record))
    return new


def forget_bad(tx: Writer, flow: Flow, *, keep: Set[str] = frozenset(), limit: int | None = None) -> int:
    """Let go of what could not be decoded, except what is known by one of the keys `keep`; how many."""
    kept = {_bad_key(key) for key in keep}
    found = list(tx.scan(Table.PARKED, (*flow, _BAD), limit=limit))
    gone = [key for key, _ in found if key[-1] not in kept]
    for key in gone:
        tx.delete(Table.PARKED, key)
    return len(gone)


def empty_bad(tx: Writer, flow: Flow, *, before_s: float, limit: int) -> int:
    """Let go of the bytes of what could not be decoded before then, and of nothing else; how many."""
    old = [
        (path, record)
        for path, raw in tx.scan(Table.PARKED, (*flow, _BAD))
        if (record := _bad.decode(raw)).raw and record.at_s < before_s
    ][:limit]
    for path, record in old:
        tx.put(Table.PARKED, path, encode(msgspec.structs.replace(record, raw=b"")))
    return len(old)


def mended(tx: Writer, flow: Flow, key: str) -> None:
    """What is known by this key could be decoded by now."""
    tx.delete(Table.PARKED, (*flow, _BAD, "undecodable", _bad_key(key)))


def unread(tx: Reader, flow: Flow, key: str) -> str | None:
    """Why the newest form of this document cannot be read; None if it can."""
    raw = tx.get(Table.PARKED, (*flow, _BAD, "undecodable", key))
    return None if raw is None else _bad.decode(raw).reason


def bad_records(tx: Reader, flow: Flow) -> Iterator[tuple[str, BadRecord]]:
    """Key and record of everything that could not be decoded."""
    for key, raw in tx.scan(Table.PARKED, (*flow, _BAD)):
        yield key[-1], _bad.decode(raw)


# ---- park and release


def release(tx: Writer, book: Book, key: str, *, now_s: float, run: str, why: str) -> bool:
    """Let one parked or held document try again with the next run. One of which the newest form cannot be
    read is held until it can: that may be its cancellation."""
    old = get(tx, book.flow, key)
    if old is None:
        return False
    doc = transitions.release(old, now_s, run, why, able(tx, book, key))
    unreadable = unread(tx, book.flow, key)
    if unreadable is not None:
        doc = transitions.hide(doc, unreadable)
    if doc is old or (unreadable is not None and old.cause == transitions.UNDECODABLE):
        return False
    save(tx, book, key, doc, old)
    task_of_change(tx, book, key, doc, now_s)
    return True


# ---- a person's word


Change = Callable[[Document], Document]


def by_hand(tx: Writer, book: Book, key: str, change: Change, *, now_s: float, run: str = "") -> Document:
    """Change a document as a person says, and give it its owner. Nothing goes of which the newest form
    cannot be read, nor what is handed over already, unless the sink can amend or stop it: then it becomes
    a task."""
    old = get(tx, book.flow, key)
    if old is None:
        raise AssertionError(f"{book.flow}: there is no document {key}")
    doc = transitions.amend(change(old), able(tx, book, key))
    why = unread(tx, book.flow, key)
    if why is not None and doc.state is State.PENDING and not doc.accepted:
        doc = transitions.noted(transitions.hide(doc, why), now_s, run, "its newest form cannot be read")
    save(tx, book, key, doc, old)
    task_of_change(tx, book, key, doc, now_s)
    return doc


def drop_task(tx: Writer, flow: Flow, key: str) -> bool:
    """Take a task away that what a person did has made pointless."""
    return tx.delete(Table.TASKS, (*flow, key))


# ---- tasks


def open_task(tx: Writer, flow: Flow, key: str, task: Task) -> None:
    """Show a task until it is resolved; one of the same key is replaced."""
    tx.put(Table.TASKS, (*flow, key), encode(task))


def get_task(tx: Reader, flow: Flow, key: str) -> Task | None:
    """The task of that key."""
    raw = tx.get(Table.TASKS, (*flow, key))
    return None if raw is None else _task.decode(raw)


UNSTOPPED = "unstopped"
"""The kind of a task, and the end of its key: the other side has not said whether it stops a document."""


def close_task(tx: Writer, book: Book, key: str, *, revision: int) -> bool:
    """Take a task away: a person says that what he read, `revision`, is done. False where there is
    none, or a newer one. Of what is `UNSTOPPED` he says that it was stopped.

    The other side knows of the change then: from now on it is what was handed over, so that a
    change back is a change. Not so of a document that has changed since.
    """
    task = get_task(tx, book.flow, key)
    if task is None or task.revision != revision:
        return False
    doc = get(tx, book.flow, key)
    if doc is not None and doc.state is State.ACCEPTED and doc.revision == revision:
        over = doc.standing is Standing.OVER or doc.stay == "withdrawn"
        told = msgspec.structs.replace(
            doc,
            accepted=doc.revision,
            accepted_digest=doc.digest,
            sent=doc.sent if over else book.told_by_hand(tx, key, doc),
            offered=b"",
            stopped=over,
            stopping="" if doc.stopping == "refused" else doc.stopping,
        )
        save(tx, book, key, told, doc)
    if task.kind == UNSTOPPED:
        _is_stopped(tx, book, key.removesuffix(f" {UNSTOPPED}"))
    return tx.delete(Table.TASKS, (*book.flow, key))


def _is_stopped(tx: Writer, book: Book, key: str) -> None:
    doc = get(tx, book.flow, key)
    if doc is not None and doc.stopping == "sent":
        save(tx, book, key, transitions.stopped_by_itself(doc), doc)


def tasks(tx: Reader, connection: str) -> Iterator[tuple[str, str, Task]]:
    """Channel, key and task of every task of a connection."""
    for key, raw in tx.scan(Table.TASKS, (connection,)):
        yield key[1], key[2], _task.decode(raw)
