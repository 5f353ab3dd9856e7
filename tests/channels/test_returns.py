"""Returns asked for in the store, and expected by the warehouse."""

from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import returns
from dropstreamd.config.schema import ReturnSettings
from dropstreamd.model.handover import Bad
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import (
    ENABLED_S,
    Plant,
    asked_back,
    connection,
    order,
)
from tests.channels.returned import shipped


async def test_a_return_is_expected_once(state: InlineStore) -> None:
    plant = await shipped(state, ("A", 3))
    plant.ask_back(asked_back("7", ("A", 2)))
    await plant.returns()
    await plant.returns()
    [effect] = plant.warehouse.expected.effects
    assert (effect.document.reference, effect.document.order_reference) == ("R7", "SH1")
    [line] = effect.document.lines
    assert (line.number, line.sku, line.quantity, line.return_line, line.order_line) == (
        1,
        "A",
        2,
        "RL1",
        "L1",
    )


async def test_it_goes_under_the_sku_that_was_shipped(state: InlineStore) -> None:
    plant = Plant(state, connection(listings={"A": "W-A"}))
    plant.place(order("1", ("A", 1)))
    await plant.import_orders()
    plant.configure(shop=connection(listings={"A": "W-B", "X": "W-X"}))
    plant.ask_back(asked_back("7", ("A", 1), ("X", 1)))
    await plant.returns()
    sent = plant.warehouse.expected.newest()["r7"]
    assert [line.sku for line in sent.lines] == ["W-A", "W-X"]


async def test_a_return_of_an_order_that_is_not_ours_goes_without_its_reference(plant: Plant) -> None:
    plant.ask_back(asked_back("7", order_key="o99"), asked_back("8", order_key="o\0"))
    await plant.returns()
    assert [one.order_reference for one in plant.warehouse.expected.newest().values()] == ["", ""]


async def test_one_that_waits_or_was_cancelled_before_is_not_handed_over(plant: Plant) -> None:
    plant.ask_back(asked_back("7", status="waiting"), asked_back("8", status="cancelled"), asked_back("9"))
    plant.warehouse.expected.refuse["r9"] = "sku:A"
    await plant.returns()
    plant.ask_back(asked_back("9", status="cancelled"))
    plant.warehouse.expected.refuse.clear()
    await plant.returns()
    assert not plant.warehouse.expected.effects
    assert plant.doc("r9", returns.CHANNEL).state is State.VOID
    plant.ask_back(asked_back("7"))
    await plant.returns()
    assert plant.warehouse.expected.created() == {"r7": 1}


async def test_one_cancelled_after_is_a_task(plant: Plant) -> None:
    plant.ask_back(asked_back("7"))
    await plant.returns()
    plant.ask_back(asked_back("7", status="cancelled"))
    await plant.returns()
    assert "not to expect it" in plant.tasks()["returns", "r7"].detail


async def test_one_changed_after_is_amended_or_a_task(state: InlineStore) -> None:
    plant = Plant(state, amends=frozenset({Part.RETURNS}))
    plant.ask_back(asked_back("7", ("A", 2), ("B", 1)))
    await plant.returns()
    plant.ask_back(asked_back("7", ("A", 1), ("B", 1), ("C", 1)))
    await plant.returns()
    assert [effect.remote for effect in plant.warehouse.expected.effects] == [None, "at-r7"]
    assert not plant.tasks()
    plant.amends = frozenset()
    plant.configure()
    plant.ask_back(asked_back("7", ("A", 2)))
    await plant.returns()
    detail = plant.tasks()["returns", "r7"].detail
    assert "A: 1 were to come back, now 2 are" in detail
    assert "line removed: 1 × C" in detail


async def test_that_the_store_received_it_is_no_change(plant: Plant) -> None:
    plant.ask_back(asked_back("7"))
    await plant.returns()
    plant.ask_back(asked_back("7", status="closed"))
    run = await plant.returns()
    assert not run.counts["tasks"]
    assert not plant.tasks()


async def test_older_ones_are_held_for_a_person(state: InlineStore) -> None:
    plant = Plant(state)
    plant.ask_back(asked_back("7", asked_s=ENABLED_S - 1))
    await plant.returns()
    assert plant.doc("r7", returns.CHANNEL).state is State.HELD
    book = returns.book(plant.scopes["c-shop"])
    release = partial(documents.release, book=book, key="r7", now_s=1.0, run="", why="asked for")
    assert await state.write(release)
    await plant.returns()
    assert plant.warehouse.expected.created() == {"r7": 1}


@pytest.mark.parametrize(
    ("template", "number", "said"),
    [
        ("R{number}", "9" * 40, "the warehouse takes 30"),
        ("{number}", "€", "no character"),
    ],
)
async def test_a_reference_that_cannot_be_is_parked(
    state: InlineStore, template: str, number: str, said: str
) -> None:
    plant = Plant(state, connection(returns=ReturnSettings(reference=template)))
    plant.ask_back(asked_back(number))
    await plant.returns()
    assert said in plant.doc(f"r{number}", returns.CHANNEL).reason


async def test_two_stores_with_one_reference_are_told_apart(state: InlineStore) -> None:
    plant = Plant(state, connection(), connection("ebay"))
    plant.ask_back(asked_back("7"))
    plant.ask_back(asked_back("7"), name="ebay")
    await plant.returns()
    await plant.returns("ebay")
    assert "already that of a return of shop" in plant.doc("r7", returns.CHANNEL, "ebay").reason
    own = ReturnSettings(reference="E{number}")
    plant.configure(ebay=replace(plant.connections["ebay"], returns=own))
    await plant.returns("ebay")
    assert plant.doc("r7", returns.CHANNEL, "ebay").reference == "E7"


async def test_lines_without_a_sku_or_without_units(plant: Plant) -> None:
    plant.ask_back(asked_back("7", ("", 1)), asked_back("8", ("A", 0)))
    await plant.returns()
    assert plant.doc("r7", returns.CHANNEL).cause == "sku:"
    assert plant.doc("r8", returns.CHANNEL).state is State.VOID


async def test_one_that_cannot_be_read_is_parked_raw(plant: Plant) -> None:
    plant.stores["shop"].asked.change("r6", Bad(key="r6", place="return 6", reason="odd", raw=b"{}"))
    plant.ask_back(asked_back("7"))
    run = await plant.returns()
    assert run.counts["undecodable"] == 1
    assert plant.warehouse.expected.created() == {"r7": 1}
