"""Handing acts over: open attempts, record their steps, settle them; each in one transaction.

As in `documents`, every function takes the transaction first and may be run again.
"""

from collections.abc import Callable, Sequence

import msgspec

from dropstreamd.model.handover import InDoubt, Item, Outcome, Preparation, Stamp, Untouched
from dropstreamd.store import transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Describe, encode, get, save, task_of_change
from dropstreamd.store.records import Attempt, AttemptKey, Document, Flow, State
from dropstreamd.store.tables import Table

_attempt = msgspec.msgpack.Decoder(Attempt)

IN_DOUBT = "in-doubt"
"""The step of an attempt whose outcome a person, or the other side's own word, has to tell."""


# ---- open


class Park(msgspec.Struct, frozen=True, kw_only=True):
    """A document that cannot be handed over as things are here."""

    cause: str
    reason: str


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A document in the form that its sink takes. `reference` is kept with it for ever."""

    document: object
    reference: str = ""


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing of it is left to hand over."""

    why: str


Resolved = Ready | Park | Nothing
Resolve = Callable[[Writer, str, Document], Resolved]
Prepare = Callable[[Sequence[Item[object]], Stamp], Preparation]


class Opened(msgspec.Struct, kw_only=True):
    """The attempts of one batch. `last` is the last key looked at, None when none was left."""

    attempts: list[tuple[str, Attempt]]
    last: str | None = None
    parked: int = 0
    void: int = 0


def open_batch(
    tx: Writer,
    flow: Flow,
    *,
    after: str | None,
    limit: int,
    resolve: Resolve,
    prepare: Prepare,
    stamp: Stamp,
    run: str,
) -> Opened:
    """Freeze attempts for the next pending documents after the key `after`.

    Names and bytes are fixed here; nothing has been sent. What cannot be resolved is parked.
    """
    now_s = stamp.at.timestamp()
    opened = Opened(attempts=[])
    start = None if after is None else (*flow, after)
    docs: dict[str, Document] = {}
    items: list[Item[object]] = []
    for path, _ in list(tx.scan(Table.PENDING, tuple(flow), after=start, limit=limit)):
        key = opened.last = path[-1]
        doc = get(tx, flow, key)
        if doc is None:
            raise AssertionError(f"{flow}: {key} is pending and has no document")
        resolved = resolve(tx, key, doc)
        match resolved:
            case Ready():
                sent = encode(resolved.document)
                docs[key] = msgspec.structs.replace(doc, sent=sent, reference=resolved.reference)
                save(tx, flow, key, docs[key], doc)
                items.append(
                    Item(key=key, document=resolved.document, remote=doc.remote if doc.accepted else None)
                )
            case Park():
                opened.parked += 1
                noted = transitions.noted(doc, now_s, run, f"parked: {resolved.reason}")
                parked = transitions.park(noted, resolved.cause, resolved.reason, by_sink=False)
                save(tx, flow, key, parked, doc)
            case Nothing():
                opened.void += 1
                state = State.ACCEPTED if doc.accepted else State.VOID
                noted = transitions.noted(doc, now_s, run, resolved.why)
                save(tx, flow, key, transitions.free(noted, state), doc)
    if items:
        _freeze(tx, flow, docs, prepare(items, stamp), stamp, run, opened)
    return opened


def _freeze(
    tx: Writer,
    flow: Flow,
    docs: dict[str, Document],
    preparation: Preparation,
    stamp: Stamp,
    run: str,
    opened: Opened,
) -> None:
    now_s = stamp.at.timestamp()
    for refused in preparation.rejected:
        opened.parked += 1
        doc = docs[refused.key]
        noted = transitions.noted(doc, now_s, run, f"parked: {refused.reason}")
        save(tx, flow, refused.key, transitions.park(noted, refused.cause, refused.reason, by_sink=True), doc)
    for number, prepared in enumerate(preparation.prepared):
        attempt_id = f"{stamp.attempt}-{number:04d}"
        keys = []
        for key in prepared.keys:
            doc = docs[key]
            keys.append(AttemptKey(key, doc.revision, doc.digest))
            noted = transitions.noted(doc, now_s, run, f"opened as {prepared.name}")
            save(tx, flow, key, transitions.opened(noted, attempt_id), doc)
        attempt = Attempt(
            name=prepared.name, payload=prepared.payload, keys=tuple(keys), run=run, opened_s=now_s
        )
        tx.put(Table.ATTEMPTS, (*flow, attempt_id), encode(attempt))
        opened.attempts.append((attempt_id, attempt))


