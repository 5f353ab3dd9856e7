"""Backups while the daemon writes, and their return."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import trio

from dropstreamd.clock import VirtualClock
from dropstreamd.errors import Misconfigured, StoreError
from dropstreamd.store.backup import MANIFEST, Manifest, make_backup, restore, verify_backup
from dropstreamd.store.base import Restored, Store, Writer
from dropstreamd.store.environment import STATE_FILE, open_environment
from dropstreamd.store.lmdb_store import LmdbStore, open_inline_store, open_store
from dropstreamd.store.tables import Table

NOW_S = 1_800_000_000.0


@pytest.fixture
async def clock() -> VirtualClock:
    return VirtualClock(NOW_S)


def pair(number: int) -> Callable[[Writer], None]:
    """One row in each of two tables: a sound copy has as many in both."""

    def write(writer: Writer) -> None:
        writer.put(Table.DOCUMENTS, ("c", f"{number:06}"), b"x" * 1000)
        writer.put(Table.PENDING, ("c", f"{number:06}"), b"")

    return write


def count(store: Store, table: Table = Table.DOCUMENTS) -> int:
    return store.read(lambda reader: reader.count(table))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def backed_up(folder: Path, clock: VirtualClock, rows: int = 3) -> Path:
    """A backup of a state with so many pairs."""
    with open_inline_store(folder / "source") as store:
        for number in range(rows):
            await store.write(pair(number))
        await make_backup(store.environment, folder / "backup", clock=clock)
    return folder / "backup"


async def test_a_backup_taken_while_writing_is_one_moment_of_the_state(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async def keep_writing(store: LmdbStore) -> None:
        for number in range(100, 100_000):
            await store.write(pair(number))

    with open_store(tmp_path / "state") as store:
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            for number in range(100):
                await store.write(pair(number))
            async with trio.open_nursery() as writers:
                writers.start_soon(keep_writing, store)
                for number, compact in enumerate((False, True, False)):
                    made = await make_backup(
                        store.environment, tmp_path / f"backup-{number}", clock=clock, compact=compact
                    )
                    assert made.rows["documents"] == made.rows["pending"] >= 100
                    assert verify_backup(tmp_path / f"backup-{number}") == made
                writers.cancel_scope.cancel()
            nursery.cancel_scope.cancel()
    assert names_in(tmp_path) == {"backup-0", "backup-1", "backup-2", "state"}


async def test_a_backup_is_its_owners_alone(tmp_path: Path, clock: VirtualClock) -> None:
    backup = await backed_up(tmp_path, clock)
    assert backup.stat().st_mode & 0o077 == 0
    assert (backup / STATE_FILE).stat().st_mode & 0o077 == 0


async def test_a_restored_state_holds_the_backups_rows_and_says_so(
    tmp_path: Path, clock: VirtualClock
) -> None:
    backup = await backed_up(tmp_path, clock)
    with open_inline_store(tmp_path / "state") as store:
        await store.write(pair(77))
    clock.step(60)

    kept = restore(backup, tmp_path / "state", clock=clock)

    with open_inline_store(tmp_path / "state") as store:
        assert count(store) == count(store, Table.PENDING) == 3
        restored = store.restored()
        assert restored is not None
        assert restored.made_at_s == pytest.approx(NOW_S, abs=5)
        assert restored.restored_at_s - restored.made_at_s == pytest.approx(60, abs=5)
        await store.confirm_restored()
    with open_inline_store(tmp_path / "state") as store:
        assert store.restored() is None
    assert kept is not None
    with open_environment(kept) as state:
        assert state.read(lambda reader: reader.get(Table.PENDING, ("c", "000077"))) == b""


async def test_restores_in_one_second_keep_every_state_that_they_replace(
    tmp_path: Path, clock: VirtualClock
) -> None:
    backup = await backed_up(tmp_path, clock)
    kept = [restore(backup, tmp_path / "state", clock=clock) for _ in range(4)]
    assert kept[0] is None
    names = [each.name for each in kept if each is not None]
    assert names == [f"{STATE_FILE}.before-{int(NOW_S)}{end}" for end in ("", "-2", "-3")]
    inodes = {(tmp_path / "state" / name).stat().st_ino for name in (*names, STATE_FILE)}
    assert len(inodes) == 4


async def test_a_state_that_was_never_restored_says_nothing(tmp_path: Path) -> None:
    with open_inline_store(tmp_path) as store:
        assert store.restored() is None


async def test_confirming_a_restore_survives_on_a_running_store(tmp_path: Path, clock: VirtualClock) -> None:
    backup = await backed_up(tmp_path, clock)
    assert restore(backup, tmp_path / "state", clock=clock) is None
    with open_store(tmp_path / "state") as store:
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            assert isinstance(store.restored(), Restored)
            await store.confirm_restored()
            assert store.restored() is None
            nursery.cancel_scope.cancel()


async def test_nothing_is_restored_under_a_daemon(tmp_path: Path, clock: VirtualClock) -> None:
    backup = await backed_up(tmp_path, clock)
    with open_inline_store(tmp_path / "state") as store:
        with pytest.raises(StoreError, match="is in use by process"):
            restore(backup, tmp_path / "state", clock=clock)
        assert count(store) == 0


async def test_a_backup_does_not_replace_another(tmp_path: Path, clock: VirtualClock) -> None:
    backup = await backed_up(tmp_path, clock)
    before = (backup / MANIFEST).read_bytes()
    with (
        open_inline_store(tmp_path / "source") as store,
        pytest.raises(Misconfigured, match="exists already"),
    ):
        await make_backup(store.environment, backup, clock=clock)
    assert (backup / MANIFEST).read_bytes() == before


def test_a_copy_that_finds_no_room_is_an_operators_matter(tmp_path: Path) -> None:
    with open_environment(tmp_path / STATE_FILE) as state, Path("/dev/full").open("wb") as full:
        with pytest.raises(Misconfigured, match="cannot be written"):
            state.copy_to(full.fileno(), compact=False)
        state.commit([pair(1)])[0].unwrap()


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "file").write_text("")
    with open_inline_store(tmp_path / "source") as store, pytest.raises(Misconfigured, match="file/backup"):
        await make_backup(store.environment, tmp_path / "file" / "backup", clock=clock)


def _flip_a_byte(backup: Path) -> None:
    content = bytearray((backup / STATE_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (backup / STATE_FILE).write_bytes(content)


def _cut_short(backup: Path) -> None:
    content = (backup / STATE_FILE).read_bytes()
    (backup / STATE_FILE).write_bytes(content[: len(content) // 2])


def _lose_the_state(backup: Path) -> None:
    (backup / STATE_FILE).unlink()


def _lose_the_manifest(backup: Path) -> None:
    (backup / MANIFEST).unlink()


def _garble_the_manifest(backup: Path) -> None:
    (backup / MANIFEST).write_bytes(b'{"schema": "one"}')


def _change_the_manifest(backup: Path, **changes: object) -> None:
    manifest = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    (backup / MANIFEST).write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, **changes)))


def _claim_other_rows(backup: Path) -> None:
    _change_the_manifest(backup, rows={})


def _claim_a_newer_schema(backup: Path) -> None:
    _change_the_manifest(backup, schema=99)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_flip_a_byte, "digest differs"),
        (_cut_short, "digest differs"),
        (_lose_the_state, "No such file"),
        (_lose_the_manifest, "not a whole backup"),
        (_garble_the_manifest, "not a whole backup"),
        (_claim_other_rows, "does not hold what it says"),
        (_claim_a_newer_schema, "has schema 99"),
    ],
)
async def test_a_damaged_backup_is_refused_and_the_state_kept(
    tmp_path: Path, clock: VirtualClock, damage: Callable[[Path], None], said: str
) -> None:
    backup = await backed_up(tmp_path, clock)
    with open_inline_store(tmp_path / "state") as store:
        await store.write(pair(77))
    damage(backup)
    with pytest.raises((Misconfigured, StoreError), match=said):
        verify_backup(backup)
    with pytest.raises((Misconfigured, StoreError), match=said):
        restore(backup, tmp_path / "state", clock=clock)
    with open_inline_store(tmp_path / "state") as store:
        assert count(store) == 1
        assert store.restored() is None


async def test_a_backup_by_an_older_program_is_migrated_when_restored(
    tmp_path: Path, clock: VirtualClock
) -> None:
    backup = await backed_up(tmp_path, clock)
    restore(backup, tmp_path / "state", clock=clock)

    def later(writer: Writer) -> None:
        writer.put(Table.CURSORS, ("c", "migrated"), b"yes")

    with open_store(tmp_path / "state", migrations=[later]) as store:
        assert store.read(lambda reader: reader.get(Table.CURSORS, ("c", "migrated"))) == b"yes"


async def test_what_an_interrupted_backup_or_restore_left_is_in_nobodys_way(
    tmp_path: Path, clock: VirtualClock
) -> None:
    (tmp_path / ".backup.part").mkdir()
    (tmp_path / ".backup.part" / STATE_FILE).write_text("half")
    backup = await backed_up(tmp_path, clock)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "restoring.mdb").write_text("half")
    restore(backup, tmp_path / "state", clock=clock)
    assert names_in(tmp_path / "state") == {"lock", STATE_FILE}
