"""Sales orders: each reaches the warehouse once, or somebody is told why not."""

from collections.abc import Callable
from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders
from dropstreamd.channels.run import Run, RunStopped
from dropstreamd.errors import Misconfigured, OutcomeUnknown, ProtocolMismatch, RateLimited, Unreachable
from dropstreamd.model.handover import Accepted, Bad, Writes
from dropstreamd.model.orders import Order, OrderLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents, handover
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import Standing, State
from tests.channels.plant import ENABLED_S, HOME, START_S, Plant, connection, order
from tests.fakes.sessions import KEY, LOOKUP, NEVER
from tests.fakes.sinks import Bug, Fault

OLD_S = ENABLED_S - 86_400


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    return Plant(state)


async def test_new_orders_arrive_once(plant: Plant) -> None:
    plant.place(*(order(str(number), ("A", number)) for number in range(1, 9)))
    run = await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(1, 9)}
    assert run.counts == {"staged": 8, "accepted": 8}
    sent = plant.warehouse.taken.newest()["o3"]
    assert (sent.reference, sent.number, sent.ship_method) == ("SH3", "3", "GND")
    assert [(line.sku, line.quantity, line.order_line) for line in sent.lines] == [("A", 3, "L1")]
    again = await plant.import_orders()
    assert not again.counts
    assert len(plant.warehouse.taken.effects) == 8


# ---- the first enabling


async def test_the_backlog_is_listed_and_sent_only_when_asked_for(plant: Plant) -> None:
    plant.place(*(order(f"{number}", placed_s=OLD_S + number) for number in range(50)), order("new"))
    run = await plant.import_orders()
    assert plant.warehouse.taken.created() == {"onew": 1}
    assert run.counts["staged"] == 51
    listed = plant.state.read(partial(orders.backlog, flow=plant.flow(), since_s=0.0))
    assert {held.number for _, held in listed} == {str(number) for number in range(50)}
    later = plant.state.read(partial(orders.backlog, flow=plant.flow(), since_s=OLD_S + 30))
    assert len(later) == 20

    run = await plant.import_orders(since_s=OLD_S + 30)
    assert run.counts["released"] == 20
    assert len(plant.warehouse.taken.created()) == 21
    await plant.import_orders()
    run = await plant.import_orders(since_s=0.0)
    assert run.counts["released"] == 30
    assert set(plant.warehouse.taken.created().values()) == {1}
    assert len(plant.warehouse.taken.created()) == 51


async def test_a_change_does_not_let_an_older_order_slip_through(plant: Plant) -> None:
    plant.place(order("1", ("A", 1), placed_s=OLD_S))
    await plant.import_orders()
    plant.place(order("1", ("A", 2), placed_s=OLD_S))
    await plant.import_orders()
    assert not plant.warehouse.taken.effects
    await plant.import_orders(since_s=0.0)
    assert plant.warehouse.taken.newest()["o1"].lines[0].quantity == 2


async def test_an_older_order_that_closes_and_reopens_still_waits(plant: Plant) -> None:
    """The old system shipped it; a return reopens it in the store. It must not ship from here."""
    for status in ("open", "closed", "open", "cancelled", "waiting", "open"):
        plant.place(order("1", placed_s=OLD_S, status=status))
        await plant.import_orders()
        assert not plant.warehouse.taken.effects, status
    assert plant.doc("o1").state is State.HELD
    await plant.import_orders(since_s=0.0)
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_since_does_not_send_what_the_store_holds_back(plant: Plant) -> None:
    plant.place(order("1", placed_s=OLD_S, status="waiting"), order("2", placed_s=OLD_S))
    await plant.import_orders()
    await plant.import_orders(since_s=0.0)
    assert plant.warehouse.taken.created() == {"o2": 1}
    assert plant.doc("o1").state is State.HELD
    plant.place(order("1", placed_s=OLD_S))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_an_older_order_that_is_closed_already_is_not_kept(plant: Plant) -> None:
    plant.place(order("1", placed_s=OLD_S, status="closed"), order("2", status="cancelled"))
    run = await plant.import_orders()
    assert not run.counts
    with pytest.raises(AssertionError):
        plant.doc("o1")


# ---- what an order says


