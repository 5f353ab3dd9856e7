"""Orders whose lines change after a part of them has left."""

from msgspec.structs import replace

from dropstreamd.channels.life import Life
from dropstreamd.platform.contract import Part
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import ACCOUNT, Plant, order, package

ON_HAND = replace(ACCOUNT, quantity="on_hand")
ORDERS = frozenset({Part.ORDERS})


async def one_of_two_lines_left(state: InlineStore) -> Plant:
    """Two lines of one SKU. The first has left, and the store takes it back then (a refund)."""
    plant = Plant(state, account=ON_HAND, amends=ORDERS, cancels=ORDERS)
    both = order("1", ("A", 1), ("A", 1))
    plant.report({"A": 10})
    plant.place(both)
    await plant.import_orders()
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    assert plant.life("o1") is Life.PARTIALLY_SHIPPED
    plant.later(minutes=5)
    plant.place(replace(both, lines=(replace(both.lines[0], quantity=0), both.lines[1])))
    await plant.import_orders()
    [line] = plant.warehouse.taken.newest()["o1"].lines
    assert (line.order_line, line.quantity) == ("L2", 1)
    plant.later(minutes=5)
    plant.report({"A": 9})
    await plant.smart()
    return plant


async def test_a_line_that_is_still_to_leave_is_deducted(state: InlineStore) -> None:
    """9 on hand, of which one is to leave for the second line."""
    plant = await one_of_two_lines_left(state)
    assert plant.stores["shop"].shows() == {"A": 8}


async def test_an_order_with_a_line_to_leave_is_not_called_shipped(state: InlineStore) -> None:
    """So called, nobody is told that it never ships, and its address is purged."""
    plant = await one_of_two_lines_left(state)
    assert plant.life("o1") is Life.PARTIALLY_SHIPPED


async def test_an_order_with_a_line_to_leave_can_still_be_stopped(state: InlineStore) -> None:
    plant = await one_of_two_lines_left(state)
    plant.place(order("1", ("A", 1), ("A", 1), status="cancelled"))
    await plant.import_orders()
    assert plant.warehouse.taken.stopped() == {"o1": 1}
