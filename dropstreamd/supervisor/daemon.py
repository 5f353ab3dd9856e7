"""The supervisor: every connection, every warehouse feed, and what changes them."""

import random
from collections.abc import Mapping
from functools import partial

import trio

from dropstreamd.actors.actor import Actor, Listener
from dropstreamd.channels import believing
from dropstreamd.channels.left_behind import LeftBehind, left_behind
from dropstreamd.channels.older import Agreed
from dropstreamd.channels.run import Scope
from dropstreamd.clock import Clock
from dropstreamd.config.changes import Changes, diff
from dropstreamd.config.schema import Broken, Config, Connection, Loaded, WarehouseAccount
from dropstreamd.errors import Misconfigured
from dropstreamd.model.ids import Ids
from dropstreamd.platform.limiter import Priority
from dropstreamd.store import runs, switches
from dropstreamd.store.base import Store, Writer
from dropstreamd.store.runs import Line
from dropstreamd.store.stock import Generation
from dropstreamd.store.switches import CONNECTION
from dropstreamd.supervisor.connection import ConnectionSupervisor
from dropstreamd.supervisor.feed import WarehouseFeed
from dropstreamd.supervisor.gate import Gate
from dropstreamd.supervisor.host import Accounts
from dropstreamd.supervisor.support import jobs
from dropstreamd.telemetry import get_logger

_log = get_logger(__name__)

CLOCK_LOOK_S = 15.0
"""How often the wall clock is looked at."""

CLOCK_STEP_S = 2.0
"""A wall clock that differs by more from the time that has passed was set."""

Path = tuple[str, str]


