"""An order's life: changed and cancelled before and after its hand-over, and the warehouse's words on it."""

from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import look, orders
from dropstreamd.channels.life import Life
from dropstreamd.clock import utc
from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.acknowledgements import Acknowledgement, Verdict
from dropstreamd.model.orders import Order, OrderLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.documents import Book
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import START_S, Plant, order, package
from tests.fakes.sinks import Fault

CANCELS = frozenset({Part.ORDERS})


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    return Plant(state, cancels=CANCELS)


def cancelled(placed: Order) -> Order:
    """As platforms tell it: no unit is wanted any more."""
    lines = tuple(replace(line, quantity=0) for line in placed.lines)
    return replace(placed, status="cancelled", lines=lines)


def fulfilled(placed: Order, units: int) -> Order:
    lines = tuple(replace(line, fulfilled=units) for line in placed.lines)
    return replace(placed, lines=lines, updated_at=utc(START_S + 9))


# ---- before hand-over


async def test_cancelled_before_hand_over_it_never_goes(plant: Plant) -> None:
    plant.place(order("1", method="Express"))
    await plant.import_orders()
    assert plant.life("o1") is Life.PARKED
    plant.place(cancelled(order("1", method="Express")))
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCELLED
    assert not plant.warehouse.taken.effects


async def test_a_buyer_s_request_holds_it(plant: Plant) -> None:
    asked = order("1", cancel_requested=True)
    plant.place(asked, order("2"))
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCEL_REQUESTED
    assert "the buyer asks" in plant.doc("o1").reason
    assert plant.warehouse.taken.created() == {"o2": 1}
    plant.place(replace(asked, cancel_requested=False))
    await plant.import_orders()
    assert plant.life("o1") is Life.SENT


async def test_a_long_hand_over_looks_again(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is cancelled in the store while others are handed over is not handed over."""
    plant.stores["shop"].rereads = False
    monkeypatch.setattr(look, "LOOK_AGAIN_S", 0.0)
    plant.place(*(order(str(number)) for number in range(1, 7)))
    reach = plant.points.reach

    def meanwhile(label: str) -> None:
        if label == "before request":
            plant.place(cancelled(order("6")))
        reach(label)

    monkeypatch.setattr(plant.points, "reach", meanwhile)
    await plant.import_orders()
    assert "o6" not in plant.warehouse.taken.created()
    assert plant.life("o6") is Life.CANCELLED
    assert plant.life("o5") is Life.SENT


async def test_a_hand_over_that_had_to_wait_looks_again(plant: Plant, autojump_clock: object) -> None:
    """Others may use the warehouse's account for long: what is cancelled meanwhile is not handed over."""
    plant.stores["shop"].rereads = False
    plant.place(order("1"), order("2"))
    await plant.import_behind_another(lambda: plant.place(cancelled(order("1"))))
    assert plant.warehouse.taken.created() == {"o2": 1}
    assert plant.life("o1") is Life.CANCELLED


# ---- cancelled after hand-over


@pytest.mark.parametrize(("final", "life"), [(True, Life.CANCELLED), (False, Life.CANCEL_SENT)])
async def test_a_sink_that_can_is_told_to_stop_it(plant: Plant, *, final: bool, life: Life) -> None:
    plant.warehouse.taken.answers_cancels = final
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(cancelled(order("1", ("A", 2))))
    await plant.import_orders()
    await plant.import_orders()
    assert plant.warehouse.taken.stopped() == {"o1": 1}
    [_, told] = plant.warehouse.taken.effects
    assert (told.remote, told.document.lines[0].quantity) == ("at-o1", 2)
    assert plant.life("o1") is life
    assert not plant.tasks()


async def test_elsewhere_it_is_a_task(state: InlineStore) -> None:
    plant = Plant(state)
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(cancelled(order("1")))
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCEL_REQUESTED
    assert "stop it at the warehouse" in plant.tasks()["sales_orders", "o1"].detail


async def test_a_refused_cancellation_is_a_task(plant: Plant) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    plant.warehouse.taken.refuse["o1"] = "picked"
    plant.place(cancelled(order("1")))
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCEL_REQUESTED
    assert "refused" in plant.tasks()["sales_orders", "o1"].detail
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LATE])
async def test_a_cancellation_whose_answer_was_lost(plant: Plant, fault: Fault) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(cancelled(order("1")))
    plant.warehouse.taken.faults.append(fault)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    plant.clock.step(60)
    await plant.import_orders()
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCELLED
    assert plant.warehouse.taken.stopped() == {"o1": 1}
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_wanted_again_after_it_was_stopped_it_is_for_a_person(plant: Plant) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(cancelled(order("1")))
    await plant.import_orders()
    plant.place(order("1"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert ("sales_orders", "o1") in plant.tasks()


# ---- the warehouse's words


@pytest.mark.parametrize("verdict", ["received", "accepted"])
async def test_an_acknowledged_order(plant: Plant, verdict: Verdict) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    plant.say("SH1", verdict)
    run = await plant.import_orders()
    assert run.counts["acknowledged"] == 1
    assert plant.life("o1") is Life.ACKNOWLEDGED
    assert plant.warehouse.words.archived


async def test_a_word_settles_a_doubt(state: InlineStore) -> None:
    for verdict, after in (("received", State.ACCEPTED), ("rejected", State.PARKED)):
        plant = Plant(state)
        key = f"o{verdict}"
        plant.place(replace(order(verdict), key=key))
        plant.warehouse.taken.faults.append(Fault.SILENT)
        await plant.import_orders()
        assert plant.life(key) is Life.IN_DOUBT
        plant.say(f"SH{verdict}", verdict, "R1")  # type: ignore[arg-type]
        await plant.import_orders()
        assert plant.doc(key).state is after
        await plant.import_orders()
        assert plant.warehouse.taken.created() == {key: 1}


async def test_a_rejected_order_waits_for_a_person(plant: Plant) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    word = plant.say("SH1", "rejected", "AK5:R", "5", reason="segment N3 is missing")
    await plant.import_orders()
    doc = plant.doc("o1")
    assert (doc.state, doc.cause) == (State.PARKED, "sent-back:AK5:R 5")
    assert "segment N3 is missing" in doc.reason
    plant.place(order("1", ("A", 3)))
    plant.warehouse.words.put("again", word)
    await plant.import_orders()
    assert plant.doc("o1").state is State.PARKED
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_warehouse_that_does_not_stop_it(plant: Plant) -> None:
    for verdict in ("rejected", "not-cancelled"):
        plant.warehouse.taken.answers_cancels = False
        placed = replace(order(verdict), key=verdict)
        plant.place(placed)
        await plant.import_orders()
        plant.place(cancelled(placed))
        await plant.import_orders()
        plant.say(f"SH{verdict}", verdict)
        await plant.import_orders()
        assert "does not stop it" in plant.tasks()["sales_orders", f"{verdict} not-stopped"].title
        assert plant.life(verdict) is Life.CANCEL_REQUESTED


async def test_a_warehouse_that_stopped_it(plant: Plant) -> None:
    plant.warehouse.taken.answers_cancels = False
    plant.place(order("1"), order("2", ("B", 4)))
    await plant.import_orders()
    plant.place(cancelled(order("1")))
    await plant.import_orders()
    plant.say("SH1", "cancelled")
    plant.say("SH2", "cancelled")
    await plant.import_orders()
    assert plant.life("o1") is plant.life("o2") is Life.CANCELLED
    assert plant.tasks().keys() == {("sales_orders", "o2 stopped")}
    assert "4 × B" in plant.tasks()["sales_orders", "o2 stopped"].detail


async def test_closed_short_frees_what_is_left(plant: Plant) -> None:
    plant.place(order("1", ("A", 5)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 2)))
    await plant.export()
    plant.say("SH1", "closed-short", "CC")
    await plant.import_orders()
    assert plant.life("o1") is Life.CLOSED_SHORT
    assert "3 × A" in plant.tasks()["sales_orders", "o1 short"].detail
    plant.report({"A": 10})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"A": 10}


