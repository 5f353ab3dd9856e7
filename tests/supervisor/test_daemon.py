"""What a daemon must not come to a stop by."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.channels import inventory
from dropstreamd.platform.circuit import Circuits
from dropstreamd.platform.contract import Host, Plugin, Role, StockPage, Taken, Warehouse
from dropstreamd.store.lmdb_store import InlineStore, open_inline_store
from dropstreamd.supervisor.report import Gauges
from tests.sim.plugins import ALL, QuietSettings, QuietWarehouse
from tests.supervisor.world import World


@pytest.fixture
def state(tmp_path: Path) -> Iterator[InlineStore]:
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as opened:
        yield opened


async def test_a_connection_may_go_while_all_are_counted(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    world = World(state)
    last = list(world.config.connections)[-1]
    async with world.running(), trio.open_nursery() as nursery:
        nursery.start_soon(Gauges(world.metrics, world.daemon, Circuits()).count)
        nursery.start_soon(world.daemon.take_over, world.without(last), 1.0)


@pytest.mark.parametrize("delay", range(12))
async def test_what_is_enabled_during_a_reload_runs(
    state: InlineStore, autojump_clock: MockClock, delay: int
) -> None:
    """The reload makes new actors: they are to hear of the switch too."""
    world = World(state)
    chosen = next(
        key for key, each in world.config.connections.items() if each.schedules[inventory.CHANNEL, "smart"]
    )

    def ran() -> bool:
        return any(key == chosen and channel == inventory.CHANNEL for key, channel, _ in world.ended.runs)

    async def reload() -> None:
        for _ in range(delay):
            await trio.lowlevel.checkpoint()
        await world.daemon.take_over(world.moved(chosen, 1), 1.0)

    async with world.running():
        for channel in ("*", "sales_orders", "shipments"):
            await world.daemon.switch(chosen, channel, on=True, who="test")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.enable, chosen)
            nursery.start_soon(reload)
        for _hour in range(8 * 24):
            if ran():
                break
            await trio.sleep(3600)
    assert ran()


class StuckStock:
    """Answers nothing for ever, while the connection under it lives."""

    async def page(self, taken: Taken) -> StockPage | None:
        await trio.sleep_forever()

    async def confirm(self, marks: object) -> None:
        await trio.lowlevel.checkpoint()


async def test_a_warehouse_that_never_answers_ends_its_run(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    warehouse = QuietWarehouse()
    warehouse.inventory = StuckStock()

    @asynccontextmanager
    async def open_warehouse(settings: QuietSettings, host: Host) -> AsyncIterator[Warehouse]:
        yield warehouse

    stuck = Plugin(
        name="quiet-warehouse",
        title="Stuck",
        role=Role.WAREHOUSE,
        provides=ALL,
        settings=QuietSettings,
        account_key=lambda settings: settings.name,
        open=open_warehouse,
    )
    world = World(state, stuck=stuck)
    async with world.running():
        await world.enable("c-0")
        world.daemon.ask("c-0", inventory.CHANNEL, "smart", who="test", agreed=None)
        await trio.sleep(2 * 3600)
        results = [record.result for _, channel, record in world.ended.runs if channel == inventory.CHANNEL]
    assert "failed" in results


async def test_what_is_due_runs_though_its_switch_is_turned_on_again(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    """To enable what is on changes nothing: the fire that waits at that moment is not skipped."""
    world = World(state)
    chosen = next(
        key for key, each in world.config.connections.items() if each.schedules[inventory.CHANNEL, "full"]
    )
    async with world.running():
        await world.enable(chosen)
        agenda = world.daemon.connections[chosen].actors[inventory.CHANNEL].agendas["full"]
        await trio.sleep(60)
        _, fires_at_s = agenda.look(world.clock.now_s())
        assert fires_at_s is not None
        world.clock.step(fires_at_s + 1 - world.clock.now_s())
        await world.enable(chosen)
        await trio.sleep(12 * 3600)
        followed = agenda.followed()
    assert followed.skipped == {}
    assert followed.ran > 0
