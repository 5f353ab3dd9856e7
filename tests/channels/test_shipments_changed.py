"""Packages that come again: the same, changed, with fewer units, or under the key of another order's."""

import pytest

from dropstreamd.channels import intake, shipments
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import Plant, order, package
from tests.channels.shipped import AMENDS, hand_over, told


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    """An order of 3 × A and 2 × B that the warehouse has, under the reference SH1."""
    plant = Plant(state)
    await hand_over(plant)
    return plant


async def test_a_re_export_changes_nothing(plant: Plant) -> None:
    for _ in range(3):
        plant.ship(package("P1", "SH1", ("A", 3)))
        await plant.export()
    assert len(plant.stores["shop"].fulfilled.effects) == 1
    assert not plant.tasks()


@pytest.mark.parametrize("told_before", [True, False])
async def test_a_package_that_bears_the_key_of_another_order_s_is_shown(
    state: InlineStore, *, told_before: bool
) -> None:
    """Neither takes the place of the other: the first is told as it came, and a person sees the second."""
    plant = Plant(state, amends=AMENDS)
    plant.place(order("1"), order("2"))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    if told_before:
        await plant.export()
    plant.ship(package("P1", "SH2", ("A", 1), tracking="1Z2"))
    await plant.export()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    [made] = plant.stores["shop"].fulfilled.effects
    assert (made.key, made.document.order_key, made.document.tracking_numbers) == ("P1", "o1", ("1Z1",))
    account = intake.Account(plant.account, plant.scopes, plant.state)
    [(_, bad)] = plant.state.read(lambda tx: list(documents.bad_records(tx, account.flow(shipments.CHANNEL))))
    assert (bad.place, "SH2" in bad.reason, "SH1" in bad.reason) == ("package P1", True, True)


@pytest.mark.parametrize(("again", "shown"), [("B", "1 × A less"), ("AB", ""), ("", "")])
async def test_units_that_vanish_before_the_store_was_told_are_shown(
    plant: Plant, again: str, shown: str
) -> None:
    """Two parcels of one order and day look like one where nothing else tells them apart."""
    plant.ship(package("P1", "SH1", ("A", 1)))
    plant.ship(package("P1", "SH1", *((sku, 1) for sku in again)))
    await plant.export()
    tasks = [task.detail for task in plant.tasks().values()]
    assert [detail.partition(",")[0] for detail in tasks] == ([shown] if shown else [])


async def test_changed_tracking_updates_where_the_store_can(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    await hand_over(plant)
    for tracking in ("1Z1", "1Z2"):
        plant.ship(package("P1", "SH1", ("A", 3), tracking=tracking))
        await plant.export()
    first, second = plant.stores["shop"].fulfilled.effects
    assert (first.remote, second.remote) == (None, "at-P1")
    assert second.document.tracking_numbers == ("1Z2",)
    assert second.document.lines == first.document.lines
    assert not plant.tasks()


async def test_changed_lines_after_the_store_was_told_are_a_task(state: InlineStore) -> None:
    """A store's fulfillment takes new tracking, not other lines."""
    plant = Plant(state, amends=AMENDS)
    await hand_over(plant)
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    plant.ship(package("P1", "SH1", ("A", 2), tracking="1Z2"))
    await plant.export()
    assert plant.stores["shop"].fulfilled.newest()["P1"].tracking_numbers == ("1Z2",)
    assert told(plant) == {"P1": {"L1": 3}}
    [task] = plant.tasks().values()
    assert "A: the store was told 3, now 2" in task.detail


async def test_changed_tracking_is_a_task_where_it_cannot(plant: Plant) -> None:
    for tracking in ("1Z1", ""):
        plant.ship(package("P1", "SH1", ("A", 3), tracking=tracking))
        await plant.export()
    assert len(plant.stores["shop"].fulfilled.effects) == 1
    assert plant.tasks()["shipments", "P1"].detail == "tracking number 1Z1 became none"


async def test_a_refused_update_says_what_it_was(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    await hand_over(plant)
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    plant.stores["shop"].fulfilled.refuse = {"P1": "closed"}
    plant.ship(package("P1", "SH1", ("A", 3), tracking="1Z2"))
    await plant.export()
    assert "tracking number 1Z1 became 1Z2; refused" in plant.tasks()["shipments", "P1"].detail


# ---- more than was ordered
