"""Schema versions only go forward."""

from pathlib import Path

import pytest

from dropstreamd.errors import StoreError
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.environment import STATE_FILE, open_environment
from dropstreamd.store.lmdb_store import open_store
from dropstreamd.store.schema import schema_of
from dropstreamd.store.tables import Table


def to_2(writer: Writer) -> None:
    for key, value in writer.scan(Table.DOCUMENTS):
        writer.put(Table.DOCUMENTS, key, value + b" two")


def to_3(writer: Writer) -> None:
    for key, value in writer.scan(Table.DOCUMENTS):
        writer.put(Table.DOCUMENTS, key, value + b" three")


def broken(writer: Writer) -> None:
    to_3(writer)
    raise StoreError("a migration failed")


def look(reader: Reader) -> tuple[int | None, bytes | None]:
    return schema_of(reader), reader.get(Table.DOCUMENTS, ("c", "1"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A state of schema 1 with one row."""
    path = tmp_path / STATE_FILE
    with open_environment(path) as state:
        state.commit([lambda writer: writer.put(Table.DOCUMENTS, ("c", "1"), b"one")])
        assert state.read(look) == (1, b"one")
    return path


def test_a_new_state_has_the_newest_schema_and_is_not_migrated(tmp_path: Path) -> None:
    with open_environment(tmp_path / STATE_FILE, migrations=[broken]) as state:
        assert state.read(schema_of) == 2


def test_each_migration_runs_once_in_order(old: Path) -> None:
    for _ in range(2):
        with open_environment(old, migrations=[to_2, to_3]) as state:
            assert state.read(look) == (3, b"one two three")


def test_a_migration_that_fails_leaves_the_step_before_it(old: Path) -> None:
    with (
        pytest.raises(StoreError, match="a migration failed"),
        open_environment(old, migrations=[to_2, broken]),
    ):
        pass
    with open_environment(old, migrations=[to_2]) as state:
        assert state.read(look) == (2, b"one two")


def test_a_newer_state_is_refused_and_left_as_it_is(old: Path) -> None:
    with open_environment(old, migrations=[to_2]):
        pass
    before = old.read_bytes()
    with pytest.raises(StoreError, match="has schema 2, this program knows up to 1"), open_store(old.parent):
        pass
    assert old.read_bytes() == before


def test_a_schema_that_is_no_number_is_refused(old: Path) -> None:
    with open_environment(old) as state:
        state.commit([lambda writer: writer.put(Table.META, ("schema",), b"x")])
    with pytest.raises(StoreError, match="not a number"), open_environment(old):
        pass
