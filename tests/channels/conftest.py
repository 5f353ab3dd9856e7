"""State on a real LMDB, and the usual plant on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dropstreamd.store.lmdb_store import InlineStore, open_inline_store
from tests.channels.plant import Plant


@pytest.fixture
def state(tmp_path: Path) -> Iterator[InlineStore]:
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as opened:
        yield opened


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    """One shop and its warehouse; a test of other ones makes its own."""
    return Plant(state)
