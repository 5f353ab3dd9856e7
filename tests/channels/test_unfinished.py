"""A store that tells nothing more for now: no run takes that for nothing being there."""

from functools import partial

import pytest
from trio.testing import MockClock

from dropstreamd.channels import intake, order_audit, orders, stock_pages
from dropstreamd.channels.life import Life
from dropstreamd.channels.run import Run
from dropstreamd.errors import ProtocolMismatch, RateLimited, Unfinished
from dropstreamd.model.orders import Order, OrderStatus
from dropstreamd.store import switches
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from dropstreamd.store.switches import CONNECTION, Followed
from tests.channels.plant import ENABLED_S, Plant, asked_back, order, package
from tests.channels.returned import shipped
from tests.fakes.sinks import Fault
from tests.fakes.sources import AGAIN_S, ChangesSource


def changes(plant: Plant) -> ChangesSource[Order]:
    return plant.stores["shop"].changes


async def imported(plant: Plant) -> tuple[Run, Unfinished]:
    """A run that ends unfinished, and why."""
    run = Run(plant.scopes["c-shop"], run_id=plant.ids.new())
    with pytest.raises(Unfinished, match="its budget is used up") as raised:
        await orders.import_orders(run, ENABLED_S)
    plant.check()
    return run, raised.value


async def test_a_run_that_could_not_look_is_none_that_found_nothing(plant: Plant) -> None:
    plant.place(order("1"))
    changes(plant).allowed = 0
    run, why = await imported(plant)
    assert why.again_s == AGAIN_S
    assert not run.counts
    changes(plant).allowed = None
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_without_a_look_nothing_is_handed_over(plant: Plant) -> None:
    """What was told before may have been cancelled by now."""
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(Fault.WAIT)
    with pytest.raises(RateLimited):
        await plant.import_orders()
    assert plant.doc("o1").state is State.PENDING
    changes(plant).allowed = 0
    plant.later(hours=1)
    await imported(plant)
    assert not plant.warehouse.taken.created()


@pytest.mark.parametrize("status", ["cancelled", "open"])
async def test_of_what_nothing_was_told_nothing_is_handed_over(plant: Plant, status: OrderStatus) -> None:
    """The store told a part of what changed: the cancellation of an order that waits may be in the rest. Once
    all is told, it goes or does not."""
    changes(plant).in_bulk = False
    changes(plant).overlap = 0
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(Fault.WAIT)
    with pytest.raises(RateLimited):
        await plant.import_orders()
    plant.later(hours=1)
    plant.place(order("2"), order("3"), order("4"), order("1", status=status))
    changes(plant).allowed = 1
    await imported(plant)
    assert plant.warehouse.taken.created() == {"o2": 1, "o3": 1, "o4": 1}
    changes(plant).allowed = None
    await plant.import_orders()
    assert plant.warehouse.taken.created()["o1"] == (status == "open")


async def test_without_a_look_the_warehouse_is_heard_all_the_same(plant: Plant) -> None:
    """Its refusal of an order does not wait for the store, whose budget another client may use up."""
    plant.place(order("1"))
    await plant.import_orders()
    plant.say("SH1", "rejected", reason="no such SKU")
    changes(plant).allowed = 0
    await imported(plant)
    assert plant.life("o1") is Life.PARKED


async def test_what_was_told_is_handed_over_and_the_next_run_goes_on(plant: Plant) -> None:
    changes(plant).overlap = 0
    plant.place(*(order(str(number)) for number in range(1, 8)))
    changes(plant).allowed = 2
    run, _ = await imported(plant)
    assert run.counts["staged"] == run.counts["accepted"] == 6
    changes(plant).allowed = 1
    run = await plant.import_orders()
    assert run.counts["staged"] == run.counts["accepted"] == 1
    assert set(plant.warehouse.taken.created().values()) == {1}


async def test_what_fails_is_said_before_what_is_unfinished(plant: Plant) -> None:
    plant.place(*(order(str(number)) for number in range(1, 8)))
    changes(plant).allowed = 1
    plant.warehouse.taken.faults.append(Fault.WAIT)
    with pytest.raises(RateLimited):
        await plant.import_orders()


