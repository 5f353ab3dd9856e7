"""After a restore: what may have happened since the backup is not done again by itself."""

from collections.abc import Iterable
from functools import partial

import msgspec

from dropstreamd.channels.jobs import DESCRIBED
from dropstreamd.config.schema import Config
from dropstreamd.model.handover import InDoubt
from dropstreamd.store import control_numbers, cursors, documents, handover, runs, settling, stock, switches
from dropstreamd.store.base import Restored, Store, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Document, Flow, State
from dropstreamd.store.runs import Line
from dropstreamd.store.switches import CONNECTION
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import BEFORE_RESTORE, BEFORE_START, OLDER, RESTORED, free, held, noted
from dropstreamd.telemetry import get_logger

_log = get_logger(__name__)

WHY = "not handed over yet when the backup was made: it may have been since"
WHY_OPEN = "being handed over when the backup was made"


async def after_a_restore(state: Store, config: Config, now_s: float) -> None:
    """Turn every switch off, put in doubt whatever the backup knew and had not handed over, and leave out the
    control numbers that may have been given since: a file would bear another's name. Levels wait for stock
    figures that are newer (`channels.after_restore`). Done once for each restore; connections are enabled
    again by a person, when they have been looked at.

    Those that the configuration does not have, or not yet again, are among them.
    """
    restored = state.restored()
    if restored is None:
        return
    connections = sorted(config.connections.keys() | state.read(switches.connections))
    for connection in connections:
        await state.write(partial(_restore_connection, connection=connection, restored=restored, now_s=now_s))
    await state.write(control_numbers.leap)
    await state.write(partial(stock.keep_restored, at_s=restored.restored_at_s))
    await state.confirm_restored()
    _log.warning("state_restored", backup_made_at_s=restored.made_at_s, connections=len(connections))


def _restore_connection(tx: Writer, *, connection: str, restored: Restored, now_s: float) -> None:
    for channel in (CONNECTION, *_channels(tx, connection)):
        switches.turn(tx, connection, channel, on=False, now_s=now_s, who="restore")
    cursors.keep_restored(tx, connection, restored.restored_at_s)
    doubted = 0
    for channel, describe in DESCRIBED.items():
        book = Book(flow=Flow(connection, channel), amends=False, describe=describe)
        doubted += _doubt_attempts(tx, book, now_s) + _doubt_documents(tx, book, now_s)
    text = f"restored from a backup: everything is off, {doubted} documents are in doubt"
    runs.log(tx, connection, Line(at_s=now_s, event="restored", text=text))


def _doubt_attempts(tx: Writer, book: Book, now_s: float) -> int:
    """However far they were then, each may have been settled since, and another made for it."""
    doubted = 0
    for attempt_id, attempt in handover.attempts(tx, book.flow):
        if attempt.step != handover.IN_DOUBT:
            unknown = [InDoubt(key=tried.key, why=WHY_OPEN) for tried in attempt.keys]
            doubted += settling.settle(tx, book, attempt_id, unknown, now_s=now_s, run="").doubt
    return doubted


def _doubt_documents(tx: Writer, book: Book, now_s: float) -> int:
    """What waited for its turn, its cause, the store or a person."""
    waiting = [path[-1] for path, _ in tx.scan(Table.PENDING, tuple(book.flow))]
    waiting += [
        key for state in (State.PARKED, State.HELD) for _, key in documents.owned(tx, book.flow, state)
    ]
    doubted = 0
    for key in waiting:
        doc = documents.get(tx, book.flow, key)
        if doc is None or doc.accepted or doc.cause == BEFORE_RESTORE:
            continue
        if doc.cause == BEFORE_START:
            # It may have been let go since: from now on that takes more than `--since`.
            documents.save(tx, book, key, held(doc, BEFORE_RESTORE, OLDER[BEFORE_RESTORE]), doc)
            continue
        documents.save(tx, book, key, _doubted(doc, now_s), doc)
        doubted += 1
    return doubted


def _channels(tx: Writer, connection: str) -> Iterable[str]:
    return [path[1] for path, _ in tx.scan(Table.SWITCHES, (connection,)) if path[1] != CONNECTION]


def _doubted(doc: Document, now_s: float) -> Document:
    doc = noted(doc, now_s, "", f"in doubt: {WHY}")
    return msgspec.structs.replace(free(doc, State.DOUBT), cause=RESTORED, reason=WHY)
