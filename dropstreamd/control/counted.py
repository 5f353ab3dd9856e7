"""The work that waits in the state, counted with bounds."""

from collections.abc import Iterable

from dropstreamd.channels.jobs import flows
from dropstreamd.control.messages.status import Counted, WorkShown
from dropstreamd.store.base import Reader
from dropstreamd.store.tables import Table

COUNT_LIMIT = 1_000
"""Work is counted this far: a backlog of a million levels must not hold up the loop."""


def work_of(tx: Reader, connection: str, channel: str) -> WorkShown:
    """What waits in a channel of a connection."""
    paths = [(connection, flow) for flow in flows(tx, connection, channel)]
    waiting = [path for path in paths if tx.first(Table.PARKED, path) is not None]

    def parked(kind: str) -> Counted:
        return _sum(count(tx, Table.PARKED, *path, kind) for path in waiting)

    return WorkShown(
        pending=_sum(count(tx, Table.PENDING, *path) for path in paths),
        parked=parked("parked"),
        held=parked("held"),
        in_doubt=parked("doubt"),
        undecodable=parked("bad"),
        tasks=_sum(count(tx, Table.TASKS, *path) for path in paths),
    )


def _sum(counts: Iterable[Counted]) -> Counted:
    count, more = 0, False
    for each in counts:
        count += each.count
        more = more or each.more
    return Counted(count=count, more=more)


def count(tx: Reader, table: Table, *path: str) -> Counted:
    """The rows under a path."""
    found = sum(1 for _ in tx.scan(table, path, limit=COUNT_LIMIT + 1))
    return Counted(count=min(found, COUNT_LIMIT), more=found > COUNT_LIMIT)
