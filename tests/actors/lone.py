"""One actor on real state, whose only job does what a test says."""

import random
from collections.abc import Awaitable, Callable

import trio

from dropstreamd.actors.actor import Actor
from dropstreamd.channels.jobs import Job, both
from dropstreamd.channels.run import Run
from dropstreamd.model.schedule_parser import parse_rule
from dropstreamd.platform.contract import Part
from dropstreamd.platform.limiter import Priority
from dropstreamd.store import switches
from dropstreamd.store.base import Store
from dropstreamd.store.runs import RunRecord
from dropstreamd.store.switches import CONNECTION
from tests.channels.plant import Plant, connection

CHANNEL = "inventory"
KEY = (CHANNEL, "smart")


class Ended:
    """A listener that keeps what ended."""

    def __init__(self) -> None:
        self.runs: list[RunRecord] = []

    def run_began(self, connection: str, channel: str, record: RunRecord) -> None: ...
    def run_ended(self, connection: str, channel: str, record: RunRecord) -> None:
        self.runs.append(record)

    def counted(self, run: str, what: str, total: int) -> None: ...
    def next_fire(self, connection: str, channel: str, job: str, at_s: float | None) -> None: ...


class Lone:
    """The actor, and what is around it."""

    def __init__(
        self,
        state: Store,
        execute: Callable[[Run, float], Awaitable[None]],
        *,
        rules: tuple[str, ...] = (),
        gate: trio.Semaphore | None = None,
    ) -> None:
        self.plant = Plant(state, connection(schedules={KEY: tuple(parse_rule(text) for text in rules)}))
        self.clock = self.plant.clock
        self.state = state
        self.ended = Ended()
        [scope] = self.plant.scopes.values()
        self.scope = scope
        job = Job(
            channel=CHANNEL,
            name="smart",
            needs=both(Part.INVENTORY),
            title="A job",
            priority=Priority.SMART,
            execute=execute,
        )
        self.actor = Actor(
            channel=CHANNEL,
            jobs=(job,),
            scope=lambda: self.scope,
            state=self.state,
            clock=self.clock,
            gate=gate or trio.Semaphore(8),
            listener=self.ended,
            rng=random.Random(1),
        )

    async def turn(self, *, on: bool, channel: str = CHANNEL) -> None:
        """Turn a switch and tell the actor."""
        now_s = self.clock.now_s()

        await self.state.write(
            lambda tx: switches.turn(tx, self.scope.connection.id, channel, on=on, now_s=now_s, who="test")
        )
        self.actor.switched()

    async def enable(self) -> None:
        for channel in (CONNECTION, CHANNEL):
            await self.turn(on=True, channel=channel)

    def ask(self) -> str:
        return self.actor.ask("smart", run=self.scope.ids.new(), who="test", agreed=None)
