"""The store of a daemon: groups, neighbours, cancellation, and one process a folder."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import trio

from dropstreamd.errors import StateFull, StoreError
from dropstreamd.store.base import Store, Writer
from dropstreamd.store.environment import STATE_FILE
from dropstreamd.store.lmdb_store import InlineStore, LmdbStore, open_inline_store, open_store
from dropstreamd.store.tables import Table
from dropstreamd.store.writer import GROUP_LIMIT, QUEUE_LIMIT

Put = Callable[[Writer], None]
Opened = Callable[[Path], AbstractContextManager[LmdbStore | InlineStore]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LmdbStore]:
    with open_store(tmp_path, limit_bytes=1 << 28) as opened:
        yield opened


def put(number: int, value: bytes = b"v") -> Put:
    return lambda writer: writer.put(Table.DOCUMENTS, ("c", f"{number:06}"), value)


def count(store: Store) -> int:
    return store.read(lambda reader: reader.count(Table.DOCUMENTS))


def transactions(store: LmdbStore) -> int:
    """How many LMDB has committed."""
    return store.environment._env.info()["last_txnid"]


class Gate:
    """A write function that waits, in the writer's thread, until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, writer: Writer) -> None:
        self.entered.set()
        self.opened.wait()
        writer.put(Table.DOCUMENTS, ("c", "gate"), b"v")

    async def reached(self) -> None:
        await trio.to_thread.run_sync(self.entered.wait)


@pytest.mark.parametrize("opened", [open_store, open_inline_store])
async def test_what_was_written_is_read_and_outlives_the_process(tmp_path: Path, opened: Opened) -> None:
    with opened(tmp_path) as store:
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            await store.write(put(1))
            await store.heartbeat()
            assert count(store) == 1
            nursery.cancel_scope.cancel()
    with opened(tmp_path) as store:
        assert count(store) == 1


@pytest.mark.parametrize("opened", [open_store, open_inline_store])
async def test_what_a_write_raises_goes_to_its_caller_and_is_undone(tmp_path: Path, opened: Opened) -> None:
    def fail(writer: Writer) -> None:
        put(1)(writer)
        raise KeyError("mine")

    with opened(tmp_path) as store:
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            with pytest.raises(KeyError, match="mine"):
                await store.write(fail)
            await store.write(put(2))
            assert count(store) == 1
            nursery.cancel_scope.cancel()


async def test_writes_that_wait_together_share_one_transaction(store: LmdbStore) -> None:
    before = transactions(store)
    gate = Gate()
    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        async with trio.open_nursery() as callers:
            callers.start_soon(store.write, gate)
            await gate.reached()
            for number in range(50):
                callers.start_soon(store.write, put(number))
            await trio.testing.wait_all_tasks_blocked()
            gate.opened.set()
        nursery.cancel_scope.cancel()
    assert count(store) == 51
    assert transactions(store) - before == 2


async def test_a_group_and_the_queue_are_bounded(store: LmdbStore) -> None:
    before = transactions(store)
    gate = Gate()
    extra = 300
    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        async with trio.open_nursery() as callers:
            callers.start_soon(store.write, gate)
            await gate.reached()
            for number in range(QUEUE_LIMIT + extra):
                callers.start_soon(store.write, put(number))
            await trio.testing.wait_all_tasks_blocked()
            assert len(store._writer._queue) == QUEUE_LIMIT - 1
            gate.opened.set()
        nursery.cancel_scope.cancel()
    assert count(store) == QUEUE_LIMIT + extra + 1
    assert transactions(store) - before >= 1 + (QUEUE_LIMIT + extra) // GROUP_LIMIT


async def test_one_that_raises_leaves_its_neighbours_alone(store: LmdbStore) -> None:
    raised: list[BaseException] = []

    class Odd(BaseException):
        pass

    async def fail(error: BaseException) -> None:
        def write(writer: Writer) -> None:
            put(999)(writer)
            raise error

        try:
            await store.write(write)
        except (LookupError, Odd) as caught:
            raised.append(caught)

    before = transactions(store)
    gate = Gate()
    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        async with trio.open_nursery() as callers:
            callers.start_soon(store.write, gate)
            await gate.reached()
            for number in range(10):
                callers.start_soon(store.write, put(number))
                callers.start_soon(fail, LookupError(number) if number % 2 else Odd(number))
            await trio.testing.wait_all_tasks_blocked()
            gate.opened.set()
        nursery.cancel_scope.cancel()
    assert len(raised) == 10
    assert count(store) == 11
    assert transactions(store) - before == 2


async def test_a_heartbeat_waits_behind_the_writer(store: LmdbStore) -> None:
    gate = Gate()
    beaten = trio.Event()

    async def beat() -> None:
        await store.heartbeat()
        beaten.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        async with trio.open_nursery() as callers:
            callers.start_soon(store.write, gate)
            await gate.reached()
            callers.start_soon(beat)
            await trio.testing.wait_all_tasks_blocked()
            assert not beaten.is_set()
            gate.opened.set()
        assert beaten.is_set()
        nursery.cancel_scope.cancel()


async def test_heartbeats_of_an_idle_store_write_nothing(store: LmdbStore) -> None:
    before = transactions(store)
    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        for _ in range(3):
            await store.heartbeat()
        nursery.cancel_scope.cancel()
    assert transactions(store) == before


