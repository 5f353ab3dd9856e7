"""Returns: asked for in the store, expected and received by the warehouse, told to the store."""

from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import receipts, receiving, returns
from dropstreamd.config.schema import ReturnSettings
from dropstreamd.errors import Wait
from dropstreamd.model.handover import Bad
from dropstreamd.model.returns import ReceiptLine, ReturnedLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import (
    ENABLED_S,
    Plant,
    asked_back,
    came_back,
    connection,
    order,
    package,
)


async def shipped(state: InlineStore, *lines: tuple[str, int]) -> Plant:
    """An order of these lines that was handed over and left in one package, 1Z1."""
    plant = Plant(state)
    plant.place(order("1", *lines))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", *lines))
    await plant.export()
    return plant


def told(plant: Plant, key: str = "C1", name: str = "shop") -> tuple[ReturnedLine, ...]:
    return plant.stores[name].received.newest()[key].lines


# ---- what is asked for


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


async def test_a_return_of_an_order_that_is_not_ours_goes_without_its_reference(state: InlineStore) -> None:
    plant = Plant(state)
    plant.ask_back(asked_back("7", order_key="o99"), asked_back("8", order_key="o\0"))
    await plant.returns()
    assert [one.order_reference for one in plant.warehouse.expected.newest().values()] == ["", ""]


async def test_one_that_waits_or_was_cancelled_before_is_not_handed_over(state: InlineStore) -> None:
    plant = Plant(state)
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


async def test_one_cancelled_after_is_a_task(state: InlineStore) -> None:
    plant = Plant(state)
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


async def test_that_the_store_received_it_is_no_change(state: InlineStore) -> None:
    plant = Plant(state)
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


async def test_lines_without_a_sku_or_without_units(state: InlineStore) -> None:
    plant = Plant(state)
    plant.ask_back(asked_back("7", ("", 1)), asked_back("8", ("A", 0)))
    await plant.returns()
    assert plant.doc("r7", returns.CHANNEL).cause == "sku:"
    assert plant.doc("r8", returns.CHANNEL).state is State.VOID


async def test_one_that_cannot_be_read_is_parked_raw(state: InlineStore) -> None:
    plant = Plant(state)
    plant.stores["shop"].asked.change("r6", Bad(key="r6", place="return 6", reason="odd", raw=b"{}"))
    plant.ask_back(asked_back("7"))
    run = await plant.returns()
    assert run.counts["undecodable"] == 1
    assert plant.warehouse.expected.created() == {"r7": 1}


# ---- what came back


async def test_a_receipt_comes_back_to_the_return(state: InlineStore) -> None:
    plant = await shipped(state, ("A", 2), ("B", 1))
    plant.ask_back(asked_back("7", ("A", 2), ("B", 1)))
    await plant.returns()
    plant.receive(
        came_back("C1", ("A", 1, "restock"), ("A", 1, "damaged"), ("B", 1, "quarantine"), reference="R7")
    )
    await plant.returns()
    receipt = plant.stores["shop"].received.newest()["C1"]
    assert (receipt.return_key, receipt.return_number, receipt.order_key) == ("r7", "7", "o1")
    assert not receipt.restock
    assert not receipt.refund
    assert [(line.return_line, line.order_line, line.quantity, line.condition) for line in receipt.lines] == [
        ("RL1", "L1", 1, "restock"),
        ("RL1", "L1", 1, "damaged"),
        ("RL2", "L2", 1, "quarantine"),
    ]
    assert not plant.tasks()


async def test_it_says_to_restock_and_refund_where_that_is_set(state: InlineStore) -> None:
    settings = ReturnSettings(reference="R{number}", restock=True, refund=True)
    plant = Plant(state, connection(returns=settings))
    plant.ask_back(asked_back("7"))
    plant.receive(came_back("C1", ("A", 1, "restock"), reference="R7"))
    await plant.returns()
    receipt = plant.stores["shop"].received.newest()["C1"]
    assert receipt.restock
    assert receipt.refund


async def test_lines_of_one_sku_are_told_apart_by_their_number(state: InlineStore) -> None:
    plant = await shipped(state, ("A", 1), ("A", 2))
    plant.ask_back(asked_back("7", ("A", 1), ("A", 2)))
    await plant.returns()
    second = ReceiptLine(sku="A", quantity=1, condition="restock", return_line=2)
    plant.receive(came_back("C1", second, reference="R7"))
    plant.receive(came_back("C2", ("A", 2, "restock"), reference="R7"))
    await plant.returns()
    assert [line.return_line for line in told(plant)] == ["RL2"]
    assert [(line.return_line, line.quantity) for line in told(plant, "C2")] == [("RL1", 1), ("RL2", 1)]


