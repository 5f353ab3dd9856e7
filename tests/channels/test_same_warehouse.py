"""A warehouse that gets another name, or another address: what is known of it is not left behind."""

from functools import partial

import msgspec
import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders, promises, same_warehouse
from dropstreamd.errors import Misconfigured, OutcomeUnknown
from dropstreamd.platform.contract import Part
from dropstreamd.store import by_hand, control_numbers, documents, homes
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import Promise
from dropstreamd.store.tables import Table
from tests.channels.plant import ACCOUNT, START_S, Plant, connection, order, package
from tests.channels.test_stock_notices import bought, enter
from tests.fakes.points import Killed
from tests.fakes.sessions import KEY, FakeStore
from tests.fakes.sinks import Fault

EVERY = (
    "sales_orders.import",
    "shipments.export",
    "inventory.full",
    "returns.sync",
    "purchase_orders.status",
)


def move(plant: Plant, *, merchant: str = "acme", warehouse: str = "west", key: str = "fake:acme") -> None:
    """The merchant's file, the warehouse's table or its address is changed, and the daemon begins anew."""
    plant.account = replace(plant.account, merchant=merchant, name=warehouse, account_key=key)
    plant.configure(
        **{
            name: replace(each, merchant=merchant, warehouse=warehouse)
            for name, each in plant.connections.items()
        }
    )


async def confirm(plant: Plant, name: str = "shop") -> None:
    await same_warehouse.carry(plant.scopes[plant.connections[name].id], limit=3)


async def number(plant: Plant) -> int:
    path = (plant.account.merchant, plant.account.name)
    return await plant.state.write(lambda tx: control_numbers.block(tx, path, "US>THEM", 1))


@pytest.mark.parametrize("to", [{"merchant": "acme-ltd"}, {"key": "fake:new"}])
async def test_a_renamed_warehouse_stops_and_goes_on_once_confirmed(
    state: InlineStore, to: dict[str, str]
) -> None:
    plant = Plant(state, account=replace(ACCOUNT, quantity="on_hand"))
    plant.report({"A": 9, "B": 4})
    plant.place(order("1", ("A", 2)), order("2", ("B", 1)))
    await plant.full()
    await plant.import_orders()
    await enter(plant, bought("1", ("A", 10)))
    assert await number(plant) == 1
    move(plant, **to)
    plant.ship(package("P1", "SH1", ("A", 2)))
    for job in EVERY:
        with pytest.raises(Misconfigured, match="2 orders of it are under way") as caught:
            await plant.run(job)
        assert "same-warehouse shop" in caught.value.remedy
    assert plant.stores["shop"].fulfilled.newest() == {}
    await confirm(plant)
    await plant.export()
    assert set(plant.stores["shop"].fulfilled.newest()) == {"P1"}
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7, "B": 3}
    assert await number(plant) == 2
    await plant.run("purchase_orders.import")
    assert plant.warehouse.announced.created() == {"1": 1}
    assert not plant.state.read(partial(homes.is_known, path=("acme", "main")))


async def test_all_stores_of_a_renamed_warehouse_stop_and_one_word_is_enough(state: InlineStore) -> None:
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.place(order("1"))
    plant.place(order("1"), name="ebay")
    await plant.import_orders()
    await plant.import_orders("ebay")
    move(plant)
    plant.configure(late=connection("late", warehouse="west"))
    for name in ("shop", "ebay", "late"):
        with pytest.raises(Misconfigured, match=r"acme\.main"):
            await plant.export(name)
    await confirm(plant, "ebay")
    plant.ship(package("P1", "SH1", ("A", 1)), package("P2", "EB1", ("A", 1)))
    for name in ("shop", "ebay", "late"):
        await plant.export(name)
    assert set(plant.stores["shop"].fulfilled.newest()) == {"P1"}
    assert set(plant.stores["ebay"].fulfilled.newest()) == {"P2"}


async def test_what_was_done_under_the_new_name_already_stays(plant: Plant) -> None:
    """A count that has begun anew goes on from the greater one; an order that a person took back meanwhile
    takes no units any more."""
    plant.report({"A": 9})
    await plant.full()
    plant.place(order("1", method="Express"), order("2", method="Express"))
    await plant.import_orders()
    for _ in range(4):
        await number(plant)
    move(plant)
    assert await number(plant) == 1
    scope = plant.scopes["c-shop"]
    withdraw = partial(by_hand.withdraw, now_s=START_S, why="not wanted")
    by_person = partial(documents.by_hand, book=orders.book(scope), key="o1", now_s=START_S)
    await plant.state.write(partial(by_person, change=withdraw))
    await confirm(plant)
    assert await number(plant) == 5
    taken = plant.state.read(lambda tx: promises.unsent(tx, scope.account, scope.siblings))
    assert taken.of(None) == {"A": 1}


