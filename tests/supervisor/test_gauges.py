"""What stops working shows in the metrics, and so does that it works again."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import structlog
import trio
from msgspec.structs import replace
from trio.testing import MockClock

from dropstreamd.channels import inventory
from dropstreamd.clock import utc
from dropstreamd.config.schema import Broken
from dropstreamd.errors import Unreachable
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.circuit import Circuit, Circuits
from dropstreamd.platform.contract import Bad, Host, Part, Plugin, Role, StockPage, Taken, Warehouse
from dropstreamd.store.lmdb_store import InlineStore, open_inline_store
from dropstreamd.store.switches import CONNECTION
from dropstreamd.supervisor.connection import ACTOR_FAULTS
from dropstreamd.supervisor.report import Gauges
from tests.sim.plugins import QuietSettings, QuietWarehouse
from tests.supervisor.world import World

CHOSEN, ACCOUNT = "c-0", "m/w0"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[InlineStore]:
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as opened:
        yield opened


class Pages:
    """Stock pages that are told one by one; a fault in the place of one is raised."""

    def __init__(self, *pages: StockPage | Exception) -> None:
        self.left = list(pages)

    async def page(self, taken: Taken) -> StockPage | None:
        await trio.lowlevel.checkpoint()
        found = self.left.pop(0) if self.left else None
        if isinstance(found, Exception):
            raise found
        return found

    async def confirm(self, marks: object) -> None:
        await trio.lowlevel.checkpoint()


class Watched:
    """A world whose warehouses tell these pages, and its gauges."""

    def __init__(self, state: InlineStore, *pages: StockPage | Exception) -> None:
        warehouse = QuietWarehouse()
        warehouse.inventory = Pages(*pages)

        @asynccontextmanager
        async def open_warehouse(settings: QuietSettings, host: Host) -> AsyncIterator[Warehouse]:
            yield warehouse

        plugin = Plugin(
            name="quiet-warehouse",
            title="Watched",
            role=Role.WAREHOUSE,
            provides=frozenset({Part.INVENTORY}),
            settings=QuietSettings,
            account_key=lambda settings: settings.name,
            open=open_warehouse,
        )
        self.world = World(state, watched=plugin)
        self.circuits = Circuits()
        self.gauges = Gauges(self.world.metrics, self.world.daemon, self.circuits)

    async def enable(self) -> None:
        """Its inventory, which runs when it is asked to, and only then."""
        world, config = self.world, self.world.config
        manual = replace(config.connections[CHOSEN], schedules={})
        loaded = world.loaded(replace(config, connections={**config.connections, CHOSEN: manual}))
        await world.daemon.take_over(loaded, 1.0)
        for channel in (CONNECTION, inventory.CHANNEL):
            await world.daemon.switch(CHOSEN, channel, on=True, who="test")

    async def run(self) -> None:
        """One run of the inventory, to its end."""
        before = len(self.results())
        self.world.daemon.ask(CHOSEN, inventory.CHANNEL, "smart", who="test", agreed=None)
        for _ in range(100):
            if len(self.results()) > before:
                return
            await trio.sleep(1)
        raise AssertionError("the run has not ended")

    def results(self) -> list[str]:
        runs = self.world.ended.runs
        return [ended.result for key, name, ended in runs if (key, name) == (CHOSEN, inventory.CHANNEL)]

    async def shown(self, name: str, **labels: str) -> float | None:
        await self.gauges.count()
        return self.world.metrics.registry.get_sample_value(f"dropstreamd_{name}", labels)


def fail(circuit: Circuit) -> None:
    """As often as opens it."""
    for _ in range(5):
        with pytest.raises(Unreachable), circuit.watch():
            raise Unreachable("no answer")


async def test_a_connection_that_was_begun_afresh_is_up_again(
    state: InlineStore, patient_clock: MockClock
) -> None:
    watched = Watched(state, *(RuntimeError("a bug") for _ in range(ACTOR_FAULTS)))
    up = partial(watched.shown, "connection_up", connection="connection-0")
    async with watched.world.running():
        await watched.enable()
        assert await up() == 1
        with structlog.testing.capture_logs():
            for _ in range(ACTOR_FAULTS):
                await watched.run()
            await trio.sleep(0.1)
        assert await up() == 0
        await trio.sleep(600)
        assert await up() == 1


async def test_a_circuit_is_open_until_a_call_gets_through(
    state: InlineStore, patient_clock: MockClock
) -> None:
    watched = Watched(state)
    account = watched.world.config.connections[CHOSEN].store.account_key
    circuit, shown = (
        watched.circuits.circuit(account),
        partial(watched.shown, "circuit_open", account=account),
    )
    async with watched.world.running():
        assert await shown() == 0
        fail(circuit)
        assert await shown() == 1
        await trio.sleep(circuit.rests_s + 1)
        assert await shown() == 1, "it has rested, and nothing has got through"
        with circuit.watch():
            pass
        assert await shown() == 0
        fail(circuit)
        assert await shown() == 1
        await watched.world.daemon.take_over(watched.world.without(CHOSEN), 1.0)
        assert await shown() is None, "nothing calls it any more"


async def test_what_cannot_run_is_counted(state: InlineStore, patient_clock: MockClock) -> None:
    watched = Watched(state)
    async with watched.world.running():
        assert await watched.shown("cannot_run") == 0
        broken = Broken(kind="connection", name="shop", problems=())
        loaded = replace(watched.world.loaded(watched.world.config), broken=(broken,))
        await watched.world.daemon.take_over(loaded, 1.0)
        assert await watched.shown("cannot_run") == 1


async def test_a_file_that_cannot_be_read_and_a_held_snapshot_are_shown(
    state: InlineStore, patient_clock: MockClock
) -> None:
    torn = Bad(key="file 1", place="stock.csv", reason="it has no header", raw=b"")
    now = utc(World(state).clock.now_s())
    unread = StockPage(snapshot="stock.csv", as_of=now, rows=(), bad=(torn,), mark="1", more=False)
    empty = StockPage(snapshot="empty.csv", as_of=now, rows=(), last=True, mark="2", more=False)
    watched = Watched(state, unread, empty)
    undecodable = partial(watched.shown, "undecodable", account=ACCOUNT)
    held = partial(watched.shown, "snapshot_held", account=ACCOUNT)
    async with watched.world.running():
        await watched.enable()
        assert (await undecodable(), await held()) == (0, 0)
        await watched.run()
        assert watched.results() == ["done"]
        assert (await undecodable(), await held()) == (1, 0)
        await watched.run()
        assert (await undecodable(), await held()) == (0, 1)


async def test_skus_that_a_snapshot_lacks_and_that_keep_their_stock_are_counted(
    state: InlineStore, patient_clock: MockClock
) -> None:
    at_s = World(state).clock.now_s()

    def told(name: str, age_s: float, **figures: int) -> StockPage:
        rows = tuple(StockRow(sku=sku, quantity=units) for sku, units in figures.items())
        return StockPage(snapshot=name, as_of=utc(at_s - age_s), rows=rows, last=True, mark=name, more=False)

    sold_out = dict.fromkeys("BCDEFGHIJ", 0)
    watched = Watched(state, told("1", 60, A=5, **sold_out), told("2", 30, **sold_out))
    kept = partial(watched.shown, "skus_kept", account=ACCOUNT)
    async with watched.world.running():
        feed = watched.world.daemon.feeds["m", "w0"]
        for expected in (0, 1):
            await feed.fetch_stock()
            assert await kept() == expected
