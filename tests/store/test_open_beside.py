"""The state, read beside the daemon that writes it."""

import subprocess
import sys
from pathlib import Path

import pytest

from dropstreamd.errors import StoreError
from dropstreamd.store.base import Writer
from dropstreamd.store.environment import Environment, open_beside, open_environment
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


HANGS = """
import lmdb, sys, time
env = lmdb.open(sys.argv[1], subdir=False, readonly=True, map_size=1 << 26, lib_version=0)
txn = env.begin()
print("reads", flush=True)
time.sleep(600)
"""


def fill(state: Environment, times: int) -> int:
    """The same rows, so many times; how many bytes the state has then."""

    def put(tx: Writer) -> None:
        for number in range(50):
            tx.put(Table.CURSORS, ("c-1", str(number)), b"." * 1_000)

    for _ in range(times):
        state.commit([put])
    return state.size().used_bytes


def test_a_reader_that_was_killed_does_not_make_the_state_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "state.mdb"
    with open_environment(path, limit_bytes=1 << 26, durable=False) as state:
        fill(state, 5)
        with subprocess.Popen([sys.executable, "-c", HANGS, str(path)], stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == b"reads\n"
            reader.kill()
        before = fill(state, 5)
        assert fill(state, 100) - before < 1 << 20
