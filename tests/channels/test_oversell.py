"""Courses in which a store could be told more than the warehouse still has to give."""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Literal

import pytest
from msgspec.structs import replace

from dropstreamd.channels import believing, orders
from dropstreamd.errors import Incomplete, Misconfigured, Unreachable
from dropstreamd.model.handover import Outcome, Prepared
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Part, Record, StockPage, Taken
from dropstreamd.store import documents, switches
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import ACCOUNT, Plant, connection, order, package
from tests.fakes.sinks import FakeSink, Fault


def shown(plant: Plant, name: str = "shop") -> dict[str, int]:
    return plant.stores[name].shows()


async def test_a_hand_over_raises_no_level_before_the_next_snapshot(plant: Plant) -> None:
    """The figures at hand are older than the hand-over: the warehouse did not know of it then."""
    plant.report({"A": 10})
    plant.place(order("1", ("A", 3), method="unmapped"))
    await plant.import_orders()
    await plant.smart()
    assert shown(plant) == {"A": 7}
    plant.configure(shop=connection(methods={"unmapped": "GND"}))
    plant.later(minutes=5)
    await plant.import_orders()
    await plant.smart()
    assert shown(plant) == {"A": 7}
    await plant.full()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=5)
    plant.report({"A": 7})
    await plant.smart()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=5)
    plant.report({"A": 9})
    await plant.smart()
    assert shown(plant) == {"A": 9}


async def test_what_left_after_an_available_snapshot_stays_deducted(plant: Plant) -> None:
    """Handed over, packed and gone before the next snapshot."""
    plant.report({"A": 10})
    await plant.smart()
    plant.later(minutes=5)
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    await plant.full()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=5)
    plant.report({"A": 7})
    await plant.smart()
    assert shown(plant) == {"A": 7}


async def test_what_left_after_an_on_hand_snapshot_stays_deducted(state: InlineStore) -> None:
    """The figure on hand is from before the package left: the units are still in it."""
    plant = Plant(state, account=replace(ACCOUNT, quantity="on_hand"))
    plant.report({"A": 10})
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    await plant.smart()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.export()
    await plant.full()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=5)
    plant.report({"A": 8})
    await plant.smart()
    assert shown(plant) == {"A": 7}


async def test_an_order_may_lie_with_the_warehouse_for_a_while(state: InlineStore) -> None:
    """It reads its folder every quarter of an hour: figures of before that do not know of the order."""
    plant = Plant(state, account=replace(ACCOUNT, takes_within_s=900.0))
    plant.report({"A": 10})
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.later(minutes=10)
    plant.report({"A": 10})
    await plant.smart()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=10)
    plant.report({"A": 7})
    await plant.smart()
    assert shown(plant) == {"A": 7}


async def test_its_figures_may_know_of_it_sooner(state: InlineStore) -> None:
    """Then too little is shown, until the next ones, even if the figure does not move."""
    plant = Plant(state, account=replace(ACCOUNT, takes_within_s=900.0))
    plant.report({"A": 10})
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.later(minutes=10)
    plant.report({"A": 7})
    await plant.smart()
    assert shown(plant) == {"A": 4}
    plant.later(minutes=10)
    plant.report({"A": 7})
    await plant.smart()
    assert shown(plant) == {"A": 7}


async def test_a_warehouse_may_know_of_hand_overs_at_once(state: InlineStore) -> None:
    """Its files bear no more than a date: what was handed over since is in their figures."""
    plant = Plant(state, account=replace(ACCOUNT, deduct_handed=False))
    plant.report({"A": 10})
    plant.later(minutes=5)
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    await plant.smart()
    assert shown(plant) == {"A": 10}


async def test_an_order_closed_by_hand_is_deducted_no_longer(state: InlineStore) -> None:
    """No package of it was ever told: it would lessen the level for ever."""
    plant = Plant(state, account=replace(ACCOUNT, quantity="on_hand"))
    plant.report({"A": 10})
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.place(order("1", ("A", 3), status="closed"))
    await plant.import_orders()
    await plant.import_orders()
    await plant.smart()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=5)
    plant.report({"A": 7})
    await plant.smart()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    await plant.full()
    assert shown(plant) == {"A": 7}


class SlowSink(FakeSink[Level]):
    """Every call takes ten minutes; after the 20th an order comes."""

    def __init__(self, plant: Plant) -> None:
        sink = plant.stores["shop"].levels
        super().__init__(Level, sink.writes, plant.clock, plant.points)
        self.plant = plant

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        self.plant.later(minutes=10)
        if len(self.effects) >= 20 and not self.plant.stores["shop"].changes.rows:
            self.plant.place(order("1", ("S000", 4), ("S039", 4), method="unmapped"))
            await self.plant.import_orders()
        return await super().push(prepared, record)


