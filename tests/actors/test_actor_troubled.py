"""An actor, its clock and its switches."""

import random
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.actors.actor import Actor
from dropstreamd.channels import orders
from dropstreamd.channels.jobs import of_channel
from dropstreamd.config.schema import JobKey
from dropstreamd.model.schedule_parser import parse_rule
from dropstreamd.model.schedule_rules import Rule
from dropstreamd.store import switches
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.runs import RunRecord
from dropstreamd.store.switches import CONNECTION
from tests.channels.plant import Plant, connection, order

DAY_S = 86_400.0


class Quiet:
    """A listener that does not listen."""

    def run_began(self, connection: str, channel: str, record: RunRecord) -> None: ...
    def run_ended(self, connection: str, channel: str, record: RunRecord) -> None: ...
    def counted(self, run: str, what: str, total: int) -> None: ...
    def next_fire(self, connection: str, channel: str, job: str, at_s: float | None) -> None: ...


async def turn_on(plant: Plant, channel: str) -> None:
    now_s = plant.clock.now_s()
    turn = partial(switches.turn, connection="c-shop", channel=channel, on=True, now_s=now_s, who="test")
    await plant.state.write(turn)


def actor_of(plant: Plant) -> Actor:
    return Actor(
        channel=orders.CHANNEL,
        jobs=of_channel(orders.CHANNEL),
        scope=lambda: plant.scopes["c-shop"],
        state=plant.state,
        clock=plant.clock,
        gate=trio.Semaphore(1),
        listener=Quiet(),
        rng=random.Random(7),
    )


async def test_a_job_in_trouble_is_tried_again_after_a_step_back(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    schedules: dict[JobKey, tuple[Rule, ...]] = {
        ("sales_orders", "import"): (parse_rule("every 15 minutes"),)
    }
    plant = Plant(state, connection(schedules=schedules))
    for channel in (CONNECTION, orders.CHANNEL):
        await turn_on(plant, channel)
    actor = actor_of(plant)
    plant.place(order("1", placed_s=plant.clock.now_s() + DAY_S))
    plant.stores["shop"].changes.down = 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run)
        while not actor.trouble:  # noqa: ASYNC110 - virtual time
            await trio.sleep(1)
        plant.clock.step(-DAY_S)
        actor.clock_stepped()
        await trio.sleep(3600)
        nursery.cancel_scope.cancel()
    assert plant.warehouse.taken.created() == {"o1": 1}


@pytest.mark.parametrize("first", [CONNECTION, orders.CHANNEL])
async def test_the_beginning_is_when_both_switches_are_on(
    state: InlineStore, autojump_clock: MockClock, first: str
) -> None:
    """Between the two, the old system ships: what was placed then must not ship twice."""
    plant = Plant(state)
    other = orders.CHANNEL if first == CONNECTION else CONNECTION
    await turn_on(plant, first)
    plant.later(days=2)
    plant.place(
        order("1", placed_s=plant.clock.now_s() - DAY_S), order("2", placed_s=plant.clock.now_s() + 1)
    )
    await turn_on(plant, other)
    actor = actor_of(plant)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run)
        actor.ask("import", run="r1", who="test", agreed=None)
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert plant.warehouse.taken.created() == {"o2": 1}
