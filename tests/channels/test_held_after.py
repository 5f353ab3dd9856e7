"""Orders that their store holds after the warehouse has them."""

import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders
from dropstreamd.model.orders import OrderStatus
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import Plant, order, package

ORDERS = frozenset({Part.ORDERS})
TASK = (orders.CHANNEL, "o1 held")


async def tell(plant: Plant, status: OrderStatus, **changed: object) -> None:
    plant.later(minutes=5)
    plant.place(replace(order("1", status=status), **changed))
    await plant.import_orders()


async def held(plant: Plant) -> Plant:
    """Handed over, and then held: set to on-hold, or checked for fraud."""
    plant.place(order("1"))
    await plant.import_orders()
    await tell(plant, "waiting")
    return plant


@pytest.mark.parametrize("able", [frozenset(), ORDERS])
async def test_a_person_is_told_that_the_store_holds_what_the_warehouse_is_to_ship(
    state: InlineStore, able: frozenset[Part]
) -> None:
    """Nothing is stopped by itself: the store may let it go any moment."""
    plant = await held(Plant(state, amends=able, cancels=able))
    assert list(plant.tasks()) == [TASK]
    assert plant.tasks()[TASK].title.startswith("1 is held in the store")
    assert not plant.warehouse.taken.stopped()


@pytest.mark.parametrize("status", ["open", "cancelled"])
async def test_the_task_goes_once_the_store_lets_it_go_or_it_is_over(
    plant: Plant, status: OrderStatus
) -> None:
    await held(plant)
    await tell(plant, status)
    assert TASK not in plant.tasks()


async def test_held_once_more_it_is_a_task_once_more(plant: Plant) -> None:
    await held(plant)
    await tell(plant, "open")
    await tell(plant, "waiting")
    assert TASK in plant.tasks()


async def test_a_task_that_a_person_has_closed_stays_closed(plant: Plant) -> None:
    """Whatever else of the order changes while it is held."""
    await held(plant)
    await close(plant)
    await tell(plant, "waiting", updated_at=order("1").updated_at.replace(hour=20))
    await plant.import_orders()
    assert TASK not in plant.tasks()


@pytest.mark.parametrize("closed", [False, True])
async def test_a_person_is_told_that_it_has_left_all_the_same(plant: Plant, *, closed: bool) -> None:
    await held(plant)
    if closed:
        await close(plant)
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    await plant.import_orders()
    assert "has shipped it" in plant.tasks()[TASK].title
    await close(plant)
    await plant.import_orders()
    assert TASK not in plant.tasks()


async def test_what_is_held_once_it_has_left_is_nobodys_business(plant: Plant) -> None:
    """As where it was paid back afterwards."""
    plant.place(order("1"))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    await tell(plant, "waiting")
    assert not plant.tasks()


async def test_what_is_held_before_its_hand_over_is_no_task(plant: Plant) -> None:
    plant.place(order("1", status="waiting"))
    await plant.import_orders()
    assert not plant.tasks()


async def close(plant: Plant) -> None:
    task = plant.tasks()[TASK]
    book = orders.book(plant.scopes["c-shop"])
    assert await plant.state.write(lambda tx: documents.close_task(tx, book, TASK[1], revision=task.revision))
