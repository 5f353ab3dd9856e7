"""Documents and their owners: stage, look up, park, release; tasks.

Every function takes the transaction first, does no I/O of its own and may be run again. The
indexes (`pending`, `parked`) are kept by `save` alone, so that a document and its owner never
disagree.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from dropstreamd.model.handover import Bad
from dropstreamd.store import transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.records import BadRecord, Document, Flow, State, Task
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import Incoming

encode = msgspec.msgpack.Encoder().encode
_document = msgspec.msgpack.Decoder(Document)
_task = msgspec.msgpack.Decoder(Task)
_bad = msgspec.msgpack.Decoder(BadRecord)

_PARKED = {State.PARKED: "parked", State.HELD: "held", State.DOUBT: "doubt"}
"""The states kept in the `parked` index, by cause."""

_BAD = "bad"
"""Where the `parked` index lists what could not be decoded."""


# ---- documents and their owners


def get(tx: Reader, flow: Flow, key: str) -> Document | None:
    """The document of that key, None where the flow never saw it."""
    raw = tx.get(Table.DOCUMENTS, (*flow, key))
    return None if raw is None else _document.decode(raw)


def save(tx: Writer, flow: Flow, key: str, doc: Document, old: Document | None) -> None:
    """Store `doc` in the place of `old`, and its owner with it."""
    if old is not None:
        _unindex(tx, flow, key, old)
    tx.put(Table.DOCUMENTS, (*flow, key), encode(doc))
    if doc.state is State.PENDING:
        tx.put(Table.PENDING, (*flow, key), b"")
    elif doc.state in _PARKED:
        tx.put(Table.PARKED, (*flow, _PARKED[doc.state], doc.cause or "-", key), b"")


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


Describe = Callable[[Document, Document], str]
"""Says in words what of a document changed, for a person: lines and quantities, no names."""


def stage(
    tx: Writer,
    flow: Flow,
    incoming: Sequence[Incoming],
    *,
    now_s: float,
    run: str,
    amends: bool,
    describe: Describe,
) -> Staged:
    """Take what a source told. Sources repeat themselves: what is known already changes nothing."""
    counts = Staged()
    for new in incoming:
        old = get(tx, flow, new.key)
        doc = transitions.arrive(old, new, now_s, run)
        _clear_bad(tx, flow, new.key)
        if doc is None or doc is old:
            counts.same += 1
            continue
        doc = transitions.amend(doc, amends=amends)
        save(tx, flow, new.key, doc, old)
        counts.new += old is None
        counts.changed += old is not None
        if old is not None:
            counts.tasks += task_of_change(tx, flow, new.key, old, doc, now_s, describe)
    return counts


def task_of_change(
    tx: Writer, flow: Flow, key: str, old: Document, doc: Document, now_s: float, describe: Describe
) -> int:
    """Keep the task "changed after hand-over" in step with the document; 1 if one was opened."""
    if doc.state is not State.ACCEPTED or doc.digest == old.digest:
        return 0
    if not doc.changed_since_accepted:
        close_task(tx, flow, key)
        return 0
    open_task(
        tx,
        flow,
        key,
        Task(
            kind="changed",
            number=doc.number,
            title=f"{doc.number} changed after hand-over",
            detail=describe(old, doc),
            since_s=now_s,
        ),
    )
    return 1


def stage_bad(tx: Writer, flow: Flow, bad: Sequence[Bad], *, now_s: float) -> int:
    """Park what could not be decoded; how many of them were not known yet."""
    new = 0
    for one in bad:
        key = (*flow, _BAD, "undecodable", one.key)
        if tx.get(Table.PARKED, key) is None:
            new += 1
            record = BadRecord(place=one.place, reason=one.reason, raw=one.raw[:65536], at_s=now_s)
            tx.put(Table.PARKED, key, encode(record))
    return new


def bad_records(tx: Reader, flow: Flow) -> Iterator[tuple[str, BadRecord]]:
    """Key and record of everything that could not be decoded."""
    for key, raw in tx.scan(Table.PARKED, (*flow, _BAD)):
        yield key[-1], _bad.decode(raw)


def _clear_bad(tx: Writer, flow: Flow, key: str) -> None:
    """It could be decoded this time."""
    tx.delete(Table.PARKED, (*flow, _BAD, "undecodable", key))


# ---- park and release


def release(tx: Writer, flow: Flow, key: str, *, now_s: float, run: str, why: str) -> bool:
    """Let one parked or held document try again with the next run."""
    old = get(tx, flow, key)
    if old is None:
        return False
    doc = transitions.release(old, now_s, run, why)
    if doc is old:
        return False
    save(tx, flow, key, doc, old)
    return True


def retry_parked(tx: Writer, flow: Flow, *, limit: int) -> int:
    """Make pending again what was parked by us, not by the sink: its cause may have gone.

    The next open looks at each and parks it again where it has not.
    """
    count = 0
    for _, key in list(owned(tx, flow, State.PARKED)):
        old = get(tx, flow, key)
        if old is not None and not old.by_sink and count < limit:
            save(tx, flow, key, transitions.free(old, State.PENDING), old)
            count += 1
    return count


# ---- tasks


def open_task(tx: Writer, flow: Flow, key: str, task: Task) -> None:
    """Show a task until it is resolved; one of the same key is replaced."""
    tx.put(Table.TASKS, (*flow, key), encode(task))


def close_task(tx: Writer, flow: Flow, key: str) -> bool:
    """Take a task away; False where there is none."""
    return tx.delete(Table.TASKS, (*flow, key))


def tasks(tx: Reader, connection: str) -> Iterator[tuple[str, str, Task]]:
    """Channel, key and task of every task of a connection."""
    for key, raw in tx.scan(Table.TASKS, (connection,)):
        yield key[1], key[2], _task.decode(raw)
