"""Purchase orders entered here: told to the warehouse once, and what it received of them."""

import pytest
from msgspec.structs import replace

from dropstreamd.channels import purchases, receipt_of_notice, receiving, stock_notices
from dropstreamd.clock import utc
from dropstreamd.errors import Wait
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder
from dropstreamd.model.returns import Receipt, ReceiptLine, ShortLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import shelf
from dropstreamd.store.documents import Staged
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import START_S, Plant, came_back, connection, order, purchase
from tests.fakes.sinks import Fault

NEW, STATUS = "purchase_orders.import", "purchase_orders.status"
NO_STORE = frozenset(Part) - {Part.PURCHASE_ORDERS}
AMENDS = frozenset({Part.PURCHASE_ORDERS})


def bought(
    number: str, *lines: tuple[str, int] | PurchaseLine, name: str = "SH", **told: object
) -> PurchaseOrder:
    return replace(purchase(number, *lines), key=f"P{name}{number}", **told)


async def enter(plant: Plant, *orders: PurchaseOrder, name: str = "shop") -> Staged:
    scope = plant.scopes[plant.connections[name].id]
    return await plant.state.write(
        lambda tx: stock_notices.enter(tx, scope=scope, orders=orders, now_s=plant.clock.now_s())
    )


def wrong(plant: Plant, entered: PurchaseOrder, name: str = "shop") -> str:
    scope = plant.scopes[plant.connections[name].id]
    return plant.state.read(lambda tx: stock_notices.unusable(tx, scope, entered))


def kept(plant: Plant, reference: str) -> PurchaseOrder:
    row = plant.state.read(lambda tx: shelf.get(tx, purchases.kept_of(plant.account), reference))
    assert row is not None
    return purchases.decode.decode(row.content)


