"""One connection: a nursery that owns an actor for each of its channels."""

import random
from collections.abc import Callable
from functools import partial
from itertools import groupby

import trio

from dropstreamd.actors.actor import Actor, Listener
from dropstreamd.channels.jobs import Job
from dropstreamd.channels.run import Scope
from dropstreamd.clock import Clock
from dropstreamd.store.base import Store
from dropstreamd.supervisor.gate import Gate
from dropstreamd.supervisor.keeper import Faults, keep

ACTOR_FAULTS = 5
"""Faults of one actor in a row before its whole connection is begun afresh."""


class ConnectionSupervisor:
    """Runs a connection's actors until told to stop. A fault in here never reaches a sibling.

    `scope` tells the connection's present configuration.
    """

    def __init__(
        self,
        *,
        scope: Callable[[], Scope],
        jobs: tuple[Job, ...],
        state: Store,
        clock: Clock,
        gate: Gate,
        listener: Listener,
        rng: random.Random,
    ) -> None:
        self._scope = scope
        self._jobs = jobs
        self._state = state
        self._clock = clock
        self._gate = gate
        self._listener = listener
        self._rng = rng
        self._stopping = False
        self._cancel = trio.CancelScope()
        self.ended = trio.Event()
        self.faults = Faults()
        self.actors = self._make()

    @property
    def scope(self) -> Scope:
        return self._scope()

    def _make(self) -> dict[str, Actor]:
        return {
            channel: Actor(
                channel=channel,
                jobs=tuple(jobs),
                scope=self._scope,
                state=self._state,
                clock=self._clock,
                gate=self._gate,
                listener=self._listener,
                rng=self._rng,
            )
            for channel, jobs in groupby(self._jobs, key=lambda job: job.channel)
        }

    async def run(self) -> None:
        """Until every actor has stopped; repeated faults of one begin all of them afresh."""
        name = f"connection {self._scope().connection.name}"
        try:
            with self._cancel:
                await keep(name, self._run_actors, faults=self.faults, rng=self._rng)
        finally:
            self.ended.set()

    async def _run_actors(self) -> None:
        if self.faults.in_a_row:
            self.actors = self._make()
        if self._stopping:
            return
        async with trio.open_nursery() as nursery:
            for channel, actor in self.actors.items():
                name = f"{self._scope().connection.name}.{channel}"
                nursery.start_soon(
                    partial(
                        keep,
                        name,
                        actor.run,
                        faults=Faults(),
                        rng=self._rng,
                        give_up_after=ACTOR_FAULTS,
                    )
                )

    def stop(self) -> None:
        """End once every run in hand has settled."""
        self._stopping = True
        for actor in self.actors.values():
            actor.stop()

    def cut(self) -> None:
        """End now: what a run leaves open is looked up at the next start."""
        self._cancel.cancel()
