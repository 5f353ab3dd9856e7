"""The ledger's promises, tried against every crash.

The default profile is quick. A long search, of tens of minutes:
`LEDGER_MODEL=long pytest tests/model --timeout=0`.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model.plant import API, FOLDERS, Plant
from tests.model.sinks import Fault
from tests.model.tables import Kind, Row

pytestmark = pytest.mark.exhaustive

LONG = os.environ.get("LEDGER_MODEL") == "long"
PROFILE = settings(
    max_examples=20_000 if LONG else 300,
    stateful_step_count=60 if LONG else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

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