async def test_more_than_was_asked_for_is_clamped_and_a_task(state: InlineStore) -> None:
    plant = await shipped(state, ("A", 3))
    plant.ask_back(asked_back("7", ("A", 1)))
    await plant.returns()
    plant.receive(came_back("C1", ("A", 2, "restock"), ("X", 1, "damaged"), reference="R7"))
    plant.receive(came_back("C2", ("A", 1, "restock"), reference="R7"))
    plant.receive(came_back("C3", ("Z", 1, "restock"), reference="R7"))
    await plant.returns()
    assert [line.quantity for line in told(plant)] == [1]
    assert "1 × A, 1 × X too many" in plant.tasks()["receipts", "C1 over"].detail
    assert plant.doc("C2", receipts.FLOW).state is State.VOID
    assert "told nothing" in plant.tasks()["receipts", "C2 over"].detail
    assert plant.doc("C3", receipts.FLOW).cause == "sku:Z"


async def test_one_without_an_rma_is_known_by_its_order(state: InlineStore) -> None:
    plant = await shipped(state, ("A", 2))
    plant.receive(came_back("C1", ("A", 1, "restock"), order_reference="SH1"))
    plant.receive(came_back("C2", ("A", 1, "restock"), reference="SH1"))
    await plant.returns()
    assert [(line.order_line, line.return_line) for line in told(plant)] == [("L1", "")]
    assert told(plant, "C2")


async def test_an_order_with_one_return_means_that_return(state: InlineStore) -> None:
    plant = await shipped(state, ("A", 2))
    plant.ask_back(asked_back("7", ("A", 1)))
    await plant.returns()
    plant.receive(came_back("C1", ("A", 1, "restock"), order_reference="SH1"))
    back = came_back("C2", ("A", 2, "restock"), order_reference="SH1", kind="return-to-sender")
    plant.receive(back)
    await plant.returns()
    assert [line.return_line for line in told(plant)] == ["RL1"]
    assert [(line.return_line, line.quantity) for line in told(plant, "C2")] == [("", 2)]


async def test_a_parcel_that_came_back_is_known_by_its_number(state: InlineStore) -> None:
    plant = await shipped(state, ("A", 2))
    back = came_back("C1", ("A", 2, "restock"), tracking_numbers=("?", "1z 1"), kind="return-to-sender")
    plant.receive(back)
    plant.ask_back(asked_back("7", ("B", 1), order_key="o99", tracking="LABEL9"))
    await plant.returns()
    plant.receive(came_back("C2", ("B", 1, "damaged"), tracking_numbers=("LABEL9",)))
    await plant.returns()
    receipt = plant.stores["shop"].received.newest()["C1"]
    assert (receipt.kind, receipt.order_key, receipt.return_key) == ("return-to-sender", "o1", "")
    assert plant.stores["shop"].received.newest()["C2"].return_key == "r7"


async def test_one_of_nothing_known_is_kept_and_tried_again(state: InlineStore) -> None:
    plant = Plant(state)
    plant.receive(came_back("C1", ("A", 1, "restock"), reference="R7"))
    run = await plant.returns()
    assert run.counts["unmatched"] == 1
    again = came_back("C1", ("A", 1, "damaged"), reference="R7")
    plant.receive(again)
    await plant.returns()
    plant.ask_back(asked_back("7"))
    run = await plant.returns()
    assert [line.condition for line in told(plant)] == ["damaged"]
    assert not state.read(lambda tx: list(receiving.unmatched(tx, plant.account)))


async def test_receipts_go_to_the_store_whose_return_it_is(state: InlineStore) -> None:
    ebay = connection("ebay", returns=ReturnSettings(reference="E{number}"))
    plant = Plant(state, connection(), ebay)
    plant.ask_back(asked_back("7"), name="ebay")
    await plant.returns("ebay")
    plant.receive(came_back("C1", ("A", 1, "restock"), reference="E7"))
    await plant.returns("shop")
    assert not plant.stores["shop"].received.effects
    await plant.returns("ebay")
    assert told(plant, name="ebay")