async def test_a_new_address_needs_no_word_while_nothing_is_under_way(plant: Plant) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    move(plant, warehouse="main", key="fake:new")
    plant.place(order("2"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}
    plant.ship(package("P2", "SH2", ("A", 1)))
    await plant.export()
    plant.report({"A": 9})
    await plant.smart()
    move(plant, warehouse="main", key="fake:third")
    with pytest.raises(Misconfigured, match="its stock figures are from there"):
        await plant.smart()
    move(plant, warehouse="main")
    with pytest.raises(Misconfigured, match=r"acme\.main \(fake:new\)"):
        await plant.import_orders()


async def test_what_is_not_settled_at_one_warehouse_is_not_looked_for_at_another(plant: Plant) -> None:
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(Fault.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    move(plant, warehouse="main", key="fake:new")
    with pytest.raises(Misconfigured, match="1 hand-over to it is not settled"):
        await plant.import_orders()
    await confirm(plant)
    plant.later(minutes=10)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_warehouse_of_others_is_not_the_same(state: InlineStore) -> None:
    """A connection that is moved to another warehouse stops alone."""
    plant = Plant(state, connection("shop"))
    plant.place(order("1"))
    await plant.import_orders()
    plant.connections = {"ebay": connection("ebay")}
    plant.stores["ebay"] = FakeStore(plant.clock, plant.points, shipments=KEY)
    move(plant, key="fake:west")
    await plant.export("ebay")
    plant.configure(shop=connection("shop", warehouse="west"))
    with pytest.raises(Misconfigured, match="1 order of it is under way"):
        await plant.export()
    await plant.export("ebay")
    assert plant.state.read(partial(same_warehouse.is_of_others, scope=plant.scopes["c-shop"]))
    assert not plant.state.read(partial(same_warehouse.is_of_others, scope=plant.scopes["c-ebay"]))


async def test_a_new_connection_does_not_take_the_figures_of_another_warehouse(plant: Plant) -> None:
    """The old connection went, and the table of its warehouse leads to another one by now."""
    plant.report({"A": 90})
    await plant.full()
    plant.connections.clear()
    plant.stores["late"] = FakeStore(plant.clock, plant.points, shipments=KEY)
    plant.account = replace(plant.account, account_key="fake:new")
    plant.configure(late=connection("late"))
    with pytest.raises(Misconfigured, match="its stock figures are from there"):
        await plant.full("late")
    assert plant.stores["late"].shows() == {}
    await confirm(plant, "late")
    await plant.full("late")
    assert plant.stores["late"].shows() == {"A": 90}


async def test_a_warehouse_whose_address_is_written_in_another_way_goes_on(state: InlineStore) -> None:
    plant = Plant(state)
    plant.report({"A": 9})
    plant.place(order("1", ("A", 2)))
    await plant.full()
    await plant.import_orders()
    plant.account = replace(
        plant.account, account_key="fake:renamed", former_keys=frozenset({plant.account.account_key})
    )
    plant.stores["late"] = FakeStore(plant.clock, plant.points, shipments=KEY)
    plant.configure(late=connection("late"))
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.export()
    assert set(plant.stores["shop"].fulfilled.newest()) == {"P1"}
    await plant.full("late")
    assert plant.stores["late"].shows() == {"A": 7}


async def test_a_state_from_before_promises_what_was_added_and_what_is_not_stopped(
    state: InlineStore,
) -> None:
    account = replace(ACCOUNT, quantity="on_hand")
    plant = Plant(state, account=account, cancels=frozenset({Part.ORDERS}))
    plant.warehouse.taken.answers_cancels = False
    plant.report({"A": 50, "B": 9})
    plant.place(order("1", ("A", 1)), order("2", ("B", 2)), order("3", ("B", 1)))
    await plant.import_orders()
    plant.place(order("3", ("B", 1), status="cancelled"))
    await plant.import_orders()
    plant.later(days=8)
    plant.report({"A": 50, "B": 9})
    await plant.smart()
    plant.place(order("1", ("A", 4)), order("2", ("B", 2), status="cancelled"))
    await plant.import_orders()
    await plant.state.write(_as_it_was)
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 46, "B": 7}


@pytest.mark.parametrize("at", [3, 9, 20])
async def test_a_move_that_was_cut_off_and_taken_back_loses_nothing(state: InlineStore, at: int) -> None:
    """The name is the old one again, and some of what is known is under the new one."""
    plant = Plant(state, account=replace(ACCOUNT, quantity="on_hand"))
    plant.report({"A": 9, "B": 4})
    plant.place(order("1", ("A", 2)), order("2", ("B", 1)))
    await plant.full()
    await plant.import_orders()
    assert await number(plant) == 1
    move(plant)
    plant.points.arm(at)
    with pytest.raises(Killed):
        await confirm(plant)
    move(plant, warehouse="main")
    for job in EVERY:
        with pytest.raises(Misconfigured, match="stands under two names"):
            await plant.run(job)
    await confirm(plant)
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7, "B": 3}
    await plant.export()
    assert set(plant.stores["shop"].fulfilled.newest()) == {"P1"}
    assert await number(plant) == 2
    assert not plant.state.read(partial(homes.is_known, path=("acme", "west")))


def _as_it_was(tx: Writer) -> None:
    tx.delete(Table.CURSORS, ("c-shop", "-warehouse"))
    tx.delete(Table.CURSORS, ("acme/main", "-warehouse"))
    for key in ("o2", "o3"):
        tx.delete(Table.PROMISES, ("acme", "main", "c-shop", key))
    path = ("acme", "main", "c-shop", "o1")
    before = Promise(units={"A": 1}, handed_s=START_S)
    tx.put(Table.PROMISES, path, msgspec.msgpack.encode(before))
