"""One hand-over, or one push of levels, that the other side fails on each time, and those behind it."""

import pytest
from msgspec.structs import replace
from trio.testing import MockClock

from dropstreamd.channels.attempts import FAILURES_IN_A_ROW
from dropstreamd.errors import AuthFailed, DropstreamError, OutcomeUnknown, ProtocolMismatch, Unreachable
from dropstreamd.model.handover import Writes
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, order
from tests.fakes.sessions import KEY, LOOKUP, NEVER

ALONE = [replace(writes, batch=1) for writes in (KEY, LOOKUP)]
OF_ONE = [
    Unreachable("the server failed (500)"),
    OutcomeUnknown("the answer was lost"),
    ProtocolMismatch("the answer is none"),
]


def placed(
    state: InlineStore, writes: Writes, *failing: str, error: DropstreamError, orders: int = 6
) -> Plant:
    """A merchant whose warehouse fails on these orders each time."""
    plant = Plant(state, orders=writes)
    plant.place(*(order(str(number)) for number in range(orders)))
    plant.warehouse.taken.fails = dict.fromkeys(failing, error)
    return plant


async def fails(plant: Plant, error: DropstreamError) -> None:
    with pytest.raises(type(error)):
        await plant.import_orders()
    plant.later(minutes=15)


@pytest.mark.parametrize("writes", ALONE, ids=lambda writes: writes.repeat)
@pytest.mark.parametrize("error", OF_ONE, ids=lambda error: type(error).__name__)
async def test_it_does_not_keep_the_others_back(
    state: InlineStore, writes: Writes, error: DropstreamError
) -> None:
    plant = placed(state, writes, "o0", error=error)
    await fails(plant, error)
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(1, 6)}

    plant.place(order("7"))
    await fails(plant, error)
    assert plant.warehouse.taken.created()["o7"] == 1

    plant.warehouse.taken.fails = {}
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in (0, 1, 2, 3, 4, 5, 7)}


@pytest.mark.parametrize("error", OF_ONE, ids=lambda error: type(error).__name__)
async def test_it_does_not_keep_back_those_prepared_with_it(
    state: InlineStore, error: DropstreamError
) -> None:
    plant = placed(state, LOOKUP, "o0", error=error)
    plant.warehouse.taken.whole_file = False
    await fails(plant, error)
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(1, 6)}
    await fails(plant, error)
    plant.warehouse.taken.fails = {}
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(6)}


@pytest.mark.parametrize("writes", ALONE, ids=lambda writes: writes.repeat)
async def test_one_that_is_never_answered_keeps_the_others_back_for_one_run(
    state: InlineStore, writes: Writes, autojump_clock: MockClock
) -> None:
    plant = Plant(state, orders=writes)
    plant.place(*(order(str(number)) for number in range(6)))
    plant.warehouse.taken.hangs = {"o0"}
    with pytest.raises(OutcomeUnknown, match="took too long"):
        await plant.import_orders()
    plant.later(minutes=15)
    if writes.repeat == "lookup":  # this run sees that nobody knows what became of it, and waits
        await plant.import_orders()
    else:
        with pytest.raises(Unreachable, match="not told within"):
            await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(1, 6)}

    plant.later(minutes=15)
    plant.place(order("7"))
    with pytest.raises(Unreachable, match="not told within"):
        await plant.import_orders()
    assert plant.warehouse.taken.created()["o7"] == 1

    plant.warehouse.taken.hangs = set()
    plant.later(minutes=15)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in (0, 1, 2, 3, 4, 5, 7)}


@pytest.mark.parametrize("error", OF_ONE, ids=lambda error: type(error).__name__)
async def test_an_outage_is_not_asked_for_every_order(state: InlineStore, error: DropstreamError) -> None:
    plant = placed(state, ALONE[0], *(f"o{number}" for number in range(6)), error=error)
    await fails(plant, error)
    assert len(plant.warehouse.taken.pushed) == FAILURES_IN_A_ROW
    plant.warehouse.taken.fails = {}
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(6)}


