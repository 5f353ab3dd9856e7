"""The LMDB environment of one state folder: opening it, reading, and committing a group of writes.

All of it is synchronous. LMDB's ways that this file minds:

- the engine is named (0.9): the library carries two, whose files differ;
- the map is as large as the state may ever grow (sparse, address space only) and is never resized;
- durability is the default one: each commit is on disk before it is answered;
- a read transaction left open keeps every page freed since from reuse: reads never cross an `await`.
"""

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import lmdb
import msgspec
from outcome import Error, Outcome, capture

from dropstreamd.errors import Misconfigured, StateFull, StoreError
from dropstreamd.store.base import Reader, Restored, Size, Writer
from dropstreamd.store.keys import Key
from dropstreamd.store.schema import MIGRATIONS, Migration, migrate_one, schema_of
from dropstreamd.store.tables import Table
from dropstreamd.store.transaction import LmdbReader, LmdbWriter

T = TypeVar("T")

_Handles: TypeAlias = "dict[Table, lmdb._Database]"  # noqa: SLF001 - the type has no other name

STATE_FILE = "state.mdb"
DEFAULT_LIMIT_BYTES = 64 << 30

_RESTORED: Key = ("restored",)
_REMEDY = "see that the disk is sound and the file ours; else restore a backup"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Environment:
    """The tables of one state. Made by `open_environment`, or by `open_copy` for reading alone."""

    def __init__(self, env: lmdb.Environment, handles: _Handles) -> None:
        self._env = env
        self._handles = handles
        self._page_bytes = env.stat()["psize"]

    @property
    def tables(self) -> list[Table]:
        """The tables that are there: all of them, save in a copy made by an older program."""
        return list(self._handles)

    def read(self, fn: Callable[[Reader], T]) -> T:
        """What `fn` returns over a consistent view. StoreError if the state cannot be read."""
        try:
            with self._env.begin() as txn:
                return fn(LmdbReader(txn, self._handles))
        except lmdb.Error as error:
            raise StoreError(f"the state cannot be read: {error}") from error

    def commit(self, functions: Sequence[Callable[[Writer], T]]) -> list[Outcome[T]]:
        """Run all in one transaction, each in a child of it, and make them durable together.

        One that raises is undone alone; its outcome holds what it raised. Where the whole does not
        fit, each is tried by itself, so that a large one fails alone; what does not fit has the
        outcome StateFull. StoreError if it cannot be known what is on disk.
        """
        try:
            return self._commit_together(functions)
        except lmdb.Error as error:
            if not _is_full(error):
                raise StoreError(f"the state cannot be written: {error}") from error
            self._assert_sound()
            if len(functions) == 1:
                return [Error(_full(error))]
        return [self.commit([fn])[0] for fn in functions]

    def size(self) -> Size:
        """How full the state is. What a reader beside us kept that was killed (`open_beside`) is free again
        from here on: until then no page that was freed since is used anew."""
        self._env.reader_check()
        info = self._env.info()
        return Size(used_bytes=(info["last_pgno"] + 1) * self._page_bytes, limit_bytes=info["map_size"])

    def copy_to(self, file: int, *, compact: bool) -> None:
        """Write a consistent copy to the open file `file`, beside readers and the writer.

        `compact` leaves free pages out, at the price of more work. Misconfigured if it fails.
        """
        try:
            self._env.copyfd(file, compact=compact)
        except (lmdb.Error, OSError) as error:
            raise Misconfigured(
                f"the copy cannot be written: {error}", remedy="see that there is room"
            ) from error

    def _commit_together(self, functions: Sequence[Callable[[Writer], T]]) -> list[Outcome[T]]:
        with self._env.begin(write=True) as txn:
            return [self._run_in_child(txn, fn) for fn in functions]

    def _run_in_child(self, txn: "lmdb.Transaction[bytes]", fn: Callable[[Writer], T]) -> Outcome[T]:
        child = self._env.begin(write=True, parent=txn)
        outcome = capture(fn, LmdbWriter(child, self._handles))
        if not isinstance(outcome, Error):
            child.commit()
            return outcome
        child.abort()
        if not isinstance(outcome.error, lmdb.Error):
            return outcome
        if not _is_full(outcome.error):
            raise outcome.error
        return Error(_full(outcome.error))

    def _assert_sound(self) -> None:
        """LMDB panics from here on if the page that names the current state was half written."""
        try:
            self._env.begin(write=True).abort()
        except lmdb.Error as error:
            raise StoreError(f"the state cannot be written: {error}") from error


