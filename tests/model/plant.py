"""A source, a ledger, a sink and the process between them; and the promises that must hold throughout."""

from collections.abc import Callable

from tests.model.channel import FILES, ApiChannel, FileChannel, pull
from tests.model.ledger import Ledger
from tests.model.sinks import ApiSink, Folder, Habits, Rename, Source, World, part, wanted
from tests.model.tables import (
    CANCELLED,
    Abilities,
    Attempt,
    Crash,
    Item,
    Kind,
    Step,
    Tables,
    Verb,
    owed,
    owner,
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
        """Do `work`; the power fails after `crash_in` points. False: it failed, and we have started again."""
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
            over = over or item.once in self.api.refused
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