async def test_a_second_look_that_is_not_told_leaves_it_at_the_first(
    plant: Plant, autojump_clock: MockClock
) -> None:
    """While a hand-over waits for the warehouse's account, that one grows old."""
    changes(plant).in_bulk = False
    changes(plant).allowed = 1
    plant.place(order("1"))
    await plant.import_behind_another(lambda: None)
    assert plant.warehouse.taken.created() == {"o1": 1}


async def turn_on(plant: Plant, channel: str) -> None:
    now_s = plant.clock.now_s()
    turn = partial(switches.turn, connection="c-shop", channel=channel, on=True, now_s=now_s, who="test")
    await plant.state.write(turn)


@pytest.mark.parametrize("job", ["inventory.smart", "inventory.full"])
async def test_levels_are_pushed_and_say_that_newest_orders_are_not_deducted(plant: Plant, job: str) -> None:
    for name in (CONNECTION, orders.CHANNEL):
        await turn_on(plant, name)
    plant.report({"A": 7})
    changes(plant).allowed = 0
    with pytest.raises(Unfinished, match=r"newest orders are not deducted .*its budget is used up") as raised:
        await plant.run(job)
    assert raised.value.again_s >= 900, "what it does besides is not done anew every few minutes"
    assert plant.stores["shop"].shows() == {"A": 7}


async def test_a_full_sync_offers_no_level_again_before_the_newest_orders_are_known(plant: Plant) -> None:
    """The store has taken off what they sold; nor does a run that is made again for them."""
    for name in (CONNECTION, orders.CHANNEL):
        await turn_on(plant, name)
    plant.report({"A": 7})
    await plant.full()
    pushed = len(plant.stores["shop"].levels.effects)
    plant.place(order("1", ("A", 2), placed_s=plant.clock.now_s()))
    changes(plant).allowed = 0
    for _ in range(2):
        with pytest.raises(Unfinished):
            await plant.run("inventory.full")
    assert len(plant.stores["shop"].levels.effects) == pushed
    changes(plant).allowed = None
    await plant.full()
    assert plant.stores["shop"].shows() == {"A": 5}
    await plant.full()
    assert len(plant.stores["shop"].levels.effects) == pushed + 2


async def test_returns_that_were_told_are_handed_over(state: InlineStore) -> None:
    plant = await shipped(state, ("A", 3))
    asked = plant.stores["shop"].asked
    asked.page_size, asked.overlap, asked.allowed = 1, 0, 1
    plant.ask_back(asked_back("7", ("A", 1)), asked_back("8", ("A", 1)))
    with pytest.raises(Unfinished):
        await plant.returns()
    assert [effect.document.reference for effect in plant.warehouse.expected.effects] == ["R7"]
    asked.allowed = None
    await plant.returns()
    assert [effect.document.reference for effect in plant.warehouse.expected.effects] == ["R7", "R8"]


async def test_an_audit_that_could_not_look_says_so(plant: Plant) -> None:
    succeeded = Followed(last_success_s=plant.clock.now_s())
    await plant.state.write(lambda tx: switches.follow(tx, "c-shop", orders.CHANNEL, "import", succeeded))
    changes(plant).allowed = 0
    found = await order_audit.audit(plant.scopes["c-shop"])
    assert (found.looked_at, found.trouble) == (0, "its budget is used up")


@pytest.mark.parametrize("job", ["shipments.export", "inventory.smart"])
async def test_a_warehouse_that_never_ends_is_stopped_and_not_called_read(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, job: str
) -> None:
    monkeypatch.setattr(intake, "PAGES", 2)
    monkeypatch.setattr(stock_pages, "PAGES", 2)
    for number in range(3):
        plant.ship(package(f"P{number}", "SH1", ("A", 1)))
        plant.report({"A": number})
    with pytest.raises(ProtocolMismatch, match="still had more after 2 pages"):
        await plant.run(job)
