"""Several locations of a store, each for a facility of the warehouse: none shows what that does not have."""

from functools import partial

import msgspec
import pytest
from msgspec.structs import replace

from dropstreamd.channels import drift, marking, promises
from dropstreamd.config.schema import Allocation, StockRule
from dropstreamd.model.shipments import Package
from dropstreamd.store import stock
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.plans import PlanItem
from dropstreamd.store.records import Promise
from tests.channels.located import BUNDLES, CALM, EAST, WEST, located, pushed, shown, synced
from tests.channels.plant import Plant, connection, order, package


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    return Plant(state, located(), account=CALM)


async def test_each_location_shows_its_own_facility(plant: Plant) -> None:
    """What an unmapped facility has is not counted, and a SKU is shown where it was seen."""
    found = await synced(plant, ("E", "A", 5), ("E", "A", 2), ("W", "A", 3), ("W", "B", 1), ("N", "A", 90))
    assert found == {EAST: {"A": 7}, WEST: {"A": 3, "B": 1}}
    assert (await plant.smart()).counts == {}
    figures = plant.state.read(partial(stock.figures, path=("acme", "main")))
    assert figures == {"A": 100, "B": 1}


async def test_smart_pushes_a_sku_where_its_figure_moved(plant: Plant) -> None:
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("W", "B", 1))
    pushed(plant)
    await synced(plant, ("E", "A", 5), ("W", "A", 4), ("W", "B", 1))
    assert pushed(plant) == [(WEST, "A")]
    await plant.full()
    assert sorted(pushed(plant)) == [(EAST, "A"), (WEST, "A"), (WEST, "B")]


async def test_a_facility_without_a_row_of_what_the_snapshot_has_has_none(plant: Plant) -> None:
    """Elsewhere in the same snapshot, a SKU is counted; one that is missing wholly keeps its figures."""
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("E", "B", 4))
    found = await synced(plant, ("W", "A", 3))
    assert found == {EAST: {"A": 0, "B": 4}, WEST: {"A": 3}}


async def test_what_is_missing_is_none_where_that_is_set(state: InlineStore) -> None:
    plant = Plant(state, located(), account=replace(CALM, missing="zero"))
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("E", "B", 4))
    assert await synced(plant, ("W", "A", 3)) == {EAST: {"A": 0, "B": 0}, WEST: {"A": 3}}


async def test_a_bundle_is_built_within_a_facility(state: InlineStore) -> None:
    plant = Plant(state, located(bundles=BUNDLES, listings={"SET": "GIFT"}), account=CALM)
    found = await synced(plant, ("E", "TEE", 9), ("E", "MUG", 1), ("W", "TEE", 1), ("W", "MUG", 8))
    assert found == {EAST: {"TEE": 9, "MUG": 1, "SET": 1}, WEST: {"TEE": 1, "MUG": 8, "SET": 0}}


async def test_rules_of_a_store_are_shared_out_over_its_locations(state: InlineStore) -> None:
    """Safety stock and the minimum hold at each, fixed and maximum for the sum of them."""
    rules = {
        "FIX": StockRule(fixed=5),
        "MAX": StockRule(maximum=7),
        "SAFE": StockRule(safety_units=2),
        "MIN": StockRule(minimum=4),
    }
    plant = Plant(state, located(allocation=Allocation(overrides=rules)), account=CALM)
    rows = [(facility, sku, units) for sku in rules for facility, units in (("E", 10), ("W", 3))]
    found = await synced(plant, *rows)
    assert found == {
        EAST: {"FIX": 3, "MAX": 4, "SAFE": 8, "MIN": 10},
        WEST: {"FIX": 2, "MAX": 3, "SAFE": 1, "MIN": 0},
    }


async def test_orders_that_may_leave_from_anywhere_are_deducted_everywhere(plant: Plant) -> None:
    plant.place(order("1", ("A", 2), method="Later"), order("2", ("A", 1), method="Later", location=WEST))
    await plant.import_orders()
    assert await synced(plant, ("E", "A", 5), ("W", "A", 4)) == {EAST: {"A": 3}, WEST: {"A": 1}}
    unsent = plant.state.read(
        partial(promises.unsent, account=CALM, siblings=tuple(plant.connections.values()))
    )
    assert (dict(unsent.of(None)), dict(unsent.of("E")), dict(unsent.of("W"))) == (
        {"A": 3},
        {"A": 2},
        {"A": 3},
    )


