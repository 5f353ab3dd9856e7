"""State on a real LMDB."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dropstreamd.store.lmdb_store import InlineStore, open_inline_store


@pytest.fixture
def state(tmp_path: Path) -> Iterator[InlineStore]:
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as opened:
        yield opened
