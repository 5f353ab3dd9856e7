"""Inventory: what each store shows follows the warehouse, and never goes beyond it."""

from collections.abc import Sequence

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock

from dropstreamd.channels import inventory
from dropstreamd.channels.run import Run, RunStopped
from dropstreamd.errors import Misconfigured, OutcomeUnknown, ProtocolMismatch, RateLimited
from dropstreamd.model.handover import UNTOLD, Outcome, Prepared
from dropstreamd.platform.contract import Record
from dropstreamd.store import levels
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.tables import Table
from tests.channels.plant import ACCOUNT, Plant, connection, order, package
from tests.fakes.sinks import Bug, Fault


def pushed(plant: Plant, name: str = "shop") -> list[str]:
    """The SKUs that the store was told of since the last call."""
    sink = plant.stores[name].levels
    told = [effect.key for effect in sink.effects]
    sink.effects = []
    return told


def parked(plant: Plant) -> list[str]:
    """The SKUs that are shown as refused by the store."""
    flow = plant.flow(inventory.CHANNEL)
    return plant.state.read(lambda tx: [path[-1] for path, _ in tx.scan(Table.PARKED, tuple(flow))])


async def synced(plant: Plant, stock: dict[str, int], name: str = "shop") -> dict[str, int]:
    """What a Smart Sync after a snapshot pushed."""
    plant.stores[name].levels.effects = []
    plant.later(minutes=1)
    plant.report(stock)
    await plant.smart(name)
    return plant.stores[name].shows()


async def test_only_what_changed_is_pushed(plant: Plant) -> None:
    """A, B and C are told; then A moves: A alone. A second run pushes none, a Full Sync all."""
    assert await synced(plant, {"A": 7, "B": 10, "C": 3}) == {"A": 7, "B": 10, "C": 3}
    assert await synced(plant, {"A": 5, "B": 10, "C": 3}) == {"A": 5}
    assert await synced(plant, {"A": 5, "B": 10, "C": 3}) == {}
    run = await plant.full()
    assert run.counts["pushed"] == 3
    assert plant.stores["shop"].shows() == {"A": 5, "B": 10, "C": 3}


async def test_a_figure_that_moved_is_pushed_though_the_level_is_the_same(plant: Plant) -> None:
    """The store sold it down to 0 meanwhile; the warehouse's figure fell by what our orders took."""
    plant.place(order("1", ("A", 3), method="unmapped"))
    await plant.import_orders()
    assert await synced(plant, {"A": 10}) == {"A": 7}
    plant.configure(shop=connection(methods={"unmapped": "GND"}))
    await plant.import_orders()
    assert await synced(plant, {"A": 7}) == {"A": 7}
    assert await synced(plant, {"A": 7}) == {}


async def test_a_figure_that_moved_and_came_back_is_pushed(plant: Plant) -> None:
    """Another connection's run brought the snapshot between: the store's own count has moved since."""
    plant = Plant(plant.state.inner, connection("shop"), connection("ebay"))
    assert await synced(plant, {"A": 10}) == {"A": 10}
    await synced(plant, {"A": 8}, "ebay")
    assert await synced(plant, {"A": 10}) == {"A": 10}


async def test_unsent_orders_of_all_connections_are_deducted_once(state: InlineStore) -> None:
    plant = Plant(
        state, connection("shop"), connection("ebay", listings={"TEE": "A"}, methods={"Standard": "GND"})
    )
    plant.place(order("1", ("A", 3), method="unmapped"))
    plant.place(order("2", ("TEE", 2), method="unmapped"), name="ebay")
    await plant.import_orders()
    await plant.import_orders("ebay")
    assert await synced(plant, {"A": 10, "B": 1}) == {"A": 5, "B": 1}
    assert await synced(plant, {"A": 10, "B": 1}, "ebay") == {"TEE": 5, "B": 1}
    plant.configure(ebay=connection("ebay", listings={"TEE": "A"}, methods={"unmapped": "GND"}))
    await plant.import_orders("ebay")
    assert await synced(plant, {"A": 10, "B": 1}) == {"A": 7}


async def test_deduction_never_goes_below_zero_and_can_be_left_out(plant: Plant) -> None:
    plant.place(order("1", ("A", 30), method="unmapped"))
    await plant.import_orders()
    assert await synced(plant, {"A": 10}) == {"A": 0}
    plant.configure(shop=connection(deduct_unsent=False))
    assert await synced(plant, {"A": 10}) == {"A": 10}