async def test_cancelled_during_its_commit_a_write_is_answered(store: LmdbStore) -> None:
    gate = Gate()
    answered: list[str] = []

    async def caller() -> None:
        await store.write(gate)
        answered.append("written")
        await trio.lowlevel.checkpoint()
        answered.append("not cancelled")

    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        async with trio.open_nursery() as callers:
            callers.start_soon(caller)
            await gate.reached()
            callers.cancel_scope.cancel()
            gate.opened.set()
        assert answered == ["written"]
        assert count(store) == 1
        nursery.cancel_scope.cancel()


async def test_cancelled_in_the_queue_a_write_is_written_even_as_the_store_ends(store: LmdbStore) -> None:
    gate = Gate()
    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        nursery.start_soon(store.write, gate)
        await gate.reached()
        for number in range(5):
            nursery.start_soon(store.write, put(number))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        gate.opened.set()
    assert count(store) == 6


async def test_cancelled_before_anybody_writes_nothing_is_written(store: LmdbStore) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.write, put(1))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        await store.heartbeat()
        nursery.cancel_scope.cancel()
    assert count(store) == 0


async def test_cancelled_already_nothing_is_submitted(tmp_path: Path) -> None:
    with open_inline_store(tmp_path) as store, trio.CancelScope() as scope:
        scope.cancel()
        await store.write(put(1))
        raise AssertionError("not cancelled")
    with open_inline_store(tmp_path) as store:
        assert count(store) == 0


async def test_writes_submitted_before_the_store_runs_are_taken_once_it_does(store: LmdbStore) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.write, put(1))
        await trio.testing.wait_all_tasks_blocked()
        await nursery.start(store.run)
        await store.heartbeat()
        assert count(store) == 1
        nursery.cancel_scope.cancel()


async def test_a_full_state_refuses_what_does_not_fit_and_takes_it_once_there_is_room(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path, limit_bytes=1 << 20) as store:
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            await store.heartbeat()
            assert not store.size().full

            async def fill() -> None:
                for number in range(200):
                    await store.write(put(number, b"x" * 10_000))

            with pytest.raises(StateFull, match="reached its limit"):
                await fill()
            written = count(store)
            assert written > 50
            await store.heartbeat()
            size = store.size()
            assert size.full, "a write of nothing says nothing of the room"
            assert size.limit_bytes * 0.9 < size.used_bytes <= size.limit_bytes == 1 << 20

            def prune(writer: Writer) -> int:
                return writer.delete_prefix(Table.DOCUMENTS, ("c",), limit=10)

            for _ in range(3):
                assert await store.write(prune) == 10
            for number in range(20):
                await store.write(put(1000 + number, b"x" * 10_000))
            assert count(store) == written - 10
            nursery.cancel_scope.cancel()


async def test_one_that_does_not_fit_leaves_its_neighbours_alone(tmp_path: Path) -> None:
    full: list[int] = []
    gate = Gate()
    with open_store(tmp_path, limit_bytes=1 << 20) as store:

        async def write(number: int, size: int) -> None:
            try:
                await store.write(put(number, b"x" * size))
            except StateFull:
                full.append(number)

        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            async with trio.open_nursery() as callers:
                callers.start_soon(store.write, gate)
                await gate.reached()
                for number in range(10):
                    callers.start_soon(write, number, 2 << 20 if number % 2 else 100)
                await trio.testing.wait_all_tasks_blocked()
                gate.opened.set()
            nursery.cancel_scope.cancel()
        assert sorted(full) == [1, 3, 5, 7, 9]
        assert count(store) == 6


async def test_a_state_that_cannot_be_read_ends_the_store(store: LmdbStore) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        await store.write(put(1))
        nursery.cancel_scope.cancel()
    leaked = store.read(lambda reader: reader.scan(Table.DOCUMENTS))
    with pytest.RaisesGroup(pytest.RaisesExc(StoreError, match="cannot be read")):
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            with pytest.raises(StoreError, match="cannot be read"):
                store.read(lambda reader: list(leaked))
            await trio.sleep_forever()


def test_a_second_process_is_told_who_holds_the_folder(store: LmdbStore, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from dropstreamd.store.lmdb_store import open_store\n"
        "with open_store(pathlib.Path(sys.argv[1])): pass\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    pid = (tmp_path / "lock").read_text().strip()
    assert ran.returncode != 0
    assert f"{tmp_path} is in use by process {pid}" in ran.stderr


def test_a_folder_is_free_again_once_its_store_is_closed(tmp_path: Path) -> None:
    for _ in range(2):
        with open_store(tmp_path):
            pass


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "state"
    with open_store(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / STATE_FILE).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_may_read_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    folder.chmod(0o750)
    with pytest.raises(StoreError, match="mode 750 lets others in"), open_store(folder):
        pass


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError, match="File exists"), open_store(tmp_path / "state"):
        pass


@pytest.mark.parametrize("content", [b"not a database" * 1000, b"\0" * 100])
def test_a_file_that_is_not_ours_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    with pytest.raises(StoreError, match="cannot be opened"), open_store(tmp_path):
        pass
    assert (tmp_path / STATE_FILE).read_bytes() == content
