"""Orders are looked at once more in the store, by their keys, right before they are handed over."""

from datetime import timedelta

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock

from dropstreamd.channels import look
from dropstreamd.channels.life import Life
from dropstreamd.errors import (
    AuthFailed,
    Hold,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
    Wait,
)
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import READ_AGAIN, Part
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, order
from tests.fakes.sessions import LOOKUP
from tests.fakes.sinks import Fault
from tests.fakes.sources import ChangesSession, ChangesSource


def changes(plant: Plant) -> ChangesSource[Order]:
    return plant.stores["shop"].changes


def later(changed: Order) -> Order:
    """The same, as it is a minute after it was listed."""
    return replace(changed, updated_at=changed.updated_at + timedelta(minutes=1))


def cancelled(changed: Order) -> Order:
    return replace(later(changed), status="cancelled")


def odd(key: str) -> Bad:
    return Bad(key=key, place=f"order {key}", reason="it has no address", raw=b"{}")


async def test_what_the_list_does_not_tell_yet_is_seen(plant: Plant) -> None:
    """Of one that was cancelled and one that was changed since they were listed, the newest form counts."""
    plant.place(order("1"), order("2", ("A", 2)), order("3"))
    changes(plant).single = {
        "o1": cancelled(order("1")),
        "o2": later(order("2", ("A", 5))),
    }
    await plant.import_orders()
    assert plant.life("o1") is Life.CANCELLED
    assert plant.warehouse.taken.created() == {"o2": 1, "o3": 1}
    [sent] = [effect.document for effect in plant.warehouse.taken.effects if effect.key == "o2"]
    assert [line.quantity for line in sent.lines] == [5]


async def test_many_are_read_in_one_request(plant: Plant) -> None:
    plant.place(*(order(f"{number:03}") for number in range(READ_AGAIN + 10)))
    await plant.import_orders()
    assert [len(keys) for keys in changes(plant).asked] == [READ_AGAIN, 10]
    assert len(plant.warehouse.taken.created()) == READ_AGAIN + 10


async def test_nothing_is_read_where_nothing_is_handed_over(plant: Plant) -> None:
    plant.place(order("1"), order("2", method="Unknown"))
    await plant.import_orders()
    changes(plant).asked.clear()
    await plant.import_orders()
    assert not changes(plant).asked


async def test_what_comes_in_the_place_of_others_is_read_too(plant: Plant) -> None:
    """A batch that some fell out of is filled with those behind it."""
    plant.warehouse.taken.writes = replace(LOOKUP, batch=READ_AGAIN)
    plant.place(*(order(f"{number:03}") for number in range(READ_AGAIN + 3)))
    gone = ("000", "001", f"{READ_AGAIN:03}")
    changes(plant).single = {f"o{number}": cancelled(order(number)) for number in gone}
    await plant.import_orders()
    assert len(plant.warehouse.taken.created()) == READ_AGAIN
    assert not plant.warehouse.taken.created().keys() & changes(plant).single.keys()


