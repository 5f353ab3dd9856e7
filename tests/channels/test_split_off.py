"""Orders whose units go from one document of the store to another after a hand-over."""

from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders
from dropstreamd.channels.life import Life
from dropstreamd.config.schema import StoreAccount
from dropstreamd.model.orders import Order, OrderLine, OrderStatus
from dropstreamd.platform.contract import Part
from dropstreamd.store import by_hand, cursors, documents
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import NoSettings, Plant, connection, order, package

ORDERS = frozenset({Part.ORDERS})
STORE = StoreAccount(platform="fake", settings=NoSettings(), account_key="fake:one")


def part(
    number: str,
    units: int,
    *,
    line: str = "L1",
    fulfilled: int = 0,
    sold: int = 0,
    status: OrderStatus = "open",
) -> Order:
    """A document of the one order of the store, with units of one of its lines."""
    lines = OrderLine(key=line, sku="A", quantity=units, fulfilled=fulfilled, sold=sold)
    return replace(order(number, lines, status=status), store_order="100")


async def split(plant: Plant, first: Order, second: Order, *, before: int = 3) -> None:
    """The warehouse has so many units under the first; then they are the store's first and second."""
    plant.place(part(first.number, before))
    await plant.import_orders()
    plant.later(minutes=15)
    plant.place(first, second)
    await plant.import_orders()


async def go_on(plant: Plant, *names: str) -> None:
    plant.later(minutes=15)
    for name in names or ("shop",):
        await plant.import_orders(name)


def at_the_warehouse(plant: Plant) -> int:
    """Units in all that it has of all orders."""
    taken = plant.warehouse.taken
    stopped = taken.stopped()
    kept = [each for key, each in taken.newest().items() if key not in stopped]
    return sum(line.quantity for each in kept for line in each.lines)


@pytest.mark.parametrize("status", ["open", "waiting"])
async def test_units_split_off_wait_until_a_person_has_told_the_warehouse(
    state: InlineStore, status: OrderStatus
) -> None:
    """What was put on hold may be the units that stay with the first, or those that are split off."""
    plant = Plant(state)
    await split(plant, part("1", 1, status=status), part("2", 2))
    assert plant.life("o2") is Life.PARKED
    assert "1 was handed over with units of it" in plant.doc("o2").reason
    await go_on(plant)
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert await plant.close_task("o1")
    await go_on(plant)
    assert plant.life("o2") is Life.SENT


@pytest.mark.parametrize("numbers", [("1", "2"), ("2", "1")])
async def test_units_split_off_go_behind_the_change_of_the_first(
    state: InlineStore, numbers: tuple[str, str]
) -> None:
    """In the same run, whatever their keys are."""
    first, second = numbers
    plant = Plant(state, amends=ORDERS)
    await split(plant, part(first, 1), part(second, 2))
    assert [effect.key for effect in plant.warehouse.taken.effects] == [
        f"o{first}",
        f"o{first}",
        f"o{second}",
    ]
    assert at_the_warehouse(plant) == 3


async def test_they_wait_where_the_warehouse_refuses_the_change_of_the_first(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS)
    plant.place(part("1", 3))
    await plant.import_orders()
    plant.warehouse.taken.refuse["o1"] = "picked"
    plant.place(part("1", 1), part("2", 2))
    await go_on(plant)
    assert plant.life("o2") is Life.PARKED
    assert at_the_warehouse(plant) == 3
    assert await plant.close_task("o1")
    await go_on(plant)
    assert plant.life("o2") is Life.SENT


async def test_a_person_may_let_them_go(state: InlineStore) -> None:
    plant = Plant(state)
    await split(plant, part("1", 1), part("2", 2))
    book = orders.book(plant.scopes["c-shop"])
    release = partial(documents.release, book=book, key="o2", run="", why="they were lost")
    assert await plant.state.write(partial(release, now_s=plant.clock.now_s()))
    await go_on(plant)
    assert plant.life("o2") is Life.SENT


@pytest.mark.parametrize("cancels", [frozenset(), ORDERS])
async def test_what_takes_the_place_of_a_cancelled_one_waits_until_that_is_stopped(
    state: InlineStore, cancels: frozenset[Part]
) -> None:
    """As where somebody cancels a fulfillment order, and the platform makes another one for its units."""
    plant = Plant(state, cancels=cancels)
    await split(plant, part("1", 3, status="cancelled"), part("2", 3))
    assert at_the_warehouse(plant) == 3
    assert plant.life("o2") is (Life.SENT if cancels else Life.PARKED)


