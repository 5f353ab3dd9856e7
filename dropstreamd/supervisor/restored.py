"""After a restore: what may have happened since the backup is not done again by itself."""

from collections.abc import Iterable
from functools import partial

import msgspec

from dropstreamd.channels import orders, shipments
from dropstreamd.config.schema import Config, Connection
from dropstreamd.store import cursors, documents, runs, switches
from dropstreamd.store.base import Restored, Store, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Document, Flow, State
from dropstreamd.store.runs import Line
from dropstreamd.store.switches import CONNECTION
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import noted
from dropstreamd.telemetry import get_logger

_log = get_logger(__name__)

WHY = "pending when the backup was made: it may have been handed over since"


async def after_a_restore(state: Store, config: Config, now_s: float) -> None:
    """Turn every switch off and put in doubt what was pending in the backup. Done once for each
    restore; connections are enabled again by a person, when they have been looked at."""
    restored = state.restored()
    if restored is None:
        return
    for connection in config.connections.values():
        await state.write(partial(_restore_connection, connection=connection, restored=restored, now_s=now_s))
    await state.confirm_restored()
    _log.warning("state_restored", backup_made_at_s=restored.made_at_s, connections=len(config.connections))


def _restore_connection(tx: Writer, *, connection: Connection, restored: Restored, now_s: float) -> None:
    for channel in (CONNECTION, *_channels(tx, connection.id)):
        switches.turn(tx, connection.id, channel, on=False, now_s=now_s, who="restore")
    cursors.keep_restored(tx, connection.id, restored.restored_at_s)
    doubted = 0
    for channel, describe in ((orders.CHANNEL, orders.describe), (shipments.CHANNEL, shipments.describe)):
        book = Book(flow=Flow(connection.id, channel), amends=False, describe=describe)
        for path, _ in list(tx.scan(Table.PENDING, tuple(book.flow))):
            doc = documents.get(tx, book.flow, path[-1])
            if doc is not None and not doc.accepted:
                documents.save(tx, book, path[-1], _doubted(doc, now_s), doc)
                doubted += 1
    text = f"restored from a backup: everything is off, {doubted} documents are in doubt"
    runs.log(tx, connection.id, Line(at_s=now_s, event="restored", text=text))


def _channels(tx: Writer, connection: str) -> Iterable[str]:
    return [path[1] for path, _ in tx.scan(Table.SWITCHES, (connection,)) if path[1] != CONNECTION]


def _doubted(doc: Document, now_s: float) -> Document:
    doc = noted(doc, now_s, "", f"in doubt: {WHY}")
    return msgspec.structs.replace(doc, state=State.DOUBT, cause="restored", reason=WHY)