def attempts(tx: Reader, flow: Flow) -> list[tuple[str, Attempt]]:
    """Every attempt that is not settled, oldest first."""
    return [(key[-1], _attempt.decode(raw)) for key, raw in tx.scan(Table.ATTEMPTS, tuple(flow))]


def record_step(tx: Writer, flow: Flow, attempt_id: str, step: str) -> None:
    """Make a step of an open attempt durable."""
    raw = tx.get(Table.ATTEMPTS, (*flow, attempt_id))
    if raw is None:
        raise AssertionError(f"{flow}: attempt {attempt_id} is not open")
    attempt = msgspec.structs.replace(_attempt.decode(raw), step=step)
    tx.put(Table.ATTEMPTS, (*flow, attempt_id), encode(attempt))


# ---- settle


class Settled(msgspec.Struct, kw_only=True):
    """What the outcomes of one attempt came to."""

    accepted: int = 0
    refused: int = 0
    doubt: int = 0
    untouched: int = 0
    tasks: int = 0


def settle(
    tx: Writer,
    flow: Flow,
    attempt_id: str,
    outcomes: Sequence[Outcome],
    *,
    now_s: float,
    run: str,
    amends: bool,
    describe: Describe,
) -> Settled:
    """Close an attempt. A key of it without an outcome is in doubt: it was sent and nothing is known."""
    raw = tx.get(Table.ATTEMPTS, (*flow, attempt_id))
    if raw is None:
        return Settled()
    attempt = _attempt.decode(raw)
    by_key = {outcome.key: outcome for outcome in outcomes}
    counts = Settled()
    for tried in attempt.keys:
        old = get(tx, flow, tried.key)
        if old is None or old.attempt != attempt_id:
            continue
        outcome = by_key.get(tried.key) or InDoubt(key=tried.key, why="the answer did not name it")
        doc = transitions.settle(old, tried, outcome, now_s, run, amends=amends)
        save(tx, flow, tried.key, doc, old)
        counts.accepted += doc.accepted > old.accepted
        counts.refused += doc.state is State.PARKED
        counts.doubt += doc.state is State.DOUBT
        counts.untouched += isinstance(outcome, Untouched)
        if doc.state is State.ACCEPTED and doc.changed_since_accepted:
            before = msgspec.structs.replace(old, digest=b"")
            counts.tasks += task_of_change(tx, flow, tried.key, before, doc, now_s, describe)
    if counts.doubt == 0:
        tx.delete(Table.ATTEMPTS, (*flow, attempt_id))
    else:
        tx.put(Table.ATTEMPTS, (*flow, attempt_id), encode(_only_doubted(tx, flow, attempt_id, attempt)))
    return counts


def _only_doubted(tx: Reader, flow: Flow, attempt_id: str, attempt: Attempt) -> Attempt:
    keys = []
    for tried in attempt.keys:
        doc = get(tx, flow, tried.key)
        if doc is not None and doc.attempt == attempt_id:
            keys.append(tried)
    return msgspec.structs.replace(attempt, keys=tuple(keys), step=IN_DOUBT)


def resolve_doubt(
    tx: Writer,
    flow: Flow,
    key: str,
    outcome: Outcome,
    *,
    now_s: float,
    run: str,
    amends: bool,
    describe: Describe,
) -> bool:
    """Settle one document in doubt by what a person, or the other side later, says of it."""
    old = get(tx, flow, key)
    if old is None or old.state is not State.DOUBT:
        return False
    raw = tx.get(Table.ATTEMPTS, (*flow, old.attempt))
    tried = AttemptKey(key, old.revision, old.digest)
    if raw is not None:
        attempt = _attempt.decode(raw)
        tried = next((one for one in attempt.keys if one.key == key), tried)
        rest = tuple(one for one in attempt.keys if one.key != key)
        if rest:
            left = msgspec.structs.replace(attempt, keys=rest)
            tx.put(Table.ATTEMPTS, (*flow, old.attempt), encode(left))
        else:
            tx.delete(Table.ATTEMPTS, (*flow, old.attempt))
    doc = transitions.settle(old, tried, outcome, now_s, run, amends=amends)
    save(tx, flow, key, doc, old)
    task_of_change(tx, flow, key, msgspec.structs.replace(old, digest=b""), doc, now_s, describe)
    return True
