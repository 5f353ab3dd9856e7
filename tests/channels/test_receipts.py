"""What came back: received by the warehouse, told to the store."""

import pytest

from dropstreamd.channels import receipts, receiving, returns
from dropstreamd.config.schema import ReturnSettings
from dropstreamd.errors import Wait
from dropstreamd.model.returns import ReceiptLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import (
    Plant,
    asked_back,
    came_back,
    connection,
    order,
)
from tests.channels.returned import shipped, told


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
    plant = await shipped(state, ("A", 3))
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


async def test_a_receipt_proves_its_return(plant: Plant) -> None:
    plant.warehouse.expected.refuse["r7"] = "sku:A"
    plant.ask_back(asked_back("7"))
    await plant.returns()
    assert plant.doc("r7", returns.CHANNEL).state is State.PARKED
    plant.receive(came_back("C1", ("A", 1, "restock"), reference="R7"))
    await plant.returns()
    assert plant.doc("r7", returns.CHANNEL).state is State.ACCEPTED
    assert told(plant)


async def test_one_half_goes_on_while_the_other_fails(plant: Plant) -> None:
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
