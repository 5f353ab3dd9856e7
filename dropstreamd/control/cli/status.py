"""`status`: everything at a glance, or one connection in full; and what needs a person."""

from dropstreamd.control.cli.answering import card_zone, show_answer
from dropstreamd.control.cli.arguments import Commands
from dropstreamd.control.cli.attention import show_attention
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_fields, show_table
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.times import show_length
from dropstreamd.control.cli.words import how_many, plural, result_part, size
from dropstreamd.control.messages.status import (
    ChannelCard,
    ConnectionCard,
    JobCard,
    Status,
    SwitchShown,
    WorkShown,
)


class StatusOptions(Options, frozen=True, kw_only=True):
    """Of everything where `connection` is None."""

    connection: str | None = None


def status(session: Session, options: StatusOptions) -> Exit:
    """Show what runs, what ran, what comes next, and what waits for a person."""
    terminal = session.terminal

    def show(answer: Status) -> None:
        if options.connection is None:
            _show_all(terminal, answer)
        else:
            for card in answer.connections:
                _show_one(terminal, card)
        show_attention(terminal, answer)

    path = path_of("status", *([options.connection] if options.connection is not None else []))
    return show_answer(session, options, session.daemon.ask("GET", path), Status, show)


def _show_all(terminal: Terminal, answer: Status) -> None:
    used = f"{size(answer.state_used_bytes)} of {size(answer.state_limit_bytes)}"
    connections = plural(len(answer.connections), "connection")
    terminal.line(f"dropstreamd {answer.version}, {connections}, state {used}")
    if not answer.connections:
        terminal.line("There are none yet: put one into connections.d, then `dropstreamctl reload`.")
        return
    terminal.line()
    columns = ("CONNECTION", "JOB", "SWITCH", "LAST RUN", "ENDED", "NEXT", "WORK")
    rows: list[list[Cell]] = []
    for card in answer.connections:
        for channel in card.channels:
            for job in channel.jobs:
                work = _work(channel.work) if job is channel.jobs[0] else ""
                rows.append([card.name, *_job_row(card, channel, job, answer.at_s), work])
    show_table(terminal, columns, rows)


def _job_row(card: ConnectionCard, channel: ChannelCard, job: JobCard, now_s: float) -> list[Cell]:
    name = f"{channel.channel}.{job.job}"
    if not job.supported:
        return [name, ("not supported", Style.DIM), "", "", ""]
    running = channel.running is not None and channel.running.job == job.job
    last: Cell = ""
    ended = ""
    if running:
        last = ("running", Style.HEAD)
    elif job.last is not None:
        last = result_part(job.last.result)
        ended = f"{show_length(now_s - job.last.ended_s)} ago"
    return [name, _switch(card.switch, channel.switch), last, ended, _next(card, channel, job, now_s)]


def _switch(connection: SwitchShown, channel: SwitchShown) -> Cell:
    if not connection.on:
        return ("off", Style.DIM)
    return ("on", Style.GOOD) if channel.on else ("channel off", Style.DIM)


def _next(card: ConnectionCard, channel: ChannelCard, job: JobCard, now_s: float) -> str:
    if job.waiting:
        return "asked for, waits"
    if not (card.switch.on and channel.switch.on):
        return ""
    if job.trouble is not None:
        return f"again in {show_length(max(0.0, job.trouble.retry_s - now_s))}"
    if job.next_s is None:
        return "when asked"
    late = f" ({show_length(job.late_s)} late)" if job.late_s else ""
    return f"in {show_length(max(0.0, job.next_s - now_s))}{late}"


def _work(work: WorkShown) -> str:
    named = (
        (work.pending, "pending"),
        (work.parked, "parked"),
        (work.held, "held"),
        (work.in_doubt, "in doubt"),
        (work.undecodable, "unreadable"),
        (work.tasks, "to do by hand"),
    )
    return ", ".join(f"{how_many(counted)} {name}" for counted, name in named if counted.count)


def _show_one(terminal: Terminal, card: ConnectionCard) -> None:
    zone = card_zone(card)
    switch = "on" if card.switch.on else "off"
    since = f" since {zone.show(card.switch.since_s)}" if card.switch.since_s else ""
    by = f", by {card.switch.who}" if card.switch.who else ""
    terminal.line((card.name, Style.HEAD), f"  ({card.id})")
    show_fields(
        terminal,
        [
            ("store", card.store_platform),
            ("warehouse", f"{card.merchant}.{card.warehouse} ({card.warehouse_platform})"),
            ("switch", (f"{switch}{since}{by}", Style.GOOD if card.switch.on else Style.WARN)),
            ("order audit", _audit(card)),
        ],
    )
    for channel in card.channels:
        terminal.line()
        state = "on" if channel.switch.on else "off"
        terminal.line((channel.channel, Style.HEAD), f"  {state}")
        for job in channel.jobs:
            terminal.line(f"  {job.job}: {job.title}")
            show_fields(terminal, _job_fields(card, channel, job), indent="    ")
        work = _work(channel.work)
        if work:
            terminal.line(f"  work: {work}")


def _audit(card: ConnectionCard) -> Cell:
    audit = card.audit
    if audit is None:
        return ""
    found = f"{audit.unaccounted} unaccounted for, {audit.overdue} overdue"
    trouble = f"; not all were looked at: {audit.trouble}" if audit.trouble else ""
    text = f"{card_zone(card).show(audit.at_s)}: {found}{trouble}"
    return (text, Style.BAD if audit.unaccounted or audit.overdue or audit.trouble else Style.GOOD)


def _job_fields(card: ConnectionCard, channel: ChannelCard, job: JobCard) -> list[tuple[str, Cell]]:
    if not job.supported:
        return [("not supported", job.reason)]
    zone = card_zone(card)
    running = channel.running if channel.running is not None and channel.running.job == job.job else None
    last = job.last
    return [
        ("schedule", "; ".join(job.rules) or "only when asked"),
        ("running", f"since {zone.show(running.started_s)}, run {running.id}" if running else ""),
        (
            "last run",
            f"{last.result}, {zone.show(last.ended_s or last.started_s)}, run {last.id}" if last else "",
        ),
        ("last success", zone.show(job.last_success_s)),
        ("next run", "asked for, waits" if job.waiting else zone.show(job.next_s)),
        ("trouble", (_trouble(job), Style.BAD) if job.trouble else ""),
        ("tried again", zone.show(job.trouble.retry_s) if job.trouble else ""),
    ]


def _trouble(job: JobCard) -> str:
    trouble = job.trouble
    if trouble is None:
        return ""
    return f"{trouble.failures} in a row: {trouble.error}" if trouble.failures else trouble.error


def register(commands: Commands) -> None:
    """Add `status`."""
    parser = commands.add(
        "status", "show what runs, what comes next and what waits for you", StatusOptions, status
    )
    parser.add_argument("connection", metavar="CONNECTION", nargs="?", help="only this one, in full")