@pytest.mark.parametrize("error", OF_ONE, ids=lambda error: type(error).__name__)
async def test_the_warehouses_words_are_heard_beside_it(state: InlineStore, error: DropstreamError) -> None:
    plant = placed(state, ALONE[1], "o0", error=error)
    await fails(plant, error)
    plant.say("SH1", "rejected", "no such method")
    await fails(plant, error)
    assert plant.doc("o1").state is State.PARKED


@pytest.mark.parametrize("writes", [*ALONE, NEVER], ids=lambda writes: writes.repeat)
async def test_many_in_a_row_do_not_keep_back_those_behind_them(state: InlineStore, writes: Writes) -> None:
    failing = ("o0", "o1", "o2", "o3")
    plant = placed(state, writes, *failing, error=OF_ONE[0], orders=8)
    for _ in range(5):
        await fails(plant, OF_ONE[0])
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(4, 8)}
    plant.warehouse.taken.fails = {}
    for _ in range(2):
        await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(8)}


@pytest.mark.parametrize("writes", ALONE, ids=lambda writes: writes.repeat)
async def test_many_that_cannot_be_looked_up_keep_back_no_others(state: InlineStore, writes: Writes) -> None:
    failing = ("o0", "o1", "o2", "o3", "o4")
    plant = placed(state, writes, *failing, error=OF_ONE[1], orders=7)
    for _ in range(6):
        await fails(plant, OF_ONE[1])
    assert plant.warehouse.taken.created() == {"o5": 1, "o6": 1}
    plant.place(order("7"))
    await fails(plant, OF_ONE[1])
    assert plant.warehouse.taken.created()["o7"] == 1
    del plant.warehouse.taken.fails["o4"]
    for _ in range(12):
        await fails(plant, OF_ONE[1])
    assert plant.warehouse.taken.created() == {"o4": 1, "o5": 1, "o6": 1, "o7": 1}
    plant.warehouse.taken.fails = {}
    for _ in range(2):
        await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(8)}


async def test_what_is_of_the_account_ends_the_run_at_once(state: InlineStore) -> None:
    error = AuthFailed("the password was refused")
    plant = placed(state, ALONE[0], "o0", error=error)
    await fails(plant, error)
    assert len(plant.warehouse.taken.pushed) == 1


async def test_no_more_than_one_comes_in_doubt_where_none_can_be_repeated(state: InlineStore) -> None:
    error = OutcomeUnknown("the answer was lost")
    plant = placed(state, NEVER, "o0", error=error)
    await fails(plant, error)
    assert len(plant.warehouse.taken.pushed) == 1
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(1, 6)}


SKUS = [f"S{number:02}" for number in range(9)]


@pytest.mark.parametrize("error", OF_ONE, ids=lambda error: type(error).__name__)
async def test_levels_beside_it_fall_and_none_rises_before_it_fell(
    plant: Plant, error: DropstreamError
) -> None:
    plant.report({**dict.fromkeys(SKUS, 9), "UP": 1})
    await plant.smart()
    sink = plant.stores["shop"].levels
    sink.fails = {"S00": error}
    plant.report({**dict.fromkeys(SKUS, 2), "UP": 5})
    for _ in range(2):
        with pytest.raises(type(error)):
            await plant.smart()
        plant.later(minutes=15)
        shows = plant.stores["shop"].shows()
        assert [shows[sku] for sku in SKUS] == [9, 9, 9, 2, 2, 2, 2, 2, 2]
        assert shows["UP"] == 1
    sink.fails = {}
    await plant.smart()
    assert plant.stores["shop"].shows() == {**dict.fromkeys(SKUS, 2), "UP": 5}


async def test_levels_beside_one_that_cannot_rise_rise(plant: Plant) -> None:
    plant.report(dict.fromkeys(SKUS, 2))
    await plant.smart()
    plant.stores["shop"].levels.fails = {"S00": OF_ONE[0]}
    plant.report(dict.fromkeys(SKUS, 3))
    with pytest.raises(Unreachable):
        await plant.smart()
    shows = plant.stores["shop"].shows()
    assert [shows[sku] for sku in SKUS] == [2, 2, 2, 3, 3, 3, 3, 3, 3]
