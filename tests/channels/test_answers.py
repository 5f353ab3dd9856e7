"""Answers to the names of what was sent: orders, their changes and their cancellations; late, and twice."""

from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders
from dropstreamd.channels.life import Life
from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.acknowledgements import Acknowledgement, Verdict
from dropstreamd.model.handover import Untouched
from dropstreamd.platform.contract import Part
from dropstreamd.store import by_hand, documents, settling
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, order, package
from tests.channels.test_order_life import cancelled
from tests.fakes.sinks import Fault

ORDERS = frozenset({Part.ORDERS})


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    made = Plant(state, cancels=ORDERS, amends=ORDERS)
    made.warehouse.taken.answers_cancels = False
    return made


async def send(plant: Plant, *faults: Fault) -> str:
    """Let what is to go, go; under which name the last of it went."""
    plant.warehouse.taken.faults.extend(faults)
    await plant.import_orders()
    return plant.warehouse.taken.pushed[-1]


async def answer(plant: Plant, name: str, verdict: Verdict) -> None:
    number = len(plant.warehouse.words.archived)
    word = Acknowledgement(key=f"997-{number}", reference="", verdict=verdict, codes=("5",), name=name)
    plant.warehouse.words.put(f"997-{number}", word)
    await plant.import_orders()


async def not_sent(plant: Plant) -> None:
    """A person says that what is in doubt has not arrived."""
    settle = partial(
        settling.resolve_doubt,
        book=orders.book(plant.scopes["c-shop"]),
        key="o1",
        outcome=Untouched(key="o1"),
        now_s=plant.clock.now_s(),
        run="",
    )
    assert await plant.state.write(settle)


async def test_a_rejected_change_leaves_the_order_where_it_is(plant: Plant) -> None:
    plant.place(order("1", ("A", 2)))
    await send(plant)
    plant.place(order("1", ("A", 3)))
    change = await send(plant)
    await answer(plant, change, "rejected")
    assert plant.doc("o1").state is State.ACCEPTED
    assert plant.life("o1") is Life.SENT
    assert "the warehouse refused the change" in plant.tasks()["sales_orders", "o1 refused"].title
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_rejected_cancellation_is_told_once(plant: Plant) -> None:
    plant.place(order("1"))
    await send(plant)
    plant.place(cancelled(order("1")))
    stop = await send(plant)
    await answer(plant, stop, "rejected")
    await answer(plant, stop, "rejected")
    assert plant.doc("o1").state is State.ACCEPTED
    assert plant.life("o1") is Life.CANCEL_REQUESTED
    assert plant.tasks().keys() == {("sales_orders", "o1 not-stopped")}
    assert plant.warehouse.taken.stopped() == {"o1": 1}


async def test_a_cancellation_that_has_arrived_is_not_done(plant: Plant) -> None:
    plant.place(order("1"))
    await send(plant)
    plant.place(cancelled(order("1")))
    await answer(plant, await send(plant), "received")
    assert plant.life("o1") is Life.CANCEL_SENT
    plant.say("SH1", "closed-short")
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCELLED
    assert not plant.tasks()


async def test_where_its_arrival_says_so_a_cancellation_is_done(plant: Plant) -> None:
    plant.warehouse.taken.writes = replace(plant.warehouse.taken.writes, receipt_stops=True)
    plant.place(order("1"), order("2"))
    name = await send(plant)
    await answer(plant, name, "received")
    assert plant.life("o2") is Life.ACKNOWLEDGED
    plant.place(cancelled(order("2")))
    await answer(plant, await send(plant), "received")
    assert plant.life("o2") is Life.CANCELLED
    plant.place(cancelled(order("1")))
    stop = await send(plant, Fault.SILENT)
    await answer(plant, stop, "received")
    assert plant.life("o1") is Life.CANCELLED
    assert not plant.tasks()


@pytest.mark.parametrize("asked", [True, False])
async def test_an_order_that_was_never_taken_needs_no_cancellation(plant: Plant, *, asked: bool) -> None:
    """Its refusal arrives after it was cancelled in the store, and may be after we said so."""
    plant.place(order("1"))
    name = await send(plant)
    plant.place(cancelled(order("1")))
    if asked:
        await send(plant)
    await answer(plant, name, "rejected")
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCELLED
    assert not plant.tasks()


async def test_neither_does_one_that_a_person_cancelled(plant: Plant) -> None:
    plant.place(order("1"))
    name = await send(plant)
    book, now_s = orders.book(plant.scopes["c-shop"]), plant.clock.now_s()
    withdraw = partial(by_hand.withdraw, now_s=now_s, why="a double")
    await plant.state.write(lambda tx: documents.by_hand(tx, book, "o1", withdraw, now_s=now_s))
    await answer(plant, name, "rejected")
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCELLED
    assert not plant.tasks()


