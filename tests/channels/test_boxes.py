"""Boxes of an order of which the warehouse tells no lines: the first is all of it."""

from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import shipments
from dropstreamd.channels.life import Life
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, connection, order, package
from tests.channels.shipped import AMENDS, told


def box(number: int) -> Package:
    return package(f"P{number}", "SH1", tracking=f"1Z{number}")


async def two_units(plant: Plant) -> None:
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()


async def boxed(state: InlineStore, *, amends: bool) -> Plant:
    """Two boxes of one order, told together."""
    plant = Plant(state, amends=AMENDS if amends else frozenset())
    await two_units(plant)
    plant.ship(box(1), box(2))
    for _ in range(3):
        await plant.export()
    return plant


def tracking(plant: Plant) -> dict[str, tuple[str, ...]]:
    found = plant.stores["shop"].fulfilled.newest()
    return {key: fulfillment.tracking_numbers for key, fulfillment in found.items()}


async def test_the_second_box_is_told_with_the_first(state: InlineStore) -> None:
    plant = await boxed(state, amends=True)
    assert tracking(plant) == {"P1": ("1Z1", "1Z2")}
    assert told(plant) == {"P1": {"L1": 2}}
    assert plant.doc("P2", "shipments").state is State.VOID
    assert plant.life("o1") is Life.SHIPPED
    assert not plant.tasks()
    pushed = len(plant.stores["shop"].fulfilled.pushed)
    plant.ship(box(3))
    for _ in range(3):
        await plant.export()
    assert tracking(plant) == {"P1": ("1Z1", "1Z2", "1Z3")}
    assert len(plant.stores["shop"].fulfilled.pushed) == pushed + 1


async def test_it_is_a_task_where_the_store_takes_no_change(state: InlineStore) -> None:
    plant = await boxed(state, amends=False)
    assert tracking(plant) == {"P1": ("1Z1",)}
    assert list(plant.tasks()) == [("shipments", "P2 tracking")]
    [task] = plant.tasks().values()
    assert "tracking number 1Z2: add it to the fulfillment of package P1" in task.detail
    plant.ship(box(1), box(2))
    await plant.export()
    assert plant.tasks() == {("shipments", "P2 tracking"): task}


async def test_it_is_in_the_task_where_the_store_refuses_the_change(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    await two_units(plant)
    plant.ship(box(1))
    await plant.export()
    plant.stores["shop"].fulfilled.refuse = {"P1": "closed"}
    plant.ship(box(2))
    for _ in range(2):
        await plant.export()
    assert list(plant.tasks()) == [("shipments", "P1")]
    assert "tracking number 1Z1 became 1Z1, 1Z2; refused" in plant.tasks()["shipments", "P1"].detail
    plant.ship(box(3))
    await plant.export()
    assert "1Z3" in plant.tasks()["shipments", "P3 tracking"].detail, "a person is at the first"


async def test_one_waits_until_the_store_was_told_of_the_first(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    await two_units(plant)
    plant.stores["shop"].fulfilled.refuse = {"P1": "no"}
    plant.ship(box(1))
    await plant.export()
    plant.ship(box(2))
    for _ in range(2):
        await plant.export()
    assert not tracking(plant)
    assert plant.doc("P2", "shipments").cause == "box:P1"
    plant.stores["shop"].fulfilled.refuse = {}
    plant.ship(package("P1", "SH1", tracking="1Z9"))
    for _ in range(3):
        await plant.export()
    assert tracking(plant) == {"P1": ("1Z9", "1Z2")}


@pytest.mark.parametrize("amends", [True, False])
async def test_changed_tracking_of_the_first_keeps_that_of_the_second(
    state: InlineStore, *, amends: bool
) -> None:
    plant = await boxed(state, amends=amends)
    plant.ship(package("P1", "SH1", tracking="1Z9"))
    await plant.export()
    if amends:
        assert tracking(plant) == {"P1": ("1Z9", "1Z2")}
    else:
        assert plant.tasks()["shipments", "P1"].detail == "tracking number 1Z1 became 1Z9"
    assert told(plant) == {"P1": {"L1": 2}}


async def test_a_box_without_news_is_nobody_s_work(plant: Plant) -> None:
    """Without a number, or with that of the first."""
    await two_units(plant)
    plant.ship(box(1), package("P2", "SH1", tracking=""), package("P3", "SH1", tracking="1Z1"))
    for _ in range(3):
        await plant.export()
    assert tracking(plant) == {"P1": ("1Z1",)}
    assert plant.doc("P2", "shipments").state is State.VOID
    assert plant.doc("P3", "shipments").state is State.VOID
    assert not plant.tasks()


async def test_changed_tracking_of_the_second_is_told_too(state: InlineStore) -> None:
    plant = await boxed(state, amends=True)
    plant.ship(package("P2", "SH1", tracking="1Z7"))
    for _ in range(3):
        await plant.export()
    assert tracking(plant) == {"P1": ("1Z1", "1Z7")}
    assert not plant.tasks()


async def test_one_after_a_label_that_was_voided_is_shown(state: InlineStore) -> None:
    """What the store was told of, a person mends."""
    plant = await boxed(state, amends=True)
    plant.ship(replace(box(1), voided=True))
    await plant.export()
    assert await close_task(plant, "P1")
    plant.ship(box(3))
    for _ in range(3):
        await plant.export()
    assert "1Z3" in plant.tasks()["shipments", "P3 tracking"].detail


async def close_task(plant: Plant, key: str) -> bool:
    book = shipments.book_of(plant.scopes["c-shop"])
    revision = plant.tasks()["shipments", key].revision
    return await plant.state.write(partial(documents.close_task, book=book, key=key, revision=revision))


async def test_one_after_packages_with_lines_is_shown(plant: Plant) -> None:
    """Nobody knows which lines it is of."""
    await two_units(plant)
    plant.ship(package("P1", "SH1", ("A", 2)), box(2))
    for _ in range(2):
        await plant.export()
    assert "1Z2" in plant.tasks()["shipments", "P2 tracking"].detail


async def test_kits_stay_told_once(state: InlineStore) -> None:
    bundles = {"K": {"X": 1, "Y": 2}}
    plant = Plant(state, connection(bundles=bundles), amends=frozenset({Part.SHIPMENTS}))
    plant.place(order("1", ("K", 2)))
    await plant.import_orders()
    plant.ship(package("P0", "SH1", ("X", 1), tracking="1Z0"), box(1), box(2))
    for _ in range(3):
        await plant.export()
    assert told(plant) == {"P1": {"L1": 2}}
    assert tracking(plant) == {"P1": ("1Z1", "1Z0", "1Z2")}
