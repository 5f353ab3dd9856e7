"""Bundles in the real flows: the warehouse sees components, the store sees kits throughout."""

import pytest

from dropstreamd.channels import parcels, references, shipments
from dropstreamd.config.schema import Allocation, StockRule
from dropstreamd.model.orders import OrderLine
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.platform.contract import Part
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, connection, order, package

BUNDLES = {"GIFT": {"TEE": 2, "MUG": 1}, "3PACK": {"TEE": 3}}


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    """Two gifts (2 × TEE, 1 × MUG each) and one TEE, handed over as SH1."""
    plant = Plant(state, connection(bundles=BUNDLES))
    plant.place(order("1", ("GIFT", 2), ("TEE", 1)))
    await plant.import_orders()
    return plant


def sent(plant: Plant, key: str = "o1") -> list[tuple[int, str, str, int]]:
    """Number, store line, SKU and units of each line that the warehouse was told."""
    lines = plant.warehouse.taken.newest()[key].lines
    return [(line.number, line.order_line, line.sku, line.quantity) for line in lines]


def told(plant: Plant) -> dict[str, dict[str, int]]:
    """Package key → store line → units, as the store was told."""
    return {
        key: {line.order_line: line.quantity for line in made.lines}
        for key, made in plant.stores["shop"].fulfilled.newest().items()
    }


def tracking(plant: Plant) -> dict[str, tuple[str, ...]]:
    return {key: made.tracking_numbers for key, made in plant.stores["shop"].fulfilled.newest().items()}


async def shipped(plant: Plant, *packages: Package) -> None:
    plant.ship(*packages)
    await plant.export()


# ---- orders


async def test_the_warehouse_is_told_components(plant: Plant) -> None:
    assert sent(plant) == [(1, "L1", "TEE", 4), (2, "L1", "MUG", 2), (3, "L2", "TEE", 1)]


async def test_a_bundle_is_known_by_the_sku_that_a_listing_leads_to(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles=BUNDLES, listings={"PRESENT": "GIFT", "SHIRT": "TEE"}))
    plant.place(order("1", ("PRESENT", 1), ("SHIRT", 1)))
    await plant.import_orders()
    assert sent(plant) == [(1, "L1", "TEE", 2), (2, "L1", "MUG", 1), (3, "L2", "TEE", 1)]


async def test_what_the_platform_took_apart_is_not_expanded_again(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles=BUNDLES))
    lines = [
        OrderLine(key="set", sku="GIFT", quantity=1),
        OrderLine(key="tee", sku="TEE", quantity=2, part_of="set"),
        OrderLine(key="odd", sku="3PACK", quantity=1, part_of="set"),
    ]
    plant.place(order("1", *lines))
    await plant.import_orders()
    assert sent(plant) == [(1, "tee", "TEE", 2), (2, "odd", "3PACK", 1)]


async def test_only_the_kits_that_are_open_are_sent(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles=BUNDLES))
    plant.place(order("1", OrderLine(key="L1", sku="GIFT", quantity=3, fulfilled=2)))
    await plant.import_orders()
    assert sent(plant) == [(1, "L1", "TEE", 2), (2, "L1", "MUG", 1)]
    await shipped(plant, package("P1", "SH1", ("TEE", 6), ("MUG", 3)))
    assert told(plant) == {"P1": {"L1": 1}}
    assert "4 × TEE too many" in plant.tasks()["shipments", "P1 over"].detail