@pytest.mark.parametrize(
    ("verdict", "life"), [("received", Life.CANCEL_SENT), ("rejected", Life.CANCEL_REQUESTED)]
)
async def test_an_answer_settles_a_cancellation_in_doubt(plant: Plant, verdict: Verdict, life: Life) -> None:
    plant.place(order("1"))
    await send(plant)
    plant.place(cancelled(order("1")))
    stop = await send(plant, Fault.SILENT)
    assert plant.life("o1") is Life.IN_DOUBT
    await answer(plant, stop, verdict)
    assert plant.life("o1") is life
    assert bool(plant.tasks()) is (verdict == "rejected")
    await plant.import_orders()
    assert plant.warehouse.taken.stopped() == {"o1": 1}


async def test_a_refusal_told_twice_does_not_take_back_what_a_person_decided(plant: Plant) -> None:
    plant.place(order("1"))
    name = await send(plant)
    await answer(plant, name, "rejected")
    assert plant.life("o1") is Life.PARKED
    book = orders.book(plant.scopes["c-shop"])
    now_s = plant.clock.now_s()
    assert await plant.state.write(
        lambda tx: documents.release(tx, book, "o1", now_s=now_s, run="", why="they have it")
    )
    await answer(plant, name, "rejected")
    assert plant.life("o1") is Life.SENT


async def test_an_answer_to_an_earlier_hand_over_leaves_the_later_one_alone(plant: Plant) -> None:
    plant.place(order("1"))
    first = await send(plant, Fault.SILENT)
    await not_sent(plant)
    second = await send(plant)
    await answer(plant, second, "received")
    await answer(plant, first, "rejected")
    assert plant.life("o1") is Life.ACKNOWLEDGED
    assert not plant.tasks()


async def test_an_order_that_arrived_twice_is_for_a_person(plant: Plant) -> None:
    plant.place(order("1"))
    first = await send(plant, Fault.SILENT)
    await not_sent(plant)
    second = await send(plant)
    await answer(plant, first, "received")
    task = plant.tasks()["sales_orders", "o1 twice"]
    assert first in task.detail
    assert second in task.detail


async def test_an_order_that_arrived_after_all_is_not_sent_again(plant: Plant) -> None:
    plant.place(order("1"))
    first = await send(plant, Fault.SILENT)
    await not_sent(plant)
    word = Acknowledgement(key="997-0", reference="", verdict="received", name=first)
    plant.warehouse.words.put("997", word)
    await plant.export()
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert plant.life("o1") is Life.ACKNOWLEDGED


async def test_a_refusal_of_what_waits_to_go_again_does_not_stop_it(plant: Plant) -> None:
    plant.place(order("1"))
    first = await send(plant, Fault.SILENT)
    await not_sent(plant)
    word = Acknowledgement(key="997-0", reference="", verdict="rejected", name=first)
    plant.warehouse.words.put("997", word)
    await plant.export()
    assert plant.doc("o1").state is State.PENDING
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 2}


async def test_a_refusal_of_an_order_in_doubt_parks_it(plant: Plant) -> None:
    plant.place(order("1"))
    name = await send(plant, Fault.SILENT)
    await answer(plant, name, "rejected")
    assert plant.life("o1") is Life.PARKED
    await answer(plant, name, "rejected")
    assert plant.life("o1") is Life.PARKED
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_refusal_of_an_order_whose_change_is_in_doubt_is_shown(plant: Plant) -> None:
    plant.place(order("1", ("A", 2)))
    name = await send(plant)
    plant.place(order("1", ("A", 3)))
    await send(plant, Fault.SILENT)
    await answer(plant, name, "rejected")
    assert plant.life("o1") is Life.IN_DOUBT
    assert "was refused by the warehouse" in plant.tasks()["sales_orders", "o1 rejected"].title


async def test_a_refused_order_that_ships_after_all_waits_for_nobody(plant: Plant) -> None:
    plant.place(order("1"))
    await answer(plant, await send(plant), "rejected")
    assert plant.life("o1") is Life.PARKED
    plant.ship(package("P1", "SH1", ("A", 1)))
    run = await plant.export()
    assert run.counts["accepted"] == 1
    assert plant.life("o1") is Life.SHIPPED
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


@pytest.mark.parametrize(("verdict", "life"), [("received", Life.ACKNOWLEDGED), ("rejected", Life.PARKED)])
async def test_an_answer_settles_what_was_cut_off(plant: Plant, verdict: Verdict, life: Life) -> None:
    """The daemon ended, or lost its connection, before it knew whether the file had arrived."""
    plant.place(order("1"))
    with pytest.raises(OutcomeUnknown):
        await send(plant, Fault.LOST_AFTER)
    assert plant.doc("o1").state is State.OPEN
    await answer(plant, plant.warehouse.taken.pushed[-1], verdict)
    assert plant.life("o1") is life
    assert not plant.tasks()
    plant.later(hours=1)
    await plant.import_orders()
    assert plant.life("o1") is life
    assert plant.warehouse.taken.created() == {"o1": 1}
