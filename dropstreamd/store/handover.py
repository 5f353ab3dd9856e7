"""Handing acts over: open attempts and record their steps, each in one transaction. `settling` closes them.

As in `documents`, every function takes the transaction first and may be run again.
"""

from collections.abc import Callable, Sequence

import msgspec

from dropstreamd.model.handover import (
    Item,
    Preparation,
    Stamp,
    Withdrawn,
)
from dropstreamd.store import transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import (
    Book,
    able,
    encode,
    get,
    owned,
    save,
    task_of_change,
    unread,
)
from dropstreamd.store.records import Attempt, AttemptKey, Document, Flow, Purpose, Standing, State
from dropstreamd.store.tables import Table

_attempt = msgspec.msgpack.Decoder(Attempt)

IN_DOUBT = "in-doubt"
"""The step of an attempt whose outcome a person, or the other side's own word, has to tell."""


# ---- open

Then = Callable[[Writer], None]
"""What is written together with a resolved document: links, tallies, tasks."""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A document in the form that its sink takes. `reference` is kept with it for ever, `note` in its
    history."""

    document: object
    reference: str = ""
    then: Then | None = None
    note: str = ""


class Park(msgspec.Struct, frozen=True, kw_only=True):
    """A document that cannot be handed over as things are here."""

    cause: str
    reason: str


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing of it is left to hand over. `cause` is set where a person may decide otherwise."""

    why: str
    then: Then | None = None
    cause: str = ""


Resolved = Ready | Park | Nothing
Resolve = Callable[[Reader, str, Document], Resolved]
Prepare = Callable[[Sequence[Item[object]], Stamp], Preparation]
Number = Callable[[Writer, int], int]
"""Keeps so many control numbers for one call of `prepare`: the first of them."""


class Opened(msgspec.Struct, kw_only=True):
    """The attempts of one batch. `last` is the last key looked at, None when none was left."""

    attempts: list[tuple[str, Attempt]]
    last: str | None = None
    parked: int = 0
    void: int = 0


def open_batch(
    tx: Writer,
    book: Book,
    *,
    after: str | None,
    limit: int,
    resolve: Resolve,
    prepare: Prepare,
    stamp: Stamp,
    run: str,
    number: Number | None = None,
    until: str | None = None,
) -> Opened:
    """Freeze attempts for the next pending documents after the key `after`, up to the key `until`.

    Names and bytes are fixed here; nothing has been sent. What cannot be resolved is parked. `number`
    is given for a sink whose writes are counted.
    """
    now_s = stamp.at.timestamp()
    opened = Opened(attempts=[])
    docs: dict[str, Document] = {}
    items: list[Item[object]] = []
    for key in pending(tx, book.flow, after=after, until=until, limit=limit):
        opened.last = key
        doc = get(tx, book.flow, key)
        if doc is None:
            raise AssertionError(f"{book.flow}: {key} is pending and has no document")
        if doc.accepted and not transitions.may_follow(doc, able(tx, book, key)):
            opened.void += 1
            _leave_to_a_person(tx, book, key, doc, now_s, run)
            continue
        if is_to_be_stopped(doc):
            items.append(_stopping(book, key, doc))
            docs[key] = doc
            continue
        resolved = resolve(tx, key, doc)
        if not isinstance(resolved, Park) and resolved.then is not None:
            resolved.then(tx)
        match resolved:
            case Ready():
                remote = doc.remote if doc.accepted else None
                items.append(Item(key=key, document=resolved.document, remote=remote))
                taken = transitions.noted(doc, now_s, run, resolved.note) if resolved.note else doc
                docs[key] = _offered(taken, encode(resolved.document), resolved.reference)
                save(tx, book, key, docs[key], doc)
            case Park():
                opened.parked += 1
                _park(tx, book, key, doc, resolved, now_s, run)
            case Nothing():
                opened.void += 1
                state = State.ACCEPTED if doc.accepted else State.VOID
                noted = transitions.free(transitions.noted(doc, now_s, run, resolved.why), state)
                if resolved.cause and state is State.VOID:
                    noted = msgspec.structs.replace(noted, cause=resolved.cause, reason=resolved.why)
                save(tx, book, key, noted, doc)
                task_of_change(tx, book, key, noted, now_s)
    if items:
        if number is not None:
            stamp = msgspec.structs.replace(stamp, number=number(tx, len(items)))
        _freeze(tx, book, docs, prepare(items, stamp), stamp, run, opened)
    return opened


