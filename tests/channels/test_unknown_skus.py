"""An order with a SKU that the warehouse never reported."""

import pytest

from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, connection, order


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    plant = Plant(state, connection(bundles={"GIFT": {"TEE-RED-M": 1, "MUG": 1}}))
    plant.report({"TEE-RED-M": 3, "000123": 4, "77": 1, "Cap Blue": 2})
    await plant.smart()
    return plant


async def test_it_parks_alone_and_a_listing_releases_it(plant: Plant) -> None:
    plant.place(order("1", ("TSHIRT", 1)), order("2", ("TEE-RED-M", 1)))
    run = await plant.import_orders()
    assert run.counts == {"staged": 2, "parked": 1, "accepted": 1}
    held = plant.doc("o1")
    assert (held.state, held.cause) == (State.PARKED, "sku:TSHIRT")
    assert held.reason == "the warehouse never reported SKU 'TSHIRT': it wants a listing"
    plant.stores["shop"].changes.rows.clear()
    plant.configure(shop=connection(listings={"TSHIRT": "TEE-RED-M"}))
    await plant.import_orders()
    assert [line.sku for line in plant.warehouse.taken.newest()["o1"].lines] == ["TEE-RED-M"]


async def test_a_snapshot_that_knows_it_releases_it(plant: Plant) -> None:
    plant.place(order("1", ("NEW", 1)))
    await plant.import_orders()
    plant.later(minutes=5)
    plant.report({"TEE-RED-M": 3, "000123": 4, "77": 1, "Cap Blue": 2, "NEW": 0})
    await plant.smart()
    await plant.import_orders()
    assert set(plant.warehouse.taken.newest()) == {"o1"}


@pytest.mark.parametrize(
    ("sku", "meant"),
    [
        ("tee-red-m", "TEE-RED-M"),
        (" TEE-RED-M", "TEE-RED-M"),
        ("TEE- RED-M", "TEE-RED-M"),
        ("123", "000123"),
        ("0123", "000123"),
        ("0077", "77"),
        ("CAP BLUE", "Cap Blue"),
        ("gift", "GIFT"),
    ],
)
async def test_what_was_meant_is_told(plant: Plant, sku: str, meant: str) -> None:
    plant.place(order("1", (sku, 1)))
    await plant.import_orders()
    assert plant.doc("o1").reason.endswith(f"it wants a listing; is it {meant!r}?")


async def test_a_bundle_with_an_unknown_component_is_held(plant: Plant) -> None:
    plant.place(order("1", ("GIFT", 1)))
    await plant.import_orders()
    assert "SKU 'MUG', of which bundle GIFT is made: it wants" in plant.doc("o1").reason


async def test_it_may_pass(plant: Plant) -> None:
    plant.configure(shop=connection(unknown_sku="pass"))
    plant.place(order("1", ("TSHIRT", 1)))
    await plant.import_orders()
    assert plant.doc("o1").state is State.ACCEPTED


async def test_without_figures_nothing_is_unknown(state: InlineStore) -> None:
    plant = Plant(state)
    plant.place(order("1", ("TSHIRT", 1)))
    await plant.import_orders()
    assert plant.doc("o1").state is State.ACCEPTED


async def test_what_is_no_key_is_unknown_and_ends_no_run(plant: Plant) -> None:
    plant.place(order("1", ("A\0B", 1)), order("2", ("TEE-RED-M", 1)), order("3", ("00", 1)))
    await plant.import_orders()
    assert {plant.doc(key).state for key in ("o1", "o3")} == {State.PARKED}
    assert plant.doc("o2").state is State.ACCEPTED
    await plant.smart()
