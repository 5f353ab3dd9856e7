"""The `Store` of a running daemon, and the one of a simulation."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec
import trio

from dropstreamd.errors import StoreError
from dropstreamd.store.base import Reader, Restored, Size, Writer
from dropstreamd.store.environment import (
    DEFAULT_LIMIT_BYTES,
    STATE_FILE,
    Environment,
    mark_restored,
    open_environment,
    restored_of,
)
from dropstreamd.store.lock import locked
from dropstreamd.store.schema import MIGRATIONS, Migration
from dropstreamd.store.writer import GroupWriter, Watcher

T = TypeVar("T")


class LmdbStore:
    """See `base.Store`. While `run` does not run, writes wait, and may be cancelled."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._writer = GroupWriter(environment.commit)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> NoReturn:
        await self._writer.run(task_status=task_status)

    def watch(self, watcher: Watcher) -> None:
        """Tell it from now on what the writer does."""
        self._writer.watch(watcher)

    def read(self, fn: Callable[[Reader], T]) -> T:
        try:
            return self.environment.read(fn)
        except StoreError as error:
            self._writer.fail(error)
            raise

    async def write(self, fn: Callable[[Writer], T]) -> T:
        return await self._writer.write(fn)

    async def heartbeat(self) -> None:
        await self.write(_nothing)

    def size(self) -> Size:
        return msgspec.structs.replace(self.environment.size(), full=self._writer.full)

    def restored(self) -> Restored | None:
        return self.read(restored_of)

    async def confirm_restored(self) -> None:
        await self.write(_not_restored)


class InlineStore:
    """See `base.Store`: writes in the loop's own thread, each by itself, so that virtual time and the
    order of events are the simulation's alone. A failed state is raised to whoever meets it.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> NoReturn:
        """Nothing, until cancelled: so that a simulation starts what a daemon starts."""
        task_status.started()
        await trio.sleep_forever()

    def read(self, fn: Callable[[Reader], T]) -> T:
        return self.environment.read(fn)

    async def write(self, fn: Callable[[Writer], T]) -> T:
        await trio.lowlevel.checkpoint()
        [outcome] = self.environment.commit([fn])
        # Others may run between the commit and its answer, as they may beside a thread.
        await trio.lowlevel.cancel_shielded_checkpoint()
        return outcome.unwrap()

    async def heartbeat(self) -> None:
        await self.write(_nothing)

    def size(self) -> Size:
        return self.environment.size()

    def restored(self) -> Restored | None:
        return self.read(restored_of)

    async def confirm_restored(self) -> None:
        await self.write(_not_restored)


@contextmanager
def open_store(
    folder: Path,
    *,
    limit_bytes: int = DEFAULT_LIMIT_BYTES,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> Iterator[LmdbStore]:
    """The state of `folder`, held by this process until the end of the block.

    StoreError if another process holds it, if it is newer than this program, or cannot be opened.
    All use of the store, `run` included, ends before the block does.
    """
    with (
        locked(folder),
        open_environment(folder / STATE_FILE, limit_bytes=limit_bytes, migrations=migrations) as environment,
    ):
        yield LmdbStore(environment)


@contextmanager
def open_inline_store(folder: Path, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> Iterator[InlineStore]:
    """As `open_store`, for simulations: the state survives a killed process but not a power cut."""
    with (
        locked(folder),
        open_environment(folder / STATE_FILE, limit_bytes=limit_bytes, durable=False) as environment,
    ):
        yield InlineStore(environment)


def _nothing(_writer: Writer) -> None:
    """The write of a heartbeat."""


def _not_restored(writer: Writer) -> None:
    mark_restored(writer, None)
