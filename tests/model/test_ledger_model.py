"""The ledger's promises, tried against every crash.

The default profile is quick. A long search: `LEDGER_MODEL=long pytest tests/model` (tens of minutes).
"""

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model.channel import FILES, ApiChannel, FileChannel, pull
from tests.model.ledger import (
    CANCELLED,
    Abilities,
    Attempt,
    Crash,
    Cursor,
    Item,
    Kind,
    Ledger,
    Row,
    Step,
    Tables,
    Verb,
    owed,
    owner,
)
from tests.model.sinks import ApiSink, Fault, Folder, Habits, Rename, Source, World, part, wanted

LONG = os.environ.get("LEDGER_MODEL") == "long"
PROFILE = settings(
    max_examples=20_000 if LONG else 150,
    stateful_step_count=60 if LONG else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

API = {
    "key": Abilities(retention_s=30, visible_after_s=5, amends=True, cancels=True),
    "key then lookup": Abilities(retention_s=30, lookup=True, visible_after_s=5, amends=True),
    "lookup": Abilities(lookup=True, visible_after_s=5, amends=True, cancels=True),
    "never": Abilities(visible_after_s=5),
    "never, amends": Abilities(visible_after_s=5, amends=True, cancels=True),
}
FOLDERS = {
    "taken at once": Habits(),
    "taken later": Habits(eager=False),
    "taken at once, acknowledged": Habits(acknowledges=True, keeps_marker=False),
    "taken at once, no trace": Habits(keeps_marker=False),
    "swept": Habits(sweeps_after_s=25),
    "link": Habits(rename=Rename.LINK),
    "link, taken later, acknowledged": Habits(rename=Rename.LINK, eager=False, acknowledges=True),
    "copy": Habits(rename=Rename.COPY),
    "copy, taken later": Habits(rename=Rename.COPY, eager=False),
}


class Plant:
    """A source, a ledger, a sink, and a process between them that can be started again."""

    def __init__(self, abilities: Abilities, *, habits: Habits | None = None, queue: bool = False) -> None:
        self.world = World()
        self.source = Source(queue=queue)
        self.tables = Tables()
        self.abilities = FILES if habits else abilities
        self.api = ApiSink(self.world, abilities)
        self.folder = Folder(self.world, habits or Habits())
        self.files = habits is not None
        self.blocked: dict[str, str] = {}
        self.boots = 0
        self.start()

    def start(self) -> None:
        """A new process: nothing of the old one but the tables."""
        self.boots += 1
        self.ledger = Ledger(
            self.tables, self.abilities, now=self.world.now, point=self.world.point, boot=self.boots
        )
        self.channel: ApiChannel | FileChannel = (
            FileChannel(self.world, self.ledger, self.folder, self.boots)
            if self.files
            else ApiChannel(self.world, self.ledger, self.api, self.boots)
        )

    def run(self, *work: Callable[[], object], crash_in: int | None = None) -> bool:
        """Do `work`, with the power failing at the so-manieth point. False: it failed; we have started again."""
        self.world.crash_in = crash_in
        try:
            for step in work:
                step()
        except Crash:
            self.start()
            return False
        finally:
            self.world.crash_in = None
            self.world.meanwhile.clear()
        return True

    def pull(self) -> bool:
        return pull(self.source, self.ledger, self.world)

    def push(self) -> bool:
        return self.channel.push(self.blocked.get)

    def recover(self) -> None:
        self.channel.recover()

    def cycle(self) -> None:
        """One run of the channel."""
        self.recover()
        while self.pull():
            pass
        while self.push():
            pass

    # --- a person who knows the truth ------------------------------------------------------------

    def arrived(self, item: Item) -> bool:
        if item.verb is not Verb.CREATE:
            return self.api.held.get(item.key) == item.digest
        return bool(self.folder.appeared[item.key] if self.files else self.api.taken[item.key])

    def answer_doubts(self) -> None:
        if not self.api.in_flight:
            for key, (item, _) in list(self.tables.doubts.items()):
                self.ledger.resolve(key, arrived=self.arrived(item))

    def do_tasks(self) -> None:
        for key, revision in list(self.tables.tasks.items()):
            self.held[key] = self.tables.documents[key].desired
            assert self.ledger.done(key, revision)

    @property
    def held(self) -> dict[str, str]:
        return self.folder.held if self.files else self.api.held

    # --- the promises ----------------------------------------------------------------------------

    def check(self) -> None:
        """What holds at every moment, a crash included."""
        for key in self.api.taken | self.folder.taken | self.folder.appeared:
            assert self.api.taken[key] <= 1, f"{key} was handed over twice"
            assert self.folder.taken[key] <= 1, f"{key} was taken twice"
            assert self.folder.appeared[key] <= 1, f"{key} appeared under two names"
        for key, document in self.tables.documents.items():
            self._check_owner(key)
            if document.handed:
                assert self.folder.appeared[key] if self.files else self.api.taken[key], f"{key}: false"
            settled = owner(self.tables, key) not in ("attempt", "doubts", "tasks")
            if document.shown is not None and settled and not self.files:
                assert self.api.held[key] == document.shown, f"{key}: the sink shows something else"
        for key in self.tables.unready:
            assert owner(self.tables, key) is not None
        for key, version in self.source.confirmed.items():
            known = self.tables.documents.get(key)
            durable = max(known.version if known else 0, self.tables.unready.get(key, 0))
            assert durable >= version, f"{key} was confirmed before it was durable"
        for item, attempt in self.tables.doubts.values():
            assert self.justified(item, attempt), f"{item.key} is in doubt without need: {attempt}"

    def _check_owner(self, key: str) -> None:
        t = self.tables
        needs = owed(t.documents[key]) is not None
        places = [key in table for table in (t.busy(), t.doubts, t.tasks, t.unready, t.parked, t.pending)]
        assert any(places) or not needs, f"{key} has no owner"
        assert not (key in t.pending and sum(places) > 1), f"{key} is pending and elsewhere"
        assert not (key in t.doubts and key in t.busy()), f"{key} is in doubt and open"

    def justified(self, item: Item, attempt: Attempt) -> bool:
        """Whether the outcome could not have been known to us."""
        now = self.world.now()
        if not self.files:
            over = (
                attempt.opened_at + (self.abilities.retention_s or 0) <= now + self.abilities.visible_after_s
            )
            return attempt.unsure_since is not None and over and not self.abilities.lookup
        if part(attempt.name) in self.folder.meddled:
            return True
        if self.folder.habits.rename is not Rename.ATOMIC:
            return attempt.step is Step.RENAMING
        lost = self.folder.marker != attempt.marker or now - attempt.part_at >= 20
        return attempt.step is Step.RENAMING and lost and attempt.name not in self.folder.acknowledged

    def quiesce(self) -> None:
        """No more faults: people answer, time passes, the channel runs. Then everything must be right."""
        self.api.faults.clear()
        self.api.refuses.clear()
        self.source.late.clear()
        self.blocked.clear()
        for row in [row for row in self.source.rows.values() if not row.readable]:
            self.source.change(row.key, row.kind, row.content)
        for _ in range(8):
            self.cycle()
            self.world.sleep(10)
            self.recover()
            self.answer_doubts()
            self.do_tasks()
            for cause in set(self.tables.parked.values()):
                self.ledger.release(cause)
            self.check()
        self.folder.take_all()
        t = self.tables
        left = (t.pending, t.attempts, t.parked, t.doubts, t.tasks, t.unready)
        assert not any(left), f"not at rest: {left}"
        for key, row in self.source.rows.items():
            if self.files:
                assert row.content is None or self.folder.appeared[key] == 1, f"{key} was lost"
            elif row.kind is Kind.LEVEL:
                assert self.held[key] == wanted(row), f"level {key} has not converged"
            else:
                assert row.content is None or self.api.taken[key] == 1, f"{key} was lost"
                assert self.held.get(key, CANCELLED) == wanted(row), f"{key} is not the newest revision"


KEYS = st.sampled_from(["1", "2", "3", "4", "5"])
CONTENTS = st.sampled_from(["a", "b", "c", "a/x", "b/x"])
CRASHES = st.none() | st.integers(0, 30)


class Machine(RuleBasedStateMachine):
    """Everything that may happen, in any order, with the power failing anywhere."""

    plant: Plant

    @initialize(
        config=st.sampled_from([(name, None) for name in API] + [("never", name) for name in FOLDERS]),
        queue=st.booleans(),
    )
    def build(self, config: tuple[str, str | None], queue: bool) -> None:
        api, folder = config
        self.plant = Plant(API[api], habits=FOLDERS[folder] if folder else None, queue=queue)
        self.old: list[Row] = []

    def kind(self, key: str) -> Kind:
        return Kind.LEVEL if key in "45" and not self.plant.files else Kind.ACT

    @rule(
        key=KEYS,
        content=st.none() | CONTENTS,
        readable=st.sampled_from([True] * 5 + [False]),
        late=st.booleans(),
    )
    def change(self, key: str, content: str | None, readable: bool, late: bool) -> None:
        self.plant.source.change(
            key,
            self.kind(key),
            content or ("a" if self.kind(key) is Kind.LEVEL else None),
            readable=readable,
            late=late,
        )
        self.old.append(self.plant.source.rows[key])

    @rule(crash=CRASHES, data=st.data())
    def stale(self, crash: int | None, data: st.DataObject) -> None:
        """A replica that lags, or a second delivery, shows a state that was current once."""
        known = [
            row
            for row in self.old
            if (d := self.plant.tables.documents.get(row.key)) and d.version >= row.version
        ]
        if known:
            row = data.draw(st.sampled_from(known))
            self.plant.run(lambda: self.plant.ledger.stage([row], self.plant.tables.cursor), crash_in=crash)

    @rule(crash=CRASHES, key=KEYS, content=CONTENTS, after=st.integers(0, 3), meanwhile=st.booleans())
    def pull(self, crash: int | None, key: str, content: str, after: int, meanwhile: bool) -> None:
        if meanwhile:
            change = lambda: self.plant.source.change(key, self.kind(key), content)  # noqa: E731
            self.plant.world.meanwhile.append((after, change))
        self.plant.run(self.plant.pull, crash_in=crash)

    @rule(
        crash=CRASHES,
        faults=st.lists(st.sampled_from(Fault), max_size=2),
        cancel=st.none() | st.tuples(st.integers(0, 12), KEYS),
    )
    def push(self, crash: int | None, faults: list[Fault], cancel: tuple[int, str] | None) -> None:
        """Push, while somebody cancels an order over the control socket."""
        self.plant.api.faults = faults
        if cancel is not None and cancel[1] in self.plant.source.rows and self.kind(cancel[1]) is Kind.ACT:
            after, key = cancel
            self.plant.world.meanwhile.append((after, lambda: self._cancel(key)))
        self.plant.run(self.plant.push, crash_in=crash)
        self.plant.api.faults = []

    def _cancel(self, key: str) -> None:
        self.plant.source.change(key, Kind.ACT, None)
        self.plant.ledger.stage([self.plant.source.rows[key]], self.plant.tables.cursor)

    @rule(
        key=KEYS,
        content=CONTENTS,
        fault=st.sampled_from(Fault),
        crash=CRASHES,
        down_s=st.sampled_from([0, 4, 6, 40]),
    )
    def trade(self, key: str, content: str, fault: Fault, crash: int | None, down_s: int) -> None:
        """A change goes the whole way, or fails on it."""
        self.plant.source.change(key, self.kind(key), content)
        self.plant.run(self.plant.pull)
        self.plant.api.faults = [fault]
        self.plant.run(self.plant.push, crash_in=crash)
        self.plant.api.faults = []
        self.plant.world.sleep(down_s)

    @rule(crash=CRASHES, faults=st.lists(st.sampled_from(Fault), max_size=3))
    def recover(self, crash: int | None, faults: list[Fault]) -> None:
        self.plant.api.faults = faults
        self.plant.run(self.plant.recover, crash_in=crash)
        self.plant.api.faults = []

    @rule(seconds=st.sampled_from([1, 4, 5, 10, 26, 40]))
    def wait(self, seconds: int) -> None:
        self.plant.world.sleep(seconds)

    @rule(key=KEYS, named=st.none() | st.booleans())
    def refuse(self, key: str, named: bool | None) -> None:
        self.plant.api.refuses.pop(key, None)
        if named is not None:
            self.plant.api.refuses[key] = named

    @rule(key=KEYS, blocked=st.booleans())
    def block(self, key: str, blocked: bool) -> None:
        self.plant.blocked.pop(key, None)
        if blocked:
            self.plant.blocked[key] = "no listing"

    @rule(crash=CRASHES, cause=st.sampled_from(["no listing", "refused"]))
    def release(self, crash: int | None, cause: str) -> None:
        self.plant.run(lambda: self.plant.ledger.release(cause), crash_in=crash)

    @rule(crash=CRASHES)
    def people(self, crash: int | None) -> None:
        self.plant.run(self.plant.answer_doubts, self.plant.do_tasks, crash_in=crash)

    @rule(key=KEYS, crash=CRASHES)
    def evidence(self, key: str, crash: int | None) -> None:
        """A shipment for it arrives."""
        taken = self.plant.folder.taken if self.plant.files else self.plant.api.taken
        if taken[key]:
            self.plant.run(lambda: self.plant.ledger.witness(f"R{key}"), crash_in=crash)

    @rule(key=KEYS)
    def purge(self, key: str) -> None:
        if key in self.plant.tables.documents and self.kind(key) is Kind.ACT:
            self.plant.ledger.purge(key)

    @precondition(lambda self: self.plant.files)
    @rule(swap=st.sampled_from([False, False, True]))
    def folder(self, swap: bool) -> None:
        if swap:
            self.plant.folder.swap()
        else:
            self.plant.folder.take_all()

    @invariant()
    def promises(self) -> None:
        if hasattr(self, "plant"):
            self.plant.check()

    def teardown(self) -> None:
        if hasattr(self, "plant"):
            self.plant.quiesce()


TestMachine = Machine.TestCase
TestMachine.settings = PROFILE


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
