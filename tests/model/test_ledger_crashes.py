"""Every crash, and every pair of crashes, of a small scenario; and what each rule is for."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.model.channel import FILES, pull
from tests.model.plant import API, FOLDERS, Plant
from tests.model.sinks import Fault, Habits, Rename
from tests.model.tables import Cursor, Kind, Row, Step, owner

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


# --- what the rules are for, one by one ------------------------------------------------------------


def test_a_cancelled_order_is_withdrawn_before_the_rename() -> None:
    for crash in range(60):
        plant = Plant(FILES, habits=Habits())
        plant.source.change("1", Kind.ACT, "a")
        plant.pull()
        plant.run(plant.push, crash_in=crash)
        attempts = list(plant.tables.attempts.values())
        uploaded = bool(attempts) and attempts[0].step in (Step.OPENED, Step.UPLOADED)
        plant.source.change("1", Kind.ACT, None)
        plant.run(plant.pull)
        plant.run(plant.recover, plant.push)
        if uploaded:
            assert plant.folder.appeared["1"] == 0
            assert owner(plant.tables, "1") is None
        plant.quiesce()


def test_a_parked_document_does_not_hold_its_neighbours() -> None:
    for named in (True, False):
        plant = Plant(API["lookup"])
        plant.api.refuses["1"] = named
        plant.blocked["2"] = "no listing"
        for key in "123":
            plant.source.change(key, Kind.ACT, "a")
        plant.cycle()
        assert plant.tables.parked == {"1": "refused", "2": "no listing"}
        assert plant.api.taken["3"] == 1
        plant.quiesce()


def test_a_swept_part_is_not_taken_for_a_sent_one() -> None:
    """The process dies between `renaming` and the rename; a janitor clears the part before it is back."""
    plant = Plant(FILES, habits=Habits(sweeps_after_s=25))
    plant.source.change("1", Kind.ACT, "a")
    plant.pull()
    crash = 0
    while not plant.world.labels[-1].startswith("before rename"):
        plant = Plant(FILES, habits=Habits(sweeps_after_s=25))
        plant.source.change("1", Kind.ACT, "a")
        plant.pull()
        plant.run(plant.push, crash_in=crash)
        crash += 1
    plant.world.sleep(30)
    plant.recover()
    assert "1" in plant.tables.doubts
    plant.quiesce()


def test_a_late_level_does_not_stay_in_the_store() -> None:
    """A push without an answer lands after the next one."""
    plant = Plant(API["never"])
    plant.source.change("4", Kind.LEVEL, "a")
    plant.pull()
    plant.api.faults = [Fault.LATE]
    plant.push()
    plant.source.change("4", Kind.LEVEL, "b")
    plant.cycle()
    assert plant.api.held["4"] == "#b"  # at once, not after the wait
    plant.world.sleep(5)
    assert plant.api.held["4"] == "#a"
    plant.cycle()
    assert plant.api.held["4"] == "#b"


def test_a_purged_order_that_is_touched_again_is_no_change() -> None:
    plant = Plant(API["lookup"])
    plant.source.change("1", Kind.ACT, "a")
    plant.cycle()
    assert plant.ledger.purge("1")
    plant.source.change("1", Kind.ACT, "a/x")
    plant.cycle()
    assert owner(plant.tables, "1") is None
    assert plant.tables.documents["1"].revision == 1


def test_a_task_is_closed_only_for_the_revision_that_was_shown() -> None:
    plant = Plant(API["never"])
    for content in ("a", "b"):
        plant.source.change("1", Kind.ACT, content)
        plant.cycle()
    shown = plant.tables.tasks["1"]
    plant.source.change("1", Kind.ACT, "a")
    plant.cycle()
    assert not plant.ledger.done("1", shown)
    assert plant.tables.tasks["1"] == shown + 1


def test_an_endless_overlap_is_read_to_its_end() -> None:
    """More rows in the overlap than a page holds, and a page lost at every start."""
    plant = Plant(API["key"])
    for key in "123":
        plant.source.change(key, Kind.ACT, "a")
    plant.tables.cursor = Cursor(mark=3)
    for _ in range(6):
        pull(plant.source, plant.ledger, plant.world, limit=1)
        plant.start()
    assert set(plant.tables.documents) == {"1", "2", "3"}


def test_an_unreadable_change_holds_the_order() -> None:
    """It may be the cancellation."""
    plant = Plant(API["key"])
    plant.source.change("1", Kind.ACT, "a")
    plant.pull()
    plant.source.change("1", Kind.ACT, None, readable=False)
    plant.cycle()
    assert plant.api.taken["1"] == 0
    assert owner(plant.tables, "1") == "unready"
    plant.quiesce()
    assert plant.api.taken["1"] == 0


@pytest.mark.parametrize("swap_at", range(2))
def test_a_marker_put_again_proves_nothing_older(swap_at: int) -> None:
    """The folder is replaced between `renaming` and the rename; a new file brings a new marker first."""
    for crash in range(40):
        plant = Plant(FILES, habits=Habits())
        plant.source.change("1", Kind.ACT, "a")
        plant.pull()
        if plant.run(plant.push, crash_in=crash):
            break
        plant.folder.swap()
        plant.source.change("2", Kind.ACT, "a")
        plant.pull()
        work = [plant.push, plant.recover]
        plant.run(*(work if swap_at == 0 else reversed(work)))
        document = plant.tables.documents["1"]
        assert not document.handed or plant.folder.appeared["1"] == 1
        plant.quiesce()


def test_a_refused_amendment_is_a_persons() -> None:
    plant = Plant(API["lookup"])
    plant.source.change("1", Kind.ACT, "a")
    plant.cycle()
    plant.api.refuses["1"] = True
    plant.source.change("1", Kind.ACT, "b")
    plant.cycle()
    assert owner(plant.tables, "1") == "tasks"
    plant.quiesce()


def test_one_shipment_of_a_file_settles_all_its_orders() -> None:
    """The file was taken without a trace, and we died before we knew."""
    for crash in range(60):
        plant = Plant(FILES, habits=Habits(keeps_marker=False))
        for key in "12":
            plant.source.change(key, Kind.ACT, "a")
        plant.pull()
        if plant.run(plant.push, crash_in=crash):
            return
        plant.recover()
        if plant.tables.doubts:
            plant.ledger.witness("R1")
            assert not plant.tables.doubts
            assert owner(plant.tables, "2") is None


def test_a_cancellation_at_any_point_of_a_file() -> None:
    """Staged before `renaming` it withdraws the file; afterwards it is a task, never nothing."""
    for after in range(40):
        plant = Plant(FILES, habits=Habits())
        plant.source.change("1", Kind.ACT, "a")
        plant.pull()
        plant.source.change("1", Kind.ACT, None)
        cancelled = plant.source.rows["1"]

        def cancel(plant: Plant = plant, row: Row = cancelled) -> None:
            plant.world.labels.append("cancelled")
            plant.ledger.stage([row], plant.tables.cursor)

        plant.world.meanwhile.append((after, cancel))
        plant.run(plant.push)
        labels = plant.world.labels
        if "cancelled" not in labels:
            break
        early = "after record renaming" not in labels[: labels.index("cancelled")]
        assert plant.folder.appeared["1"] == (0 if early else 1)
        plant.quiesce()


def test_our_own_withdrawal_is_not_in_doubt() -> None:
    """A cancelled file is withdrawn; we die at each point of that."""
    for crash in range(40):
        plant = Plant(FILES, habits=Habits())
        plant.source.change("1", Kind.ACT, "a")
        plant.pull()
        plant.source.change("1", Kind.ACT, None)
        changed = list(plant.source.rows.values())

        def cancel(plant: Plant = plant, rows: list[Row] = changed) -> None:
            plant.ledger.stage(rows, plant.tables.cursor)

        plant.world.meanwhile.append((6, cancel))
        plant.run(plant.push, crash_in=crash)
        plant.run(plant.recover)
        assert not plant.tables.doubts
        plant.quiesce()