def pending(tx: Reader, flow: Flow, *, after: str | None, until: str | None, limit: int) -> list[str]:
    """The next keys to be handed over after `after`, up to `until`."""
    start = None if after is None else (*flow, after)
    keys = [path[-1] for path, _ in tx.scan(Table.PENDING, tuple(flow), after=start, limit=limit)]
    return [key for key in keys if until is None or key <= until]


def _leave_to_a_person(tx: Writer, book: Book, key: str, doc: Document, now_s: float, run: str) -> None:
    """A change that waited for its turn, and that the sink takes no more: its settings are others by now,
    or it was stopped. Handed over it might be taken for another document."""
    noted = transitions.noted(doc, now_s, run, "its change is not handed over: the other side takes none")
    left = transitions.free(noted, State.ACCEPTED)
    save(tx, book, key, left, doc)
    task_of_change(tx, book, key, left, now_s)


def is_to_be_stopped(doc: Document) -> bool:
    """Whether what is handed over next is that it is not wanted any more."""
    return doc.accepted > 0 and (doc.standing is Standing.OVER or doc.owes_stop)


def _purpose(doc: Document) -> Purpose:
    if is_to_be_stopped(doc):
        return "stop"
    return "change" if doc.accepted else "new"


def _stopping(book: Book, key: str, doc: Document) -> Item[object]:
    return Item(key=key, document=book.read_sent(doc.sent), remote=doc.remote, cancel=True)


def _offered(doc: Document, form: bytes, reference: str) -> Document:
    if doc.accepted:
        return msgspec.structs.replace(doc, offered=form)
    return msgspec.structs.replace(doc, sent=form, reference=reference)


def _park(
    tx: Writer,
    book: Book,
    key: str,
    doc: Document,
    park: Park,
    now_s: float,
    run: str,
    *,
    by_sink: bool = False,
) -> None:
    noted = transitions.noted(doc, now_s, run, f"parked: {park.reason}")
    save(tx, book, key, transitions.park(noted, park.cause, park.reason, by_sink=by_sink), doc)


def _freeze(
    tx: Writer,
    book: Book,
    docs: dict[str, Document],
    preparation: Preparation,
    stamp: Stamp,
    run: str,
    opened: Opened,
) -> None:
    now_s = stamp.at.timestamp()
    for refused in preparation.rejected:
        opened.parked += 1
        park = Park(cause=refused.cause, reason=refused.reason)
        _park(tx, book, refused.key, docs[refused.key], park, now_s, run, by_sink=True)
    for number, prepared in enumerate(preparation.prepared):
        attempt_id = f"{stamp.attempt}-{number:04d}"
        keys = []
        for key in prepared.keys:
            doc = docs[key]
            keys.append(AttemptKey(key, doc.revision, doc.digest, is_to_be_stopped(doc)))
            noted = transitions.noted(doc, now_s, run, f"opened as {prepared.name}")
            save(tx, book, key, transitions.opened(noted, attempt_id), doc)
            book.named(tx, prepared.name, key, _purpose(doc), now_s)
        attempt = Attempt(
            name=prepared.name, payload=prepared.payload, keys=tuple(keys), run=run, opened_s=now_s
        )
        tx.put(Table.ATTEMPTS, (*book.flow, attempt_id), encode(attempt))
        opened.attempts.append((attempt_id, attempt))


def foresee(tx: Writer, book: Book, key: str, resolve: Resolve) -> None:
    """Keep what a hand-over would make of a document, as if it had been opened, and its owner as it is:
    somebody else may have handed it over."""
    doc = get(tx, book.flow, key)
    if doc is None or doc.sent:
        return
    resolved = resolve(tx, key, doc)
    if isinstance(resolved, Ready):
        if resolved.then is not None:
            resolved.then(tx)
        save(tx, book, key, _offered(doc, encode(resolved.document), resolved.reference), doc)