async def test_a_look_grows_old(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is cancelled while others are handed over is not handed over."""
    monkeypatch.setattr(look, "LOOK_AGAIN_S", 0.0)
    plant.place(*(order(str(number)) for number in range(1, 7)))
    reach = plant.points.reach

    def meanwhile(label: str) -> None:
        if label == "before request":
            changes(plant).single["o6"] = cancelled(order("6"))
        reach(label)

    monkeypatch.setattr(plant.points, "reach", meanwhile)
    await plant.import_orders()
    assert plant.life("o6") is Life.CANCELLED
    assert "o6" not in plant.warehouse.taken.created()
    assert changes(plant).asked[1] == ("o4", "o5", "o6")


async def test_a_store_that_tells_orders_slowly_is_asked_for_few(
    plant: Plant, autojump_clock: MockClock
) -> None:
    """What was read with others would be too old when its turn comes, and be read again each time."""
    changes(plant).takes_s = 10.0
    plant.place(*(order(f"{number:03}") for number in range(READ_AGAIN)))
    await plant.import_orders()
    assert len(plant.warehouse.taken.created()) == READ_AGAIN
    assert sum(map(len, changes(plant).asked)) < 2 * READ_AGAIN


async def test_while_the_account_is_waited_for_a_look_grows_old(
    plant: Plant, autojump_clock: MockClock
) -> None:
    plant.place(order("1"), order("2"))
    now = {"o1": cancelled(order("1"))}
    await plant.import_behind_another(lambda: changes(plant).single.update(now))
    assert plant.warehouse.taken.created() == {"o2": 1}


async def test_what_was_begun_is_looked_at_too(plant: Plant, autojump_clock: MockClock) -> None:
    """An attempt that asks before its last step whether it is still wanted is told of the newest form."""
    plant.place(order("1"))
    plant.warehouse.taken.faults.append(Fault.LOST_AFTER)
    with pytest.raises(OutcomeUnknown):
        await plant.import_orders()
    changes(plant).single["o1"] = cancelled(order("1"))
    changes(plant).asked.clear()
    await trio.sleep(60)
    await plant.import_orders()
    assert changes(plant).asked[0] == ("o1",)
    assert plant.life("o1") is Life.CANCEL_REQUESTED


async def test_a_copy_that_lags_behind_the_list_undoes_nothing(plant: Plant) -> None:
    first = order("1", ("A", 1))
    plant.place(later(replace(first, lines=order("1", ("A", 3)).lines)))
    changes(plant).single["o1"] = first
    await plant.import_orders()
    [sent] = [effect.document for effect in plant.warehouse.taken.effects]
    assert [line.quantity for line in sent.lines] == [3]


@pytest.mark.parametrize("trouble", [Unreachable("it fails over it"), AuthFailed("not by their keys")])
async def test_one_over_which_the_store_fails_keeps_nobody_back(plant: Plant, trouble: Wait | Hold) -> None:
    """The list of changes tells what is to be handed over, as where no order can be read by its key."""
    plant.place(order("1"), order("2"))
    changes(plant).fails_over = {"o1"}
    changes(plant).trouble = trouble
    run = await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}
    assert run.counts["not_read_again"] == 1


async def test_a_store_that_does_not_answer_by_key_keeps_nobody_back(
    plant: Plant, autojump_clock: MockClock
) -> None:
    """Others wait for the account meanwhile. The list is looked at, as that look has grown old."""
    plant.place(order("1"))
    changes(plant).takes_s = 3600.0
    started = trio.current_time()
    run = await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert trio.current_time() - started == look.LOOK_DEADLINE_S
    assert (run.counts["not_read_again"], changes(plant).pages) == (1, 2)


async def test_a_store_that_answers_nothing_gives_the_account_back(
    plant: Plant, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "LOOK_AGAIN_S", 0.0)
    plant.stores["shop"].rereads = False
    plant.place(order("1"))
    tells = ChangesSource.session

    def then_hangs(source: ChangesSource[Order]) -> ChangesSession[Order]:
        source.page_takes_s = 3600.0 if source.pages else 0.0
        return tells(source)

    monkeypatch.setattr(ChangesSource, "session", then_hangs)
    with pytest.raises(Unreachable, match="did not tell within 300 s"):
        await plant.import_orders()
    assert not plant.warehouse.taken.effects
    monkeypatch.undo()
    changes(plant).page_takes_s = 0.0
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_what_cannot_be_read_any_more_is_held(plant: Plant) -> None:
    plant.place(order("1"), order("2"))
    changes(plant).single["o1"] = odd("o1")
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1}
    assert plant.doc("o1").state is State.HELD
    assert "it has no address" in plant.doc("o1").reason


@pytest.mark.parametrize("steps", [False, True])
async def test_what_cannot_be_read_any_more_is_stopped(state: InlineStore, *, steps: bool) -> None:
    """A store may delete what was cancelled: the warehouse has it, and is told so all the same."""
    plant = Plant(state, cancels=frozenset({Part.ORDERS}), steps=steps)
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(cancelled(order("1")))
    changes(plant).single["o1"] = odd("o1")
    await plant.import_orders()
    assert [effect.cancel for effect in plant.warehouse.taken.effects] == [False, True]


async def test_what_cannot_be_read_any_more_is_not_amended(state: InlineStore) -> None:
    plant = Plant(state, amends=frozenset({Part.ORDERS}))
    plant.place(order("1"))
    await plant.import_orders()
    plant.place(later(order("1", ("A", 5))))
    changes(plant).single["o1"] = odd("o1")
    await plant.import_orders()
    assert plant.doc("o1").state is State.HELD
    assert len(plant.warehouse.taken.effects) == 1


@pytest.mark.parametrize("in_bulk", [True, False])
async def test_what_could_not_be_read_is_read_again(plant: Plant, *, in_bulk: bool) -> None:
    """Nobody changes it, so that the list tells it no second time."""
    changes(plant).in_bulk = in_bulk
    changes(plant).overlap = 0
    changes(plant).change("o1", odd("o1"))
    plant.place(order("2"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1}
    changes(plant).single["o1"] = order("1")
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


@pytest.mark.parametrize("told", [{"status": "waiting"}, {"cancel_requested": True}])
async def test_what_was_seen_to_wait_is_read_until_it_may_go(plant: Plant, told: dict[str, object]) -> None:
    """The list has told it as open, and may tell nothing of what was undone again."""
    changes(plant).overlap = 0
    plant.place(order("1"))
    changes(plant).single["o1"] = replace(order("1"), **told)
    for _ in range(2):
        await plant.import_orders()
        assert plant.doc("o1").state is State.HELD
    changes(plant).single["o1"] = order("1")
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}
    changes(plant).asked.clear()
    await plant.import_orders()
    assert not changes(plant).asked


async def test_what_waits_and_what_could_not_be_read_are_asked_for_together(plant: Plant) -> None:
    """A store that fails over one of them tells the others."""
    changes(plant).overlap = 0
    plant.place(order("1"))
    changes(plant).change("o2", odd("o2"))
    changes(plant).single["o1"] = replace(order("1"), status="waiting")
    await plant.import_orders()
    changes(plant).asked.clear()
    await plant.import_orders()
    assert changes(plant).asked == [("o1", "o2")]


async def test_few_are_read_again_where_each_takes_a_request(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others with each run, so that each has its turn."""
    monkeypatch.setattr(look, "UNREAD_ALONE", 2)
    changes(plant).in_bulk = False
    for number in range(6):
        changes(plant).change(f"o{number}", odd(f"o{number}"))
    for _ in range(20):
        await plant.import_orders()
    assert {len(keys) for keys in changes(plant).asked} == {2}
    assert {key for keys in changes(plant).asked for key in keys} == {f"o{number}" for number in range(6)}


@pytest.mark.parametrize("trouble", [Unreachable("it fails over it"), ProtocolMismatch("it refuses it")])
async def test_a_store_that_fails_over_what_could_not_be_read_slows_nobody_down(
    plant: Plant, trouble: Wait | Hold
) -> None:
    """A run that fails is tried less often, and nobody may ever mend that order."""
    changes(plant).change("o1", odd("o1"))
    changes(plant).fails_over = {"o1"}
    changes(plant).trouble = trouble
    plant.place(order("2"))
    run = await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1}
    assert run.counts["not_read_again"] == 1


async def test_trouble_with_what_could_not_be_read_keeps_nobody_back(plant: Plant) -> None:
    changes(plant).change("o1", odd("o1"))
    changes(plant).fails_over = {"o1"}
    changes(plant).trouble = RateLimited("slow", retry_after_s=9)
    plant.place(order("2"))
    with pytest.raises(RateLimited):
        await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1}


async def test_a_store_that_reads_none_by_its_key(plant: Plant) -> None:
    plant.stores["shop"].rereads = False
    changes(plant).change("o1", odd("o1"))
    plant.place(order("2"))
    await plant.import_orders()
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1}
    assert not changes(plant).asked
