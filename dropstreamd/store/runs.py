"""What ran, when, and what came of it; and the log that people read."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.tables import Table

Trigger = Literal["schedule", "catch-up", "person", "retry"]
Result = Literal["waiting", "running", "done", "unfinished", "failed", "held", "stopped", "crashed", "merged"]
"""`unfinished`: nothing failed, and not all that there is was looked at; `error` says why, and when that goes
on. `failed`: passing trouble. `held`: a person must act. `stopped`: asked to end, or the daemon was.
`crashed`: a bug, or the daemon ended without warning. `merged`: another run did for it (`into`)."""

RUNS_KEPT = 200
"""Of each channel of a connection."""

LINES_KEPT = 2_000
"""Lines of a connection's log."""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `fires` are the schedule's fires it stands for: more than one when some passed while
    it could not start."""

    id: str
    job: str
    trigger: Trigger
    started_s: float
    ended_s: float = 0.0
    result: Result = "running"
    counts: dict[str, int] = {}
    error: str = ""
    remedy: str = ""
    fires: int = 0
    late_s: float = 0.0
    since_s: float | None = None
    who: str = ""
    into: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a connection's log: what happened, who did it, in which run."""

    at_s: float
    event: str
    text: str
    channel: str = ""
    run: str = ""
    who: str = ""


_run = msgspec.msgpack.Decoder(RunRecord)
_line = msgspec.msgpack.Decoder(Line)


def put(tx: Writer, connection: str, channel: str, record: RunRecord) -> None:
    """Keep a run; the oldest of its channel go."""
    prefix = (connection, channel)
    tx.put(Table.RUNS, (*prefix, record.id), msgspec.msgpack.encode(record))
    for count, (key, _) in enumerate(tx.scan(Table.RUNS, prefix, reverse=True)):
        if count >= RUNS_KEPT:
            tx.delete(Table.RUNS, key)


def get(tx: Reader, connection: str, channel: str, run: str) -> RunRecord | None:
    """The run of that id."""
    raw = tx.get(Table.RUNS, (connection, channel, run))
    return None if raw is None else _run.decode(raw)


def newest(tx: Reader, connection: str, channel: str, *, limit: int) -> Iterator[RunRecord]:
    """The runs of a channel, newest first."""
    for _, raw in tx.scan(Table.RUNS, (connection, channel), reverse=True, limit=limit):
        yield _run.decode(raw)


def close_crashed(tx: Writer, connection: str, channel: str, now_s: float) -> list[RunRecord]:
    """After a start: what is said to be running is not. The runs that were cut off, as they are ended now."""
    error = "the daemon ended while it ran; what it left open is looked up by the next run"
    crashed = [
        msgspec.structs.replace(record, result="crashed", ended_s=now_s, error=error)
        for record in newest(tx, connection, channel, limit=RUNS_KEPT)
        if record.result == "running"
    ]
    for record in crashed:
        put(tx, connection, channel, record)
    return crashed


def log(tx: Writer, connection: str, line: Line) -> None:
    """Add a line to a connection's log, which stays bounded."""
    last = tx.last(Table.ACTIVITY, (connection,))
    number = 0 if last is None else int(last[0][-1]) + 1
    tx.put(Table.ACTIVITY, (connection, f"{number:016d}"), msgspec.msgpack.encode(line))
    tx.delete(Table.ACTIVITY, (connection, f"{number - LINES_KEPT:016d}"))


def lines(tx: Reader, connection: str, *, limit: int) -> list[Line]:
    """The newest lines of a connection's log, oldest of them first."""
    found = [
        _line.decode(raw) for _, raw in tx.scan(Table.ACTIVITY, (connection,), reverse=True, limit=limit)
    ]
    return found[::-1]
