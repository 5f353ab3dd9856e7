"""Orders and returns that changed after their hand-over, and of which a person has told the warehouse."""

from functools import partial

import msgspec
import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders, returns
from dropstreamd.channels.life import Life
from dropstreamd.model.orders import OrderLine, OutboundOrder
from dropstreamd.model.returns import OutboundReturn, ReceiptLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import ACCOUNT, Plant, asked_back, came_back, connection, order, package
from tests.channels.returned import shipped

ON_HAND = replace(ACCOUNT, quantity="on_hand")


async def close_task(plant: Plant, key: str, channel: str = orders.CHANNEL) -> bool:
    """A person says that what the task asks for is done."""
    scope = plant.scopes["c-shop"]
    book = orders.book(scope) if channel == orders.CHANNEL else returns.book(scope)
    task = plant.state.read(partial(documents.get_task, flow=book.flow, key=key))
    assert task is not None
    return await plant.state.write(partial(documents.close_task, book=book, key=key, revision=task.revision))


async def added_by_hand(state: InlineStore) -> Plant:
    """Five instead of one; the warehouse takes no changes, and a person has told it."""
    plant = Plant(state, account=ON_HAND)
    plant.report({"A": 10})
    plant.place(order("1", ("A", 1)))
    await plant.import_orders()
    plant.later(minutes=5)
    plant.place(order("1", ("A", 5)))
    await plant.import_orders()
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 5}
    assert await close_task(plant, "o1")
    plant.later(minutes=5)
    return plant


async def test_units_that_a_person_has_told_the_warehouse_of_stay_deducted(state: InlineStore) -> None:
    """What is on hand has them until they leave."""
    plant = await added_by_hand(state)
    plant.report({"A": 10})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 5}


async def test_units_that_a_person_has_told_the_warehouse_of_are_told_to_the_store(
    state: InlineStore,
) -> None:
    """The warehouse sends all five: the store is told of one, and never sees its order shipped."""
    plant = await added_by_hand(state)
    plant.ship(package("P1", "SH1", ("A", 5)))
    await plant.export()
    told = plant.stores["shop"].fulfilled.newest()["P1"]
    assert [(line.order_line, line.quantity) for line in told.lines] == [("L1", 5)]


def known_lines(plant: Plant) -> list[tuple[int, str, str, int]]:
    """Number, store's line, SKU and units of what the warehouse has of the order."""
    sent = msgspec.msgpack.decode(plant.doc("o1").sent, type=OutboundOrder)
    return [(line.number, line.order_line, line.sku, line.quantity) for line in sent.lines]


async def test_a_task_of_an_older_revision_closes_nothing(state: InlineStore) -> None:
    """He has told the warehouse of three. What the store made of it since, nobody has."""
    plant = Plant(state, account=ON_HAND)
    plant.report({"A": 10})
    for quantity in (1, 3):
        plant.place(order("1", ("A", quantity)))
        await plant.import_orders()
    book = orders.book(plant.scopes["c-shop"])
    plant.place(order("1", ("A", 5)))
    await plant.import_orders()
    assert not await plant.state.write(partial(documents.close_task, book=book, key="o1", revision=2))
    assert known_lines(plant) == [(1, "L1", "A", 1)]
    assert plant.tasks()["sales_orders", "o1"].revision == 3
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 5}


async def test_lines_keep_the_numbers_that_the_warehouse_knows(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles={"K": {"X": 1, "Y": 2}}))
    plant.place(order("1", ("A", 1), ("B", 1)))
    await plant.import_orders()
    lines = (OrderLine(key="L0", sku="K", quantity=3), OrderLine(key="L2", sku="B", quantity=4))
    plant.place(order("1", *lines, OrderLine(key="L9", sku="", quantity=1), method="not mapped"))
    await plant.import_orders()
    assert await close_task(plant, "o1")
    assert sorted(known_lines(plant)) == [(2, "L2", "B", 4), (3, "L0", "X", 3), (4, "L0", "Y", 6)]
    plant.ship(package("P1", "SH1", ("B", 4), ("X", 3), ("Y", 6)))
    await plant.export()
    told = plant.stores["shop"].fulfilled.newest()["P1"]
    assert sorted((line.order_line, line.quantity) for line in told.lines) == [("L0", 3), ("L2", 4)]
    assert plant.life("o1") is Life.SHIPPED


