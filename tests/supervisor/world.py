"""A small daemon in virtual time, over platforms that have nothing to tell."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from msgspec.structs import replace

from dropstreamd.channels.jobs import CHANNELS
from dropstreamd.clock import VirtualClock
from dropstreamd.config.schema import Config, Loaded
from dropstreamd.model.ids import Ids
from dropstreamd.platform.contract import Plugin
from dropstreamd.platform.loader import PluginStatus
from dropstreamd.platform.secrets import Secret
from dropstreamd.store.base import Store
from dropstreamd.store.runs import RunRecord
from dropstreamd.store.switches import CONNECTION
from dropstreamd.supervisor.daemon import Daemon
from dropstreamd.supervisor.host import Accounts
from dropstreamd.telemetry import Metrics
from tests.sim.plugins import QuietSettings, quiet_plugins
from tests.sim.test_year import START_S, make_config


class Ended:
    """A listener that keeps what ended, by connection and channel."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, str, RunRecord]] = []

    def run_began(self, connection: str, channel: str, record: RunRecord) -> None: ...
    def run_ended(self, connection: str, channel: str, record: RunRecord) -> None:
        self.runs.append((connection, channel, record))

    def counted(self, run: str, what: str, total: int) -> None: ...
    def next_fire(self, connection: str, channel: str, job: str, at_s: float | None) -> None: ...


class World:
    """The daemon, its configuration, and what is to be known of it."""

    def __init__(self, state: Store, **plugins: Plugin[QuietSettings]) -> None:
        rng = random.Random(5)
        self.clock = VirtualClock(START_S)
        config = make_config(rng)
        few = dict(list(config.connections.items())[:8])
        self.config = replace(config, connections=few)
        self.ended = Ended()
        self.metrics = Metrics(now_s=self.clock.now_s, version="0")
        all_plugins = {**quiet_plugins(rng), **{each.name: each for each in plugins.values()}}
        self.daemon = Daemon(
            loaded=self.loaded(self.config),
            state=state,
            clock=self.clock,
            ids=Ids(self.clock, rng),
            rng=rng,
            accounts=Accounts(
                plugins={
                    name: PluginStatus(name=name, origin="here", plugin=plugin)
                    for name, plugin in all_plugins.items()
                },
                clock=self.clock,
                read_secret=lambda _ref: Secret(""),
                write_secret=lambda _name, _value: None,
                observer=self.metrics,
                rng=rng,
                state=state,
            ),
            listener=self.ended,
        )

    def loaded(self, config: Config) -> Loaded:
        return Loaded(config=config, broken=(), problems=())

    def without(self, connection: str) -> Loaded:
        """The configuration less one connection."""
        left = {key: each for key, each in self.config.connections.items() if key != connection}
        return self.loaded(replace(self.config, connections=left))

    def moved(self, connection: str, number: int) -> Loaded:
        """The configuration with another store account for one connection: that restarts it."""
        old = self.config.connections[connection]
        settings = QuietSettings(name=f"moved-{number}")
        new = replace(old, store=replace(old.store, settings=settings, account_key=settings.name))
        return self.loaded(replace(self.config, connections={**self.config.connections, connection: new}))

    async def enable(self, connection: str) -> None:
        for channel in (CONNECTION, *CHANNELS):
            await self.daemon.switch(connection, channel, on=True, who="test")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.daemon.run)
            yield
            await self.daemon.stop(grace_s=60)