async def test_only_the_open_quantity_is_imported(plant: Plant) -> None:
    part = OrderLine(key="L1", sku="A", quantity=5, fulfilled=3)
    done = OrderLine(key="L2", sku="B", quantity=2, fulfilled=2)
    plant.place(order("1", part, done, ("C", 1)))
    await plant.import_orders()
    sent = plant.warehouse.taken.newest()["o1"]
    assert [(line.number, line.sku, line.quantity, line.ordered) for line in sent.lines] == [
        (1, "A", 2, 5),
        (3, "C", 1, 1),
    ]


async def test_listings_name_the_warehouse_sku(state: InlineStore) -> None:
    plant = Plant(state, connection(listings={"TEE": "100"}))
    plant.place(order("1", ("TEE", 1), ("CAP", 1)))
    await plant.import_orders()
    assert [line.sku for line in plant.warehouse.taken.newest()["o1"].lines] == ["100", "CAP"]


async def test_waiting_orders_wait_for_the_store(plant: Plant) -> None:
    plant.place(order("1", status="waiting"))
    await plant.import_orders()
    doc = plant.doc("o1")
    assert (doc.state, doc.cause, doc.standing) == (State.HELD, "waiting", Standing.HELD)
    plant.place(order("1"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_an_order_cancelled_before_it_went_never_goes(plant: Plant) -> None:
    plant.place(order("1", method="Express"))
    await plant.import_orders()
    plant.place(order("1", method="Express", status="cancelled"))
    await plant.import_orders()
    assert plant.doc("o1").state is State.VOID
    plant.place(order("1", method="Standard"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_nothing_left_is_void_and_no_sku_is_parked(plant: Plant) -> None:
    plant.place(
        order("1", OrderLine(key="L1", sku="A", quantity=1, fulfilled=1)),
        order("2", OrderLine(key="L1", sku="", quantity=1, name="Gift card")),
        order("3"),
    )
    run = await plant.import_orders()
    assert run.counts == {"staged": 3, "parked": 1, "nothing_left": 1, "accepted": 1}
    assert plant.doc("o1").state is State.VOID
    assert "Gift card" in plant.doc("o2").reason


# ---- parked


async def test_a_mapping_releases_without_a_fetch_and_delays_no_neighbour(plant: Plant) -> None:
    plant.place(order("1", method="Express"), order("2"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1}
    doc = plant.doc("o1")
    assert (doc.state, doc.cause) == (State.PARKED, "method:Express")
    plant.stores["shop"].changes.rows.clear()
    mapped = replace(plant.connections["shop"], methods={"Standard": "GND", "Express": "AIR"})
    plant.configure(shop=mapped)
    await plant.import_orders()
    assert plant.warehouse.taken.newest()["o1"].ship_method == "AIR"
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_an_unmapped_method_may_pass(state: InlineStore) -> None:
    plant = Plant(state, connection(unmapped_method="pass"))
    plant.place(order("1", method="Carrier Pigeon"))
    await plant.import_orders()
    assert plant.warehouse.taken.newest()["o1"].ship_method == "Carrier Pigeon"


@pytest.mark.parametrize(
    ("number", "said"),
    [("#/!", "no character"), ("1234567890" * 3, "has 32 characters, the warehouse takes 30")],
)
async def test_a_number_that_makes_no_reference_is_parked(plant: Plant, number: str, said: str) -> None:
    if said == "no character":
        plant.configure(shop=connection(reference="{number}"))
    plant.place(replace(order("x"), number=number), order("2"))
    await plant.import_orders()
    assert said in plant.doc("ox").reason
    assert plant.warehouse.taken.created() == {"o2": 1}


async def test_the_same_reference_of_two_connections_goes_once(state: InlineStore) -> None:
    plant = Plant(state, connection("shop", reference="{number}"), connection("ebay", reference="{number}"))
    plant.place(replace(order("1001"), key="a"))
    plant.place(replace(order("1001"), key="b"), name="ebay")
    await plant.import_orders()
    await plant.import_orders("ebay")
    assert plant.warehouse.taken.created() == {"a": 1}
    assert "already that of an order of shop" in plant.doc("b", name="ebay").reason
    plant.configure(ebay=connection("ebay"))
    await plant.import_orders("ebay")
    assert plant.warehouse.taken.newest()["b"].reference == "EB1001"


async def test_numbers_that_differ_only_in_signs_do_not_share_a_reference(plant: Plant) -> None:
    plant.place(replace(order("10#01"), key="a"), replace(order("1001"), key="b"))
    await plant.import_orders()
    assert sum(plant.warehouse.taken.created().values()) == 1
    assert {plant.doc(key).state for key in "ab"} == {State.ACCEPTED, State.PARKED}


async def test_a_refused_order_waits_for_a_person_or_a_change(plant: Plant) -> None:
    plant.warehouse.taken.refuse = {"o1": "address"}
    plant.place(order("1"), order("2"))
    run = await plant.import_orders()
    assert run.counts["refused"] == 1
    assert plant.warehouse.taken.created() == {"o2": 1}
    await plant.import_orders()
    assert len(plant.warehouse.taken.pushed) == 1, "tried again by itself"
    plant.place(order("1", note="gate code 12"))
    await plant.import_orders()
    assert len(plant.warehouse.taken.pushed) == 2
    plant.warehouse.taken.refuse = {}
    book = orders.book(plant.scopes["c-shop"])
    released = await plant.state.write(
        partial(documents.release, book=book, key="o1", now_s=START_S, run="r", why="asked for")
    )
    assert released
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_what_prepare_refuses_is_parked_alone(plant: Plant) -> None:
    plant.warehouse.taken.unprepared = {"o1": "charset"}
    plant.place(order("1"), order("2"))
    run = await plant.import_orders()
    assert run.counts["parked"] == 1
    assert (plant.doc("o1").state, plant.doc("o1").by_sink) == (State.PARKED, True)
    assert plant.warehouse.taken.created() == {"o2": 1}


# ---- what cannot be read


def unreadable(key: str) -> Bad:
    return Bad(key=key, place=f"order {key}", reason="lines is not a list", raw=b"{}")


async def test_one_unreadable_order_does_not_sink_its_page(plant: Plant) -> None:
    plant.place(order("1"), order("3"))
    plant.stores["shop"].changes.change("o2", unreadable("o2"))
    run = await plant.import_orders()
    assert run.counts == {"staged": 2, "undecodable": 1, "accepted": 2}
    [(key, record)] = plant.state.read(lambda tx: list(documents.bad_records(tx, plant.flow())))
    assert (key, record.place, record.raw) == ("o2", "order o2", b"{}")
    assert not (await plant.import_orders()).counts
    plant.place(order("2"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1, "o3": 1}
    assert not plant.state.read(lambda tx: list(documents.bad_records(tx, plant.flow())))


async def test_keys_that_cannot_be_kept_are_counted_and_shown(plant: Plant) -> None:
    plant.place(replace(order("1"), key="k" * 101), order("2"))
    run = await plant.import_orders()
    assert run.counts["undecodable"] == 1
    assert plant.warehouse.taken.created() == {"o2": 1}
    assert len(plant.state.read(lambda tx: list(documents.bad_records(tx, plant.flow())))) == 1


async def test_an_unreadable_newer_form_holds_the_older_one(plant: Plant) -> None:
    plant.place(order("1", method="Express"))
    await plant.import_orders()
    plant.stores["shop"].changes.change("o1", unreadable("o1"))
    await plant.import_orders()
    plant.configure(shop=connection(methods={"Express": "AIR"}))
    await plant.import_orders()
    assert not plant.warehouse.taken.effects
    plant.place(order("1", method="Express"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_an_unreadable_newer_form_stops_an_attempt_before_its_effect(state: InlineStore) -> None:
    """It came while the order was being written; the write asks before the step that counts."""
    plant = Plant(state, steps=True)
    plant.place(order("1"))
    book = orders.book(plant.scopes["c-shop"])
    during_push(plant, lambda tx: documents.stage_bad(tx, book, [unreadable("o1")], now_s=START_S, run="r"))
    await plant.import_orders()
    plant.stores["shop"].changes.change("o1", unreadable("o1"))
    assert not plant.warehouse.taken.effects
    await plant.import_orders()
    assert not plant.warehouse.taken.effects
    assert plant.doc("o1").state is State.HELD
    plant.place(order("1"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


def during_push(plant: Plant, write: Callable[[Writer], object]) -> None:
    """Have another channel's write come between the open of an attempt and its effect, once."""

    def reach(label: str) -> None:
        if label == "before request":
            plant.points.reach = before  # type: ignore[method-assign]
            inner = plant.state.inner
            assert isinstance(inner, InlineStore)
            inner.environment.commit([write])

    before = plant.points.reach
    plant.points.reach = reach  # type: ignore[method-assign]


# ---- after hand-over


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "cancelled"}, "stop it at the warehouse"),
        ({"note": "ring twice"}, "another note"),
        ({"ship_to": replace(HOME, city="Boston")}, "another address"),
        ({"ship_method": "Express"}, "another ship method"),
        ({"lines": (OrderLine(key="L1", sku="A", quantity=1),)}, "A: 2 were ordered, now 1 are"),
        ({"lines": ()}, "line removed: 2 × A"),
    ],
)
async def test_a_change_after_hand_over_is_a_task(plant: Plant, change: dict[str, object], said: str) -> None:
    first = order("1", ("A", 2))
    plant.place(first)
    await plant.import_orders()
    plant.place(replace(first, **change))
    run = await plant.import_orders()
    assert run.counts["tasks"] == 1
    assert said in plant.tasks()["sales_orders", "o1"].detail
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert len(plant.warehouse.taken.effects) == 1
    assert "tasks" not in (await plant.import_orders()).counts


async def test_our_own_fulfillment_is_no_change(plant: Plant) -> None:
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(order("1", OrderLine(key="L1", sku="A", quantity=2, fulfilled=2), status="closed"))
    await plant.import_orders()
    assert not plant.tasks()
    assert plant.doc("o1").state is State.ACCEPTED


async def test_changed_and_changed_back_leaves_the_task(plant: Plant) -> None:
    for quantity in (2, 3, 2):
        plant.place(order("1", ("A", quantity)))
        await plant.import_orders()
    task = plant.tasks()["sales_orders", "o1"]
    assert "changed back" in task.detail
    assert task.revision == 3


async def test_a_change_back_after_the_task_was_done_is_a_task_again(plant: Plant) -> None:
    """Somebody told the warehouse of the change: what was handed over first is now a change."""
    plant.people = True
    for quantity in (2, 3):
        plant.place(order("1", ("A", quantity)))
        await plant.import_orders()
    close = partial(documents.close_task, book=orders.book(plant.scopes["c-shop"]), key="o1")
    assert not await plant.state.write(partial(close, revision=1)), "that is not the one which is shown"
    assert await plant.state.write(partial(close, revision=2))
    assert not plant.tasks()
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    assert plant.tasks()["sales_orders", "o1"].revision == 3


AMENDS = frozenset({Part.ORDERS})


async def test_a_sink_that_amends_is_told_the_change(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    for quantity in (2, 3):
        plant.place(order("1", ("A", quantity)))
        await plant.import_orders()
    first, second = plant.warehouse.taken.effects
    assert (first.remote, second.remote) == (None, "at-o1")
    assert second.document.lines[0].quantity == 3
    assert not plant.tasks()


@pytest.mark.parametrize("lines", [(OrderLine(key="L1", sku="A", quantity=2),), ()])
async def test_a_cancellation_is_a_task_where_the_sink_only_amends(
    state: InlineStore, lines: tuple[OrderLine, ...]
) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(replace(order("1", status="cancelled"), lines=lines))
    await plant.import_orders()
    assert "stop it at the warehouse" in plant.tasks()["sales_orders", "o1"].detail
    assert len(plant.warehouse.taken.effects) == 1


async def test_an_order_refunded_whole_is_a_task_where_the_sink_only_amends(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(replace(order("1"), lines=()))
    await plant.import_orders()
    assert plant.tasks()


async def test_a_refused_change_is_a_task_and_not_tried_for_ever(state: InlineStore) -> None:
    plant = Plant(state, amends=AMENDS)
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.warehouse.taken.refuse = {"o1": "shipped already"}
    plant.place(order("1", ("A", 3)))
    await plant.import_orders()
    task = plant.tasks()["sales_orders", "o1"]
    assert task.kind == "refused"
    assert "2 were ordered, now 3 are" in task.detail
    pushed = len(plant.warehouse.taken.pushed)
    plant.place(order("1", OrderLine(key="L1", sku="A", quantity=3, fulfilled=2)))
    await plant.import_orders()
    assert len(plant.warehouse.taken.pushed) == pushed


# ---- trouble


async def test_a_store_that_is_down_loses_nothing(plant: Plant) -> None:
    plant.place(*(order(str(number)) for number in range(7)))
    plant.stores["shop"].changes.down = 1
    with pytest.raises(Unreachable):
        await plant.import_orders()
    await plant.import_orders()
    assert set(plant.warehouse.taken.created().values()) == {1}


@pytest.mark.parametrize("writes", [KEY, LOOKUP, NEVER], ids=lambda writes: writes.repeat)
@pytest.mark.parametrize(("fault", "error"), [(Fault.WAIT, RateLimited), (Fault.HOLD, Misconfigured)])
async def test_a_warehouse_that_turns_us_away_gets_them_later(
    state: InlineStore, writes: Writes, fault: Fault, error: type[Exception]
) -> None:
    plant = Plant(state, orders=writes)
    plant.place(*(order(str(number)) for number in range(4)))
    plant.warehouse.taken.faults.append(fault)
    with pytest.raises(error):
        await plant.import_orders()
    assert plant.doc("o0").state is State.PENDING
    run = await plant.import_orders()
    assert "in_doubt" not in run.counts
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(4)}


async def test_the_rest_of_a_batch_is_pending_again(state: InlineStore) -> None:
    """Nothing of it was sent: a long outage must not put it in doubt."""
    plant = Plant(state, orders=KEY)
    plant.warehouse.taken.whole_file = False
    plant.place(order("1"), order("2"), order("3"))
    plant.warehouse.taken.faults.append(Fault.HOLD)
    with pytest.raises(Misconfigured):
        await plant.import_orders()
    assert [plant.doc(key).state for key in ("o1", "o2", "o3")] == [State.PENDING] * 3
    plant.later(days=3)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1, "o3": 1}


LOST = [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LATE]


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_is_repeated_under_its_key(state: InlineStore, fault: Fault) -> None:
    plant = Plant(state, orders=KEY)
    plant.place(order("1"), order("2"))
    plant.warehouse.taken.faults.append(fault)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    run = await plant.import_orders()
    assert run.counts["recovered"] == 1
    plant.later(minutes=5)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_past_its_retention_a_key_is_no_proof(state: InlineStore) -> None:
    plant = Plant(state, orders=KEY)
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(Fault.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    plant.later(days=2)
    run = await plant.import_orders()
    assert run.counts["in_doubt"] == 1
    assert plant.doc("o1").state is State.DOUBT
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert not (await plant.import_orders()).counts


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_is_looked_up_once_it_must_show(plant: Plant, fault: Fault) -> None:
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(fault)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    plant.place(order("2"))
    run = await plant.import_orders()
    assert run.counts["waiting_to_look_up"] == 1
    assert plant.doc("o1").state is State.OPEN
    assert plant.warehouse.taken.created()["o2"] == 1, "held up by its neighbour"
    plant.later(seconds=40)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_the_wait_begins_when_the_attempt_is_met_again(plant: Plant) -> None:
    """The request may have left long after the attempt was opened."""
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(Fault.BUG_AFTER)
    with pytest.raises(Bug):
        await plant.import_orders()
    plant.later(hours=1)
    assert (await plant.import_orders()).counts["waiting_to_look_up"] == 1
    plant.later(seconds=31)
    assert (await plant.import_orders()).counts["recovered"] == 1
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_clock_that_is_set_back_does_not_stop_a_look_up(plant: Plant) -> None:
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(Fault.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    plant.clock.step(-86_400)
    await plant.import_orders()
    plant.later(seconds=31)
    assert (await plant.import_orders()).counts["recovered"] == 1


@pytest.mark.parametrize("fault", [*LOST, Fault.BUG_AFTER, Fault.BUG_BEFORE])
async def test_what_can_neither_be_repeated_nor_looked_up_is_in_doubt(
    state: InlineStore, fault: Fault
) -> None:
    plant = Plant(state, orders=NEVER)
    plant.place(order("1"), order("2"))
    plant.warehouse.taken.faults.append(fault)
    with pytest.raises((OutcomeUnknown, Bug)):
        await plant.import_orders()
    await plant.import_orders()
    assert plant.doc("o1").state is State.DOUBT
    assert plant.doc("o2").state is State.ACCEPTED
    pushed = len(plant.warehouse.taken.pushed)
    plant.place(order("1", ("A", 9)))
    await plant.import_orders()
    assert len(plant.warehouse.taken.pushed) == pushed


async def test_an_answer_that_names_no_order_is_in_doubt(plant: Plant) -> None:
    plant.warehouse.taken.faults.append(Fault.SILENT)
    plant.place(order("1"))
    run = await plant.import_orders()
    assert run.counts["in_doubt"] == 1
    book = orders.book(plant.scopes["c-shop"])
    settle = partial(handover.resolve_doubt, book=book, key="o1", now_s=START_S, run="r")
    assert await plant.state.write(partial(settle, outcome=Accepted(key="o1", remote="W1")))
    assert not await plant.state.write(partial(settle, outcome=Accepted(key="o1")))
    assert plant.doc("o1").remote == "W1"
    plant.check()


async def test_a_warehouse_that_never_answers_is_cut_off(plant: Plant, autojump_clock: object) -> None:
    plant.warehouse.taken.faults.append(Fault.HANG)
    plant.place(order("1"))
    with pytest.raises(OutcomeUnknown, match="took too long"):
        await plant.import_orders()
    await plant.import_orders()
    plant.later(seconds=31)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_an_order_cancelled_while_it_is_written_is_withdrawn(state: InlineStore) -> None:
    """The write asks, right before its effect, whether it is still wanted."""
    plant = Plant(state, steps=True)
    plant.place(order("1"), order("2"))
    book = orders.book(plant.scopes["c-shop"])
    cancelled = orders.incoming(order("1", status="cancelled"), ENABLED_S)

    during_push(plant, lambda tx: documents.stage(tx, book, [cancelled], now_s=START_S, run="r"))
    await plant.import_orders()
    assert not plant.warehouse.taken.effects
    assert (plant.doc("o1").state, plant.doc("o2").state) == (State.VOID, State.PENDING)
    plant.place(order("1", status="cancelled"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1}


async def test_a_write_that_records_its_steps_arrives(state: InlineStore) -> None:
    plant = Plant(state, steps=True)
    plant.place(order("1"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_stop_ends_between_batches(plant: Plant) -> None:
    plant.place(*(order(f"{number:02}") for number in range(9)))
    run = Run(plant.scopes["c-shop"], run_id=plant.ids.new())
    seen: list[str] = []

    def reach(label: str) -> None:
        seen.append(label)
        if label == "after request":
            run.stop()

    plant.points.reach = reach  # type: ignore[method-assign]
    with pytest.raises(RunStopped):
        await orders.import_orders(run, ENABLED_S)
    plant.check()
    assert len(plant.warehouse.taken.created()) == 3
    assert not plant.state.read(partial(handover.attempts, flow=plant.flow()))
    await plant.import_orders()
    assert set(plant.warehouse.taken.created().values()) == {1}
    assert len(plant.warehouse.taken.created()) == 9


async def test_a_side_without_orders_says_so(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.place(order("1"))
    monkeypatch.setattr(plant.warehouse, "taken", None)
    with pytest.raises(ProtocolMismatch, match="takes no orders"):
        await plant.import_orders()


async def test_a_store_that_never_ends_is_stopped(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "PAGES", 2)
    plant.place(*(order(str(number)) for number in range(9)))
    with pytest.raises(ProtocolMismatch, match="still had more after 2 pages"):
        await plant.import_orders()


def test_order_lines_in_another_order_are_no_change() -> None:
    lines = (OrderLine(key="1", sku="A", quantity=1), OrderLine(key="2", sku="B", quantity=1))
    one: Order = replace(order("1"), lines=lines)
    other = replace(one, lines=lines[::-1])
    assert orders.incoming(one, 0.0).digest == orders.incoming(other, 0.0).digest
