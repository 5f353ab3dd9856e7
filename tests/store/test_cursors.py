"""What is known of connections as a whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dropstreamd.store import cursors
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore, open_inline_store
from dropstreamd.store.tables import Table


@pytest.fixture
def state(tmp_path: Path) -> Iterator[InlineStore]:
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as opened:
        yield opened


async def test_all_connections_are_noted_whatever_else_is_kept_of_them(state: InlineStore) -> None:
    def keep(tx: Writer) -> None:
        for connection, account in (("acme", "a:1"), ("acme-ebay", "a:1"), ("c-2", "a:2")):
            cursors.keep_store_account(tx, connection, account)
            for number in range(20):
                cursors.keep_document_of(tx, connection, str(number), f"o{number}")
            cursors.keep_document_of(tx, connection, "\U0010ffff", "o")
            tx.put(Table.CURSORS, (connection, "x" * 101), b"")
        for path in [path for path, _ in tx.scan(Table.CURSORS) if path[0] == "-connections of"]:
            tx.delete(Table.CURSORS, path)

    await state.write(keep)
    await state.write(cursors.note_all_connections)
    assert state.read(lambda tx: cursors.connections_of(tx, "a:1")) == ["acme", "acme-ebay"]
    assert state.read(lambda tx: cursors.connections_of(tx, "a:2")) == ["c-2"]
