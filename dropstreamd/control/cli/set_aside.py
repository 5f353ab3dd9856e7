"""What a run that ended well could not take along: how much, which, and where to look."""

from collections.abc import Iterator

from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.session import Session
from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.cli.words import plural
from dropstreamd.control.messages.look import Parked, ParkedExample
from dropstreamd.control.messages.runs import RunShown

NAMED = 5
"""Of what could not be read, so many are named."""

_KINDS = {
    "undecodable": ("document or row", "documents or rows", "could not be read", "parked"),
    "snapshots_unreadable": ("stock snapshot", "stock snapshots", "could not be read", "parked"),
    "snapshots_held": ("stock snapshot", "stock snapshots", "held: no level follows it", "status"),
    "parked": ("document", "documents", "parked", "parked"),
    "refused": ("document or level", "documents or levels", "refused by the other side", "parked"),
    "unmatched": (
        "package, receipt or answer",
        "packages, receipts or answers",
        "of nothing known here",
        "parked",
    ),
    "in_doubt": ("document", "documents", "in doubt: nobody can tell whether it was handed over", "in-doubt"),
    "tasks": ("thing", "things", "to do by hand", "tasks"),
}
"""What a run counts and `status` then shows as needing attention: in words, and the command that lists it."""


def is_whole(run: RunShown) -> bool:
    """Whether a run set nothing aside."""
    return not any(run.counts.get(what) for what in _KINDS)


def show_set_aside(session: Session, connection: str, run: RunShown) -> None:
    """What the run set aside, where to look; nothing where there is none."""
    if is_whole(run):
        return
    terminal = session.terminal
    terminal.line(("Not all of it went through:", Style.WARN))
    for what, (one, more, how, look) in _KINDS.items():
        count = run.counts.get(what, 0)
        if count:
            terminal.line("  ", ("!", Style.BAD), f" {plural(count, one, more)} {how}")
            if what in ("undecodable", "snapshots_unreadable"):
                for example in _unreadable(session, connection, run):
                    terminal.line(f"      {example.number or example.key}: {example.reason}")
            terminal.line("    ", ("→ ", Style.DIM), f"dropstreamctl {look} {connection}")


def _unreadable(session: Session, connection: str, run: RunShown) -> Iterator[ParkedExample]:
    """Some of what could not be read since the run began."""
    answer = session.daemon.ask("GET", path_of("connections", connection, "parked"))
    groups = () if answer.is_refusal else answer.read(Parked).groups
    mine = (group for group in groups if group.kind == "undecodable" and group.channel == run.channel)
    found = [each for group in mine for each in group.examples if each.since_s >= run.started_s]
    yield from found[:NAMED]
