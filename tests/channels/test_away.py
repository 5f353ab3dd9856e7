"""A connection that is not there for a while (its file is broken when the daemon begins, or was taken out and
put back) while its warehouse account goes on working for the others."""

from functools import partial

import msgspec
import pytest

from dropstreamd.channels import acknowledged, kept_words
from dropstreamd.channels.life import Life
from dropstreamd.clock import utc
from dropstreamd.config.schema import Connection
from dropstreamd.errors import Misconfigured
from dropstreamd.model.acknowledgements import Acknowledgement, Verdict
from dropstreamd.model.stock import Adjustment, StockRow
from dropstreamd.platform.contract import StockPage
from dropstreamd.store import documents
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import Promise
from dropstreamd.store.tables import Table
from tests.channels.located import CALM, EAST, WEST, located, pushed, synced
from tests.channels.plant import Plant, connection, order

LISTED = {"TEE": "A"}


def leave(plant: Plant, name: str = "ebay", *, broken: bool = True) -> Connection:
    """The daemon begins anew, and cannot use the connection's file; or the file was taken out."""
    left = plant.connections.pop(name)
    plant.broken = broken
    plant.configure()
    return left


def come_back(plant: Plant, left: Connection) -> None:
    """The file was mended, or put back."""
    plant.broken = False
    plant.configure(**{left.name: left})


def kept(plant: Plant) -> list[tuple[str, str]]:
    """Connection and key of the words that wait for one."""
    found = partial(kept_words.kept, account=plant.account, channels=acknowledged.BOOKS)
    return plant.state.read(lambda tx: [(connection, word.key) for connection, word, _ in found(tx)])


async def test_what_fell_meanwhile_is_told_once_it_is_back(state: InlineStore) -> None:
    """It shows 10 of what the warehouse has 2 of, until that figure moves again."""
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.report({"A": 10, "B": 5})
    await plant.smart()
    await plant.smart("ebay")
    left = leave(plant)
    plant.later(minutes=60)
    plant.report({"A": 2, "B": 5})
    await plant.smart()
    come_back(plant, left)
    plant.later(minutes=60)
    plant.report({"A": 2, "B": 4})
    await plant.smart("ebay")
    assert plant.stores["ebay"].shows() == {"A": 2, "B": 4}


async def test_what_was_adjusted_meanwhile_is_told_once_it_is_back(state: InlineStore) -> None:
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.report({"A": 10})
    await plant.smart()
    await plant.smart("ebay")
    left = leave(plant)
    plant.later(minutes=1)
    sold = Adjustment(
        key="a/1", number="1", at=utc(plant.clock.now_s()), rows=(StockRow(sku="A", quantity=-8),)
    )
    page = StockPage(
        snapshot="adjusted", as_of=utc(plant.clock.now_s()), rows=(), last=False, adjustments=(sold,)
    )
    plant.warehouse.stock.put("stock-0001", page)
    await plant.smart()
    come_back(plant, left)
    await plant.smart("ebay")
    assert plant.stores["ebay"].shows() == {"A": 2}


async def test_it_looks_at_all_levels_once_and_tells_only_those_that_moved(state: InlineStore) -> None:
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.report({"A": 10, "B": 5})
    await plant.smart("ebay")
    left = leave(plant)
    plant.later(minutes=60)
    plant.report({"A": 2, "B": 5})
    await plant.smart()
    come_back(plant, left)
    looked = [dict((await plant.smart("ebay")).counts) for _ in range(2)]
    assert looked == [{"pushed": 1, "unchanged": 1}, {}]


async def test_one_that_was_there_is_told_by_marks_alone(state: InlineStore) -> None:
    """Nothing but what moved is looked at, although another connection is away."""
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.report({"A": 10, "B": 5})
    await plant.smart()
    leave(plant)
    plant.later(minutes=60)
    plant.report({"A": 2, "B": 5})
    assert (await plant.smart()).counts == {"snapshots_applied": 1, "pushed": 1}


