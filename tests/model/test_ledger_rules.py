"""What each rule of the model is for, one by one: the smallest course of events that breaks without it."""

import pytest

from tests.model.channel import FILES, pull
from tests.model.plant import API, Plant
from tests.model.sinks import Fault, Habits
from tests.model.tables import Cursor, Kind, Row, Step, owner

pytestmark = pytest.mark.exhaustive


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


def lost(plant: Plant, *faults: Fault) -> None:
    """Order 1 is pushed; the requests meet `faults`, the last one named first."""
    plant.source.change("1", Kind.ACT, "a")
    plant.pull()
    plant.api.faults = list(faults)
    plant.push()


@pytest.mark.parametrize("name", ["key", "key then lookup"])
@pytest.mark.parametrize("named", [True, False])
def test_a_refused_repeat_proves_nothing(name: str, *, named: bool) -> None:
    """The order was taken, unanswered; its SKU is then deleted, so that the same request is refused."""
    plant = Plant(API[name])
    lost(plant, Fault.LOST)
    plant.api.refuses["1"] = named
    plant.recover()
    assert "1" not in plant.tables.parked
    plant.quiesce()
    plant.check()


def test_a_repeat_that_may_arrive_after_the_retention_is_not_sent() -> None:
    plant = Plant(API["key"])
    lost(plant, Fault.LATE, Fault.LOST)
    plant.world.sleep(28)
    plant.recover()
    plant.world.sleep(10)
    plant.check()
    assert "1" in plant.tables.doubts


def test_not_found_counts_from_the_last_repeat() -> None:
    plant = Plant(API["key then lookup"])
    lost(plant, Fault.LOST, Fault.DROPPED)
    plant.world.sleep(24)
    plant.recover()
    plant.world.sleep(1)
    plant.recover()
    plant.quiesce()
    plant.check()


def test_not_found_counts_from_the_push_and_not_from_the_open() -> None:
    """The call waits its turn for longer than it takes to become visible, and gets no answer."""
    plant = Plant(API["lookup"])
    plant.source.change("1", Kind.ACT, "a")
    plant.pull()
    attempt = plant.ledger.open(3, plant.blocked.get)
    assert attempt is not None
    plant.world.sleep(10)
    plant.api.faults = [Fault.LOST]
    assert plant.api.push(attempt.items) is None
    plant.start()
    plant.recover()
    plant.quiesce()
    plant.check()


def test_a_row_that_becomes_visible_during_a_long_scan_is_read() -> None:
    plant = Plant(API["key"])
    plant.source.change("1", Kind.ACT, "a")
    pull(plant.source, plant.ledger, plant.world, limit=1)
    plant.source.change("2", Kind.ACT, "a", late=True)
    for key in "3456789":
        plant.source.change(key, Kind.ACT, "a")
        pull(plant.source, plant.ledger, plant.world, limit=1)
    plant.cycle()  # ends the long scan
    plant.cycle()
    assert plant.api.taken["2"] == 1


def test_a_stale_state_does_not_replace_a_newer_one() -> None:
    plant = Plant(API["key"])
    plant.source.change("1", Kind.ACT, "a")
    stale = plant.source.rows["1"]
    plant.source.change("1", Kind.ACT, "b")
    plant.pull()
    plant.ledger.stage([stale], plant.tables.cursor)
    plant.push()
    assert plant.api.held["1"] == "#b"


def died_at(plant: Plant, label: str) -> None:
    """Order 1 is pushed, and the process dies at the first point of that name."""
    plant.source.change("1", Kind.ACT, "a")
    plant.pull()
    points = Plant(FILES, habits=Habits(eager=False))
    points.source.change("1", Kind.ACT, "a")
    points.pull()
    before = points.world.passed
    points.push()
    assert not plant.run(plant.push, crash_in=points.world.labels.index(label, before) - before)


def test_a_part_that_was_not_renamed_can_still_be_withdrawn() -> None:
    plant = Plant(FILES, habits=Habits())
    died_at(plant, "before rename")
    plant.source.change("1", Kind.ACT, None)
    plant.pull()
    plant.recover()
    assert plant.folder.appeared["1"] == 0
    assert owner(plant.tables, "1") is None


def test_an_old_part_is_written_again_before_its_rename() -> None:
    """So that a second death, after the rename, is still told from a swept part."""
    plant = Plant(FILES, habits=Habits())
    died_at(plant, "before rename")
    plant.world.sleep(21)
    crash = 0
    while "after rename" not in plant.world.labels:
        plant.run(plant.recover, crash_in=crash)
        crash += 1
    plant.recover()
    assert not plant.tables.doubts
    assert plant.folder.appeared["1"] == 1


def test_what_changes_before_the_confirmation_stays_in_the_queue() -> None:
    plant = Plant(API["key"], queue=True)
    plant.source.change("1", Kind.ACT, "a")
    plant.world.meanwhile.append((1, lambda: plant.source.change("1", Kind.ACT, "b")))
    plant.run(plant.pull)
    plant.cycle()
    assert plant.api.held["1"] == "#b"