async def test_a_level_that_fell_below_zero_is_zero(plant: Plant) -> None:
    assert await synced(plant, {"A": -4}) == {"A": 0}


async def test_where_on_hand_is_told_orders_in_hand_are_deducted_until_they_ship(state: InlineStore) -> None:
    plant = Plant(state, account=replace(ACCOUNT, quantity="on_hand"))
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    assert await synced(plant, {"A": 10}) == {"A": 7}
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.export()
    assert await synced(plant, {"A": 8}) == {"A": 7}


async def test_changed_listings_are_pushed(plant: Plant) -> None:
    assert await synced(plant, {"A": 7, "B": 10}) == {"A": 7, "B": 10}
    plant.configure(shop=connection(listings={"TEE": "A", "TEE-2": "A"}))
    assert await synced(plant, {"A": 7, "B": 10}) == {"TEE": 7, "TEE-2": 7}
    assert await synced(plant, {"A": 6, "B": 10}) == {"A": 6, "TEE": 6, "TEE-2": 6}


async def test_a_listing_of_a_sku_that_the_warehouse_lacks_is_not_pushed(plant: Plant) -> None:
    plant.configure(shop=connection(listings={"TEE": "NONE"}))
    plant.place(order("1", ("TEE", 1), method="unmapped"))
    await plant.import_orders()
    plant.report({"A": 1})
    run = await plant.smart()
    assert run.counts["not_at_warehouse"] == 1
    assert plant.stores["shop"].shows() == {"A": 1}


# ---- refused, unanswered, cut off


async def test_a_refused_sku_is_parked_and_tried_again_when_it_moves(plant: Plant) -> None:
    plant.stores["shop"].levels.refuse = {"B": "sku"}
    assert await synced(plant, {"A": 1, "B": 2}) == {"A": 1}
    plant.stores["shop"].levels.pushed.clear()
    assert await synced(plant, {"A": 1, "B": 2}) == {}
    assert not plant.stores["shop"].levels.pushed
    plant.stores["shop"].levels.refuse = {}
    assert await synced(plant, {"A": 1, "B": 3}) == {"B": 3}


async def test_one_that_the_store_could_not_tell_of_is_tried_with_every_run(
    plant: Plant,
) -> None:
    """It may be told of again at any time, while the warehouse's figure stays: until then it sells on."""
    sink = plant.stores["shop"].levels
    assert await synced(plant, {"A": 1, "B": 2}) == {"A": 1, "B": 2}
    sink.refuse = {"B": UNTOLD}
    assert await synced(plant, {"A": 1, "B": 1}) == {}
    assert parked(plant) == ["B"]
    sink.pushed.clear()
    assert await synced(plant, {"A": 1, "B": 1}) == {}
    assert sink.pushed
    assert parked(plant) == ["B"]
    sink.refuse = {}
    assert await synced(plant, {"A": 1, "B": 1}) == {"B": 1}
    assert not parked(plant)


async def test_a_refused_sku_that_got_a_listing_is_parked_no_more(plant: Plant) -> None:
    """Nothing is sold by that name any more, so that no push would ever take it off the list."""
    sink = plant.stores["shop"].levels
    sink.refuse = {"A": "sku", "B": "sku"}
    assert await synced(plant, {"A": 1, "B": 2, "C": 3}) == {"C": 3}
    assert parked(plant) == ["A", "B"]
    plant.configure(shop=connection(listings={"TEE": "A"}))
    await plant.smart()
    assert plant.stores["shop"].shows() == {"C": 3, "TEE": 1}
    assert parked(plant) == ["B"]
    sink.refuse = {}
    plant.configure(shop=connection())
    await plant.smart()
    assert plant.stores["shop"].shows()["A"] == 1
    assert parked(plant) == ["B"]


async def test_what_prepare_refuses_is_parked_alone(plant: Plant) -> None:
    plant.stores["shop"].levels.unprepared = {"B": "charset"}
    assert await synced(plant, {"A": 1, "B": 2}) == {"A": 1}
    plant.stores["shop"].levels.unprepared = {}
    await plant.full()
    assert plant.stores["shop"].shows() == {"A": 1, "B": 2}


