"""An order's life where two things cross: a change, a cancellation, the warehouse's word, other settings."""

from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders
from dropstreamd.channels.life import Life
from dropstreamd.errors import OutcomeUnknown, RateLimited
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.handover import Accepted, Untouched
from dropstreamd.model.orders import Order, OrderLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import settling
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import ACCOUNT, HOME, Plant, asked_back, connection, order, package
from tests.channels.test_order_life import cancelled
from tests.fakes.sinks import Fault

ORDERS = frozenset({Part.ORDERS})


def moved(placed: Order) -> Order:
    return replace(placed, ship_to=replace(HOME, line1="2 Other St"))


async def waits_with(plant: Plant, changed: Order) -> None:
    """An order that was handed over, and a change of it that waits for the warehouse."""
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(changed)
    plant.warehouse.taken.faults.append(Fault.WAIT)
    with pytest.raises(RateLimited):
        await plant.import_orders()
    assert plant.doc("o1").state is State.PENDING


async def test_changed_and_cancelled_while_its_answer_is_missed(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    plant.place(order("1"), order("2"))
    await plant.import_orders()
    plant.place(moved(order("1")), cancelled(order("2")), order("3"))
    plant.warehouse.taken.faults.append(Fault.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    plant.place(cancelled(order("1")))
    plant.clock.step(60)
    await plant.import_orders()
    await plant.import_orders()
    assert plant.life("o1") is plant.life("o2") is Life.CANCELLED
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1, "o3": 1}
    assert plant.warehouse.taken.stopped() == {"o1": 1, "o2": 1}


async def test_a_cancellation_that_was_not_sent_goes_again(state: InlineStore) -> None:
    plant = Plant(state, cancels=ORDERS)
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(cancelled(order("1")))
    plant.warehouse.taken.faults.append(Fault.SILENT)
    await plant.import_orders()
    book = orders.book(plant.scopes["c-shop"])
    await plant.state.write(
        partial(settling.resolve_doubt, book=book, key="o1", outcome=Untouched(key="o1"), now_s=1.0, run="")
    )
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCELLED
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_change_that_waited_goes_to_no_sink_that_takes_none(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    await waits_with(plant, moved(order("1")))
    plant.amends = frozenset()
    plant.configure()
    await plant.import_orders()
    assert len(plant.warehouse.taken.effects) == 1
    assert plant.doc("o1").state is State.ACCEPTED
    assert ("sales_orders", "o1") in plant.tasks()


async def test_a_cancellation_that_waited_goes_to_no_sink_that_takes_none(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    await waits_with(plant, cancelled(order("1")))
    plant.cancels = frozenset()
    plant.configure()
    await plant.import_orders()
    assert len(plant.warehouse.taken.effects) == 1
    assert ("sales_orders", "o1") in plant.tasks()


async def test_a_change_that_the_store_holds_by_now_waits_for_a_person(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    await waits_with(plant, moved(order("1")))
    plant.place(replace(moved(order("1")), status="waiting"))
    await plant.import_orders()
    assert len(plant.warehouse.taken.effects) == 1


async def test_what_the_warehouse_cancelled_is_not_changed_any_more(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    await waits_with(plant, moved(order("1")))
    plant.say("SH1", "cancelled")
    await plant.export()
    await plant.import_orders()
    assert len(plant.warehouse.taken.effects) == 1
    assert plant.life("o1") is Life.CANCELLED


async def test_what_the_warehouse_cancelled_is_not_cancelled_again(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    plant.warehouse.taken.answers_cancels = False
    await waits_with(plant, cancelled(order("1")))
    plant.say("SH1", "cancelled")
    await plant.export()
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCELLED
    assert not plant.warehouse.taken.stopped()
    assert not plant.tasks()


async def test_an_answer_before_the_settling_stays_the_answer(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    plant.warehouse.taken.answers_cancels = False
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(cancelled(order("1")))
    plant.warehouse.taken.faults.append(Fault.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    plant.say("SH1", "cancelled")
    await plant.export()
    plant.clock.step(60)
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCELLED


async def test_a_rejection_while_a_change_is_parked_is_not_lost(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(order("1", method="Express"))
    await plant.import_orders()
    assert plant.doc("o1").cause == "method:Express"
    plant.say("SH1", "rejected", "R1")
    await plant.export()
    plant.configure(shop=connection(methods={"Standard": "GND", "Express": "AIR"}))
    await plant.import_orders()
    assert plant.doc("o1").cause == "sent-back:R1" or plant.tasks()


async def test_a_rejection_while_a_change_is_in_doubt_is_a_task(state: InlineStore) -> None:
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(moved(order("1")))
    plant.warehouse.taken.faults.append(Fault.SILENT)
    await plant.import_orders()
    assert plant.doc("o1").state is State.DOUBT
    plant.say("SH1", "rejected", "R1")
    await plant.export()
    resolve = partial(
        settling.resolve_doubt,
        book=orders.book(plant.scopes["c-shop"]),
        key="o1",
        outcome=Accepted(key="o1"),
        now_s=plant.clock.now_s(),
        run="",
    )
    await plant.state.write(resolve)
    assert plant.doc("o1").cause == "sent-back:R1" or plant.tasks()


async def test_a_word_on_a_return_ends_no_run(plant: Plant) -> None:
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.ask_back(asked_back("1"))
    await plant.returns()
    [name] = plant.warehouse.expected.pushed
    plant.warehouse.words.put("w", Acknowledgement(key="w1", reference="", verdict="cancelled", name=name))
    await plant.import_orders()


async def test_what_left_before_the_warehouse_cancelled_the_rest_is_told(plant: Plant) -> None:
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    plant.say("SH1", "cancelled")
    await plant.import_orders()
    await plant.export()
    assert plant.stores["shop"].fulfilled.effects


async def test_units_of_what_is_not_stopped_stay_deducted(state: InlineStore) -> None:
    plant = Plant(state, cancels=ORDERS, account=replace(ACCOUNT, quantity="on_hand"))
    plant.warehouse.taken.answers_cancels = False
    plant.report({"A": 10})
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.place(cancelled(order("1", ("A", 3))))
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCEL_SENT
    plant.later(minutes=5)
    plant.report({"A": 10})
    await plant.smart()
    plant.say("SH1", "not-cancelled")
    await plant.import_orders()
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7}
    plant.ship(package("P1", "SH1", ("A", 3)))
    await plant.export()
    plant.later(minutes=5)
    plant.report({"A": 7})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7}


async def test_units_of_what_is_sent_back_stay_deducted(plant: Plant) -> None:
    plant.report({"A": 10})
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.say("SH1", "rejected", "R1")
    await plant.import_orders()
    plant.later(minutes=5)
    plant.report({"A": 10})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 7}


@pytest.mark.parametrize("units", [1, 3])
async def test_what_has_left_is_neither_changed_nor_stopped(state: InlineStore, units: int) -> None:
    """A refund is no cancellation of what has left, nor is what was added a part of it."""
    plant = Plant(state, amends=ORDERS, cancels=ORDERS)
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.export()
    for status in ("open", "closed"):
        line = OrderLine(key="L1", sku="A", quantity=units, fulfilled=2)
        plant.place(order("1", line, status=status))
        await plant.import_orders()
    assert len(plant.warehouse.taken.effects) == 1
    assert ("sales_orders", "o1") in plant.tasks()


async def test_a_word_with_a_name_that_none_can_be_ends_no_run(plant: Plant) -> None:
    plant.say("SH\0", "rejected")
    plant.warehouse.words.put("w", Acknowledgement(key="w", reference="", verdict="received", name="a\0"))
    run = await plant.import_orders()
    assert run.counts["undecodable"] == 2


async def test_what_is_short_may_be_in_packages_to_come(plant: Plant) -> None:
    """Who orders anew what only its package here is missing of sends it twice."""
    plant.place(order("1", ("A", 5)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 3)))
    plant.say("SH1", "closed-short", reason="3 of 5 of A")
    await plant.import_orders()
    detail = plant.tasks()["sales_orders", "o1 short"].detail
    assert "3 of 5 of A" in detail
    assert "in no package heard of yet: 5 × A" in detail


async def test_a_line_keeps_the_sku_that_it_was_handed_over_under(state: InlineStore) -> None:
    plant = Plant(state, connection(listings={"S": "A"}), amends=ORDERS)
    plant.place(order("1", ("S", 2)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    plant.configure(shop=connection(listings={"S": "B"}))
    plant.place(order("1", ("S", 3)))
    await plant.import_orders()
    [line] = plant.warehouse.taken.effects[-1].document.lines
    assert (line.sku, line.quantity) == ("A", 3)
