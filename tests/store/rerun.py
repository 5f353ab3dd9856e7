"""Writes as the writer thread may do them: once in vain, and then again."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.tables import Table
from tests.store.owners import check_owners

T = TypeVar("T")


class _Aborted(Exception):
    """The group was undone."""


def commit(state: InlineStore, fn: Callable[[Writer], T], *, people: bool = False) -> T:
    """Run `fn`, undo it, run it again and keep that: both must answer and write the same. The state must
    be sound afterwards."""
    seen: list[tuple[object, object]] = []

    def once(tx: Writer) -> T:
        result = fn(tx)
        content = {table: list(tx.scan(table)) for table in Table}
        seen.append((msgspec.to_builtins(result, enc_hook=repr), content))
        return result

    def vain(tx: Writer) -> None:
        once(tx)
        raise _Aborted

    environment = state.environment
    [undone] = environment.commit([vain])
    with suppress(_Aborted):
        undone.unwrap()
    [outcome] = environment.commit([once])
    result = outcome.unwrap()
    assert seen[0] == seen[1], "it is not re-runnable"
    environment.read(lambda tx: check_owners(tx, people=people))
    return result
