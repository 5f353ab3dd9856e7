"""Every crash, and every pair of crashes, of a small scenario; and what each rule is for."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.model.channel import FILES
from tests.model.plant import API, FOLDERS, Plant
from tests.model.sinks import Fault, Habits, Rename
from tests.model.tables import Kind, Step, owner

pytestmark = pytest.mark.exhaustive

LONG = os.environ.get("LEDGER_MODEL") == "long"


# --- every crash, and every pair of crashes, of a small scenario -----------------------------------


def scenario(plant: Plant, *crashes: int, down_s: int = 0, fault: Fault = Fault.NONE) -> bool:
    """Two orders and a level; then one order is changed. Each number is the point at which a power failure
    ends the current process, counted from its start; it stays down for `down_s`. The first request meets
    `fault`. False: the last crash lay beyond the end."""
    plant.api.faults = [fault]
    levels = [] if plant.files else [("4", Kind.LEVEL)]
    for key, kind in [("1", Kind.ACT), ("2", Kind.ACT), *levels]:
        plant.source.change(key, kind, "a")
    work, crash = [plant.cycle, lambda: plant.source.change("1", Kind.ACT, "b"), plant.cycle], list(crashes)
    while work:
        before = plant.world.passed
        if plant.run(work[0], crash_in=crash[0] if crash else None):
            work.pop(0)
            if crash:
                crash[0] -= plant.world.passed - before
        else:
            crash.pop(0)
            plant.world.sleep(down_s)
        plant.check()
    return not crash


def doubtful(
    make: Callable[[], Plant], depth: int, down_s: int = 0, fault: Fault = Fault.NONE
) -> Iterator[tuple[str, set[Step]]]:
    """Every crash of the scenario (or pair of crashes, of which the quick profile tries a third): where
    the first was, and the steps of what came to be in doubt."""
    stride = 1 if LONG or depth == 1 else 3
    crashes = [0] * depth
    while True:
        plant = make()
        if not scenario(plant, *crashes, down_s=down_s, fault=fault):
            if depth == 1 or crashes[1] < stride:
                return
            crashes = [crashes[0] + 1, crashes[0] % stride]
            continue
        yield plant.world.labels[crashes[0]], {attempt.step for _, attempt in plant.tables.doubts.values()}
        plant.quiesce()
        crashes[-1] += stride if depth > 1 else 1


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("name", API)
def test_every_crash_of_a_call(name: str, depth: int) -> None:
    """With a key or a look-up nothing is ever in doubt; without, only from the open to the settle."""
    tried = 0
    for label, steps in doubtful(lambda: Plant(API[name]), depth):
        tried += 1
        if name.startswith("never"):
            between = {"after open", "before request", "after request", "before settle"}
            assert not steps or depth > 1 or label in between, label
        else:
            assert not steps, label
    assert tried > 20


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("name", FOLDERS)
def test_every_crash_of_a_file(name: str, depth: int) -> None:
    """In doubt only where the folder leaves no trace, or its rename may have stopped half way."""
    habits, found = FOLDERS[name], set[str]()
    for label, steps in doubtful(lambda: Plant(FILES, habits=habits), depth):
        if steps:
            assert steps == {Step.RENAMING}
            found.add(label)
    if habits.rename is Rename.ATOMIC:
        traced = habits.keeps_marker or habits.acknowledges or not habits.eager
        assert not found if traced else depth > 1 or found == {"after rename", "before record sent"}
    else:
        assert found


@pytest.mark.parametrize("rename", Rename)
@pytest.mark.parametrize("eager", [True, False])
def test_a_wms_that_takes_parts(rename: Rename, *, eager: bool) -> None:
    """A part is never to match what the WMS reads. Where it does, nothing is called sent that it has not
    had; an order may be doubled, since before `uploaded` nothing tells that somebody took the part."""
    habits = Habits(rename=rename, eager=eager, takes_parts=True)
    for crash in range(60):
        plant = Plant(FILES, habits=habits)
        plant.source.change("1", Kind.ACT, "a")
        if plant.run(plant.cycle, crash_in=crash):
            break
        plant.run(plant.cycle)
        document = plant.tables.documents["1"]
        assert not document.handed or plant.folder.appeared["1"]
        assert document.handed or owner(plant.tables, "1") is not None


@pytest.mark.parametrize("down_s", [4, 12, 40])
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("name", API)
def test_a_call_after_a_long_time_down(name: str, fault: Fault, down_s: int) -> None:
    """The retention or the wait for visibility passes while we are down, after every kind of answer."""
    for label, steps in doubtful(lambda: Plant(API[name]), 1, down_s, fault):
        able = API[name]
        if able.lookup or (able.retention_s is not None and down_s < able.retention_s - able.visible_after_s):
            assert not steps, label


@pytest.mark.parametrize("down_s", [4, 21, 40])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_after_a_long_time_down(name: str, down_s: int) -> None:
    for _ in doubtful(lambda: Plant(FILES, habits=FOLDERS[name]), 1, down_s):
        pass