async def test_facilities_that_were_not_counted_meanwhile_are_waited_for(state: InlineStore) -> None:
    """It was taken out, and its facilities with it: what they have nobody knows before they are counted anew,
    and that is not nothing."""
    plant = Plant(state, connection("shop"), located("ebay"), account=CALM)
    plant.report_by(("E", "A", 5), ("W", "A", 3))
    await plant.smart("ebay")
    left = leave(plant, broken=False)
    plant.later(minutes=60)
    plant.report_by(("E", "A", 2), ("W", "A", 3))
    await plant.smart()
    come_back(plant, left)
    pushed(plant, "ebay")
    with pytest.raises(Misconfigured, match="counted yet at E, W"):
        await plant.smart("ebay")
    assert pushed(plant, "ebay") == []
    at = await synced(plant, ("E", "A", 2), ("W", "A", 3), name="ebay")
    assert at == {EAST: {"A": 2}, WEST: {"A": 3}}


async def test_facilities_of_a_broken_file_are_told_once_it_is_back(state: InlineStore) -> None:
    plant = Plant(state, connection("shop"), located("ebay"), account=CALM)
    plant.report_by(("E", "A", 5), ("W", "A", 3))
    await plant.smart("ebay")
    left = leave(plant)
    plant.later(minutes=60)
    plant.report_by(("E", "A", 2), ("W", "A", 3))
    await plant.smart()
    come_back(plant, left)
    assert await synced(plant, name="ebay") == {EAST: {"A": 2}, WEST: {"A": 3}}


async def test_its_unsent_orders_are_deducted_under_the_warehouse_s_skus(state: InlineStore) -> None:
    """Its orders wait, and go once it is back; the other store offers their units meanwhile."""
    plant = Plant(state, connection("shop"), connection("ebay", listings=LISTED))
    plant.report({"A": 10})
    plant.place(order("1", ("TEE", 4), method="not mapped"), name="ebay")
    await plant.import_orders("ebay")
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 6}
    leave(plant)
    plant.later(minutes=60)
    plant.report({"A": 10})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 6}


async def test_its_orders_are_deducted_by_the_listings_that_were_known_last(state: InlineStore) -> None:
    """The listing came after the order: nothing but the next look at levels, of any store, knows of it."""
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.report({"A": 10})
    plant.place(order("1", ("TEE", 4), method="not mapped"), name="ebay")
    await plant.import_orders("ebay")
    plant.configure(ebay=connection("ebay", listings=LISTED))
    await plant.smart()
    leave(plant)
    plant.later(minutes=60)
    plant.report({"A": 10})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 6}


async def test_its_bundles_are_deducted_by_their_components(state: InlineStore) -> None:
    bundles = {"SET": {"A": 2}}
    listed = connection("ebay", listings={"GIFT": "SET"}, bundles=bundles)
    plant = Plant(state, connection("shop", bundles=bundles), listed)
    plant.report({"A": 10})
    plant.place(order("1", ("GIFT", 3), method="not mapped"), name="ebay")
    await plant.import_orders("ebay")
    leave(plant)
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 4, "SET": 2}


async def test_what_was_added_to_an_order_it_sent_is_deducted_too(state: InlineStore) -> None:
    plant = Plant(state, connection("shop"), connection("ebay", listings=LISTED))
    plant.place(order("1", ("A", 1)), name="ebay")
    await plant.import_orders("ebay")
    plant.place(order("1", ("A", 1), ("TEE", 4)), name="ebay")
    await plant.import_orders("ebay")
    plant.later(minutes=60)
    plant.report({"A": 10})
    leave(plant)
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 6}


async def test_orders_of_an_older_state_are_deducted_likewise(state: InlineStore) -> None:
    """Their rows have no listings yet: they get them while the connection is still there."""
    plant = Plant(state, connection("shop"), connection("ebay", listings=LISTED))
    plant.report({"A": 10})
    plant.place(order("1", ("TEE", 4), method="not mapped"), name="ebay")
    await plant.import_orders("ebay")
    path = ("acme", "main", "c-ebay", "o1")

    def as_it_was(tx: Writer) -> None:
        fields = msgspec.msgpack.decode(tx.get(Table.PROMISES, path) or b"")
        before = Promise.__struct_fields__.index("listed")
        tx.put(Table.PROMISES, path, msgspec.msgpack.encode(fields[:before]))

    await plant.state.write(as_it_was)
    await plant.smart()
    leave(plant)
    plant.later(minutes=60)
    plant.report({"A": 10})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 6}