async def test_units_that_the_store_takes_off_are_free_once_the_warehouse_was_told(
    state: InlineStore,
) -> None:
    plant = Plant(state, account=ON_HAND)
    plant.report({"A": 10})
    for quantity in (5, 2):
        plant.place(order("1", ("A", quantity)))
        await plant.import_orders()
    assert await close_task(plant, "o1")
    plant.later(minutes=5)
    plant.report({"A": 10})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 8}


async def test_what_left_may_come_back_though_the_store_has_refunded_it(state: InlineStore) -> None:
    """All has left, and one unit and a kit are refunded, which is no more than a task. Somebody closes it,
    and only then the goods come back, without a return."""
    plant = Plant(state, connection(bundles={"K": {"X": 1, "Y": 2}}))
    plant.place(order("1", ("A", 2), ("K", 1), ("B", 1)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 2), ("X", 1), ("Y", 2), ("B", 1)))
    await plant.export()
    plant.place(order("1", ("A", 1), OrderLine(key="L3", sku="B", quantity=1)))
    await plant.import_orders()
    before = known_lines(plant)
    assert await close_task(plant, "o1")
    assert sorted(known_lines(plant)) == before
    assert plant.life("o1") is Life.SHIPPED
    came = came_back("C1", ("A", 2, "restock"), ("X", 1, "restock"), ("Y", 2, "restock"))
    plant.receive(replace(came, order_reference="SH1"))
    await plant.returns()
    told = plant.stores["shop"].received.newest()["C1"]
    assert sorted((line.order_line, line.quantity) for line in told.lines) == [("L1", 2), ("L2", 1)]


async def test_a_cancellation_that_a_person_saw_to_leaves_what_was_sent(state: InlineStore) -> None:
    plant = Plant(state)
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(order("1", ("A", 2), status="cancelled"))
    await plant.import_orders()
    assert await close_task(plant, "o1")
    assert known_lines(plant) == [(1, "L1", "A", 2)]
    assert plant.life("o1") is Life.CANCELLED


async def test_a_return_that_a_person_has_told_the_warehouse_of_comes_back_as_it_is_then(
    state: InlineStore,
) -> None:
    """The first of its two lines is gone by then, and the other has more units."""
    plant = await shipped(state, ("A", 2), ("B", 3))
    plant.ask_back(asked_back("R-1", ("A", 1), ("B", 1)))
    await plant.returns()
    first = asked_back("R-1", ("A", 1), ("B", 3), tracking="1Z7")
    plant.ask_back(replace(first, lines=first.lines[1:]))
    await plant.returns()
    assert await close_task(plant, "rR-1", returns.CHANNEL)
    sent = msgspec.msgpack.decode(plant.doc("rR-1", returns.CHANNEL).sent, type=OutboundReturn)
    assert [(line.number, line.return_line, line.quantity) for line in sent.lines] == [(2, "RL2", 3)]
    line = ReceiptLine(sku="B", quantity=3, condition="restock")
    plant.receive(came_back("C1", line, tracking_numbers=("1Z7",)))
    await plant.returns()
    told = plant.stores["shop"].received.newest()["C1"]
    assert [(each.return_line, each.quantity) for each in told.lines] == [("RL2", 3)]


@pytest.mark.parametrize("amends", [True, False])
async def test_what_a_warehouse_was_told_of_later_is_in_its_figures_later(
    state: InlineStore, *, amends: bool
) -> None:
    """Its figure has what is available as of before it was told of the four, whoever tells it."""
    plant = Plant(state, amends=frozenset({Part.ORDERS}) if amends else frozenset())
    plant.report({"A": 10})
    plant.place(order("1", ("A", 1)))
    await plant.import_orders()
    plant.later(minutes=5)
    plant.report({"A": 9})
    await plant.smart()
    plant.later(minutes=5)
    plant.place(order("1", ("A", 5)))
    await plant.import_orders()
    assert amends or await close_task(plant, "o1")
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 5}
    plant.ship(package("P1", "SH1", ("A", 5)))
    await plant.export()
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 5}
    plant.later(minutes=5)
    plant.report({"A": 5})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 5}