async def test_a_kit_stays_what_it_was_when_it_was_handed_over(state: InlineStore) -> None:
    """The bundle was changed, and then the order: what was sold is sent, and its packages are told by it."""
    plant = Plant(state, connection(bundles=BUNDLES), amends=frozenset({Part.ORDERS}))
    plant.place(order("1", ("GIFT", 2), ("TEE", 1)))
    await plant.import_orders()
    plant.configure(shop=connection(bundles={"GIFT": {"CAP": 2}, "TEE": {"YARN": 9}}))
    plant.place(order("1", ("GIFT", 3), ("TEE", 1), ("GIFT", 1)))
    await plant.import_orders()
    assert sent(plant) == [
        (1, "L1", "TEE", 6),
        (2, "L1", "MUG", 3),
        (3, "L2", "TEE", 1),
        (4, "L3", "CAP", 2),
    ]
    await shipped(plant, package("P1", "SH1", ("TEE", 7), ("MUG", 3), ("CAP", 2)))
    assert told(plant) == {"P1": {"L1": 3, "L2": 1, "L3": 1}}
    assert not plant.tasks()


async def test_a_changed_kit_is_told_in_kits(plant: Plant) -> None:
    plant.place(order("1", ("GIFT", 1)))
    await plant.import_orders()
    detail = plant.tasks()["sales_orders", "o1"].detail
    assert "GIFT: 2 were ordered, now 1 are" in detail
    assert "line removed: 1 × TEE" in detail


# ---- shipments


async def test_all_in_one_package(plant: Plant) -> None:
    await shipped(plant, package("P1", "SH1", ("TEE", 5), ("MUG", 2)))
    assert told(plant) == {"P1": {"L1": 2, "L2": 1}}
    assert not plant.tasks()


async def test_a_package_without_lines_is_all_kits(plant: Plant) -> None:
    await shipped(plant, package("P1", "SH1"))
    assert told(plant) == {"P1": {"L1": 2, "L2": 1}}


async def test_a_kit_in_two_packages_is_told_with_the_second_and_both_trackings(plant: Plant) -> None:
    first = package("P1", "SH1", ("MUG", 1), tracking="M")
    second = package("P2", "SH1", ("TEE", 2), tracking="T")
    await shipped(plant, first)
    assert told(plant) == {}
    assert plant.doc("P1", shipments.CHANNEL).state is State.VOID
    assert plant.doc("P1", shipments.CHANNEL).history[-1].text == "its units complete no kit yet"
    await shipped(plant, second)
    assert told(plant) == {"P2": {"L1": 1}}
    assert tracking(plant) == {"P2": ("T", "M")}
    await shipped(plant, first, second)
    await shipped(plant, package("P3", "SH1", ("MUG", 1), ("TEE", 3), tracking="R"))
    assert told(plant) == {"P2": {"L1": 1}, "P3": {"L1": 1, "L2": 1}}
    assert tracking(plant)["P3"] == ("R",)
    assert set(plant.stores["shop"].fulfilled.created().values()) == {1}
    assert not plant.tasks()


async def test_a_late_package_of_an_earlier_name_loses_no_tracking(plant: Plant) -> None:
    """Packages do not come in the order of their names."""
    await shipped(plant, package("P5", "SH1", ("TEE", 2), tracking="T5"))
    await shipped(plant, package("P3", "SH1", ("MUG", 1), tracking="T3"))
    await shipped(plant, package("P1", "SH1", ("TEE", 2), tracking="T1"))
    await shipped(plant, package("P4", "SH1", ("MUG", 1), tracking="T4"))
    assert told(plant) == {"P3": {"L1": 1}, "P4": {"L1": 1}}
    assert tracking(plant) == {"P3": ("T3", "T5"), "P4": ("T4", "T1")}


async def test_lines_that_are_no_kit_go_with_their_own_package(plant: Plant) -> None:
    """The single TEE is named by its line; the other TEE makes no kit yet, and its tracking is told."""
    named = (PackageLine(sku="TEE", quantity=1, order_line=3), PackageLine(sku="TEE", quantity=1))
    first = Package(key="P1", reference="SH1", lines=named, tracking_numbers=("A",))
    await shipped(plant, first)
    assert told(plant) == {"P1": {"L2": 1}}
    await shipped(plant, package("P2", "SH1", ("TEE", 1), ("MUG", 1), tracking="B"))
    assert told(plant) == {"P1": {"L2": 1}, "P2": {"L1": 1}}
    assert tracking(plant)["P2"] == ("B",)