async def test_a_refusal_that_came_meanwhile_is_not_lost(state: InlineStore) -> None:
    """The warehouse does not ship it; here it stays sent, and nobody sends it again."""
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.place(order("1"), name="ebay")
    await plant.import_orders("ebay")
    left = leave(plant)
    plant.later(minutes=5)
    plant.say("EB1", "rejected", "E1")
    await plant.import_orders()
    come_back(plant, left)
    plant.later(minutes=5)
    await plant.import_orders("ebay")
    assert plant.life("o1", "ebay") is Life.PARKED


async def test_a_short_close_that_came_meanwhile_is_not_lost(state: InlineStore) -> None:
    """What is missing of the order is never sent, and nobody is told."""
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.place(order("1", ("A", 2)), name="ebay")
    await plant.import_orders("ebay")
    left = leave(plant)
    plant.later(minutes=5)
    plant.say("EB1", "closed-short")
    await plant.import_orders()
    come_back(plant, left)
    plant.later(minutes=5)
    await plant.import_orders("ebay")
    assert ("sales_orders", "o1 short") in plant.tasks("ebay")


async def test_words_are_taken_in_the_order_that_they_came(state: InlineStore) -> None:
    """It was refused, and taken after all; the last word is read together with what was kept."""
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.place(order("1"), name="ebay")
    await plant.import_orders("ebay")
    left = leave(plant)
    meanwhile: tuple[Verdict, ...] = ("rejected", "accepted")
    for verdict in meanwhile:
        plant.say("EB1", verdict)
        await plant.import_orders()
    come_back(plant, left)
    plant.say("EB1", "closed-short")
    await plant.import_orders()
    said = [event.text for event in plant.doc("o1", name="ebay").history if "the warehouse:" in event.text]
    assert said == [f"the warehouse: {verdict}" for verdict in (*meanwhile, "closed-short")]
    assert not kept(plant)


async def test_an_answer_to_a_name_that_came_meanwhile_is_not_lost(state: InlineStore) -> None:
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.place(order("1"), name="ebay")
    await plant.import_orders("ebay")
    left = leave(plant)
    word = Acknowledgement(
        key="997-1", reference="", verdict="rejected", codes=("5",), name=plant.warehouse.taken.pushed[-1]
    )
    plant.warehouse.words.put("997-1", word)
    await plant.import_orders()
    assert kept(plant) == [("c-ebay", "997-1")]
    come_back(plant, left)
    await plant.import_orders("ebay")
    assert plant.life("o1", "ebay") is Life.PARKED


async def test_a_word_that_is_read_again_is_kept_once(state: InlineStore) -> None:
    """Neither one that it knows already nor one that is kept is new."""
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.place(order("1"), name="ebay")
    await plant.import_orders("ebay")
    known = plant.say("EB1", "accepted")
    await plant.import_orders("ebay")
    leave(plant)
    plant.warehouse.words.put("again-1", known)
    assert (await plant.import_orders()).counts == {}
    refused = plant.say("EB1", "rejected")
    assert (await plant.import_orders()).counts == {"unmatched": 1}
    plant.warehouse.words.put("again-2", refused)
    assert (await plant.import_orders()).counts == {}
    assert kept(plant) == [("c-ebay", refused.key)]


async def test_words_for_one_that_never_comes_back_are_bounded_and_shown(state: InlineStore) -> None:
    plant = Plant(state, connection("shop"), connection("ebay"))
    plant.place(order("1"), name="ebay")
    await plant.import_orders("ebay")
    leave(plant, broken=False)
    for _ in range(kept_words.MOST):
        plant.say("EB1", "received")
    assert (await plant.import_orders()).counts == {"unmatched": kept_words.MOST}
    plant.say("EB1", "rejected")
    assert (await plant.import_orders()).counts == {"undecodable": 1}
    assert len(kept(plant)) == kept_words.MOST
    flow = plant.feed.account.flow(acknowledged.FLOW)
    [record] = plant.state.read(lambda tx: [record for _, record in documents.bad_records(tx, flow)])
    assert record.reason == "rejected: 20 words on o1 wait for connection c-ebay, which is away"
