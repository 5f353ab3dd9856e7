"""How far each source has been read, which files were taken, and what else is known of a connection as a
whole."""

from typing import Literal

import msgspec

from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import LAST_PART
from dropstreamd.store.records import Flow
from dropstreamd.store.tables import Table

_STORE, _OF_STORE = "-store", "-connections of"
_OF_ORDER = "-documents of"

HeldAfter = Literal["", "noticed", "told", "left"]
"""What a person was told of a document that its source holds after its hand-over: nothing yet, that it does,
that it has left all the same; "": it is not remembered."""

_held_after = msgspec.msgpack.Decoder(HeldAfter)


def get(tx: Reader, flow: Flow) -> str | None:
    """The cursor stored last."""
    raw = tx.get(Table.CURSORS, tuple(flow))
    return None if raw is None else raw.decode()


def put(tx: Writer, flow: Flow, cursor: str) -> None:
    """Store a cursor, in the transaction of the documents that it follows."""
    tx.put(Table.CURSORS, tuple(flow), cursor.encode())


def get_bytes(tx: Reader, flow: Flow) -> bytes | None:
    """What a flow that reads no source keeps in the place of a cursor."""
    return tx.get(Table.CURSORS, tuple(flow))


def put_bytes(tx: Writer, flow: Flow, basis: bytes) -> None:
    """As `put`, for `get_bytes`."""
    tx.put(Table.CURSORS, tuple(flow), basis)


def is_taken(tx: Reader, merchant: str, warehouse: str, mark: str) -> bool:
    """Whether a file's content is durable here already."""
    return tx.get(Table.FILES, (merchant, warehouse, mark)) is not None


def take(tx: Writer, merchant: str, warehouse: str, mark: str) -> None:
    """Remember a file, in the transaction of its last documents."""
    tx.put(Table.FILES, (merchant, warehouse, mark), b"")


def forget(tx: Writer, merchant: str, warehouse: str, mark: str) -> None:
    """The file was archived: it cannot come again."""
    tx.delete(Table.FILES, (merchant, warehouse, mark))


def restored_s(tx: Reader, connection: str) -> float:
    """When the connection's state came from a backup; 0 if it never did."""
    raw = tx.get(Table.CURSORS, (connection, "-restored"))
    return 0.0 if raw is None else float(raw)


def keep_restored(tx: Writer, connection: str, at_s: float) -> None:
    """Remember for ever that the connection's state came from a backup."""
    tx.put(Table.CURSORS, (connection, "-restored"), repr(at_s).encode())


def store_account(tx: Reader, connection: str) -> str | None:
    """The store account that the connection's state is about; None before its first run."""
    raw = tx.get(Table.CURSORS, (connection, _STORE))
    return None if raw is None else raw.decode()


def keep_store_account(tx: Writer, connection: str, account: str) -> None:
    """Remember it; a person may say that the account has another name now. Whoever ran on it under the name
    before ran on the same one."""
    before = store_account(tx, connection)
    known = connections_of(tx, before) if before is not None and before != account else []
    for other in known:
        tx.put(Table.CURSORS, (_OF_STORE, account, other), b"")
    tx.put(Table.CURSORS, (connection, _STORE), account.encode())
    tx.put(Table.CURSORS, (_OF_STORE, account, connection), b"")


def note_all_connections(tx: Writer) -> None:
    """Have `connections_of` know all that ever ran: an earlier version kept their account alone. It takes
    one step for each, however many rows each has: there is one for every order."""
    kept = []
    row = tx.first(Table.CURSORS)
    while row is not None:
        owner = row[0][0]
        raw = tx.get(Table.CURSORS, (owner, _STORE))
        kept += [(owner, raw.decode())] if raw is not None else []
        row = next(tx.scan(Table.CURSORS, after=(owner, LAST_PART), limit=1), None)
    for owner, account in kept:
        tx.put(Table.CURSORS, (_OF_STORE, account, owner), b"")


def connections_of(tx: Reader, account: str) -> list[str]:
    """The connections that have run on a store account, those too that are gone since."""
    return [path[-1] for path, _ in tx.scan(Table.CURSORS, (_OF_STORE, account))]


def documents_of(tx: Reader, connection: str, store_order: str) -> list[str]:
    """The keys of the connection's documents that were ever told of one order of the store."""
    return [path[-1] for path, _ in tx.scan(Table.CURSORS, (connection, _OF_ORDER, store_order))]


def keep_document_of(tx: Writer, connection: str, store_order: str, key: str) -> None:
    """Remember for ever that a document is of that order."""
    path = (connection, _OF_ORDER, store_order, key)
    if tx.get(Table.CURSORS, path) is None:
        tx.put(Table.CURSORS, path, b"")


def held_after(tx: Reader, flow: Flow) -> dict[str, HeldAfter]:
    """Keys of documents that the source holds after their hand-over, and what was said of each."""
    return {
        path[-1]: _held_after.decode(said)
        for path, said in tx.scan(Table.CURSORS, (flow.connection, _held_of(flow)))
    }


def keep_held_after(tx: Writer, flow: Flow, key: str, said: HeldAfter) -> None:
    """Remember what was said of one, or forget it."""
    path = (flow.connection, _held_of(flow), key)
    if said:
        tx.put(Table.CURSORS, path, msgspec.msgpack.encode(said))
    else:
        tx.delete(Table.CURSORS, path)


def _held_of(flow: Flow) -> str:
    return f"-held after {flow.channel}"


def order_audit(tx: Reader, connection: str) -> bytes | None:
    """What the newest order audit of the connection found; None before the first."""
    return tx.get(Table.CURSORS, (connection, "-order audit"))


def keep_order_audit(tx: Writer, connection: str, found: bytes) -> None:
    """Remember it in the place of the one before."""
    tx.put(Table.CURSORS, (connection, "-order audit"), found)