async def test_a_component_too_many_is_told_as_such(plant: Plant) -> None:
    await shipped(plant, package("P1", "SH1", ("TEE", 5), ("MUG", 4)))
    assert told(plant) == {"P1": {"L1": 2, "L2": 1}}
    assert "2 × MUG too many" in plant.tasks()["shipments", "P1 over"].detail
    await shipped(plant, package("P2", "SH1", ("TEE", 1), tracking="1Z9"))
    assert "told nothing of it; tracking number 1Z9" in plant.tasks()["shipments", "P2 over"].detail


async def test_what_was_picked_short_completes_no_kit(plant: Plant) -> None:
    await shipped(plant, package("P1", "SH1", ("TEE", 4), ("MUG", 1)))
    assert told(plant) == {"P1": {"L1": 1}}
    sent = plant.warehouse.taken.newest()["o1"]
    taken = plant.state.read(lambda tx: references.allocations(tx, plant.account, "SH1"))
    assert parcels.loose(sent, taken) == {"TEE": 2}


async def test_a_package_that_grows_completes_its_kit(plant: Plant) -> None:
    await shipped(plant, package("P1", "SH1", ("TEE", 2)))
    await shipped(plant, package("P1", "SH1", ("TEE", 2), ("MUG", 1)))
    assert told(plant) == {"P1": {"L1": 1}}


async def test_a_package_that_shrinks_after_its_kit_was_told_is_a_task(plant: Plant) -> None:
    await shipped(plant, package("P1", "SH1", ("TEE", 2)))
    await shipped(plant, package("P2", "SH1", ("MUG", 1)))
    await shipped(plant, package("P1", "SH1", ("TEE", 1)))
    assert "GIFT: the store was told 1, now 0" in plant.tasks()["shipments", "P1 lines"].detail
    assert told(plant) == {"P2": {"L1": 1}}


async def test_changed_tracking_of_a_package_that_was_told_with_another_is_a_task(plant: Plant) -> None:
    await shipped(plant, package("P1", "SH1", ("TEE", 2), tracking="A"))
    await shipped(plant, package("P2", "SH1", ("MUG", 1), tracking="B"))
    await shipped(plant, package("P1", "SH1", ("TEE", 2), tracking="C"))
    assert (
        "now C; the store was told of it with package P2" in plant.tasks()["shipments", "P1 tracking"].detail
    )


async def test_changed_tracking_keeps_the_kits_and_the_other_tracking(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles=BUNDLES), amends=frozenset({Part.SHIPMENTS}))
    plant.place(order("1", ("GIFT", 1)))
    await plant.import_orders()
    await shipped(plant, package("P1", "SH1", ("TEE", 2), tracking="A"))
    await shipped(plant, package("P2", "SH1", ("MUG", 1), tracking="B"))
    await shipped(plant, package("P2", "SH1", ("MUG", 1), tracking="C"))
    assert told(plant) == {"P2": {"L1": 1}}
    assert tracking(plant) == {"P2": ("C", "A")}
    assert not plant.tasks()


async def test_one_component_in_two_bundles(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles=BUNDLES))
    plant.place(order("1", ("GIFT", 1), ("3PACK", 1)))
    await plant.import_orders()
    by_line = (PackageLine(sku="TEE", quantity=3, order_line=3), PackageLine(sku="MUG", quantity=1))
    await shipped(plant, Package(key="P1", reference="SH1", lines=by_line))
    assert told(plant) == {"P1": {"L2": 1}}
    await shipped(plant, package("P2", "SH1", ("TEE", 2)))
    assert told(plant) == {"P1": {"L2": 1}, "P2": {"L1": 1}}


# ---- inventory


