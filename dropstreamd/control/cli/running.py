"""`run` asks for a run now, and may wait for its end; `backlog` lists the orders that only --since sends."""

import argparse

from dropstreamd.config.schema import DEFAULT_RULES
from dropstreamd.control.cli.answering import show_answer, show_refusal, wrong_argument, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection, add_yes
from dropstreamd.control.cli.daemon import Answer, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.following import follow
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.times import LocalZone
from dropstreamd.control.cli.words import plural
from dropstreamd.control.messages.refusal import Refusal
from dropstreamd.control.messages.runs import AskRun, Backlog, RunAsked

LISTS_SHOWN = 5
"""Lists of older orders shown, where each has changed by the time a person has agreed to it."""


class RunOptions(Options, frozen=True, kw_only=True):
    """`job` is CHANNEL or CHANNEL.JOB; `timeout` is in seconds, None waits for ever."""

    connection: str
    job: str
    since: str | None = None
    yes: bool = False
    wait: bool = False
    timeout: float | None = None


class BacklogOptions(Options, frozen=True, kw_only=True):
    """Of orders placed since then."""

    connection: str
    since: str | None = None


def run(session: Session, options: RunOptions) -> Exit:
    """Ask for the run; older orders go only after a person was shown them and agreed: these, and no more."""
    channel, job = _job(options.job)
    if options.timeout is not None and not options.wait:
        raise wrong_argument("--timeout", "no --wait", "--timeout with --wait, since it bounds the wait")
    path = path_of("connections", options.connection, "channels", channel, "jobs", job, "run")
    answer = _asked_for(session, options, path)
    if _unconfirmed(answer) is not None:
        return _not_agreed(session, options, answer)
    if answer.is_refusal or not options.wait:
        return show_answer(
            session, options, answer, RunAsked, lambda made: _say_asked(session, options, made)
        )
    made = answer.read(RunAsked)
    return follow(session, options, connection=options.connection, run=made.run, timeout_s=options.timeout)


def backlog(session: Session, options: BacklogOptions) -> Exit:
    """Show what a run with --since would send."""

    def show(found: Backlog) -> None:
        if not found.count:
            session.terminal.line("No older orders are held back.")
            return
        show_backlog(session.terminal, found, zone_of(session, options.connection))
        session.terminal.line(
            f"To send them: dropstreamctl run {options.connection} sales_orders --since DATE"
        )

    query = {"since": options.since} if options.since else {}
    answer = session.daemon.ask("GET", path_of("connections", options.connection, "backlog"), query=query)
    return show_answer(session, options, answer, Backlog, show)


def show_backlog(terminal: Terminal, found: Backlog, zone: LocalZone) -> None:
    """How many older orders there are, from when, and their numbers."""
    terminal.line(
        (f"{plural(found.count, 'order')}", Style.HEAD),
        f" placed before the channel was first enabled, from {zone.show(found.oldest_s)}"
        f" to {zone.show(found.newest_s)}:",
    )
    rest = found.count - len(found.numbers)
    terminal.line("  ", ", ".join(found.numbers), f" and {rest} more" if rest > 0 else "")


def _job(text: str) -> tuple[str, str]:
    """A channel and its job: the one that its schedule runs by default, where none is named."""
    channel, dot, job = text.partition(".")
    if dot and channel and job:
        return channel, job
    jobs = [name for of, name in DEFAULT_RULES if of == channel]
    if dot or not jobs:
        channels = ", ".join(dict.fromkeys(of for of, _ in DEFAULT_RULES))
        raise wrong_argument("CHANNEL[.JOB]", text, f"one of {channels}, or CHANNEL.JOB")
    return channel, jobs[0]


def _asked_for(session: Session, options: RunOptions, path: str) -> Answer:
    """The answer: a refusal still, where nobody agreed to the older orders. One agrees to a list; where
    there is another by then, that one is shown."""
    since = options.since or ""
    answer = session.daemon.ask("POST", path, body=AskRun(since=since))
    for shown in range(LISTS_SHOWN):
        older = _unconfirmed(answer)
        if older is None:
            break
        if not older.count:
            session.terminal.note("No older orders were placed since then: this is an ordinary run.")
            return session.daemon.ask("POST", path, body=AskRun())
        if shown:
            session.terminal.note("Meanwhile the list has changed.")
        if not _agreed(session, options, older):
            break
        answer = session.daemon.ask("POST", path, body=AskRun(since=since, backlog=older.id))
    return answer


def _unconfirmed(answer: Answer) -> Backlog | None:
    if not answer.is_refusal:
        return None
    refusal = answer.read(Refusal)
    return refusal.backlog if refusal.kind == "unconfirmed" else None


def _agreed(session: Session, options: RunOptions, found: Backlog) -> bool:
    terminal = session.terminal
    if options.json:
        return options.yes
    show_backlog(terminal, found, zone_of(session, options.connection))
    if options.yes:
        return True
    them = "it" if found.count == 1 else "them"
    return terminal.can_ask and terminal.ask(
        f"Send {them} to the warehouse? Another system may have done so already."
    )


def _not_agreed(session: Session, options: RunOptions, answer: Answer) -> Exit:
    if options.json:
        return show_refusal(session, options, answer)
    then = "The list changes all the time: ask again." if options.yes else "To agree beforehand, add --yes."
    session.terminal.note(f"Nothing was sent and no run was started. {then}")
    return Exit.UNCONFIRMED


def _say_asked(session: Session, options: RunOptions, made: RunAsked) -> None:
    session.terminal.line(f"Run {made.run} was asked for.")
    session.terminal.line(f"To see what comes of it: dropstreamctl runs {options.connection}")


def seconds(text: str) -> float:
    """A type of argument: how long to wait."""
    found = float(text)
    if not 0 < found <= 604_800:
        raise argparse.ArgumentTypeError("seconds, more than 0 and at most a week")
    return found


def register(commands: Commands) -> None:
    """Add `run` and `backlog`."""
    date = "a date (2026-11-01) or an instant (2026-11-01T14:30Z)"
    parser = commands.add("run", "run a job now", RunOptions, run)
    add_connection(parser)
    parser.add_argument("job", metavar="CHANNEL[.JOB]", help="inventory is inventory.smart")
    parser.add_argument(
        "--since",
        metavar="DATE",
        help=f"also send the older orders placed since then: {date}; they are counted and asked about first",
    )
    add_yes(parser, "send the older orders")
    parser.add_argument("--wait", action="store_true", help="show its progress until it ends")
    parser.add_argument("--timeout", metavar="S", type=seconds, help="wait at most so many seconds")
    parser = commands.add(
        "backlog", "list the older orders that only `run --since` sends", BacklogOptions, backlog
    )
    add_connection(parser)
    parser.add_argument("--since", metavar="DATE", help=f"only those placed since {date}")
