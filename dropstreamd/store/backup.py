"""Backups of the whole state, taken while the daemon works, and their return.

A backup is a folder: `state.mdb`, and `backup.json`, which says when it was made and what must be
found in it. It appears under its name only when whole, verified and on disk. LMDB keeps no checksums
of its own and reads a torn file as far as it can (or dies of it), hence the digest: nothing opens a
backup before its bytes were found to be those that were written.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

import msgspec
import trio

from dropstreamd.clock import Clock
from dropstreamd.errors import Misconfigured, StoreError
from dropstreamd.store.base import Reader, Restored
from dropstreamd.store.environment import (
    DEFAULT_LIMIT_BYTES,
    STATE_FILE,
    Environment,
    mark_restored,
    open_copy,
    open_environment,
)
from dropstreamd.store.lock import locked
from dropstreamd.store.schema import check_schema, schema_of
from dropstreamd.store.tables import Table

MANIFEST = "backup.json"

_REMEDY = "use another backup"


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup says of itself."""

    made_at_s: float
    """When it was begun, in seconds since the epoch: what it holds is at least as new."""
    schema: int
    sha256: str
    rows: dict[str, int]
    """Rows by table."""


async def make_backup(
    environment: Environment, target: Path, *, clock: Clock, compact: bool = False
) -> Manifest:
    """Copy the state to the new folder `target`, beside all that goes on. Secrets are not part of it.

    `compact` leaves free pages out. Misconfigured if `target` exists or cannot be written, StoreError
    if the copy shows that the state is not sound; nothing is left under its name then. Runs in a
    thread of its own; cancellation waits for it.
    """
    made_at_s = clock.now_s()
    return await trio.to_thread.run_sync(_make, environment, target, made_at_s, compact)


def verify_backup(backup: Path) -> Manifest:
    """Read all of a backup: its digest, schema, and each row of each table.

    Misconfigured, saying what is wrong, unless all is as its manifest says; StoreError if a newer
    program made it. Changes nothing in it.
    """
    with _file_errors(backup):
        return _verify(backup)


def restore(
    backup: Path, folder: Path, *, clock: Clock, limit_bytes: int = DEFAULT_LIMIT_BYTES
) -> Path | None:
    """Put a verified copy of `backup` in place of the state of `folder`; where the old one is kept.

    The new state is `restored()` until a person confirms it. StoreError if a daemon holds the folder;
    otherwise as `verify_backup`. A crash leaves the old state or the new one, never neither.
    """
    with locked(folder), _file_errors(folder):
        manifest = verify_backup(backup)
        restored = Restored(made_at_s=manifest.made_at_s, restored_at_s=clock.now_s())
        fresh = folder / "restoring.mdb"
        _copy(backup / STATE_FILE, fresh)
        if _sha256(fresh) != manifest.sha256:
            raise Misconfigured(f"{backup}: its copy in {folder} differs from it", remedy="check the disk")
        with open_environment(fresh, limit_bytes=limit_bytes) as environment:
            [outcome] = environment.commit([lambda writer: mark_restored(writer, restored)])
            outcome.unwrap()
        fresh.with_name(f"{fresh.name}-lock").unlink()
        return _exchange(fresh, folder, restored.restored_at_s)


def _make(environment: Environment, target: Path, made_at_s: float, compact: bool) -> Manifest:
    part = target.with_name(f".{target.name}.part")
    with _file_errors(target):
        if target.exists():
            raise Misconfigured(f"{target} exists already", remedy="give the backup a name of its own")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        try:
            manifest = _fill(part, environment, made_at_s, compact=compact)
            _sync(part)
            part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        _sync(target.parent)
    return manifest


def _fill(part: Path, environment: Environment, made_at_s: float, *, compact: bool) -> Manifest:
    file = os.open(part / STATE_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        environment.copy_to(file, compact=compact)
        os.fsync(file)
    finally:
        os.close(file)
    schema, rows = _look_into(part / STATE_FILE)
    sha256 = _sha256(part / STATE_FILE)
    manifest = Manifest(made_at_s=made_at_s, schema=schema, sha256=sha256, rows=rows)
    (part / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    _sync(part / MANIFEST)
    return manifest


def _verify(backup: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise Misconfigured(f"{backup} is not a whole backup: {error}", remedy=_REMEDY) from error
    check_schema(manifest.schema)
    if _sha256(backup / STATE_FILE) != manifest.sha256:
        raise Misconfigured(f"{backup} is damaged: its digest differs", remedy=_REMEDY)
    found = _look_into(backup / STATE_FILE)
    if found != (manifest.schema, manifest.rows):
        raise Misconfigured(f"{backup} does not hold what it says it does", remedy=_REMEDY)
    return manifest


def _look_into(file: Path) -> tuple[int, dict[str, int]]:
    """The schema and the rows by table of a state that nobody writes; StoreError if it is not sound."""
    with open_copy(file) as environment:
        tables = environment.tables
        schema = environment.read(schema_of) if Table.META in tables else None
        if schema is None:
            raise StoreError(f"{file} has no schema version", remedy=_REMEDY)
        rows = environment.read(lambda reader: {table.value: _walk(reader, table) for table in tables})
    return schema, rows


def _walk(reader: Reader, table: Table) -> int:
    """The rows of a table, each of them read."""
    rows = sum(1 for _ in reader.scan(table))
    if rows != reader.count(table):
        raise StoreError(f"{table.value} has {rows} rows, not as many as it says", remedy=_REMEDY)
    return rows


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    shutil.copyfile(source, target)


def _exchange(fresh: Path, folder: Path, now_s: float) -> Path | None:
    state = folder / STATE_FILE
    kept: Path | None = None
    if state.exists():
        kept = _unused(folder / f"{STATE_FILE}.before-{int(now_s)}")
        # A second name first, so that at no moment there is no state (a daemon would begin anew).
        kept.hardlink_to(state)
    _sync(fresh)
    fresh.replace(state)
    _sync(folder)
    return kept


def _unused(path: Path) -> Path:
    """`path`, or that name with a number where an earlier restore of the same second has it."""
    names = chain([path], (path.with_name(f"{path.name}-{number}") for number in count(2)))
    return next(each for each in names if not os.path.lexists(each))


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Misconfigured(f"{path}: {error}", remedy="see that there is room and permission") from error
