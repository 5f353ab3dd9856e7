"""Runs as they go, for those who watch. A slow reader never holds up a run."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import trio

from dropstreamd.control.messages.runs import Began, Counting, Ended, Missed, RunShown, StreamEvent
from dropstreamd.store.runs import RunRecord

WATCHERS_LIMIT = 32
EVENTS_LIMIT = 256
"""Beginnings and ends that wait for one reader."""


class Watcher:
    """One reader. Counts are merged until they are taken; of the rest only so many wait."""

    def __init__(self) -> None:
        self._events: deque[StreamEvent] = deque()
        self._counts: dict[str, dict[str, int]] = {}
        self._wake = trio.Event()
        self._missed = False

    def post(self, event: Began | Ended) -> None:
        """One more, or the note that it was too much."""
        if isinstance(event, Ended):
            self._counts.pop(event.run.id, None)
        if len(self._events) < EVENTS_LIMIT:
            self._events.append(event)
        else:
            self._missed = True
        self._wake.set()

    def count(self, run: str, what: str, total: int) -> None:
        self._counts.setdefault(run, {})[what] = total
        self._wake.set()

    async def take(self) -> list[StreamEvent]:
        """What happened since, at least one event. `Missed` is the last one there is."""
        await self._wake.wait()
        self._wake = trio.Event()
        taken = [*self._events, *(Counting(run=run, counts=counts) for run, counts in self._counts.items())]
        self._events.clear()
        self._counts.clear()
        if self._missed:
            taken.append(Missed(why=f"more than {EVENTS_LIMIT} events waited to be read"))
        return taken


class Events:
    """A `Listener`: passes on to every watcher what runs do."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    @contextmanager
    def watching(self) -> Iterator[Watcher | None]:
        """A new watcher; None where there are too many already."""
        if len(self._watchers) >= WATCHERS_LIMIT:
            yield None
            return
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def watched(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def run_began(self, connection: str, channel: str, record: RunRecord) -> None:
        for watcher in self._watchers:
            watcher.post(Began(run=run_shown(connection, channel, record)))

    def run_ended(self, connection: str, channel: str, record: RunRecord) -> None:
        for watcher in self._watchers:
            watcher.post(Ended(run=run_shown(connection, channel, record)))

    def counted(self, run: str, what: str, total: int) -> None:
        for watcher in self._watchers:
            watcher.count(run, what, total)

    def next_fire(self, connection: str, channel: str, job: str, at_s: float | None) -> None:
        """Nobody is told: status shows it."""


def run_shown(
    connection: str,
    channel: str,
    record: RunRecord,
    *,
    counts: Mapping[str, int] | None = None,
    asked: str = "",
) -> RunShown:
    """A run as clients see it; `counts` are live ones."""
    return RunShown(
        id=record.id,
        connection=connection,
        channel=channel,
        job=record.job,
        trigger=record.trigger,
        result=record.result,
        started_s=record.started_s,
        ended_s=record.ended_s,
        counts=dict(record.counts if counts is None else counts),
        error=record.error,
        remedy=record.remedy,
        fires=record.fires,
        late_s=record.late_s,
        since_s=record.since_s,
        who=record.who,
        asked=asked if asked != record.id else "",
    )