@contextmanager
def open_environment(
    path: Path,
    *,
    limit_bytes: int = DEFAULT_LIMIT_BYTES,
    durable: bool = True,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> Iterator[Environment]:
    """The state in the file `path`, made if need be, brought to the newest schema.

    Its folder must be held by `lock.locked`. `durable=False` leaves writing to the kernel: nothing is
    lost by a killed process, all may be by a power cut. StoreError if it cannot be opened.
    """
    with _opened(path, map_size=limit_bytes, max_dbs=len(Table), sync=durable) as env:
        env.reader_check()
        yield Environment(env, _newest(env, migrations))


@contextmanager
def open_copy(path: Path) -> Iterator[Environment]:
    """The state in the file `path`, which nobody writes, as it is. StoreError if it cannot be opened."""
    with _opened(path, max_dbs=len(Table), readonly=True, lock=False) as env:
        yield Environment(env, _there(env))


@contextmanager
def open_beside(path: Path, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> Iterator[Environment]:
    """The state in the file `path`, for reading alone, also while a daemon of another process writes it.
    StoreError if it cannot be opened, is of another schema, or has no lock table: made here, that might be
    of a user whose files the daemon may not open."""
    if not path.with_name(f"{path.name}-lock").is_file():
        raise StoreError(f"{path} has no lock table beside it: no daemon has used it here")
    with _opened(path, map_size=limit_bytes, max_dbs=len(Table), readonly=True) as env:
        handles = _there(env)
        environment = Environment(env, handles)
        version = environment.read(schema_of) if Table.META in handles else None
        if version != len(MIGRATIONS) + 1 or len(handles) < len(Table):
            raise StoreError(f"{path} is not a state of this version", remedy=_REMEDY)
        yield environment


def restored_of(reader: Reader) -> Restored | None:
    """Whether, and from when, this state came from a backup that nobody has confirmed."""
    raw = reader.get(Table.META, _RESTORED)
    return None if raw is None else msgspec.msgpack.decode(raw, type=Restored)


def mark_restored(writer: Writer, restored: Restored | None) -> None:
    """Note that this state came from a backup; None takes the note away."""
    if restored is None:
        writer.delete(Table.META, _RESTORED)
    else:
        writer.put(Table.META, _RESTORED, msgspec.msgpack.encode(restored))


@contextmanager
def _opened(path: Path, **options: Any) -> Iterator[lmdb.Environment]:
    try:
        env = lmdb.open(str(path), subdir=False, mode=0o600, lib_version=0, **options)
    except (lmdb.Error, OSError) as error:
        raise StoreError(f"{path} cannot be opened: {error}", remedy=_REMEDY) from error
    try:
        yield env
    except lmdb.Error as error:
        raise StoreError(f"{path} cannot be used: {error}", remedy=_REMEDY) from error
    finally:
        env.close()


def _there(env: lmdb.Environment) -> _Handles:
    """The tables that are there."""
    names = set(env.dbs())
    # Opened outside of a transaction: a handle opened within one that is read-only goes with it.
    return {
        table: env.open_db(table.value.encode(), create=False)
        for table in Table
        if table.value.encode() in names
    }


def _newest(env: lmdb.Environment, migrations: Sequence[Migration]) -> _Handles:
    """All tables, brought to the newest schema one transaction a version; StoreError if too new."""
    with env.begin(write=True) as txn:
        handles = {table: env.open_db(table.value.encode(), txn=txn) for table in Table}
        more = migrate_one(LmdbWriter(txn, handles), migrations)
    while more:
        with env.begin(write=True) as txn:
            more = migrate_one(LmdbWriter(txn, handles), migrations)
    return handles


def _is_full(error: lmdb.Error) -> bool:
    return isinstance(error, lmdb.MapFullError | lmdb.TxnFullError) or error.code in _NO_ROOM


def _full(error: lmdb.Error) -> StateFull:
    if isinstance(error, lmdb.MapFullError):
        full = StateFull("the state reached its limit", remedy="raise state_limit and restart")
    elif isinstance(error, lmdb.TxnFullError):
        full = StateFull("one write is larger than a transaction can hold", remedy="report this")
    else:
        full = StateFull("the disk of the state is full", remedy="make room on it")
    full.__cause__ = error
    return full