async def test_an_order_that_comes_during_a_long_full_sync_is_deducted(plant: Plant) -> None:
    """A Full Sync of many SKUs takes hours: what is sold meanwhile is not offered by its tail, nor left
    as it was by its head."""
    plant.report({f"S{number:03d}": 10 for number in range(40)})
    plant.stores["shop"].levels = SlowSink(plant)
    await plant.full()
    assert len(shown(plant)) == 40
    assert (shown(plant)["S000"], shown(plant)["S039"]) == (6, 6)


async def test_a_snapshot_from_the_future_that_was_approved_lets_later_ones_in(plant: Plant) -> None:
    """Its timezone was wrong; a person believed its figures all the same, and mended the timezone."""
    plant.report({"A": 10}, age_s=-5 * 3600)
    await plant.feed.fetch_stock()
    await plant.state.write(partial(believing.approve, account=plant.feed.account, now_s=plant.clock.now_s()))
    plant.later(minutes=60)
    plant.report({"A": 3})
    await plant.smart()
    assert shown(plant) == {"A": 3}


async def test_a_listing_that_went_is_told(plant: Plant) -> None:
    """TEE was sold from A; its listing was taken away. It is sold from nothing now."""
    plant.configure(shop=connection(listings={"TEE": "A"}))
    plant.report({"A": 10})
    await plant.smart()
    assert shown(plant) == {"TEE": 10}
    plant.configure(shop=connection(listings={}))
    await plant.smart()
    assert shown(plant) == {"TEE": 0, "A": 10}


async def test_a_sku_of_the_store_that_another_is_listed_to_is_kept_up(plant: Plant) -> None:
    """A is sold as A and, newly, as TEE too."""
    plant.report({"A": 10})
    await plant.smart()
    plant.configure(shop=connection(listings={"TEE": "A"}))
    plant.later(minutes=5)
    plant.report({"A": 2})
    await plant.smart()
    assert shown(plant) == {"A": 2, "TEE": 2}


async def test_a_figure_of_any_size_ends_no_run(plant: Plant) -> None:
    plant.report({"A": 10**30, "B": 5})
    made = await plant.feed.fetch_stock()
    assert made
    await plant.smart()
    assert shown(plant)["B"] == 5


async def test_a_warehouse_that_tells_no_figures_any_more_is_noticed(plant: Plant) -> None:
    """Levels go on being kept up with what orders take; but a run that did nothing else is not well."""
    plant.report({"A": 10})
    await plant.smart()
    plant.later(hours=35)
    await plant.smart()
    plant.later(hours=2)
    plant.place(order("1", ("A", 3), method="unmapped"))
    await plant.import_orders()
    for run in (plant.smart, plant.full):
        with pytest.raises(Incomplete, match="37 hours old"):
            await run()
        assert shown(plant) == {"A": 7}
    plant.report({"A": 9})
    await plant.smart()
    assert shown(plant) == {"A": 6}


@pytest.mark.parametrize("quantity", ["available", "on_hand"])
async def test_a_snapshot_whose_clock_runs_ahead_knows_of_nothing_that_came_after_it(
    state: InlineStore, quantity: Literal["available", "on_hand"]
) -> None:
    """By its own time it was made after the order went, and after it left; it was read before either."""
    plant = Plant(state, account=replace(ACCOUNT, quantity=quantity))
    plant.report({"A": 10}, age_s=-1800)
    await plant.smart()
    plant.later(minutes=5)
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    await plant.smart()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    await plant.smart()
    assert shown(plant) == {"A": 7}
    plant.later(minutes=5)
    plant.report({"A": 7}, age_s=-1800)
    await plant.smart()
    assert shown(plant) == {"A": 7}


async def test_a_warehouse_that_never_told_figures_is_noticed(plant: Plant) -> None:
    """Its files are looked for in another folder: every run finds nothing to do."""
    for name in (switches.CONNECTION, "inventory"):
        turn = partial(switches.turn, connection="c-shop", channel=name, on=True, who="ann")
        await plant.state.write(partial(turn, now_s=plant.clock.now_s()))
    plant.later(hours=35)
    await plant.smart()
    plant.later(hours=2)
    for run in (plant.smart, plant.full):
        with pytest.raises(Incomplete, match="no stock figures of warehouse main were believed"):
            await run()
    plant.report({"A": 9})
    await plant.smart()
    assert shown(plant) == {"A": 9}


