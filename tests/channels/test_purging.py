"""Personal data goes some time after an order or a return closed; what it was, and that it was, stays."""

import pytest
from msgspec.structs import replace

from dropstreamd.channels import corrections, orders, purging, told_orders
from dropstreamd.channels.life import Life
from dropstreamd.clock import utc
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Address, Order, OrderLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import by_hand, documents
from dropstreamd.store.base import Reader
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from dropstreamd.store.tables import Table
from tests.channels.plant import START_S, Plant, asked_back, came_back, order, package

DAY_S = 86400.0
WHO = Address(
    name="Zacharias Quill",
    company="Quill & Sons",
    line1="77 Nettle Lane",
    line2="Backyard",
    city="Umberfield",
    postal_code="X9Z 7QQ",
    phone="+1 555 0142",
)
OTHER = replace(WHO, name="Ottilie Quill", line1="78 Nettle Lane", phone="+1 555 0143")
PERSONAL = (
    *("Quill", "Nettle", "Backyard", "Umberfield", "X9Z", "555 0142", "555 0143", "zq@example"),
    *("gate code", "Happy birthday", "IOSS:77", "for Zacharias", "Engraved", "PO-QUILL", "it itches"),
)


def personal(number: str = "1", **changed: object) -> Order:
    line = OrderLine(key="L1", sku="A", quantity=2, name="Engraved: Zacharias Quill")
    told = {
        "ship_to": WHO,
        "bill_to": OTHER,
        "email": "zq@example.com",
        "po_number": "PO-QUILL",
        "note": "the gate code is 7",
        "gift_message": "Happy birthday, Zacharias",
        "delivery_note": "for Zacharias",
        "tax_ids": ("IOSS:77",),
    }
    return order(number, line, **{**told, **changed})  # type: ignore[arg-type]


def left(plant: Plant) -> set[str]:
    """What of the personal data stands in any table."""
    found: set[str] = set()

    def look(tx: Reader) -> None:
        for table in Table:
            for key, raw in tx.scan(table):
                text = raw + b"\0".join(part.encode() for part in key)
                found.update(word for word in PERSONAL if word.encode() in text)

    plant.state.read(look)
    return found


async def sweep(plant: Plant, *, limit: int = 2) -> int:
    [scope] = plant.scopes.values()
    count = await purging.sweep(scope, keep_s=30 * DAY_S, limit=limit)
    plant.check()
    return count


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    return Plant(state, cancels=frozenset({Part.ORDERS}))


async def shipped(plant: Plant) -> None:
    """An order and its return, from the beginning to the end, and a torn one."""
    plant.place(personal())
    torn = Bad(key="torn", place="order torn", reason="no lines", raw=b'{"name": "Zacharias Quill"')
    plant.stores["shop"].changes.change("torn", torn)
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.export()
    asked = replace(asked_back("7", ("A", 1)), sender=WHO, note="it itches")
    lines = tuple(replace(line, reason="it itches") for line in asked.lines)
    plant.ask_back(replace(asked, lines=lines))
    await plant.returns()
    plant.receive(came_back("R1", ("A", 1, "restock"), reference="RMA7", order_reference="SH1"))
    await plant.returns()
    plant.ask_back(replace(asked, lines=lines, status="closed"))
    plant.place(personal(status="closed", updated_at=utc(START_S + 60)))
    await plant.returns()
    await plant.import_orders()


async def test_nothing_of_a_person_is_left_in_any_table(plant: Plant) -> None:
    await shipped(plant)
    assert left(plant) >= {"Quill", "Nettle", "zq@example", "it itches", "Engraved"}
    plant.later(days=29)
    assert await sweep(plant) == 0
    plant.later(days=2)
    assert await sweep(plant) >= 3
    assert left(plant) == set()
    assert await sweep(plant) == 0
    doc = plant.doc("o1")
    assert (doc.accepted, doc.reference, doc.purged) == (1, "SH1", True)
    assert doc.history[0].text == "first seen"
    assert plant.life("o1") is Life.SHIPPED


async def test_a_later_touch_is_no_new_order(plant: Plant) -> None:
    await shipped(plant)
    plant.later(days=31)
    await sweep(plant)
    plant.place(personal(status="closed", updated_at=utc(START_S + 40 * DAY_S)))
    run = await plant.import_orders()
    assert run.counts["staged"] == 0
    assert left(plant) == set()
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert not plant.tasks()


async def test_a_change_after_that_is_a_task_and_goes_again_later(plant: Plant) -> None:
    await shipped(plant)
    plant.later(days=31)
    await sweep(plant)
    plant.place(personal(status="open", ship_to=OTHER))
    await plant.import_orders()
    [(channel, key)] = plant.tasks()
    assert (channel, key) == ("sales_orders", "o1")
    assert plant.warehouse.taken.created() == {"o1": 1}
    plant.later(days=31)
    await sweep(plant)
    assert "Nettle" in left(plant), "a person is still at it"


async def test_what_comes_back_late_still_finds_its_lines(plant: Plant) -> None:
    plant.place(personal())
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.export()
    plant.later(days=31)
    await sweep(plant)
    assert left(plant) == set()
    plant.receive(came_back("R1", ("A", 1, "damaged"), order_reference="SH1"))
    await plant.returns()
    assert plant.stores["shop"].received.created() == {"R1": 1}
    plant.ship(package("P2", "SH1", ("A", 1)))
    await plant.export()
    assert any(task.kind == "over-shipped" for task in plant.tasks().values())


@pytest.mark.parametrize(
    "changed", [{"ship_method": "Express"}, {"status": "waiting"}, {}], ids=["parked", "held", "sent"]
)
async def test_what_is_not_closed_is_kept(plant: Plant, changed: dict[str, object]) -> None:
    plant.place(replace(personal(), **changed))
    await plant.import_orders()
    plant.later(days=400)
    assert await sweep(plant) == 0
    assert "Nettle" in left(plant)


async def test_cancelled_before_hand_over_it_goes_too(plant: Plant) -> None:
    plant.place(personal(ship_method="Express"))
    await plant.import_orders()
    plant.place(personal(ship_method="Express", status="cancelled"))
    await plant.import_orders()
    plant.later(days=31)
    assert await sweep(plant) == 1
    assert left(plant) == set()
    assert plant.doc("o1").state is State.VOID


async def test_an_address_put_in_by_hand_goes_too(plant: Plant) -> None:
    """And the next touch of the order is no change though it was in its digest."""
    placed = personal()
    plant.place(placed)
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.export()
    [scope] = plant.scopes.values()
    book = orders.book(scope)
    told = told_orders.incoming(placed, 0.0)
    await plant.state.write(
        lambda tx: documents.by_hand(
            tx,
            book,
            "o1",
            lambda doc: by_hand.override(
                doc, corrections.form(OTHER), told.part, told.digest, START_S, "asked for"
            ),
            now_s=START_S,
        )
    )
    [task] = plant.tasks().values()
    await plant.state.write(lambda tx: documents.close_task(tx, book, "o1", revision=task.revision))
    plant.later(days=31)
    assert await sweep(plant) >= 1
    assert left(plant) == set()
    plant.place(replace(placed, updated_at=utc(START_S + 40 * DAY_S)))
    run = await plant.import_orders()
    assert run.counts["staged"] == 0
    assert not plant.tasks()
