"""Schedules in virtual time: the real supervisor, actors and state, 50 connections in six zones, with
slow runs, switches turned, the wall clock stepped both ways, and the daemon restarted.

For every job: runs never overlap, and each fire of its rules (counted afresh here) either ran, was
coalesced into a run, or was skipped for a stated reason. Ten days by default; a whole year by
`DROPSTREAMD_SIM_DAYS=365 pytest tests/sim --timeout 3600`.
"""

import os
import random
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from math import inf
from pathlib import Path
from zoneinfo import ZoneInfo

import trio
from trio.testing import MockClock

from dropstreamd.actors.schedule import Schedule, spread_for
from dropstreamd.channels.jobs import CHANNELS, JOBS
from dropstreamd.clock import VirtualClock
from dropstreamd.config.schema import (
    Breaker,
    Config,
    Connection,
    DaemonSettings,
    Loaded,
    Merchant,
    StoreAccount,
    WarehouseAccount,
)
from dropstreamd.model.ids import Ids
from dropstreamd.model.schedule_parser import parse_rule
from dropstreamd.platform.loader import PluginStatus
from dropstreamd.platform.secrets import Secret
from dropstreamd.store import switches
from dropstreamd.store.base import Store
from dropstreamd.store.lmdb_store import open_inline_store
from dropstreamd.store.runs import RunRecord
from dropstreamd.store.switches import CONNECTION
from dropstreamd.supervisor.daemon import Daemon
from dropstreamd.supervisor.host import Accounts
from dropstreamd.telemetry import Metrics
from tests.sim.plugins import ALL, QuietSettings, quiet_plugins

START_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
DAY_S = 86_400
LIVES = 6
MOST_LATE_S = 14 * 3600
"""A run has its store for up to 4 h and its warehouse for up to 50 min, and the other job of its channel may
be before it: 9 h 40 min, and what it waits for one of the run places. Hours that a step of the clock left
out are not counted, nor those between the daemon's being told to stop and its next start: nothing could
begin in them."""
STEPS_S = (-50 * 60.0, -600.0, -1.0, 1.0, 600.0, 2 * 3600.0, 30 * 3600.0)
"""As NTP and people step a clock; the longest is what a machine slept through. Set back by more than an
hour, it lives hours again, and their fires count again: that is tried on single actors."""
STEPPED_SHARE = 0.2
AGAIN_SHARE = 0.3
"""So often what is turned on next may be on already: that must not make a difference."""
DAYS = int(os.environ.get("DROPSTREAMD_SIM_DAYS", "10"))
CONNECTIONS = int(os.environ.get("DROPSTREAMD_SIM_CONNECTIONS", "50"))
ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "UTC",
)
RULES = (
    ("daily at 01:30",),
    ("daily at 02:30 on mon-fri", "hourly on sat, sun"),
    ("every 4 hours",),
    ("30 1,2 * * *",),
    ("every 90 minutes on mon-fri from 09:00 to 17:00",),
    ("every 6 hours", "daily at 12:00"),
    (),
)


RUNNING = [job for job in JOBS if any(not needs.lacking(ALL, ALL) for needs in job.needs)]
"""The jobs that the quiet plugins support."""


class Witness:
    """A listener that looks for overlap."""

    def __init__(self) -> None:
        self.running: dict[tuple[str, str], str] = {}
        self.most_at_once = 0
        self.results: Counter[str] = Counter()
        self.triggers: Counter[str] = Counter()

    def run_began(self, connection: str, channel: str, record: RunRecord) -> None:
        assert (connection, channel) not in self.running, "a channel's runs overlap"
        self.running[connection, channel] = record.id
        self.most_at_once = max(self.most_at_once, len(self.running))
        self.triggers[record.trigger] += 1

    def run_ended(self, connection: str, channel: str, record: RunRecord) -> None:
        assert self.running.pop((connection, channel)) == record.id
        self.results[record.result] += 1

    def counted(self, run: str, what: str, total: int) -> None: ...
    def next_fire(self, connection: str, channel: str, job: str, at_s: float | None) -> None: ...


def make_config(rng: random.Random) -> Config:
    connections = {}
    accounts = {}
    for number in range(CONNECTIONS):
        zone = ZoneInfo(ZONES[number % len(ZONES)])
        settings = QuietSettings(name=f"w{number}", slow_s=rng.choice([0.0, 60.0, 3000.0]))
        account = WarehouseAccount(
            merchant="m",
            name=f"w{number}",
            platform="quiet-warehouse",
            settings=settings,
            account_key=settings.name,
            timezone=zone,
            quantity="available",
            breaker=Breaker(stale_after_s=inf),  # it tells no figures, ever
        )
        accounts[account.name] = account
        connections[f"c-{number}"] = Connection(
            id=f"c-{number}",
            name=f"connection-{number}",
            merchant="m",
            warehouse=account.name,
            timezone=zone,
            reference="{number}",
            store=StoreAccount(
                platform="quiet-store",
                settings=QuietSettings(name=f"s{number}", slow_s=rng.choice([0.0, 30.0, 4 * 3600.0])),
                account_key=f"s{number}",
            ),
            schedules={job.key: tuple(parse_rule(text) for text in rng.choice(RULES)) for job in JOBS},
        )
    merchants = {"m": Merchant(name="m", warehouses=accounts)}
    return Config(daemon=DaemonSettings(max_runs=40), merchants=merchants, connections=connections)


