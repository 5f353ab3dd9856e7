"""Two connections of one store account: an order goes from one to the other after it was handed over."""

from functools import partial

import pytest

from dropstreamd.channels import orders
from dropstreamd.channels.life import Life
from dropstreamd.config.schema import StoreAccount
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.tables import Table
from tests.channels.plant import ENABLED_S, NoSettings, Plant, connection, order, package

ACCOUNT = StoreAccount(platform="fake", settings=NoSettings(), account_key="fake:one")
ORDERS = frozenset({Part.ORDERS})


def _forget_the_list(tx: Writer) -> None:
    tx.delete(Table.CURSORS, ("-connections of", ACCOUNT.account_key, "c-east"))


async def went_west(state: InlineStore, *, cancels: frozenset[Part] = frozenset()) -> Plant:
    """Handed over by the one, and then the other's: its location was written into the other's file. To the
    first it is cancelled, as to a store's plugin what is at no location of ours is."""
    east, west = connection("east", store=ACCOUNT), connection("west", store=ACCOUNT)
    plant = Plant(state, east, west, cancels=cancels)
    plant.place(order("1"), name="east")
    await plant.import_orders("east")
    plant.later(minutes=5)
    plant.place(order("1", status="cancelled"), name="east")
    plant.place(order("1"), order("2"), name="west")
    await plant.import_orders("east")
    await plant.import_orders("west")
    return plant


async def test_what_one_connection_has_sent_the_other_does_not_send_too(state: InlineStore) -> None:
    """A person has to see to it, as the warehouse cannot be told to stop it; its neighbours go."""
    plant = await went_west(state)
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}
    assert plant.life("o1", "west") is Life.PARKED
    assert "east has handed it over" in plant.doc("o1", name="west").reason


async def test_it_goes_once_the_warehouse_has_stopped_it(state: InlineStore) -> None:
    plant = await went_west(state)
    plant.say("EA1", "cancelled")
    plant.later(minutes=5)
    await plant.import_orders("east")
    await plant.import_orders("west")
    assert plant.life("o1", "east") is Life.CANCELLED
    assert plant.life("o1", "west") is Life.SENT


async def test_it_goes_at_once_where_the_warehouse_was_told_to_stop_it(state: InlineStore) -> None:
    plant = await went_west(state, cancels=ORDERS)
    assert plant.warehouse.taken.stopped() == {"o1": 1}
    assert plant.life("o1", "west") is Life.SENT


async def test_it_does_not_go_once_it_has_left(state: InlineStore) -> None:
    plant = await went_west(state)
    plant.ship(package("P1", "EA1", ("A", 2)))
    await plant.export("east")
    plant.later(minutes=5)
    await plant.import_orders("west")
    assert plant.life("o1", "west") is Life.PARKED


async def test_a_person_may_let_it_go_all_the_same(state: InlineStore) -> None:
    plant = await went_west(state)
    book = orders.book(plant.scopes["c-west"])
    release = partial(documents.release, book=book, key="o1", run="", why="it was lost there")
    assert await plant.state.write(partial(release, now_s=plant.clock.now_s()))
    await plant.import_orders("west")
    assert plant.life("o1", "west") is Life.SENT


@pytest.mark.parametrize("earlier_version", [False, True])
async def test_what_went_under_an_id_that_is_gone_does_not_go_again(
    state: InlineStore, *, earlier_version: bool
) -> None:
    """The connection's id was changed in its file: to the daemon it is another, which has sent nothing. So it
    is where an earlier version sent it, which kept no list of a store's connections."""
    plant = Plant(state, connection("east", store=ACCOUNT))
    plant.place(order("1"), name="east")
    await plant.import_orders("east")
    if earlier_version:
        await state.write(_forget_the_list)
    shop = plant.stores.pop("east")
    del plant.connections["east"]
    plant.stores["west"] = shop
    plant.configure(west=connection("west", store=ACCOUNT))
    await plant.import_orders("west", since_s=ENABLED_S - 86_400)
    assert plant.life("o1", "west") is Life.PARKED
    assert plant.warehouse.taken.created() == {"o1": 1}