@pytest.mark.parametrize(
    ("receipt", "said"),
    [
        (came_back("C1", reference="R7"), "no lines"),
        (came_back("C1", ("A", 0, "restock"), reference="R7"), "less than one unit"),
        (came_back("C1", ("A", 1, "restock"), reference="R\0"), "not text"),
        (came_back("", ("A", 1, "restock"), reference="R7"), "empty"),
    ],
)
async def test_one_that_cannot_be_used_is_parked_raw(state: InlineStore, receipt: object, said: str) -> None:
    plant = Plant(state)
    plant.warehouse.receipts.put("ret", receipt)  # type: ignore[arg-type]
    run = await plant.returns()
    assert run.counts["undecodable"] == 1
    flow = plant.feed.account.flow(receipts.FLOW)
    [(_, bad)] = state.read(lambda tx: list(documents.bad_records(tx, flow)))
    assert said in bad.reason


async def test_a_receipt_that_changed_is_amended_or_a_task(state: InlineStore) -> None:
    plant = Plant(state, amends=frozenset({Part.RECEIPTS}))
    plant.ask_back(asked_back("7", ("A", 2)))
    plant.receive(came_back("C1", ("A", 2, "restock"), reference="R7"))
    await plant.returns()
    plant.receive(came_back("C1", ("A", 1, "restock"), ("A", 1, "damaged"), reference="R7"))
    await plant.returns()
    assert [line.condition for line in told(plant)] == ["restock", "damaged"]
    plant.amends = frozenset()
    plant.configure()
    plant.receive(came_back("C1", ("A", 2, "damaged"), reference="R7"))
    await plant.returns()
    detail = plant.tasks()["receipts", "C1"].detail
    told_before = "the store was told 1 × A (restock), 1 × A (damaged)"
    assert detail == f"{told_before}; now it is 2 × A (damaged)"


async def test_a_receipt_proves_its_return(state: InlineStore) -> None:
    plant = Plant(state)
    plant.warehouse.expected.refuse["r7"] = "sku:A"
    plant.ask_back(asked_back("7"))
    await plant.returns()
    assert plant.doc("r7", returns.CHANNEL).state is State.PARKED
    plant.receive(came_back("C1", ("A", 1, "restock"), reference="R7"))
    await plant.returns()
    assert plant.doc("r7", returns.CHANNEL).state is State.ACCEPTED
    assert told(plant)


async def test_one_half_goes_on_while_the_other_fails(state: InlineStore) -> None:
    plant = Plant(state)
    plant.ask_back(asked_back("7"))
    await plant.returns()
    plant.stores["shop"].asked.down = 1
    plant.receive(came_back("C1", ("A", 1, "restock"), reference="R7"))
    with pytest.raises(Wait):
        await plant.returns()
    assert told(plant)


@pytest.mark.parametrize(
    ("offers", "asked", "came"),
    [(frozenset({Part.RETURNS}), 1, 0), (frozenset({Part.RECEIPTS}), 0, 0), (frozenset(Part), 1, 1)],
)
async def test_a_half_that_a_side_lacks_is_left_out(
    state: InlineStore, offers: frozenset[Part], asked: int, came: int
) -> None:
    plant = Plant(state, offers=offers)
    plant.ask_back(asked_back("7"))
    plant.receive(came_back("C1", ("A", 1, "restock"), reference="R7"))
    await plant.returns()
    assert len(plant.warehouse.expected.effects) == asked
    assert len(plant.stores["shop"].received.effects) == came


async def test_a_kit_goes_as_components_and_comes_back_as_a_kit(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles={"KIT": {"A": 1, "B": 2}}))
    plant.place(order("1", ("KIT", 2), ("A", 1)))
    await plant.import_orders()
    plant.ask_back(asked_back("7", ("KIT", 2), ("A", 1)), asked_back("8", ("KIT", 1), order_key="o99"))
    await plant.returns()
    sent = plant.warehouse.expected.newest()
    assert [(line.sku, line.quantity) for line in sent["r7"].lines] == [("A", 2), ("B", 4), ("A", 1)]
    assert [(line.sku, line.quantity) for line in sent["r8"].lines] == [("A", 1), ("B", 2)]
    plant.receive(came_back("C1", ("A", 1, "damaged"), ("B", 1, "restock"), reference="R7"))
    plant.receive(came_back("C2", ("B", 1, "restock"), reference="R7"))
    plant.receive(came_back("C3", ("A", 2, "restock"), ("B", 2, "restock"), reference="R7"))
    await plant.returns()
    assert [(line.sku, line.quantity, line.condition) for line in told(plant)] == [("KIT", 1, "damaged")]
    assert plant.doc("C2", receipts.FLOW).state is State.VOID
    assert {(line.sku, line.quantity, line.return_line) for line in told(plant, "C3")} == {
        ("KIT", 1, "RL1"),
        ("A", 1, "RL2"),
    }
