"""A disk that is full, and one that fails: under LMDB's own file descriptors, in this process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from dropstreamd.errors import StateFull, StoreError
from dropstreamd.store.base import Writer
from dropstreamd.store.environment import STATE_FILE, open_environment
from dropstreamd.store.lmdb_store import LmdbStore, open_store
from dropstreamd.store.tables import Table


def put(writer: Writer) -> None:
    number = writer.count(Table.DOCUMENTS)
    writer.put(Table.DOCUMENTS, ("c", f"{number:06}"), b"x" * 10_000)


def count(store: LmdbStore) -> int:
    return store.read(lambda reader: reader.count(Table.DOCUMENTS))


@contextmanager
def written_to(device: str, state: Path, *, meta: bool) -> Iterator[None]:
    """Send what LMDB writes of rows (or of its two meta pages) to `device` instead."""
    [file] = [
        number
        for number in (int(entry.name) for entry in Path("/proc/self/fd").iterdir())
        if _points_to(number, state) and bool(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_DSYNC) is meta
    ]
    kept = os.dup(file)
    bad = os.open(device, os.O_WRONLY if device == "/dev/full" else os.O_RDONLY)
    os.dup2(bad, file)
    os.close(bad)
    try:
        yield
    finally:
        os.dup2(kept, file)
        os.close(kept)


def _points_to(number: int, path: Path) -> bool:
    try:
        return Path(f"/proc/self/fd/{number}").readlink() == path
    except OSError:  # the descriptor of the listing itself
        return False


async def test_a_full_disk_refuses_a_write_and_takes_it_once_there_is_room(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            await store.write(put)
            with written_to("/dev/full", tmp_path / STATE_FILE, meta=False):
                for _ in range(3):
                    with pytest.raises(StateFull, match="disk of the state is full"):
                        await store.write(put)
                assert count(store) == 1
                await store.heartbeat()
            await store.write(put)
            assert count(store) == 2
            nursery.cancel_scope.cancel()
    with open_store(tmp_path) as store:
        assert count(store) == 2


def test_a_full_disk_refuses_a_whole_group(tmp_path: Path) -> None:
    def fail(writer: Writer) -> None:
        raise KeyError("mine")

    with open_environment(tmp_path / STATE_FILE) as state:
        with written_to("/dev/full", tmp_path / STATE_FILE, meta=False):
            first, second, third = state.commit([put, fail, put])
        for outcome in (first, third):
            with pytest.raises(StateFull):
                outcome.unwrap()
        with pytest.raises(KeyError):
            second.unwrap()
        assert state.read(lambda reader: reader.count(Table.DOCUMENTS)) == 0


@pytest.mark.parametrize(("device", "meta"), [("/dev/full", True), ("/dev/null", True), ("/dev/null", False)])
async def test_a_failing_disk_ends_the_store_and_answers_nobody(
    tmp_path: Path, device: str, meta: bool
) -> None:
    answered: list[object] = []

    async def caller(store: LmdbStore) -> None:
        try:
            answered.append(await store.write(put))
        except StoreError as error:
            answered.append(error)

    with open_store(tmp_path) as store:
        with pytest.RaisesGroup(pytest.RaisesExc(StoreError, match="cannot be written")):
            async with trio.open_nursery() as nursery:
                await nursery.start(store.run)
                await store.write(put)
                with written_to(device, tmp_path / STATE_FILE, meta=meta):
                    async with trio.open_nursery() as callers:
                        for _ in range(3):
                            callers.start_soon(caller, store)
        assert answered == []
        with trio.CancelScope() as scope:
            scope.cancel()
            await store.write(put)
        assert scope.cancelled_caught
    with open_store(tmp_path) as store:
        assert count(store) == 1