class World:
    """What outlives the daemon. `off` is when a channel was switched off, if it is."""

    def __init__(self, state: Store) -> None:
        self.state = state
        self.rng = random.Random(20260101)
        self.clock = VirtualClock(START_S)
        self.config = make_config(self.rng)
        self.witness = Witness()
        self.off: dict[tuple[str, str], float] = {}
        self.stopped_s = START_S
        self.steps: list[tuple[float, float]] = []
        self.down: list[tuple[float, float]] = []

    def lived_s(self, since_s: float, until_s: float) -> float:
        """The seconds between two times of the wall clock, less those that it was set over, and those in
        which no daemon was at work."""
        left_out_s = sum(step_s for at_s, step_s in self.steps if step_s > 0 and since_s < at_s <= until_s)
        down_s = sum(max(0.0, min(up_s, until_s) - max(off_s, since_s)) for off_s, up_s in self.down)
        return until_s - since_s - left_out_s - down_s


async def live(world: World, until_s: float) -> None:
    """One life of the daemon, in which people turn switches."""
    state, config, clock, rng = world.state, world.config, world.clock, world.rng
    plugins = {
        name: PluginStatus(name=name, origin="here", plugin=plugin)
        for name, plugin in quiet_plugins(rng).items()
    }
    accounts = Accounts(
        plugins=plugins,
        clock=clock,
        read_secret=lambda _ref: Secret(""),
        write_secret=lambda _name, _value: None,
        observer=Metrics(now_s=clock.now_s, version="0"),
        rng=rng,
        state=state,
    )
    daemon = Daemon(
        loaded=Loaded(config=config, broken=(), problems=()),
        state=state,
        clock=clock,
        ids=Ids(clock, rng),
        rng=rng,
        accounts=accounts,
        listener=world.witness,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(daemon.run)
        if world.down:
            world.down[-1] = (world.stopped_s, clock.now_s())
        else:
            await turn_all_on(world, daemon)
        while clock.now_s() < until_s:
            await trio.sleep(min(until_s - clock.now_s(), rng.uniform(0.2, 2) * DAY_S))
            # Skipped fires are counted only so far: nothing stays off for months.
            overdue = [key for key, since_s in world.off.items() if clock.now_s() - since_s > 15 * DAY_S]
            if not world.steps or rng.random() < STEPPED_SHARE:
                step_s = rng.choice(STEPS_S)
                clock.step(step_s)
                world.steps.append((clock.now_s(), step_s))
            picked = (rng.choice(list(config.connections)), rng.choice(CHANNELS))
            connection, channel = overdue[0] if overdue else picked
            on = (connection, channel) in world.off or rng.random() < AGAIN_SHARE
            await daemon.switch(connection, channel, on=on, who="test")
            if on:
                world.off.pop((connection, channel), None)
            else:
                world.off[connection, channel] = clock.now_s()
        world.stopped_s = clock.now_s()
        world.down.append((world.stopped_s, world.stopped_s))
        # A fire in hand may still be waiting for its run: let every run end first.
        await daemon.stop(grace_s=12 * 3600)


async def turn_all_on(world: World, daemon: Daemon) -> None:
    for connection in world.config.connections:
        for channel in (CONNECTION, *CHANNELS):
            await daemon.switch(connection, channel, on=True, who="test")


async def test_every_fire_is_accounted_for(tmp_path: Path, autojump_clock: MockClock) -> None:
    with open_inline_store(tmp_path / "state") as state:
        world = World(state)
        for life in range(1, LIVES + 1):
            await live(world, START_S + DAYS * DAY_S * life / LIVES)
            await trio.sleep(world.rng.uniform(0, 1.5) * DAY_S)  # the machine is down
        await live(world, world.clock.now_s() + 2 * DAY_S)
        check(world)
    assert not world.witness.running
    assert set(world.witness.results) <= {"done", "stopped"}
    assert world.witness.triggers["catch-up"] > 0
    assert world.steps


def count_fires(schedule: Schedule, until_s: float) -> int:
    return sum(1 for _ in takewhile(lambda fire: fire.at_s <= until_s, schedule.fires(START_S)))


def check(world: World) -> None:
    """Compare what the state says of each job's fires with its rules, walked from the start."""
    end_s = world.stopped_s
    for connection in world.config.connections.values():
        for job in RUNNING:
            done = world.state.read(
                partial(switches.followed, connection=connection.id, channel=job.channel, job=job.name)
            )
            skipped = sum(done.skipped.values())
            assert done.fired == done.ran + done.coalesced + skipped
            schedule = Schedule(
                connection.schedules[job.key],
                zone=connection.timezone,
                spread_s=spread_for(connection.id, f"{job.channel}.{job.name}"),
            )
            # What a job has not looked at yet: the last moments before the end, or since it is off.
            until_s = done.last_fire_s or START_S
            watched_s = world.off.get((connection.id, job.channel), end_s)
            expected = count_fires(schedule, until_s)
            assert done.fired == expected, (connection.id, job.key, done)
            coming = schedule.next_fire(until_s)
            late_s = 0.0 if coming is None else world.lived_s(coming.at_s, watched_s)
            assert late_s < MOST_LATE_S, (connection.id, job.key, done, coming, watched_s, world.steps)
