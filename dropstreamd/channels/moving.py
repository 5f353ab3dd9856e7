"""When a connection's levels move to other places: `[locations]` came, went, or names others.

What a store shows is never left to itself. Levels that were shown for the whole store are, from then on,
those of the location that the store's settings name, and the other way round: each is unknown there, and
pushed anew. A location that is not mapped any more is told 0 of everything that it was told before, unless
it is another connection's by now; only then does anything rise elsewhere. So it is with the location of a
store that has no map, when its settings name another one.
"""

from functools import partial

import msgspec
import trio

from dropstreamd.channels import marking, places
from dropstreamd.channels.places import Place
from dropstreamd.channels.run import Run
from dropstreamd.config.schema import Connection
from dropstreamd.model.handover import Stamp
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Sink
from dropstreamd.store import cursors, level_flows, level_handover, levels
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.level_handover import Opened
from dropstreamd.store.levels import Derived
from dropstreamd.store.records import Flow
from dropstreamd.store.tables import Table

AT_ONCE = 5_000
"""Levels moved in one transaction."""

_HOME = "levels at"
"""Beside the cursors of a connection's flows: where its levels without a location are shown."""

_TABLES = (Table.DOCUMENTS, Table.PENDING, Table.ATTEMPTS)


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A location that the connection has left: the levels that it was told."""

    flow: Flow
    location: str


def is_due(tx: Reader, connection: Connection, here: tuple[Place, ...]) -> bool:
    """Whether levels are kept of a place that is none of the connection's any more."""
    plain = places.flow(connection)
    names = {place.location for place in here}
    if _has_rows(tx, plain) and (None not in names or _old_home(tx, connection)):
        return True
    return any(location not in names for location in level_flows.located(tx, plain, _TABLES))


async def adopt(run: Run, here: tuple[Place, ...], visible_after_s: float) -> list[Left]:
    """Move what was shown at the place that has another name now; the locations that were left, and are no
    other connection's by now. What those were told is forgotten."""
    connection = run.scope.connection
    plain = places.flow(connection)
    names = {place.location for place in here}
    home = connection.home or None
    await _leave_home(run, here, visible_after_s)
    left = run.state.read(partial(level_flows.located, flow=plain, tables=_TABLES))
    if None not in names and run.state.read(partial(_has_rows, flow=plain)):
        await _move(run, plain, places.flow(connection, Place(location=home)), visible_after_s)
    if None in names and home in left:
        await _move(run, places.flow(connection, Place(location=home)), plain, visible_after_s)
    gone = [location for location in left if location not in names]
    if None in names and home in gone:
        gone.remove(home)
    for location in [each for each in gone if each in connection.taken]:
        await _clear(run, places.flow(connection, Place(location=location)))
        gone.remove(location)
    return [
        Left(flow=places.flow(connection, Place(location=location)), location=location) for location in gone
    ]


def _old_home(tx: Reader, connection: Connection) -> str:
    """The location at which levels without one were shown, where that is another one by now; else ""."""
    before = cursors.get(tx, Flow(connection.id, _HOME)) or ""
    return "" if before == connection.home else before


async def _leave_home(run: Run, here: tuple[Place, ...], visible_after_s: float) -> None:
    """Take what was shown at the location that the settings named before for that location's own."""
    connection, whole = run.scope.connection, any(place.location is None for place in here)
    old = run.state.read(partial(_old_home, connection=connection)) if whole else ""
    if old:
        plain = places.flow(connection)
        await _move(run, plain, places.flow(connection, Place(location=old)), visible_after_s)
        await marking.mark_all(run, here, forced=False)
    shown = Flow(connection.id, _HOME), connection.home if whole else ""
    if (run.state.read(partial(cursors.get, flow=shown[0])) or "") != shown[1]:
        await run.state.write(partial(cursors.put, flow=shown[0], cursor=shown[1]))


class Emptying:
    """One pass over a location that was left: every level that it shows becomes 0."""

    def __init__(self, run: Run, left: Left, batch: int) -> None:
        self._run = run
        self._left = left
        self._batch = batch
        self._after: str | None = None
        self.flow = left.flow
        self.done = False

    async def open_next(self, sink: Sink[Level], stamp: Stamp) -> Opened | None:
        """The attempts of the next batch."""
        opened = await self._run.state.write(
            partial(
                level_handover.open_batch,
                flow=self.flow,
                after=self._after,
                limit=self._batch,
                derive=_none,
                prepare=sink.prepare,
                stamp=stamp,
                run=self._run.id,
                remembers=sink.writes.remembers,
                location=self._left.location,
            )
        )
        self._after = opened.last
        self.done = opened.last is None
        return opened


def _none(_tx: Reader, _sku: str) -> Derived:
    return Derived(available=0, reported=b"")


async def mark(run: Run, left: Left) -> None:
    """Have everything that the location shows told 0."""
    skus = await trio.to_thread.run_sync(run.state.read, partial(levels.in_store, flow=left.flow))
    for start in range(0, len(skus), AT_ONCE):
        some = skus[start : start + AT_ONCE]
        await run.state.write(partial(levels.mark, flow=left.flow, skus=some, forced=True))


async def forget_done(run: Run, left: Left) -> None:
    """Forget what the location shows none of any more."""
    skus = await trio.to_thread.run_sync(run.state.read, partial(_every, flow=left.flow))
    for start in range(0, len(skus), AT_ONCE):
        some = skus[start : start + AT_ONCE]
        await run.state.write(partial(levels.forget_shown_none, flow=left.flow, skus=some))
    if not run.state.read(lambda tx: tx.first(Table.DOCUMENTS, tuple(left.flow))):
        await _clear(run, left.flow)


async def forget_all(run: Run, left: Left) -> None:
    """The store has no such location any more: nothing is shown there."""
    await _clear(run, left.flow)


def _every(tx: Reader, flow: Flow) -> list[str]:
    return [path[-1] for path, _ in tx.scan(Table.DOCUMENTS, tuple(flow))]


def _has_rows(tx: Reader, flow: Flow) -> bool:
    return any(tx.first(table, tuple(flow)) is not None for table in _TABLES)


async def _move(run: Run, source: Flow, target: Flow, visible_after_s: float) -> None:
    now_s = run.now_s()
    await run.state.write(
        partial(level_handover.recover, flow=source, now_s=now_s, visible_after_s=visible_after_s)
    )
    take = partial(levels.adopt, source=source, target=target, limit=AT_ONCE)
    while await run.state.write(take):
        await run.settled()
    await _clear(run, source)


async def _clear(run: Run, flow: Flow) -> None:
    """Nothing of the flow is left."""
    empty = partial(levels.empty, flow=flow, limit=AT_ONCE)
    while await run.state.write(empty):
        await run.settled()
    await run.state.write(partial(_clear_rest, flow=flow))


def _clear_rest(tx: Writer, flow: Flow) -> None:
    for table in (Table.PENDING, Table.ATTEMPTS):
        for path, _ in list(tx.scan(table, tuple(flow))):
            tx.delete(table, path)
