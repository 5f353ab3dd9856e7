"""Runs, schedules and switches: what is asked, what is answered, what is streamed."""

from typing import Literal

import msgspec

from dropstreamd.errors import Problem


class RunShown(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `result` is running, done, unfinished (not all that there is was looked at: `error` says why,
    and when that goes on), failed, held, stopped or crashed; `counts` are live while it runs. `ended_s` is 0
    until then. `asked` is another id that this run was asked for under."""

    id: str
    connection: str
    channel: str
    job: str
    trigger: str
    result: str
    started_s: float
    ended_s: float = 0.0
    counts: dict[str, int] = {}
    error: str = ""
    remedy: str = ""
    fires: int = 0
    late_s: float = 0.0
    since_s: float | None = None
    who: str = ""
    asked: str = ""


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """Runs of a connection, newest first."""

    runs: tuple[RunShown, ...]


class RunsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one channel, or of all; at most `limit`."""

    channel: str = ""
    limit: int = 20


class AskRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Run a job now. `since`: also let go the orders that were placed before the channel was first
    enabled, but not before this instant (ISO 8601) or day (`2026-11-01`, in the connection's timezone).
    It is answered 409, with the `backlog` that it would release, until that is agreed to by its id: then
    these orders are released, and none that are found later."""

    since: str = ""
    backlog: str = ""


class RunAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The run that will answer, which may have been asked for before."""

    run: str


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """Orders from before the channel was first enabled, held until somebody asks for them by `--since`.
    `numbers` are the first 50 of them, `oldest_s` and `newest_s` when they were placed. `id` names the
    list: with one order more or less it is another."""

    count: int
    numbers: tuple[str, ...] = ()
    oldest_s: float = 0.0
    newest_s: float = 0.0
    id: str = ""


class BacklogQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As `AskRun.since`; empty for all."""

    since: str = ""


class Switch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which switch to turn: a channel's, or the connection's own where `channel` is empty."""

    channel: str = ""


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """What the switch is now. `note` says what a person should know: that orders older than now are
    held and counted by the first run, or that another switch is still off."""

    connection: str
    channel: str
    on: bool
    note: str = ""


class ScheduleShown(msgspec.Struct, frozen=True, kw_only=True):
    """A job's rules; empty is manual. `digest` names the file as it was read, for a safe edit."""

    rules: tuple[str, ...]
    timezone: str
    next: tuple[str, ...]
    digest: str


class EditSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New rules; () is manual, None the default. With `digest` the edit is refused (409) if the file is
    another by now."""

    rules: tuple[str, ...] | None
    digest: str = ""


class PreviewSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules to try."""

    rules: tuple[str, ...]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The next ten fires in local time with their offset and zone (`2026-11-22T01:00:00-05:00 EST`), and
    what is wrong with the rules: then there are no fires."""

    rules: tuple[str, ...]
    timezone: str
    next: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


# ---- streamed: the SSE event's name is the tag


class Began(msgspec.Struct, frozen=True, kw_only=True, tag="began"):
    """A run has begun, or was running when the stream began."""

    run: RunShown


class Counting(msgspec.Struct, frozen=True, kw_only=True, tag="counted"):
    """What a run has counted so far, by name."""

    run: str
    counts: dict[str, int]


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """A run has ended. With `?run=` it is the last event."""

    run: RunShown


class Gone(msgspec.Struct, frozen=True, kw_only=True, tag="gone"):
    """The run that was asked for will never be: a switch was turned off, or nobody knows it."""

    run: str
    why: str


class Missed(msgspec.Struct, frozen=True, kw_only=True, tag="missed"):
    """This reader was too slow and is let go: ask again."""

    why: str


StreamEvent = Began | Counting | Ended | Gone | Missed


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one run (or the one that it was merged into), else of all."""

    run: str = ""


Side = Literal["store", "warehouse"]
