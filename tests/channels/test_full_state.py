"""The state has no room, or has some again, in the middle of a hand-over."""

import pytest

from dropstreamd.errors import StateFull
from dropstreamd.model.handover import Writes
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, order
from tests.fakes.points import Points
from tests.fakes.sessions import LOOKUP, NEVER


class Full(Points):
    """The state refuses the write of this name, the `nth` time, and no other."""

    def __init__(self, write: str, nth: int) -> None:
        super().__init__()
        self.write, self.left = f"before {write}", nth

    def reach(self, label: str) -> None:
        if label == self.write:
            self.left -= 1
            if self.left == 0:
                raise StateFull("the state reached its limit", remedy="raise state_limit")


def full_at(plant: Plant, write: str, nth: int) -> None:
    plant.state.points = Full(write, nth)


@pytest.mark.parametrize("step", [1, 2, 3], ids=["uploaded", "renaming", "sent"])
async def test_a_step_that_finds_no_room_says_nothing_of_the_write(state: InlineStore, step: int) -> None:
    plant = Plant(state, orders=LOOKUP, steps=True)
    plant.place(order("1"))
    full_at(plant, "record_step", step)
    with pytest.raises(StateFull):
        await plant.import_orders()
    assert plant.doc("o1").state is State.OPEN
    for _ in range(3):
        plant.later(minutes=2)
        await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert plant.doc("o1").state is State.ACCEPTED


@pytest.mark.parametrize(("writes", "end"), [(LOOKUP, State.ACCEPTED), (NEVER, State.DOUBT)])
async def test_an_outcome_that_finds_no_room_is_found_out_again(
    state: InlineStore, writes: Writes, end: State
) -> None:
    plant = Plant(state, orders=writes)
    plant.place(order("1"))
    full_at(plant, "settle", 1)
    with pytest.raises(StateFull):
        await plant.import_orders()
    for _ in range(3):
        plant.later(minutes=2)
        await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert plant.doc("o1").state is end
