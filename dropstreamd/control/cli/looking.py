"""`runs` and `log`: what has happened."""

from dropstreamd.control.cli.answering import show_answer, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection, count_up_to
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_table
from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.cli.times import LocalZone, show_length
from dropstreamd.control.cli.words import result_part
from dropstreamd.control.messages.look import Log
from dropstreamd.control.messages.runs import Runs, RunShown
from dropstreamd.model.counts import counts_text


class RunsOptions(Options, frozen=True, kw_only=True):
    """Of all channels where `channel` is None."""

    connection: str
    channel: str | None = None
    limit: int = 20


class LogOptions(Options, frozen=True, kw_only=True):
    """The newest `limit` lines."""

    connection: str
    limit: int = 50


def runs(session: Session, options: RunsOptions) -> Exit:
    """Show the newest runs, newest first; errors below the table."""

    def show(found: Runs) -> None:
        if not found.runs:
            session.terminal.line("Nothing has run yet.")
            return
        zone = zone_of(session, options.connection)
        columns = ("STARTED", "JOB", "BY", "RESULT", "TOOK", "RUN", "COUNTED")
        show_table(session.terminal, columns, [_row(run, zone) for run in found.runs])
        for run in found.runs:
            if run.error:
                remedy = f" → {run.remedy}" if run.remedy else ""
                session.terminal.line(("! ", Style.BAD), f"{run.id}: {run.error}{remedy}")

    query: dict[str, str | int] = {"limit": options.limit}
    if options.channel:
        query["channel"] = options.channel
    answer = session.daemon.ask("GET", path_of("connections", options.connection, "runs"), query=query)
    return show_answer(session, options, answer, Runs, show)


def _row(run: RunShown, zone: LocalZone) -> list[Cell]:
    took = show_length(run.ended_s - run.started_s) if run.ended_s else ""
    return [
        zone.show(run.started_s),
        f"{run.channel}.{run.job}",
        run.who or run.trigger,
        result_part(run.result),
        took,
        run.id,
        counts_text(run.counts),
    ]


def log(session: Session, options: LogOptions) -> Exit:
    """Show the connection's log, newest last."""

    def show(found: Log) -> None:
        if not found.lines:
            session.terminal.line("Nothing has happened yet.")
            return
        zone = zone_of(session, options.connection)
        rows = [[zone.show(line.at_s), line.channel, line.event, line.who, line.text] for line in found.lines]
        show_table(session.terminal, ("TIME", "CHANNEL", "EVENT", "BY", "TEXT"), rows)

    answer = session.daemon.ask(
        "GET", path_of("connections", options.connection, "log"), query={"limit": options.limit}
    )
    return show_answer(session, options, answer, Log, show)


def register(commands: Commands) -> None:
    """Add `runs` and `log`."""
    parser = commands.add("runs", "list the newest runs", RunsOptions, runs)
    add_connection(parser)
    parser.add_argument("channel", metavar="CHANNEL", nargs="?", help="only of this channel")
    parser.add_argument("--limit", metavar="N", type=count_up_to(200), default=20, help="at most N (20)")
    parser = commands.add("log", "show what happened to a connection", LogOptions, log)
    add_connection(parser)
    parser.add_argument(
        "--limit", metavar="N", type=count_up_to(2000), default=50, help="at most N lines (50)"
    )
