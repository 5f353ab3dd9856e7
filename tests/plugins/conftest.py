"""Clocks of the tests that talk to a double over real sockets, in virtual time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from trio.testing import MockClock

from dropstreamd.store.lmdb_store import InlineStore, open_inline_store
from tests.virtual_time import jumping_after


@pytest.fixture
def patient_clock() -> MockClock:
    """Virtual time that jumps only once real sockets have been quiet for a moment."""
    return jumping_after(0.1)


@pytest.fixture
def quick_clock() -> MockClock:
    """Virtual time that jumps once sockets have been quiet for a moment."""
    return jumping_after(0.005)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[InlineStore]:
    """State on a real LMDB, for a plugin under the channels themselves."""
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as opened:
        yield opened