class Daemon:
    """Everything that runs. Made with a first configuration; `run` supervises it until `stop`."""

    def __init__(
        self,
        *,
        loaded: Loaded,
        state: Store,
        clock: Clock,
        ids: Ids,
        rng: random.Random,
        accounts: Accounts,
        listener: Listener,
    ) -> None:
        self.config: Config = loaded.config
        self.broken: tuple[Broken, ...] = loaded.broken
        self.state = state
        self.clock = clock
        self.ids = ids
        self.accounts = accounts
        self._rng = rng
        self._listener = listener
        self._places = trio.Semaphore(loaded.config.daemon.max_runs)
        self._gates: dict[Path, Gate] = {}
        self._scopes: dict[str, Scope] = {}
        self._by_account: dict[Path, dict[str, Scope]] = {}
        self._pulling: dict[str, trio.Lock] = {}
        self.feeds: dict[Path, WarehouseFeed] = {}
        self.connections: dict[str, ConnectionSupervisor] = {}
        self._nursery: trio.Nursery | None = None
        self._stopped = trio.Event()
        self._reloading = trio.Lock()

    # ---- life

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Supervise everything until `stop`; started once all of it is."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._rescope()
            for connection_id in self.config.connections:
                self._begin(connection_id)
            nursery.start_soon(self._watch_clock)
            task_status.started()
            await self._stopped.wait()
            nursery.cancel_scope.cancel()

    async def stop(self, grace_s: float) -> bool:
        """End every run at a settled point; those that take longer than `grace_s` are cut. Whether
        none had to be."""
        for supervisor in self.connections.values():
            supervisor.stop()
        with trio.move_on_after(grace_s) as grace:
            for supervisor in list(self.connections.values()):
                await supervisor.ended.wait()
        if grace.cancelled_caught:
            for supervisor in self.connections.values():
                supervisor.cut()
            for supervisor in list(self.connections.values()):
                await supervisor.ended.wait()
        self._stopped.set()
        return not grace.cancelled_caught

    def _begin(self, connection_id: str) -> None:
        if self._nursery is None:
            raise AssertionError("the daemon does not run")
        connection = self.config.connections[connection_id]
        supervisor = ConnectionSupervisor(
            scope=partial(self._scopes.__getitem__, connection_id),
            jobs=jobs(connection, self.config.account(connection), self.accounts),
            state=self.state,
            clock=self.clock,
            gate=self._gate(connection),
            listener=self._listener,
            rng=self._rng,
        )
        self.connections[connection_id] = supervisor
        self._nursery.start_soon(supervisor.run)

    def _gate(self, connection: Connection) -> Gate:
        """The gate of its warehouse account, which outlives a restart of the connection."""
        path = (connection.merchant, connection.warehouse)
        return self._gates.setdefault(path, Gate(self._places, self.config.daemon.max_runs))

    async def _end(self, connection_id: str, grace_s: float) -> None:
        supervisor = self.connections.pop(connection_id)
        supervisor.stop()
        with trio.move_on_after(grace_s):
            await supervisor.ended.wait()
        supervisor.cut()
        await supervisor.ended.wait()

    async def _watch_clock(self) -> None:
        offset_s = self.clock.now_s() - trio.current_time()
        while True:
            await trio.sleep(CLOCK_LOOK_S)
            now_s = self.clock.now_s() - trio.current_time()
            if abs(now_s - offset_s) > CLOCK_STEP_S:
                _log.warning("clock_stepped", by_s=round(now_s - offset_s, 3))
                for supervisor in self.connections.values():
                    for actor in supervisor.actors.values():
                        actor.clock_stepped()
            offset_s = now_s

    def scopes(self) -> list[Scope]:
        """Every connection as its runs see it."""
        return list(self._scopes.values())

    # ---- configuration

    def _rescope(self) -> None:
        """Build what every connection and feed sees of the present configuration."""
        accounts: dict[Path, list[Connection]] = {}
        for connection in self.config.connections.values():
            accounts.setdefault((connection.merchant, connection.warehouse), []).append(connection)
        self._scopes.clear()
        for path, siblings in accounts.items():
            settings = self.config.account(siblings[0])
            scopes = self._by_account.setdefault(path, {})
            # The writer's thread reads them meanwhile: none that stays may be missing for a moment.
            for gone in scopes.keys() - {connection.id for connection in siblings}:
                del scopes[gone]
            feed = self.feeds.get(path)
            if feed is None or feed.account.settings != settings:
                feed = self.feeds[path] = self._feed(settings, scopes)
            for connection in siblings:
                scope = self._scope(connection, settings, tuple(siblings), feed)
                scopes[connection.id] = self._scopes[connection.id] = scope
        for path in [path for path in self.feeds if path not in accounts]:
            del self.feeds[path]

    def _feed(self, settings: WarehouseAccount, scopes: Mapping[str, Scope]) -> WarehouseFeed:
        return WarehouseFeed(
            settings=settings,
            scopes=scopes,
            open_session=partial(self.accounts.open_warehouse, settings, Priority.ORDERS),
            state=self.state,
            clock=self.clock,
            ids=self.ids,
            some_broken=lambda: any(each.kind == "connection" for each in self.broken),
        )

    def _scope(
        self,
        connection: Connection,
        account: WarehouseAccount,
        siblings: tuple[Connection, ...],
        feed: WarehouseFeed,
    ) -> Scope:
        return Scope(
            connection=connection,
            account=account,
            siblings=siblings,
            open_store=partial(self.accounts.open_store, connection.store),
            feed=feed,
            pulling=self._pulling.setdefault(connection.id, trio.Lock()),
            store_offers=self.accounts.offers(connection.store),
            warehouse_offers=self.accounts.offers(account),
            store_amends=self.accounts.amends(connection.store),
            warehouse_amends=self.accounts.amends(account),
            warehouse_cancels=self.accounts.cancels(account),
            state=self.state,
            clock=self.clock,
            ids=self.ids,
        )

    async def take_over(self, loaded: Loaded, grace_s: float) -> Changes:
        """Go over to a new configuration, touching only what changed. It is sound: a configuration
        with a problem never comes here. Once begun it is finished, cancelled or not: a connection
        that was ended and not begun again would have stopped silently."""
        async with self._reloading:
            changes = diff(self.config, loaded.config)
            with trio.CancelScope(shield=True):
                for connection_id in (*changes.removed, *changes.restarted):
                    await self._end(connection_id, grace_s)
            self.config, self.broken = loaded.config, loaded.broken
            self._rescope()
            if self._stopped.is_set():
                return changes
            for connection_id in (*changes.added, *changes.restarted):
                self._begin(connection_id)
            for connection_id in changes.hot:
                for actor in self.connections[connection_id].actors.values():
                    actor.reconfigured()
            return changes

    def left_behind(self) -> list[LeftBehind]:
        """What was open under ids that no file has any more, where a new connection seems to be the same."""
        broken = [each.id for each in self.broken if each.kind == "connection"]
        return self.state.read(partial(left_behind, config=self.config, broken=broken))

    # ---- switches and runs

    async def switch(self, connection_id: str, channel: str, *, on: bool, who: str) -> None:
        """Turn the switch of a channel, or of the connection itself (`CONNECTION`). What fell due while it
        was off is skipped; what falls due while it is on stays due, however often it is turned on."""
        now_s = self.clock.now_s()
        name = "the connection" if channel == CONNECTION else channel
        line = Line(
            at_s=now_s,
            event="enabled" if on else "disabled",
            text=f"{name} was {'enabled' if on else 'disabled'}",
            channel="" if channel == CONNECTION else channel,
            who=who,
        )

        agendas = [
            agenda for actor in self._actors(connection_id, channel) for agenda in actor.agendas.values()
        ]

        def turn(tx: Writer) -> None:
            for agenda in agendas:
                if on and agenda.enabled_since_s(tx) is None:
                    agenda.skip(tx, now_s, "disabled")
            switches.turn(tx, connection_id, channel, on=on, now_s=now_s, who=who)
            runs.log(tx, connection_id, line)

        await self.state.write(turn)
        # Asked for again: a reload or a crash may have made new ones, which looked before the write.
        for actor in self._actors(connection_id, channel):
            actor.switched()

    def look_again(self, connection_id: str) -> None:
        """A person has put right what the connection's jobs may wait for: these are tried at once."""
        for actor in self._actors(connection_id, CONNECTION):
            actor.look_again()

    def _actors(self, connection_id: str, channel: str) -> list[Actor]:
        """The actors that a switch concerns; none while its connection is being begun afresh."""
        supervisor = self.connections.get(connection_id)
        if supervisor is None:
            return []
        return [actor for name, actor in supervisor.actors.items() if channel in (CONNECTION, name)]

    def ask(self, connection_id: str, channel: str, job: str, *, who: str, agreed: Agreed | None) -> str:
        """Ask for a run now; the id of the run that will answer. Raises Misconfigured where a switch
        is off."""
        connection = self.config.connections[connection_id]
        off = [
            name
            for name in (CONNECTION, channel)
            if not self.state.read(partial(switches.get, connection=connection_id, channel=name)).on
        ]
        if off:
            what = connection.name if CONNECTION in off else f"{connection.name} {channel}"
            raise Misconfigured(f"{what} is disabled", remedy=f"dropstreamctl enable {what}")
        supervisor = self.connections.get(connection_id)
        if supervisor is None:
            raise Misconfigured(f"{connection.name} is being begun afresh", remedy="ask again in a minute")
        actor = supervisor.actors[channel]
        return actor.ask(job, run=self.ids.new(), who=who, agreed=agreed)

    async def approve(self, merchant: str, warehouse: str, generation: str, *, who: str) -> Generation | None:
        """Believe the held snapshot of that id; None where it is not held."""
        feed = self.feeds[merchant, warehouse]
        now_s = self.clock.now_s()
        approve = partial(believing.approve, account=feed.account, now_s=now_s, generation=generation)
        made = await self.state.write(approve)
        if made is not None:
            line = Line(at_s=now_s, event="approved", text=f"snapshot {made.snapshot}: {made.why}", who=who)
            for connection_id in list(feed.account.scopes):
                await self.state.write(partial(runs.log, connection=connection_id, line=line))
                self.look_again(connection_id)
        return made