async def closed_short(state: InlineStore) -> Plant:
    """The warehouse sent one of three, and then closed the order."""
    plant = Plant(state, amends=CANCELS, cancels=CANCELS)
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    plant.say("SH1", "closed-short")
    await plant.export()
    await plant.import_orders()
    assert plant.life("o1") is Life.CLOSED_SHORT
    plant.later(minutes=5)
    return plant


async def test_what_the_warehouse_has_closed_short_is_not_changed_any_more(state: InlineStore) -> None:
    """The merchant refunds the other two, as the task says. A change of an order that it has closed it may
    take for a new one."""
    plant = await closed_short(state)
    plant.place(order("1", OrderLine(key="L1", sku="A", quantity=1, fulfilled=1)))
    await plant.import_orders()
    assert [effect.remote for effect in plant.warehouse.taken.effects] == [None]
    assert plant.tasks()["sales_orders", "o1"].detail == "A: 3 were ordered, now 1 are"


async def test_what_the_warehouse_has_closed_short_is_not_stopped_any_more(state: InlineStore) -> None:
    plant = await closed_short(state)
    plant.place(cancelled(order("1", ("A", 3))))
    await plant.import_orders()
    assert not plant.warehouse.taken.stopped()
    assert plant.tasks()["sales_orders", "o1"].detail == (
        "cancelled in the store, and the warehouse has closed it before: nothing more of it leaves; what has "
        "left (package P1 on 2026-03-02): intercept it, or arrange its return and the refund"
    )


async def test_a_word_on_no_order_of_ours_is_kept(plant: Plant) -> None:
    plant.say("XX9", "rejected")
    run = await plant.import_orders()
    assert run.counts["undecodable"] == 1


# ---- shipments of what is not wanted, or not ours


async def test_a_late_shipment_is_recorded_and_never_told(plant: Plant) -> None:
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(cancelled(order("1", ("A", 2))))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 2), tracking="1Z7"))
    await plant.export()
    await plant.export()
    assert plant.life("o1") is Life.SHIPPED_AFTER_CANCEL
    task = plant.tasks()["sales_orders", "o1 late P1"]
    assert "1Z7" in task.detail
    assert "2 × A" in task.detail
    assert not plant.stores["shop"].fulfilled.effects
    assert plant.doc("P1", "shipments").state is State.VOID