@pytest.mark.parametrize(("fault", "error"), [(Fault.WAIT, RateLimited), (Fault.HOLD, Misconfigured)])
async def test_a_failed_push_is_pushed_again(plant: Plant, fault: Fault, error: type[Exception]) -> None:
    plant.stores["shop"].levels.faults.append(fault)
    plant.report({"A": 1, "B": 2, "C": 3, "D": 4})
    with pytest.raises(error):
        await plant.smart()
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 1, "B": 2, "C": 3, "D": 4}


@pytest.mark.parametrize(
    "fault",
    [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LATE, Fault.BUG_BEFORE, Fault.BUG_AFTER, Fault.SILENT],
)
@pytest.mark.parametrize("between", [None, Fault.WAIT, Fault.HOLD, Fault.BUG_BEFORE, Fault.LATE])
async def test_what_is_shown_converges(plant: Plant, fault: Fault, between: Fault | None) -> None:
    """An unanswered push may act after the next one: it must not be the last that acts."""
    await synced(plant, {"A": 9})
    sink = plant.stores["shop"].levels
    sink.faults.append(fault)
    plant.report({"A": 5})
    await attempt(plant)
    plant.report({"A": 2})
    if between is not None:
        sink.faults.append(between)
        plant.later(seconds=2)
        await attempt(plant)
    plant.later(seconds=2)
    await attempt(plant)
    for _ in range(3):
        plant.later(minutes=2)
        await plant.smart()
    assert plant.stores["shop"].shows()["A"] == 2
    sink.pushed.clear()
    plant.later(minutes=2)
    await plant.smart()
    assert not sink.pushed, "it does not come to rest"


async def attempt(plant: Plant) -> None:
    """One Smart Sync, whatever comes of it."""
    try:
        await plant.smart()
    except (OutcomeUnknown, RateLimited, Misconfigured, Bug):
        plant.check()


async def test_a_store_that_never_answers_is_cut_off(plant: Plant, autojump_clock: object) -> None:
    plant.stores["shop"].levels.faults.append(Fault.HANG)
    plant.report({"A": 1})
    with pytest.raises(OutcomeUnknown, match="took too long"):
        await plant.smart()
    await plant.smart()
    plant.later(minutes=2)
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 1}


async def test_a_stop_ends_between_batches_and_loses_nothing(plant: Plant) -> None:
    plant.report({f"S{number:02}": number for number in range(9)})
    run = Run(plant.scopes["c-shop"], run_id=plant.ids.new())

    def reach(label: str) -> None:
        if label == "after request":
            run.stop()

    before = plant.points.reach
    plant.points.reach = reach  # type: ignore[method-assign]
    with pytest.raises(RunStopped):
        await inventory.smart(run)
    plant.check()
    assert len(pushed(plant)) == 3
    plant.points.reach = before  # type: ignore[method-assign]
    await plant.smart()
    assert len(pushed(plant)) == 6


async def test_sides_without_inventory_say_so(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.report({"A": 1})
    monkeypatch.setattr(plant.stores["shop"], "levels", None)
    with pytest.raises(ProtocolMismatch, match="takes no inventory"):
        await plant.smart()


async def test_without_news_the_store_is_not_even_opened(plant: Plant) -> None:
    await synced(plant, {"A": 1})
    assert not plant.state.read(lambda tx: levels.has_work(tx, plant.flow(inventory.CHANNEL)))
    run = await plant.smart()
    assert not run.counts


async def test_a_push_that_may_take_long_is_waited_for(plant: Plant, autojump_clock: MockClock) -> None:
    """And is not, when its run is cancelled: then its levels are pushed again."""
    sink = plant.stores["shop"].levels
    sink.writes = replace(sink.writes, takes_s=3600.0)
    quick = sink.push

    async def slow(prepared: Prepared, record: Record) -> Sequence[Outcome]:
        await trio.sleep(1800)
        return await quick(prepared, record)

    sink.push = slow  # type: ignore[method-assign]
    await synced(plant, {"A": 1})
    assert plant.stores["shop"].shows() == {"A": 1}
    plant.report({"A": 2})
    with trio.move_on_after(600) as stop:
        await plant.smart()
    assert stop.cancelled_caught
    sink.push = quick  # type: ignore[method-assign]
    plant.later(minutes=5)
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 2}