async def test_a_bundle_shows_what_its_scarcest_component_gives(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles=BUNDLES))
    plant.report({"TEE": 10, "MUG": 4, "GIFT": 99})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"TEE": 10, "MUG": 4, "GIFT": 4, "3PACK": 3}


async def test_a_bundle_is_pushed_when_any_component_moved(state: InlineStore) -> None:
    """Also where its level stays: the store's own count may have moved."""
    plant = Plant(state, connection(bundles=BUNDLES, listings={"PRESENT": "GIFT"}))
    plant.report({"TEE": 10, "MUG": 4, "CAP": 1})
    await plant.smart()
    for stock, told in (
        ({"TEE": 9, "MUG": 4, "CAP": 1}, {"TEE", "PRESENT", "3PACK"}),
        ({"TEE": 9, "MUG": 5, "CAP": 1}, {"MUG", "PRESENT"}),
        ({"TEE": 9, "MUG": 5, "CAP": 2}, {"CAP"}),
    ):
        plant.stores["shop"].levels.effects = []
        plant.later(minutes=5)
        plant.report(stock)
        await plant.smart()
        assert set(plant.stores["shop"].shows()) == told
    run = await plant.full()
    assert run.counts["pushed"] == 5


async def test_orders_lessen_bundles_before_and_after_their_hand_over(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles=BUNDLES))
    plant.report({"TEE": 10, "MUG": 4})
    plant.place(order("1", ("GIFT", 2), method="unmapped"))
    await plant.import_orders()
    await plant.smart()
    after = {"TEE": 6, "MUG": 2, "GIFT": 2, "3PACK": 2}
    assert plant.stores["shop"].shows() == after
    plant.configure(shop=connection(bundles=BUNDLES, methods={"unmapped": "GND"}))
    plant.later(minutes=5)
    await plant.import_orders()
    await plant.full()
    assert plant.stores["shop"].shows() == after
    plant.ship(package("P1", "SH1", ("TEE", 4), ("MUG", 2)))
    await plant.export()
    await plant.full()
    assert plant.stores["shop"].shows() == after


async def test_orders_that_the_platform_took_apart_are_deducted_as_they_go(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles=BUNDLES))
    plant.report({"TEE": 10, "MUG": 4})
    lines = [
        OrderLine(key="set", sku="GIFT", quantity=1),
        OrderLine(key="tee", sku="TEE", quantity=2, part_of="set"),
        OrderLine(key="mug", sku="MUG", quantity=1, part_of="set"),
    ]
    plant.place(order("1", *lines, method="unmapped"))
    await plant.import_orders()
    await plant.smart()
    assert plant.stores["shop"].shows() == {"TEE": 8, "MUG": 3, "GIFT": 3, "3PACK": 2}


async def test_changed_bundles_and_allocation_reach_the_store(state: InlineStore) -> None:
    plant = Plant(state)
    plant.report({"TEE": 10, "MUG": 4})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"TEE": 10, "MUG": 4}
    plant.configure(shop=connection(bundles=BUNDLES))
    await plant.smart()
    assert plant.stores["shop"].shows() == {"TEE": 10, "MUG": 4, "GIFT": 4, "3PACK": 3}
    rule = Allocation(default=StockRule(safety_units=2), overrides={"3PACK": StockRule(maximum=1)})
    plant.configure(shop=connection(bundles=BUNDLES, allocation=rule))
    await plant.smart()
    assert plant.stores["shop"].shows() == {"TEE": 8, "MUG": 2, "GIFT": 2, "3PACK": 1}
    plant.configure(shop=connection(bundles={"GIFT": {"TEE": 1, "NEW": 1}}, allocation=rule))
    await plant.smart()
    shown = plant.stores["shop"].shows()
    assert shown["GIFT"] == 0, "it is made of something that the warehouse does not have"
    plant.stores["shop"].levels.pushed.clear()
    await plant.smart()
    assert not plant.stores["shop"].levels.pushed, "it does not come to rest"
