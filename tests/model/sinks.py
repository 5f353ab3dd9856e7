"""Simulated counterparts, with an oracle's knowledge of what really happened (`taken`, `held`, `removed`)."""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from tests.model.tables import CANCELLED, Abilities, Crash, Cursor, Item, Kind, Outcome, Row, Verb, digest


class World:
    """Time, and every point at which the power may fail; whatever lives beside us moves at each point."""

    def __init__(self) -> None:
        self.now_s = 1000
        self.passed = 0
        self.labels: list[str] = []
        self.crash_in: int | None = None
        self.neighbours: list[Callable[[int], None]] = []
        self.meanwhile: list[tuple[int, Callable[[], None]]] = []  # (after so many points, what happens)

    def now(self) -> int:
        return self.now_s

    def point(self, label: str) -> None:
        self.passed += 1
        self.labels.append(label)
        for move in self.neighbours:
            move(self.now_s)
        due = [happens for left, happens in self.meanwhile if left <= 0]
        self.meanwhile = [(left - 1, happens) for left, happens in self.meanwhile if left > 0]
        for happens in due:
            happens()
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                self.crash_in = None
                raise Crash(label)

    def sleep(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now_s += 1
            for move in self.neighbours:
                move(self.now_s)


class Source:
    """A store: a log of document states, listed by version (its own time), or a queue that is confirmed.

    A state may become visible later than its version says, by less than `OVERLAP`.
    """

    OVERLAP = 3

    def __init__(self, *, queue: bool = False) -> None:
        self.queue = queue
        self.version = 0
        self.rows: dict[str, Row] = {}
        self.late: set[str] = set()
        self.confirmed: dict[str, int] = {}

    def change(
        self, key: str, kind: Kind, content: str | None, *, readable: bool = True, late: bool = False
    ) -> None:
        self.version += 1
        self.late = {k for k in self.late if self.rows[k].version > self.version - self.OVERLAP + 1} - {key}
        self.rows[key] = Row(key=key, kind=kind, version=self.version, content=content, readable=readable)
        if late:
            self.late.add(key)

    def pull(self, cursor: Cursor, limit: int) -> tuple[list[Row], Cursor]:
        """R18: the overlap counts from the time at which a scan began, and a scan keeps its own position.

        A mark moved to the newest row of a long scan outruns rows that became visible meanwhile; and with
        more rows in the overlap than a page holds, a cursor without position reads the first page for ever.
        """
        visible = sorted(
            (row for row in self.rows.values() if row.key not in self.late), key=lambda row: row.version
        )
        if self.queue:
            return [row for row in visible if self.confirmed.get(row.key) != row.version][:limit], cursor
        if cursor.position is None:
            start = max(0, cursor.mark - self.OVERLAP)
            cursor = Cursor(mark=cursor.mark, position=start, until=self.version)
        assert cursor.position is not None
        after = cursor.position
        rows = [row for row in visible if row.version > after][:limit]
        if len(rows) < limit:
            return rows, Cursor(mark=cursor.until)
        return rows, Cursor(mark=cursor.mark, position=rows[-1].version, until=cursor.until)

    def confirm(self, rows: list[Row]) -> None:
        """R19: what is confirmed is the state that was read, not the key: a newer one stays in the queue."""
        for row in rows:
            self.confirmed[row.key] = row.version


class Fault(StrEnum):
    """What happens to a request. `LOST`: applied, unanswered. `DROPPED`: never arrives. `LATE`: applied
    after we gave up, yet within `visible_after_s`."""

    NONE = "none"
    LOST = "lost"
    DROPPED = "dropped"
    LATE = "late"


class ApiSink:
    """A sink that is called. Without `retention_s` and `lookup` it is of the kind `never`."""

    def __init__(self, world: World, abilities: Abilities) -> None:
        self.world = world
        self.abilities = abilities
        self.faults: list[Fault] = []
        self.refuses: dict[str, bool] = {}  # key → whether the refusal names it
        self.held: dict[str, str] = {}
        self.taken: Counter[str] = Counter()
        self.refused: set[str] = set()  # idempotency keys that a refusal answered
        self._answers: dict[str, tuple[int, Outcome]] = {}
        self._index: dict[str, list[tuple[int, str]]] = {}
        self.in_flight: list[tuple[int, tuple[Item, ...]]] = []
        world.neighbours.append(self._arrive)

    def push(self, items: tuple[Item, ...]) -> dict[str, Outcome] | None:
        """One request, or one call per item where a bulk one is not atomic. None: no answer."""
        fault = self.faults.pop() if self.faults else Fault.NONE
        self.world.point("before request")
        if fault is Fault.LATE:
            self.in_flight.append((self.world.now() + self.abilities.visible_after_s, items))
        if fault in (Fault.LATE, Fault.DROPPED):
            return None
        answers = self._apply(items, self.world.now())
        self.world.point("after request")
        return None if fault is Fault.LOST else answers

    def find(self, item: Item) -> str | None:
        """What the sink shows under our reference, as of its index: it lags by `visible_after_s`."""
        self.world.point("look-up")
        seen = [held for at, held in self._index.get(item.reference, []) if at <= self.world.now()]
        return seen[-1] if seen else None

    def _arrive(self, now: int) -> None:
        due = [items for at, items in self.in_flight if at <= now]
        self.in_flight = [(at, items) for at, items in self.in_flight if at > now]
        for items in due:
            # Sent that much earlier: found at once, so that the sum stays within `visible_after_s`.
            self._apply(items, now, lag=0)

    def _apply(self, items: tuple[Item, ...], now: int, lag: int | None = None) -> dict[str, Outcome]:
        if any(self.refuses.get(item.key) is False for item in items):
            answers = {item.key: Outcome.REFUSED_WHOLE for item in items}
        else:
            answers = {item.key: self._one(item, now, lag) for item in items}
        self.refused |= {item.once for item in items if answers[item.key] is not Outcome.ACCEPTED}
        return answers

    def _one(self, item: Item, now: int, lag: int | None) -> Outcome:
        keeps = self.abilities.retention_s
        if keeps is not None and item.once in self._answers and now - self._answers[item.once][0] < keeps:
            return self._answers[item.once][1]
        outcome = Outcome.REFUSED if item.key in self.refuses else Outcome.ACCEPTED
        self._answers[item.once] = (now, outcome)
        if outcome is Outcome.ACCEPTED:
            if item.verb is Verb.CREATE:
                self.taken[item.key] += 1
            self.held[item.key] = item.digest
            seen_at = now + (self.abilities.visible_after_s if lag is None else lag)
            self._index.setdefault(item.reference, []).append((seen_at, item.digest))
        return outcome


class Rename(StrEnum):
    ATOMIC = "atomic"
    LINK = "link then unlink"
    COPY = "copy then delete"


class Parcel(Struct, frozen=True, kw_only=True):
    """A file: the items in it and how many of them are written."""

    items: tuple[Item, ...]
    size: int
    at: int


class Habits(Struct, frozen=True, kw_only=True):
    """How the other side of a folder behaves."""

    rename: Rename = Rename.ATOMIC
    eager: bool = True  # takes a file between any two of our steps
    acknowledges: bool = False
    keeps_marker: bool = True
    takes_parts: bool = False
    sweeps_after_s: int | None = None  # removes parts of that age


class Folder:
    """An SFTP folder with a WMS behind it. Files appear, are taken and swept at any point."""

    def __init__(self, world: World, habits: Habits) -> None:
        self.world = world
        self.habits = habits
        self.files: dict[str, Parcel] = {}
        self.acknowledged: set[str] = set()
        self.marker: str | None = None
        self.taken: Counter[str] = Counter()
        self.appeared: Counter[str] = Counter()  # complete under a final name: what we answer for
        self.held: dict[str, str] = {}
        self.meddled: set[str] = set()  # parts that somebody else removed
        self._copying: str | None = None
        world.neighbours.append(self._move)

    def write_part(self, name: str, items: tuple[Item, ...]) -> None:
        for size in range(len(items) + 1):
            self.world.point(f"before writing {size} of the part")
            self.files[part(name)] = Parcel(items=items, size=size, at=self.world.now())
        self.world.point("after writing the part")

    def size(self, name: str) -> int | None:
        self.world.point("look at a file")
        found = self.files.get(name)
        return None if found is None else found.size

    def rename(self, name: str) -> bool:
        """False: no such file. A power failure within takes the server down too."""
        self.world.point("before rename")
        if part(name) not in self.files:
            return False
        parcel = self.files[part(name)]
        if self.habits.rename is Rename.COPY:
            self._copying = name
            try:
                self.files[name] = Parcel(items=parcel.items, size=0, at=self.world.now())
                self.world.point("copying")
            finally:
                self._copying = None
        self.files[name] = parcel
        if self.habits.rename is not Rename.ATOMIC:
            self._appear(parcel)
            self.world.point("between the halves of a rename")
            self.files.pop(part(name), None)
        else:
            del self.files[part(name)]
            self._appear(parcel)
        self.world.point("after rename")
        return True

    def delete(self, name: str) -> bool:
        self.world.point("before delete")
        existed = self.files.pop(name, None) is not None
        self.world.point("after delete")
        return existed

    def acknowledgement(self, name: str) -> bool:
        self.world.point("look for an acknowledgement")
        return name in self.acknowledged

    def see_marker(self) -> str | None:
        self.world.point("look for the marker")
        return self.marker

    def put_marker(self, value: str) -> None:
        self.world.point("before the marker")
        self.marker = value
        self.world.point("after the marker")

    def swap(self) -> None:
        """Another disk is mounted: empty, without our marker."""
        self.meddled |= {name for name in self.files if name.startswith(".")}
        self.files.clear()
        self.marker = None

    def _appear(self, parcel: Parcel) -> None:
        for item in parcel.items:
            self.appeared[item.key] += 1

    def _move(self, now: int) -> None:
        if not self.habits.keeps_marker:
            self.marker = None
        for name, parcel in list(self.files.items()):
            hidden, sweep = name.startswith("."), self.habits.sweeps_after_s
            if hidden and sweep is not None and now - parcel.at >= sweep:
                del self.files[name]
                self.meddled.add(name)
            elif self.habits.eager and name != self._copying and (not hidden or self.habits.takes_parts):
                self.take(name)

    def take(self, name: str) -> None:
        parcel = self.files.pop(name)
        if name.startswith("."):
            self.meddled.add(name)
        elif self.habits.acknowledges and parcel.size == len(parcel.items):
            self.acknowledged.add(name)
        for item in parcel.items[: parcel.size] if parcel.size == len(parcel.items) else ():
            self.taken[item.key] += 1
            self.held[item.key] = item.digest

    def take_all(self) -> None:
        for name in [name for name in self.files if not name.startswith(".")]:
            self.take(name)


def part(name: str) -> str:
    return f".{name}.part"


def wanted(row: Row) -> str:
    return CANCELLED if row.content is None else digest(row.content)