async def test_what_takes_the_place_of_one_that_was_to_go_once_more_waits(state: InlineStore) -> None:
    """The warehouse may have that from the first time, and nothing tells it to stop."""
    plant = Plant(state)
    plant.place(part("1", 3))
    await plant.import_orders()
    book = orders.book(plant.scopes["c-shop"])
    again = partial(by_hand.resend, now_s=plant.clock.now_s(), why="the file was lost")
    anew = partial(documents.by_hand, book=book, key="o1", change=again, now_s=plant.clock.now_s())
    await plant.state.write(anew)
    plant.place(part("1", 3, status="cancelled"), part("2", 3))
    await go_on(plant)
    assert plant.life("o2") is Life.PARKED


async def test_what_left_under_the_first_does_not_go_once_its_task_is_closed(state: InlineStore) -> None:
    """The person was told that all of it had left already."""
    plant = Plant(state)
    await split(plant, part("1", 1), part("2", 2))
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    assert await plant.close_task("o1")
    await go_on(plant)
    assert plant.life("o2") is Life.PARKED


async def test_what_the_warehouse_has_closed_short_goes(state: InlineStore) -> None:
    plant = Plant(state)
    plant.place(part("1", 3))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    plant.say("SH1", "closed-short")
    await plant.export()
    await go_on(plant)
    plant.place(part("1", 1, fulfilled=1), part("2", 2))
    await go_on(plant)
    assert plant.life("o2") is Life.SENT


async def test_units_merged_into_another_wait_until_they_were_stopped_there(state: InlineStore) -> None:
    """It has the third already, and its change waits alone."""
    plant = Plant(state, amends=ORDERS)
    plant.place(part("1", 1), part("2", 2))
    await plant.import_orders()
    plant.later(minutes=15)
    plant.place(part("1", 3), part("2", 0, status="cancelled"))
    await plant.import_orders()
    assert plant.life("o1") is Life.PARKED
    assert await plant.close_task("o2")
    await go_on(plant)
    assert plant.warehouse.taken.newest()["o1"].lines[0].quantity == 3


async def test_distinct_units_do_not_wait(state: InlineStore) -> None:
    """Two addresses, or one line that two locations send from the beginning; nothing has moved."""
    plant = Plant(state)
    plant.place(part("1", 3, sold=5))
    await plant.import_orders()
    plant.place(part("2", 2, sold=5), part("3", 4, line="L2", sold=4))
    await go_on(plant)
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1, "o3": 1}


async def test_distinct_units_do_not_wait_where_the_store_had_another_name(state: InlineStore) -> None:
    """The connection has run under both names: what it has of the order counts once."""
    plant = Plant(state, connection(store=replace(STORE, account_key="fake:before")))
    plant.place(part("1", 3, sold=5))
    await plant.import_orders()
    renamed = replace(STORE, former_keys=frozenset({"fake:before"}))
    plant.configure(shop=connection(store=renamed))
    plant.place(part("2", 2, sold=5))
    await go_on(plant)
    assert plant.life("o2") is Life.SENT


async def test_another_line_does_not_wait_for_one_that_changed(state: InlineStore) -> None:
    plant = Plant(state)
    await split(plant, part("1", 1), part("2", 2, line="L2"))
    assert plant.life("o2") is Life.SENT


async def test_units_that_went_to_another_connection_wait_though_it_was_not_told_yet(
    state: InlineStore,
) -> None:
    """They are another location's by now; that the first has lost them is told at the first one's next run
    only, or the platform's search lags behind."""
    plant = Plant(state, connection("east", store=STORE), connection("west", store=STORE), amends=ORDERS)
    plant.place(part("1", 3, sold=3), name="east")
    await plant.import_orders("east")
    plant.place(part("2", 2, sold=3), name="west")
    await go_on(plant, "west")
    assert plant.life("o2", "west") is Life.PARKED
    assert "handed over by east" in plant.doc("o2", name="west").reason
    plant.place(part("1", 1, sold=3), name="east")
    await go_on(plant, "east", "west")
    assert plant.life("o2", "west") is Life.SENT
    assert at_the_warehouse(plant) == 3


async def test_what_is_to_leave_once_more_does_not_wait_for_what_has_left(state: InlineStore) -> None:
    """The platform made another document for units that it shows as shipped, and the merchant wants that."""
    plant = Plant(state)
    plant.place(part("1", 3, sold=3))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    plant.place(part("1", 3, fulfilled=3, sold=3, status="closed"), part("2", 3, sold=3))
    await go_on(plant)
    assert plant.life("o2") is Life.SENT


async def test_nothing_is_kept_of_orders_that_were_over_before_they_were_seen(state: InlineStore) -> None:
    """A store may tell all that it ever had."""
    plant = Plant(state)
    plant.place(part("1", 3, fulfilled=3, status="closed"), part("2", 2))
    await plant.import_orders()
    assert state.read(partial(cursors.documents_of, connection="c-shop", store_order="100")) == ["o2"]