async def test_an_order_goes_to_the_facility_of_its_location(plant: Plant) -> None:
    """And takes its units from there alone, also once it was handed over."""
    plant.place(order("1", ("A", 2), location=WEST), order("2", ("A", 1)))
    await plant.import_orders()
    sent = plant.warehouse.taken.newest()
    assert [sent[key].facility for key in ("o1", "o2")] == ["W", ""]
    plant.report_by(("E", "A", 5), ("W", "A", 5), age_s=60.0)  # it does not know of the orders
    await plant.smart()
    assert shown(plant) == {EAST: {"A": 4}, WEST: {"A": 2}}
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("A", 2)), replace(package("P2", "SH2", ("A", 1)), facility="E"))
    await plant.export()
    told = plant.stores["shop"].fulfilled.newest()
    assert [told[key].location for key in ("P1", "P2")] == [WEST, EAST]


async def test_a_warehouse_that_is_told_no_facility_may_ship_from_any(state: InlineStore) -> None:
    plant = Plant(state, located(), account=replace(CALM, takes_facility=False))
    plant.place(order("1", ("A", 2), location=WEST, method="Later"), order("2", ("A", 1), location=EAST))
    await plant.import_orders()
    assert plant.warehouse.taken.newest()["o2"].facility == ""
    assert await synced(plant, ("E", "A", 9), ("W", "A", 9)) == {EAST: {"A": 7}, WEST: {"A": 7}}


async def test_an_order_that_moves_to_another_location_changes(state: InlineStore) -> None:
    """Told to the warehouse where it takes changes, a task where it does not; mapping it alone is none."""
    plant = Plant(state, connection(), account=CALM)
    plant.place(order("1", ("A", 1), location=EAST), order("2", ("A", 1), location=EAST))
    await plant.import_orders()
    plant.configure(shop=located())
    plant.place(order("1", ("A", 1), location=EAST), order("2", ("A", 1), location=WEST))
    await plant.import_orders()
    assert {key for _, key in plant.tasks()} == {"o2"}
    assert "location loc-2" in next(iter(plant.tasks().values())).detail


async def test_what_left_from_another_facility_stays_so(state: InlineStore) -> None:
    """The store tells its order anew, as it does after each fulfillment: the figures of the facility that
    sent it have its units until its next snapshot."""
    plant = Plant(state, located(), account=replace(CALM, quantity="on_hand"))
    await synced(plant, ("E", "A", 5), ("W", "A", 5))
    plant.place(order("1", ("A", 2), location=EAST))
    await plant.import_orders()
    plant.ship(replace(package("p1", "SH1", ("A", 2)), facility="W"))
    plant.later(minutes=1)
    await plant.export()
    assert await synced(plant) == {EAST: {"A": 3}, WEST: {"A": 3}}
    plant.place(order("1", ("A", 2), location=EAST, note="ring twice"))
    await plant.import_orders()
    assert await synced(plant) == {EAST: {"A": 3}, WEST: {"A": 3}}


async def test_an_order_beyond_what_its_facility_has_is_deducted_elsewhere(plant: Plant) -> None:
    plant.place(order("1", ("A", 7), method="Later", location=WEST))
    await plant.import_orders()
    assert await synced(plant, ("E", "A", 9), ("W", "A", 4)) == {EAST: {"A": 6}, WEST: {"A": 0}}


async def test_the_drift_audit_reads_each_location(plant: Plant) -> None:
    await synced(plant, ("E", "A", 5), ("W", "A", 3))
    plant.stores["shop"].by_hand = {"A": 4}
    found = await drift.audit(plant.scopes["c-shop"])
    assert (found.looked_at, found.more, found.fewer) == (2, 1, 1)
    assert {(each.location, each.told, each.shows) for each in found.some} == {(EAST, 5, 4), (WEST, 3, 4)}


def test_records_of_an_older_program_are_read() -> None:
    promise = msgspec.msgpack.encode([{"A": 1}, 5.0, {"B": 2}, 6.0, {}])
    assert msgspec.msgpack.decode(promise, type=Promise).at == ""
    basis = msgspec.msgpack.decode(msgspec.msgpack.encode([b"x", {"A": 1}]), type=marking.Basis)
    assert (basis.of(None), basis.of("E")) == ({"A": 1}, {})
    item = msgspec.msgpack.encode(["A", "A", "1", "2", b"2"])
    assert msgspec.msgpack.decode(item, type=PlanItem).location == ""
    package = msgspec.msgpack.encode({"key": "P", "reference": "R", "lines": []})
    assert msgspec.msgpack.decode(package, type=Package).facility == ""