async def close(plant: Plant, key: str, revision: int) -> bool:
    book = plant_book(plant)
    return await plant.state.write(partial(documents.close_task, book=book, key=key, revision=revision))


async def test_a_task_to_stop_an_order_says_when_all_of_it_has_left(state: InlineStore) -> None:
    plant = Plant(state)
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(cancelled(order("1", ("A", 2))))
    await plant.import_orders()
    first = plant.tasks()["sales_orders", "o1"]
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    assert plant.tasks()["sales_orders", "o1"] == first, "the rest is still to be stopped"
    plant.ship(replace(package("P2", "SH1", ("A", 1)), shipped_at=utc(START_S - 86400)))
    await plant.export()
    await plant.export()
    task = plant.tasks()["sales_orders", "o1"]
    assert task.detail == (
        "cancelled in the store, too late to stop it: all of it has left "
        "(package P1 on 2026-03-02, package P2 on 2026-03-01): "
        "intercept it, or arrange its return and the refund"
    )
    assert not await close(plant, "o1", first.revision), "nobody closes what he has not read"
    assert await close(plant, "o1", task.revision)
    plant.place(replace(cancelled(order("1", ("A", 2))), updated_at=utc(START_S + 60)))
    await plant.import_orders()
    assert plant.tasks().keys() == {("sales_orders", "o1 late P1"), ("sales_orders", "o1 late P2")}


async def test_what_has_left_before_it_was_cancelled_is_not_to_be_stopped(state: InlineStore) -> None:
    plant = Plant(state)
    plant.place(order("1"))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    plant.place(cancelled(order("1")))
    await plant.import_orders()
    assert "too late to stop it" in plant.tasks()["sales_orders", "o1"].detail


async def test_a_voided_label_brings_the_task_to_stop_it_back(state: InlineStore) -> None:
    plant = Plant(state)
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(cancelled(order("1")))
    await plant.import_orders()
    first = plant.tasks()["sales_orders", "o1"]
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    plant.ship(replace(package("P1", "SH1", ("A", 1)), voided=True))
    await plant.export()
    task = plant.tasks()["sales_orders", "o1"]
    assert (task.detail, task.revision) == (first.detail, first.revision + 2)


async def test_what_the_warehouse_did_not_stop_has_left(plant: Plant) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(cancelled(order("1")))
    await plant.import_orders()
    plant.say("SH1", "not-cancelled")
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    task = plant.tasks()["sales_orders", "o1 not-stopped"]
    assert (task.revision, "too late to stop it" in task.detail) == (1, True)


async def test_partial_then_whole(plant: Plant) -> None:
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    assert plant.life("o1") is Life.PARTIALLY_SHIPPED
    plant.place(fulfilled(order("1", ("A", 2)), 1))
    await plant.import_orders()
    plant.ship(package("P2", "SH1", ("A", 1)))
    await plant.export()
    plant.place(replace(fulfilled(order("1", ("A", 2)), 2), status="closed"))
    await plant.import_orders()
    assert plant.life("o1") is Life.SHIPPED
    assert not plant.tasks()


async def test_units_that_somebody_else_shipped_are_a_task(plant: Plant) -> None:
    line = OrderLine(key="L1", sku="A", quantity=5, fulfilled=1)
    plant.place(order("1", line))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()
    plant.place(order("1", replace(line, fulfilled=2), updated_at=utc(START_S + 5)))
    await plant.import_orders()
    assert not plant.tasks()
    plant.place(order("1", replace(line, fulfilled=5), status="closed"))
    await plant.import_orders()
    assert plant.tasks().keys() == {("sales_orders", "o1 elsewhere")}
    assert "3 × A" in plant.tasks()["sales_orders", "o1 elsewhere"].detail


# ---- answers to a name


async def test_a_word_on_the_name_that_it_was_sent_under(plant: Plant) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    [name] = plant.warehouse.taken.pushed
    word = Acknowledgement(key="997-1", reference="", verdict="rejected", codes=("5",), name=name)
    plant.warehouse.words.put("997-1", word)
    await plant.import_orders()
    assert plant.doc("o1").cause == "sent-back:5"


async def test_what_is_not_acknowledged_in_time_is_shown_once(plant: Plant) -> None:
    plant.warehouse.taken.writes = replace(plant.warehouse.taken.writes, acknowledged_within_s=3600.0)
    plant.place(order("1"), order("2"))
    await plant.import_orders()
    [name] = plant.warehouse.taken.pushed
    await plant.import_orders()
    assert not plant.tasks()
    plant.clock.step(2 * 3600)
    await plant.import_orders()
    assert name in plant.tasks()["sales_orders", "o2 unheard"].title
    task = plant.tasks()["sales_orders", "o2 unheard"]
    close = partial(documents.close_task, book=plant_book(plant), key="o2 unheard", revision=task.revision)
    assert await plant.state.write(close)
    await plant.import_orders()
    assert not plant.tasks()


def plant_book(plant: Plant) -> Book:
    return orders.book(plant.scopes["c-shop"])
