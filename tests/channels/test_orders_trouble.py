"""Orders while the warehouse turns us away, falls silent or is changed under us."""

from collections.abc import Callable
from functools import partial

import pytest
import trio
from msgspec.structs import replace

from dropstreamd.channels import deliver, look, orders, told_orders
from dropstreamd.channels.run import Run, RunStopped
from dropstreamd.config.schema import StoreAccount
from dropstreamd.errors import Misconfigured, OutcomeUnknown, ProtocolMismatch, RateLimited, Unreachable
from dropstreamd.model.handover import Accepted, Bad, Writes
from dropstreamd.store import cursors, documents, handover, settling
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import ENABLED_S, START_S, NoSettings, Plant, connection, order, package
from tests.fakes.sessions import KEY, LOOKUP, NEVER
from tests.fakes.sinks import Bug, Fault


def unreadable(key: str) -> Bad:
    return Bad(key=key, place=f"order {key}", reason="lines is not a list", raw=b"{}")


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


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("fault", [*LOST, Fault.BUG_AFTER, Fault.BUG_BEFORE])
async def test_what_can_neither_be_repeated_nor_looked_up_is_in_doubt(
    state: InlineStore, fault: Fault, *, steps: bool
) -> None:
    plant = Plant(state, orders=NEVER, steps=steps)
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
    settle = partial(settling.resolve_doubt, book=book, key="o1", now_s=START_S, run="r")
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


