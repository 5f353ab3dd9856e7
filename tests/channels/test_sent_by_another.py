"""Two connections of one store account: an order goes from one to the other after it was handed over."""

from collections.abc import Callable
from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders
from dropstreamd.channels.life import Life
from dropstreamd.config.schema import StoreAccount
from dropstreamd.platform.contract import Part
from dropstreamd.store import by_hand, cursors, documents
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import Document
from dropstreamd.store.tables import Table
from tests.channels.plant import ENABLED_S, NoSettings, Plant, connection, order, package

ACCOUNT = StoreAccount(platform="fake", settings=NoSettings(), account_key="fake:one")
ORDERS = frozenset({Part.ORDERS})


def _forget_the_list(tx: Writer) -> None:
    tx.delete(Table.CURSORS, ("-connections of", ACCOUNT.account_key, "c-east"))


async def went_west(
    state: InlineStore, *, cancels: frozenset[Part] = frozenset(), answers_cancels: bool = True
) -> Plant:
    """Handed over by the one, and then the other's: its location was written into the other's file. To the
    first it is cancelled, as to a store's plugin what is at no location of ours is."""
    east, west = connection("east", store=ACCOUNT), connection("west", store=ACCOUNT)
    plant = Plant(state, east, west, cancels=cancels)
    plant.warehouse.taken.answers_cancels = answers_cancels
    plant.place(order("1"), name="east")
    await plant.import_orders("east")
    plant.later(minutes=5)
    plant.place(order("1", status="cancelled"), name="east")
    plant.place(order("1"), order("2"), name="west")
    await plant.import_orders("east")
    await plant.import_orders("west")
    return plant


async def say(plant: Plant, word: Callable[[Document, float, str], Document]) -> None:
    """A person's word on the order of the first connection."""
    now_s = plant.clock.now_s()
    book = orders.book(plant.scopes["c-east"])
    said = partial(documents.by_hand, book=book, key="o1", now_s=now_s)
    await plant.state.write(partial(said, change=lambda doc: word(doc, now_s, "it was seen to")))
    plant.later(minutes=5)


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


async def test_it_waits_for_the_answer_of_a_warehouse_that_was_only_asked_to_stop_it(
    state: InlineStore,
) -> None:
    """Files take a cancellation, and say later what became of it."""
    plant = await went_west(state, cancels=ORDERS, answers_cancels=False)
    assert plant.life("o1", "east") is Life.CANCEL_SENT
    assert plant.life("o1", "west") is Life.PARKED
    plant.say("EA1", "not-cancelled")
    plant.later(minutes=5)
    await plant.import_orders("east")
    await plant.import_orders("west")
    assert plant.life("o1", "west") is Life.PARKED
    plant.say("EA1", "cancelled")
    plant.later(minutes=5)
    await plant.import_orders("east")
    await plant.import_orders("west")
    assert plant.life("o1", "west") is Life.SENT


async def test_it_does_not_go_where_it_was_stopped_and_has_left_all_the_same(state: InlineStore) -> None:
    plant = await went_west(state)
    plant.say("EA1", "cancelled")
    plant.ship(package("P1", "EA1", ("A", 1)))
    await plant.import_orders("east")
    await plant.export("east")
    plant.later(minutes=5)
    await plant.import_orders("west")
    assert plant.life("o1", "east") is Life.SHIPPED_AFTER_CANCEL
    assert plant.life("o1", "west") is Life.PARKED


async def test_it_does_not_go_where_it_was_to_be_sent_once_more(state: InlineStore) -> None:
    """It went to the other connection before it was: the warehouse may have it from the first time."""
    plant = await went_west(state)
    await say(plant, by_hand.resend)
    await plant.import_orders("east")
    await plant.import_orders("west")
    assert plant.life("o1", "west") is Life.PARKED


async def test_it_does_not_go_where_it_was_marked_as_shipped(state: InlineStore) -> None:
    """It left in another way, and was never handed over."""
    east, west = connection("east", store=ACCOUNT), connection("west", store=ACCOUNT)
    plant = Plant(state, east, west)
    plant.place(order("1", method="Pigeon"), name="east")
    await plant.import_orders("east")
    await say(plant, by_hand.shipped)
    plant.place(order("1"), name="west")
    await plant.import_orders("west")
    assert plant.life("o1", "west") is Life.PARKED
    assert "east has it marked as shipped" in plant.doc("o1", name="west").reason


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


async def test_it_waits_too_once_the_shop_has_another_address(state: InlineStore) -> None:
    """A person says so of one connection after the other (`same-store`)."""
    plant = await went_west(state)
    moved = replace(ACCOUNT, account_key="fake:one.example")
    for name in ("west", "east"):
        plant.configure(**{name: replace(plant.connections[name], store=moved)})
        keep = partial(cursors.keep_store_account, connection=f"c-{name}", account=moved.account_key)
        await plant.state.write(keep)
        await plant.import_orders("west")
        assert plant.life("o1", "west") is Life.PARKED
    assert state.read(partial(cursors.connections_of, account=moved.account_key)) == ["c-east", "c-west"]