async def test_what_a_store_adds_to_an_order_that_went_is_deducted(state: InlineStore) -> None:
    """The warehouse was told of three; whoever tells it of the others resolves the task."""
    bundles = {"KIT": {"A": 2, "B": 1}}
    plant = Plant(state, connection(bundles=bundles, listings={"TEE": "A"}))
    plant.report({"A": 20, "B": 10})
    plant.place(order("1", ("TEE", 3), ("KIT", 1)))
    await plant.import_orders()
    await plant.smart()
    assert shown(plant) == {"TEE": 15, "B": 9, "KIT": 7}
    plant.later(minutes=1)
    plant.report({"A": 15, "B": 9})
    plant.place(order("1", ("TEE", 5), ("KIT", 2), ("B", 1)))
    await plant.import_orders()
    await plant.smart()
    assert shown(plant) == {"TEE": 11, "B": 7, "KIT": 5}
    [(key, task)] = [(key, task) for (_, key), task in plant.tasks().items()]
    book = orders.book(plant.scopes["c-shop"])
    assert await plant.state.write(lambda tx: documents.close_task(tx, book, key, revision=task.revision))
    plant.later(minutes=1)
    plant.report({"A": 11, "B": 7})
    await plant.smart()
    assert shown(plant) == {"TEE": 11, "B": 7, "KIT": 5}


async def test_what_a_store_adds_is_deducted_once_though_it_is_amended(state: InlineStore) -> None:
    plant = Plant(state, amends=frozenset({Part.ORDERS}))
    plant.report({"A": 10})
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.later(minutes=1)
    plant.place(order("1", ("A", 5)))
    for held in (True, False):
        plant.warehouse.taken.faults.extend([Fault.HOLD] * held)
        with pytest.raises(Misconfigured) if held else nullcontext():
            await plant.import_orders()
        await plant.smart()
        assert shown(plant) == {"A": 5}
    plant.later(minutes=1)
    plant.report({"A": 5})
    await plant.smart()
    assert shown(plant) == {"A": 5}


class Down:
    """The stock of a warehouse that is down."""

    async def page(self, taken: Taken) -> StockPage | None:
        raise Unreachable("wms.example.com: no answer")

    async def confirm(self, marks: Sequence[str]) -> None:
        raise AssertionError("there was nothing to confirm")


async def test_what_orders_take_is_deducted_while_the_warehouse_is_down(
    state: InlineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stores sell the same stock: one must hear of the other's orders, whoever cannot take them."""
    plant = Plant(state, connection(), connection("ebay"))
    plant.report({"A": 10, "B": 5})
    for name in ("shop", "ebay"):
        await plant.smart(name)

    monkeypatch.setattr(plant.warehouse.stock, "session", Down)
    plant.place(order("1", ("A", 8), method="unmapped"), name="ebay")
    await plant.import_orders("ebay")
    for run, name in ((plant.smart, "shop"), (plant.full, "ebay")):
        plant.stores[name].levels.effects = []
        with pytest.raises(Unreachable, match="no answer"):
            await run(name)
        assert shown(plant, name) == {"A": 2}, "and nothing is pushed without news"


@pytest.mark.parametrize("answer", ["cancelled", "closed by hand", "shipped"])
async def test_what_a_warehouse_does_not_say_it_stops_stays_taken_off(
    state: InlineStore, answer: str
) -> None:
    """A figure of what is on hand has the units, and the warehouse may still ship them. A day later it is a
    person's to find out."""
    plant = Plant(state, account=replace(ACCOUNT, quantity="on_hand"), cancels=frozenset({Part.ORDERS}))
    plant.warehouse.taken.answers_cancels = False
    plant.report({"A": 10})
    for placed in (order("1", ("A", 3)), order("1", ("A", 0), status="cancelled")):
        plant.place(placed)
        await plant.import_orders()
        await plant.smart()
    for _ in range(3):
        plant.later(hours=8)
        assert not plant.tasks()
        plant.report({"A": 10})
        await plant.smart()
        assert shown(plant) == {"A": 7}
        await plant.import_orders()
    [(place, task)] = plant.tasks().items()
    assert place == ("sales_orders", "o1 unstopped")
    assert "has not said whether it stops it" in task.title
    match answer:
        case "cancelled":
            plant.say("SH1", "cancelled")
            await plant.import_orders()
        case "closed by hand":
            scope = plant.scopes["c-shop"]
            close = partial(documents.close_task, book=orders.book(scope), key=place[1])
            assert await plant.state.write(partial(close, revision=task.revision))
        case "shipped":
            plant.ship(package("P1", "SH1", ("A", 3)))
            await plant.export()
    left = 7 if answer == "shipped" else 10
    plant.later(hours=1)
    plant.report({"A": left})
    await plant.import_orders()
    await plant.smart()
    assert shown(plant) == {"A": left}
    assert not [key for _, key in plant.tasks() if key.endswith("unstopped")]