async def test_a_warehouse_that_never_tells_what_became_of_an_order_is_cut_off(
    plant: Plant, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the account meanwhile: nothing else of it would ever run again."""
    plant.warehouse.taken.faults.append(Fault.HANG)
    plant.place(order("1"))
    with pytest.raises(OutcomeUnknown, match="took too long"):
        await plant.import_orders()
    await plant.import_orders()

    async def silent(*_asked: object) -> None:
        await trio.sleep_forever()

    plant.later(seconds=31)
    with monkeypatch.context() as patched, trio.move_on_after(86_400) as day:
        patched.setattr(plant.warehouse.taken, "recover", silent)
        with pytest.raises(Unreachable, match="it is asked again"):
            await plant.import_orders()
    assert not day.cancelled_caught
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_an_order_cancelled_while_it_is_written_is_withdrawn(state: InlineStore) -> None:
    """The write asks, right before its effect, whether it is still wanted."""
    plant = Plant(state, steps=True)
    plant.place(order("1"), order("2"))
    book = orders.book(plant.scopes["c-shop"])
    cancelled = told_orders.incoming(order("1", status="cancelled"), ENABLED_S)

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
    monkeypatch.setattr(look, "PAGES", 2)
    plant.place(*(order(str(number)) for number in range(9)))
    with pytest.raises(ProtocolMismatch, match="still had more after 2 pages"):
        await plant.import_orders()


async def test_a_clock_that_is_set_back_does_not_stop_a_look_up(plant: Plant) -> None:
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(Fault.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    plant.clock.step(-86_400)
    await plant.import_orders()
    plant.later(seconds=31)
    assert (await plant.import_orders()).counts["recovered"] == 1


async def test_refused_orders_do_not_keep_parked_ones_from_their_turn(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "RETRY_LIMIT", 2)
    plant.warehouse.taken.refuse = {f"o{number}": "address" for number in range(3)}
    plant.place(*(order(str(number)) for number in range(3)), order("9", method="Express"))
    await plant.import_orders()
    plant.configure(shop=connection(methods={"Standard": "GND", "Express": "AIR"}))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o9": 1}


async def test_what_is_parked_for_ever_does_not_keep_others_from_their_turn(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More wait for one thing than a run looks at; what waits for another goes all the same."""
    monkeypatch.setattr(deliver, "RETRY_LIMIT", 2)
    plant.place(*(order(str(number), method="Air") for number in range(1, 6)), order("9", method="Sea"))
    await plant.import_orders()
    plant.configure(shop=connection(methods={"Sea": "SEA"}))
    for _ in range(10):
        await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o9": 1}


async def test_another_shop_under_the_same_connection_is_held(plant: Plant) -> None:
    """Ids of two shops collide: an order of the second would pass for one of the first."""
    plant.place(order("1"))
    await plant.import_orders()
    moved = StoreAccount(platform="fake", settings=NoSettings(), account_key="fake:other")
    plant.configure(shop=connection(store=moved))
    plant.place(order("1", ("B", 7)))
    plant.report({"A": 5})
    for job in ("sales_orders.import", "inventory.full"):
        with pytest.raises(Misconfigured, match=r"leads to fake:other, and .* is of fake:shop") as caught:
            await plant.run(job)
        assert "same-store shop" in caught.value.remedy
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert not plant.stores["shop"].shows()
    same = partial(cursors.keep_store_account, connection="c-shop", account="fake:other")
    await plant.state.write(same)
    await plant.import_orders()
    await plant.full()
    assert plant.stores["shop"].shows() == {"A": 5}


async def test_a_shop_whose_address_is_written_in_another_way_goes_on(plant: Plant) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    moved = StoreAccount(
        platform="fake",
        settings=NoSettings(),
        account_key="fake:renamed",
        former_keys=frozenset({"fake:shop"}),
    )
    plant.configure(shop=connection(store=moved))
    plant.place(order("2"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}
    kept = partial(cursors.store_account, connection="c-shop")
    assert plant.state.read(kept) == "fake:renamed"


async def test_an_order_that_bears_the_key_of_another_is_parked(plant: Plant) -> None:
    """The shop was set up anew at the same address, and counts from the beginning."""
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(replace(order("2", placed_s=START_S + 60), key="o1"))
    run = await plant.import_orders()
    assert run.counts["undecodable"] == 1
    [(key, bad)] = plant.state.read(lambda tx: list(documents.bad_records(tx, plant.flow())))
    assert (key, bad.place) == ("o1 2", "order 2")
    assert "the key of order 1" in bad.reason
    assert plant.doc("o1").number == "1"
    assert not (await plant.import_orders()).counts["undecodable"]


async def test_an_order_may_get_another_number(plant: Plant) -> None:
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(replace(order("1b"), key="o1"))
    assert not (await plant.import_orders()).counts["undecodable"]
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_cause_with_a_sign_that_no_key_holds_stops_nobody(plant: Plant) -> None:
    """A ship method, a refusal, a warehouse's code and a package's SKU come from outside."""
    plant.warehouse.taken.refuse["o2"] = "bad\0code"
    plant.place(order("1", method="Express\0"), order("2"), order("3"), order("4"))
    await plant.import_orders()
    plant.say("SH3", "rejected", "5\0")
    plant.ship(package("P4", "SH4", ("A\0", 1)), package("P5", "SH4", ("A", 1), tracking="1Z2"))
    await plant.import_orders()
    await plant.export()
    causes = [plant.doc(key).cause for key in ("o1", "o2", "o3")]
    assert causes == ["method:Express\ufffd", "bad\ufffdcode", "sent-back:5\ufffd"]
    assert plant.doc("P4", "shipments").cause == "sku:A\ufffd"
    assert plant.doc("P5", "shipments").state is State.ACCEPTED


async def test_an_order_that_is_deleted_under_its_new_number_does_not_go(plant: Plant) -> None:
    """A store that has deleted an order tells no more than its key and number."""
    plant.place(order("1", method="Express"))
    await plant.import_orders()
    plant.place(replace(order("1", method="Express"), number="A-1"))
    await plant.import_orders()
    plant.place(replace(order("1", placed_s=START_S + 900, status="cancelled"), number="A-1", lines=()))
    await plant.import_orders()
    plant.configure(shop=connection(methods={"Express": "X"}))
    await plant.import_orders()
    assert plant.doc("o1").state is State.VOID
    assert not plant.warehouse.taken.effects
