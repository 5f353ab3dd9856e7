"""Orders whose lines change after a part of them has left."""

from msgspec.structs import replace

from dropstreamd.channels.life import Life
from dropstreamd.model.orders import OrderLine
from dropstreamd.platform.contract import Part
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import ACCOUNT, Plant, connection, order, package

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


async def test_kits_that_go_from_one_line_to_another_are_told(state: InlineStore) -> None:
    """Two kits of one line, of which a component has left; then one is taken off it, and another line has
    it. Everything leaves, and the store is told of one kit alone."""
    plant = Plant(state, connection(bundles={"K": {"X": 1, "Y": 1}}), amends=ORDERS)
    first = order("1", ("K", 2))
    plant.place(first)
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("Y", 2)))
    await plant.export()
    plant.later(minutes=5)
    plant.place(order("1", ("K", 1), ("K", 1)))
    await plant.import_orders()
    plant.ship(package("P2", "SH1", ("X", 2), tracking="1Z2"))
    await plant.export()
    told = plant.stores["shop"].fulfilled.newest()
    lines = {line.order_line: line.quantity for each in told.values() for line in each.lines}
    assert lines == {"L1": 1, "L2": 1}


async def test_kits_on_another_line_take_the_components_that_have_left_with_them(state: InlineStore) -> None:
    """All of them go to another line: what is still to leave is what was, and the store is told of that line
    alone, with both tracking numbers."""
    kits = connection(bundles={"K": {"X": 1, "Y": 1}})
    plant = Plant(state, kits, account=ON_HAND, amends=ORDERS)
    plant.report({"X": 10, "Y": 10})
    plant.place(order("1", ("K", 2)))
    await plant.import_orders()
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("Y", 2)))
    await plant.export()
    plant.later(minutes=5)
    plant.place(order("1", OrderLine(key="L7", sku="K", quantity=2)))
    await plant.import_orders()
    plant.report({"X": 10, "Y": 8})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"K": 8, "X": 8, "Y": 8}
    plant.ship(package("P2", "SH1", ("X", 2), tracking="1Z2"))
    await plant.export()
    [told] = plant.stores["shop"].fulfilled.newest().values()
    assert [(line.order_line, line.quantity) for line in told.lines] == [("L7", 2)]
    assert told.tracking_numbers == ("1Z2", "1Z1")
    assert plant.life("o1") is Life.SHIPPED
