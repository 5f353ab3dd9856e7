"""An actor on real state and virtual time, whose jobs do what the test says."""

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import trio

from dropstreamd.actors.actor import Actor
from dropstreamd.channels.jobs import Job, both
from dropstreamd.channels.older import Agreed
from dropstreamd.channels.run import Run, Scope
from dropstreamd.clock import VirtualClock
from dropstreamd.config.schema import Connection
from dropstreamd.model.ids import Ids
from dropstreamd.model.schedule_parser import parse_rules
from dropstreamd.platform.contract import Part, Store, Warehouse
from dropstreamd.platform.limiter import Priority
from dropstreamd.store import runs, switches
from dropstreamd.store.base import Store as State
from dropstreamd.store.base import Writer
from dropstreamd.store.runs import RunRecord
from dropstreamd.store.switches import CONNECTION, Followed
from tests.channels.plant import ACCOUNT, connection

START_S = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
CHANNEL = "inventory"

Does = Callable[[Run], Awaitable[None]]


class NoFeed:
    """A warehouse that no test here asks."""

    def session(self) -> AbstractAsyncContextManager[Warehouse]:
        raise AssertionError

    async def fetch_packages(self) -> None:
        raise AssertionError

    async def fetch_stock(self) -> None:
        raise AssertionError

    async def fetch_receipts(self) -> None:
        raise AssertionError

    async def fetch_items(self) -> None:
        raise AssertionError

    async def fetch_purchases(self) -> None:
        raise AssertionError


def no_store(_priority: Priority) -> AbstractAsyncContextManager[Store]:
    raise AssertionError


class Rig:
    """One channel with the jobs `full` and `smart`; `does` is what their runs do."""

    def __init__(
        self, state: State, *, smart: str = "daily at 10:00", full: str = "", start_s: float = START_S
    ):
        self.state = state
        self.clock = VirtualClock(start_s)
        self.ids = Ids(self.clock, random.Random(3))
        self.does: Does = self.nothing
        self.began: list[tuple[str, float]] = []
        self.records: list[RunRecord] = []
        self.fires: dict[str, float | None] = {}
        self.at_once = 0
        self.gate = trio.Semaphore(8)
        self.configure(smart=smart, full=full)
        self.actor = self.begin()

    def configure(self, *, smart: str, full: str = "") -> None:
        rules = {
            (CHANNEL, "smart"): parse_rules([smart] if smart else []),
            (CHANNEL, "full"): parse_rules([full] if full else []),
        }
        self.connection: Connection = connection(schedules=rules)

    def begin(self) -> Actor:
        """A new process's actor."""
        jobs = tuple(
            Job(
                channel=CHANNEL,
                name=name,
                needs=both(Part.INVENTORY),
                title=name,
                priority=Priority.SMART,
                execute=self._execute,
                absorbs="smart" if name == "full" else "",
            )
            for name in ("full", "smart")
        )
        self.actor = Actor(
            channel=CHANNEL,
            jobs=jobs,
            scope=self._scope,
            state=self.state,
            clock=self.clock,
            gate=self.gate,
            listener=self,
            rng=random.Random(5),
        )
        return self.actor

    def _scope(self) -> Scope:
        return Scope(
            connection=self.connection,
            account=ACCOUNT,
            siblings=(self.connection,),
            open_store=no_store,
            pulling=trio.Lock(),
            feed=NoFeed(),  # type: ignore[arg-type]
            store_offers=frozenset(Part),
            warehouse_offers=frozenset(Part),
            store_amends=frozenset(),
            warehouse_amends=frozenset(),
            warehouse_cancels=frozenset(),
            state=self.state,
            clock=self.clock,
            ids=self.ids,
        )

    async def nothing(self, run: Run) -> None:
        await run.settled()

    async def _execute(self, run: Run, start_s: float) -> None:
        self.at_once += 1
        assert self.at_once == 1, "two runs of a channel at once"
        try:
            await self.does(run)
        finally:
            self.at_once -= 1

    # ---- the listener

    def run_began(self, connection: str, channel: str, record: RunRecord) -> None:
        self.began.append((record.job, self.clock.now_s() - START_S))

    def run_ended(self, connection: str, channel: str, record: RunRecord) -> None:
        self.records.append(record)

    def counted(self, run: str, what: str, total: int) -> None:
        pass

    def next_fire(self, connection: str, channel: str, job: str, at_s: float | None) -> None:
        self.fires[job] = None if at_s is None else at_s - START_S

    # ---- what people do

    async def switch(self, *, on: bool, channel: str = CHANNEL) -> None:
        now_s = self.clock.now_s()

        def turn(tx: Writer) -> None:
            for agenda in self.actor.agendas.values():
                if on and agenda.enabled_since_s(tx) is None:
                    agenda.skip(tx, now_s, "disabled")
            switches.turn(tx, self.connection.id, channel, on=on, now_s=now_s, who="ann")

        await self.state.write(turn)
        self.actor.switched()

    async def enable(self) -> None:
        for channel in (CONNECTION, CHANNEL):
            await self.switch(on=True, channel=channel)

    def ask(self, job: str, *, agreed: Agreed | None = None) -> str:
        return self.actor.ask(job, run=self.ids.new(), who="ann", agreed=agreed)

    # ---- what tests ask

    def followed(self, job: str = "smart") -> Followed:
        found = self.actor.agendas[job].followed()
        assert found.fired == found.ran + found.coalesced + sum(found.skipped.values())
        return found

    def kept(self) -> list[RunRecord]:
        """The runs in the state, oldest first."""
        newest = self.state.read(lambda tx: list(runs.newest(tx, self.connection.id, CHANNEL, limit=100)))
        return newest[::-1]

    def results(self) -> list[str]:
        return [f"{one.job} {one.trigger} {one.result}" for one in self.records]


def at(hours: float, minutes: float = 0) -> float:
    """Seconds after the start."""
    return hours * 3600 + minutes * 60
