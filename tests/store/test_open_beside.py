"""The state, read beside the daemon that writes it."""

from pathlib import Path

import pytest

from dropstreamd.errors import StoreError
from dropstreamd.store.environment import open_beside, open_environment
from dropstreamd.store.schema import schema_of
from dropstreamd.store.tables import Table


def test_a_state_is_read_and_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.mdb"
    with open_environment(path, limit_bytes=1 << 26):
        pass
    with open_beside(path) as beside:
        assert beside.read(schema_of) == 1
        assert set(beside.tables) == set(Table)
    path.write_bytes(b"torn")
    with pytest.raises(StoreError, match="cannot be opened"), open_beside(path):
        pass


def test_a_state_of_a_newer_program_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "state.mdb"
    with open_environment(path, limit_bytes=1 << 26, migrations=[lambda _writer: None]):
        pass
    with pytest.raises(StoreError, match="not a state of this version"), open_beside(path):
        pass