async def test_one_is_told_once_and_its_receipts_become_its_status(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    shop, announced = plant.stores["shop"].purchases, plant.warehouse.announced
    await enter(plant, bought("1", ("A", 10), ("B", 2), supplier="Mill", expected_at=utc(START_S + 86_400)))
    for _ in range(2):
        await plant.run(NEW)
    assert announced.created() == {"1": 1}
    told = announced.newest()["1"]
    assert (told.reference, told.number, told.supplier) == ("PSH1", "1", "Mill")
    assert [(line.number, line.sku, line.quantity) for line in told.lines] == [(1, "A", 10), (2, "B", 2)]
    assert shop.newest()["PSH1"].status == "open"
    plant.receive(came_back("C1", ("A", 4, "restock"), ("A", 1, "damaged"), reference="PSH1"))
    await plant.run(STATUS)
    first = shop.newest()["PSH1"]
    assert (first.status, first.lines[0].received, first.lines[0].damaged) == ("partially-received", 5, 1)
    plant.receive(came_back("C2", ("A", 5, "restock"), ("B", 2, "restock"), reference="PSH1"))
    await plant.run(STATUS)
    assert shop.newest()["PSH1"].status == "received"
    assert plant.tasks()[stock_notices.FLOW, "1 received"].detail == "A: 1 damaged"
    assert ("purchase_orders", "PSH1 received") not in plant.tasks()


async def test_a_receipt_counts_once_and_its_newest_form(state: InlineStore) -> None:
    plant = Plant(state, offers=NO_STORE)
    await enter(plant, bought("1", ("A", 10)))
    await plant.run(NEW)
    for units in (4, 4, 6):
        plant.receive(came_back("C1", ("A", units, "restock"), reference="PSH1"))
        await plant.run(STATUS)
        assert kept(plant, "PSH1").lines[0].received == units
    assert kept(plant, "PSH1").status == "partially-received"
    assert not plant.tasks()


async def test_over_and_short_are_reported_and_never_refused(state: InlineStore) -> None:
    plant = Plant(state, offers=NO_STORE)
    await enter(plant, bought("1", ("A", 10), ("B", 5)))
    await plant.run(NEW)
    short = (ShortLine(sku="B", quantity=5, line=2),)
    plant.receive(came_back("C1", ("A", 12, "restock"), ("Z", 1, "restock"), reference="PSH1", short=short))
    run = await plant.run(STATUS)
    assert run.counts == {"received": 1}
    assert kept(plant, "PSH1").status == "closed"
    detail = plant.tasks()[stock_notices.FLOW, "1 received"].detail
    assert detail == "A: 12 of 10 came; B: 0 of 5 came; Z: 1 of 0 came"


async def test_a_receipt_may_say_that_nothing_comes(state: InlineStore) -> None:
    plant = Plant(state, offers=NO_STORE)
    await enter(plant, bought("1", ("A", 10)))
    plant.receive(came_back("C1", reference="PSH1", short=(ShortLine(sku="A", quantity=10),)))
    plant.receive(came_back("C2", reference="RSH1", short=(ShortLine(sku="A", quantity=10),)))
    run = await plant.run(STATUS)
    assert (run.counts["received"], run.counts["undecodable"]) == (1, 1)
    assert kept(plant, "PSH1").status == "closed"


async def test_a_receipt_that_came_first_waits_with_the_account(state: InlineStore) -> None:
    plant = Plant(state, offers=NO_STORE)
    plant.receive(came_back("C1", ("A", 4, "restock"), reference="PSH1"))
    run = await plant.run(STATUS)
    assert run.counts["unmatched"] == 1
    await enter(plant, bought("1", ("A", 10)))
    await plant.run(STATUS)
    assert kept(plant, "PSH1").lines[0].received == 4
    assert not plant.state.read(lambda tx: list(receiving.unmatched(tx, plant.account)))


async def test_what_comes_proves_that_the_notice_did(state: InlineStore) -> None:
    plant = Plant(state, offers=NO_STORE)
    await enter(plant, bought("1", ("A", 10)))
    plant.warehouse.announced.faults.append(Fault.LOST_AFTER)
    with pytest.raises(Wait):
        await plant.run(NEW)
    assert plant.doc("1", stock_notices.FLOW).state is State.OPEN
    plant.receive(came_back("C1", ("A", 4, "restock"), reference="PSH1"))
    await plant.run(STATUS)
    plant.later(minutes=5)
    await plant.run(NEW)
    assert plant.doc("1", stock_notices.FLOW).state is State.ACCEPTED
    assert plant.warehouse.announced.created() == {"1": 1}


async def test_a_notice_that_is_rejected_is_parked_with_its_codes(state: InlineStore) -> None:
    plant = Plant(state, offers=NO_STORE)
    await enter(plant, bought("1", ("A", 10)))
    await plant.run(NEW)
    [name] = plant.warehouse.announced.pushed
    word = Acknowledgement(key="fa", reference="", verdict="rejected", codes=("5",), name=name)
    plant.warehouse.words.put("fa", word)
    await plant.run(STATUS)
    doc = plant.doc("1", stock_notices.FLOW)
    assert (doc.state, doc.cause) == (State.PARKED, "sent-back:5")
    assert plant.warehouse.announced.created() == {"1": 1}


async def test_a_change_after_the_hand_over_is_for_a_person(state: InlineStore) -> None:
    plant = Plant(state, offers=NO_STORE)
    assert (await enter(plant, bought("1", ("A", 10), ("B", 1)), bought("2"))).new == 2
    await plant.run(NEW)
    again = await enter(plant, bought("1", ("A", 9), ("C", 1)), bought("2"))
    assert (again.changed, again.same, again.tasks) == (1, 1, 1)
    await enter(plant, bought("2", status="cancelled"))
    await plant.run(NEW)
    assert plant.warehouse.announced.created() == {"1": 1, "2": 1}
    tasks = plant.tasks()
    assert tasks[stock_notices.FLOW, "1"].detail == "line 1: 10 × A, now 9 × A; line 2: 1 × B, now 1 × C"
    assert tasks[stock_notices.FLOW, "2"].detail == "cancelled: tell the warehouse not to expect it"
    assert kept(plant, "PSH2").status == "cancelled"
    assert [line.expected for line in kept(plant, "PSH1").lines] == [9, 1]


async def test_one_that_was_cancelled_before_never_goes(state: InlineStore) -> None:
    plant = Plant(state, offers=NO_STORE)
    await enter(plant, bought("1"))
    await enter(plant, bought("1", status="cancelled"))
    await plant.run(NEW)
    assert not plant.warehouse.announced.effects
    assert plant.doc("1", stock_notices.FLOW).state is State.VOID


async def test_what_cannot_be_entered_says_why(state: InlineStore) -> None:
    plant = Plant(state, connection(), connection("ebay", reference="{number}"))
    plant.place(order("1"))
    await plant.import_orders()
    await enter(plant, bought("1"))
    assert wrong(plant, bought("1")) == ""
    assert "is that of purchase order 1 already" in wrong(plant, bought("1"), "ebay")
    assert "that of an order or a return" in wrong(plant, replace(bought("2"), key="SH1"))
    assert "the warehouse takes 1 to" in wrong(plant, replace(bought("2"), key="P" * 80))
    assert "its number" in wrong(plant, bought(""))
    assert "no lines" in wrong(plant, replace(bought("2"), lines=()))
    assert "less than one unit" in wrong(plant, bought("2", ("A", 0)))
    assert "no SKU" in wrong(plant, bought("2", ("", 1)))


async def test_the_store_is_told_also_while_the_warehouse_fails(plant: Plant) -> None:
    await enter(plant, bought("1"))
    plant.warehouse.announced.faults.append(Fault.WAIT)
    with pytest.raises(Wait):
        await plant.run(NEW)
    assert plant.stores["shop"].purchases.created() == {"PSH1": 1}
    assert plant.doc("1", stock_notices.FLOW).state is State.PENDING


def receipt(*lines: ReceiptLine, short: tuple[ShortLine, ...] = ()) -> Receipt:
    return Receipt(key="C1", lines=lines, short=short)


def came(sku: str, units: int, line: int = 0) -> ReceiptLine:
    return ReceiptLine(sku=sku, quantity=units, condition="restock", return_line=line)


@pytest.mark.parametrize(
    ("receipts", "status", "received"),
    [
        ([], "open", [0, 0, 0]),
        ([receipt(came("A", 3, 2))], "partially-received", [0, 3, 0]),
        ([receipt(came("A", 6))], "partially-received", [4, 2, 0]),
        ([receipt(came("A", 3, 3))], "partially-received", [3, 0, 0]),
        ([receipt(came("A", 3)), receipt(came("A", 12), came("B", 1))], "received", [4, 11, 1]),
        ([receipt(came("A", 10), short=(ShortLine(sku="B", quantity=1),))], "closed", [4, 6, 0]),
        ([receipt(came("A", 9), short=(ShortLine(sku="B", quantity=1),))], "partially-received", [4, 5, 0]),
    ],
)
def test_units_are_shared_out_over_the_lines(
    receipts: list[Receipt], status: str, received: list[int]
) -> None:
    told = receipt_of_notice.told(bought("1", ("A", 4), ("A", 6), ("B", 1)), receipts)
    assert (told.status, [line.received for line in told.lines]) == (status, received)


def test_what_ended_by_hand_stays_so() -> None:
    told = receipt_of_notice.told(bought("1", ("A", 4), status="closed"), [receipt(came("A", 4))])
    assert (told.status, told.lines[0].received) == ("closed", 4)
