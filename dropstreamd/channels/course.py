"""In which order a run pushes levels: what falls before what rises, over all stores of a warehouse.

A level that rises waits while another store of the account still shows more than it should of stock that
both sell. Nobody waits for a level that falls, so that stores never wait for each other in a circle; nor for
a store whose inventory is off, has not succeeded for a day, or refuses the SKU, and for none longer than two
hours: a store that does not move must not empty the others. Each location of a store counts as a store of its
own; two that show other facilities have no stock in common.
"""

from functools import partial

import trio

from dropstreamd.channels import deriving, places, promises
from dropstreamd.channels.places import Place
from dropstreamd.channels.promises import NOTHING, Unsent
from dropstreamd.channels.run import Run, Scope
from dropstreamd.config.schema import Connection
from dropstreamd.model.handover import Stamp
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Sink
from dropstreamd.store import level_flows, level_handover, levels, switches
from dropstreamd.store.base import Reader
from dropstreamd.store.level_handover import Opened
from dropstreamd.store.records import Flow

PATIENCE_S = 2 * 3600.0
"""How long a level that rises waits for other stores, in seconds."""

ALIVE_S = 24 * 3600.0
"""How long ago a store's inventory must have succeeded for others to wait for it, in seconds."""

LOOKED_AT_ONCE = 500
"""Pending levels looked at without a pause."""


class Course:
    """One pass over the pending levels of a place: those that fall, then all the others."""

    def __init__(self, run: Run, place: Place, unsent: Unsent, batch: int) -> None:
        scope = run.scope
        self._run = run
        self._flow = places.flow(scope.connection, place)
        self._location = place.location
        self._batch = batch
        self._derive = partial(
            deriving.derive, scope.connection, scope.account, unsent.of(place.facility), place=place
        )
        self._others = run.state.read(
            partial(_others, scope=scope, place=place, unsent=unsent, now_s=run.now_s())
        )
        self._falling: list[str] = []
        self._looked_at: str | None = None
        self._looked = False
        self._after: str | None = None
        self.done = False

    @property
    def flow(self) -> Flow:
        """Where its levels are kept."""
        return self._flow

    @property
    def falling(self) -> bool:
        """Whether some that fall are still to be opened, or looked for."""
        return not self._looked or bool(self._falling)

    async def open_next(self, sink: Sink[Level], stamp: Stamp) -> Opened | None:
        """The attempts of the next batch, as full as it can be; None where there is nothing to open yet."""
        if not self._looked and len(self._falling) < self._batch:
            ended = await self._look()
            if not self._falling or (not ended and len(self._falling) < self._batch):
                return None
        if self._falling:
            only, self._falling = self._falling[: self._batch], self._falling[self._batch :]
            return await self._open(sink, stamp, only)
        opened = await self._open(sink, stamp, [])
        self._after = opened.last
        self.done = opened.last is None
        return opened

    async def _look(self) -> bool:
        """Look at some more; whether those were the last."""
        look = partial(
            levels.look, flow=self._flow, after=self._looked_at, limit=LOOKED_AT_ONCE, derive=self._derive
        )
        looked = self._run.state.read(look)
        await trio.lowlevel.checkpoint()
        self._falling += looked.falling
        self._looked_at = looked.last
        self._looked = looked.last is None
        return self._looked

    async def _open(self, sink: Sink[Level], stamp: Stamp, only: list[str]) -> Opened:
        return await self._run.state.write(
            partial(
                level_handover.open_batch,
                flow=self._flow,
                after=self._after,
                limit=self._batch,
                derive=self._derive,
                prepare=sink.prepare,
                stamp=stamp,
                run=self._run.id,
                only=only,
                waits=self._waits if self._others else None,
                patience_s=PATIENCE_S,
                remembers=sink.writes.remembers,
                location=self._location,
            )
        )

    def _waits(self, tx: Reader, sku: str) -> bool:
        parts = deriving.recipe(self._run.scope.connection, sku)
        return any(other.falls(tx, part) for other in self._others for part in parts)


class _Other:
    """A place of another store of the account, as far as its levels go."""

    def __init__(self, scope: Scope, connection: Connection, place: Place, unsent: Unsent) -> None:
        self._flow = places.flow(connection, place)
        self._reach = deriving.Reach(connection)
        deducted = (unsent if connection.deduct_unsent else NOTHING).of(place.facility)
        self._derive = partial(deriving.derive, connection, scope.account, deducted, place=place)
        self._pushed: dict[str, dict[str, int]] = {}

    def falls(self, tx: Reader, part: str) -> bool:
        """Whether it shows more than it should of something that takes this SKU of the warehouse."""
        under_way = [self._levels_of(*each) for each in level_flows.under_way(tx, self._flow)]
        for sku in (*self._reach.channel_skus([part]), *self._reach.hidden([part])):
            record = levels.get(tx, self._flow, sku)
            pushed = max((each.get(sku, 0) for each in under_way), default=0)
            if not pushed and (record is None or record.cause):
                continue
            level = self._derive(tx, sku)
            if level is not None and (levels.falls(record, level) or pushed > level.available):
                return True
        return False

    def _levels_of(self, attempt_id: str, attempt: bytes) -> dict[str, int]:
        """What is being pushed there, read once for each push: it may take long, or have been cut."""
        found = self._pushed.get(attempt_id)
        if found is None:
            found = self._pushed[attempt_id] = level_flows.levels_of(attempt)
        return found


def _others(tx: Reader, scope: Scope, place: Place, unsent: Unsent, now_s: float) -> list[_Other]:
    """The places of other stores of the account that are waited for: those that show stock of the same
    facility; `unsent` is what this one deducts."""
    alive = [
        each for each in scope.siblings if each.id != scope.connection.id and _is_alive(tx, each.id, now_s)
    ]
    if alive and not scope.connection.deduct_unsent:
        unsent = promises.unsent(tx, scope.account, scope.siblings)
    return [
        _Other(scope, each, theirs, unsent)
        for each in alive
        for theirs in places.now(tx, each, scope.account)
        if None in (place.facility, theirs.facility) or theirs.facility == place.facility
    ]


def _is_alive(tx: Reader, connection: str, now_s: float) -> bool:
    if not all(switches.get(tx, connection, name).on for name in (switches.CONNECTION, deriving.CHANNEL)):
        return False
    jobs = (switches.followed(tx, connection, deriving.CHANNEL, job) for job in ("smart", "full"))
    return now_s - max(followed.last_success_s for followed in jobs) < ALIVE_S