def retry_parked(
    tx: Writer, book: Book, resolve: Resolve, *, limit: int, start: int = 0, cause: str = ""
) -> int:
    """Make pending again what was parked by us, not by the sink, and whose cause has gone. What is
    parked for another cause by now says so.

    Nothing is fetched for it. At most `limit` documents of ours are looked at; where more are parked, `start`
    says with which of them to begin: another number each time, so that each has its turn. `cause`: only of
    those whose cause begins so.
    """
    parked = [key for why, key in owned(tx, book.flow, State.PARKED) if why.startswith(cause)]
    first = start % len(parked) if len(parked) > limit else 0
    count = looked_at = 0
    for key in (*parked[first:], *parked[:first]):
        doc = get(tx, book.flow, key)
        if doc is None or doc.by_sink:
            continue
        if looked_at == limit:
            break
        looked_at += 1
        resolved = resolve(tx, key, doc)
        if isinstance(resolved, Park):
            still = transitions.park(doc, resolved.cause, resolved.reason, by_sink=False)
            if still != doc:
                save(tx, book, key, still, doc)
            continue
        save(tx, book, key, transitions.free(doc, State.PENDING), doc)
        count += 1
    return count


# ---- attempts in the making


def has_work(tx: Reader, flow: Flow) -> bool:
    """Whether anything is pending, or an attempt open whose outcome may be found out."""
    if tx.first(Table.PENDING, tuple(flow)) is not None:
        return True
    return any(attempt.step != IN_DOUBT for _, attempt in attempts(tx, flow))


def attempts(tx: Reader, flow: Flow) -> list[tuple[str, Attempt]]:
    """Every attempt that is not settled, oldest first."""
    return [(key[-1], _attempt.decode(raw)) for key, raw in tx.scan(Table.ATTEMPTS, tuple(flow))]


def record_step(tx: Writer, flow: Flow, attempt_id: str, step: str, *, if_wanted: bool) -> None:
    """Make a step of an open attempt durable. `if_wanted`: raises Withdrawn instead, if a document
    of it has changed, was cancelled or became unreadable since it was opened. A cancellation is wanted also
    of what is unreadable."""
    attempt = _open_attempt(tx, flow, attempt_id)
    if if_wanted and not all(_is_wanted(tx, flow, attempt_id, tried) for tried in attempt.keys):
        raise Withdrawn
    step_taken = msgspec.structs.replace(attempt, step=step)
    tx.put(Table.ATTEMPTS, (*flow, attempt_id), encode(step_taken))


def _is_wanted(tx: Reader, flow: Flow, attempt_id: str, tried: AttemptKey) -> bool:
    doc = get(tx, flow, tried.key)
    return (
        doc is not None
        and doc.attempt == attempt_id
        and doc.digest == tried.digest
        and (tried.cancel or unread(tx, flow, tried.key) is None)
        and (doc.standing is Standing.READY or doc.accepted > 0)
    )


def unsure(tx: Writer, flow: Flow, attempt_id: str, *, now_s: float) -> Attempt:
    """The attempt was cut off, or its answer was missed: remember since when, once. An instant that is
    still to come was told by a clock that has been set back since: the wait begins again."""
    attempt = _open_attempt(tx, flow, attempt_id)
    if not 0 < attempt.unsure_s <= now_s:
        attempt = msgspec.structs.replace(attempt, unsure_s=now_s)
        tx.put(Table.ATTEMPTS, (*flow, attempt_id), encode(attempt))
    return attempt


def _open_attempt(tx: Reader, flow: Flow, attempt_id: str) -> Attempt:
    raw = tx.get(Table.ATTEMPTS, (*flow, attempt_id))
    if raw is None:
        raise AssertionError(f"{flow}: attempt {attempt_id} is not open")
    return _attempt.decode(raw)
