"""`parked`, `in-doubt` and `tasks`: what does not go on by itself."""

from dropstreamd.control.cli.answering import show_answer, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.running import show_backlog
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_table
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.times import LocalZone
from dropstreamd.control.messages.look import InDoubtShown, Parked, ParkedGroup, Tasks
from dropstreamd.store.transitions import BEFORE_RESTORE

KINDS = {"undecodable": "unreadable"}
"""Kinds of what waits, where people have another word."""

MORE = "There are more than are shown; deal with these first."


class WaitingOptions(Options, frozen=True, kw_only=True):
    """Of one connection."""

    connection: str


def parked(session: Session, options: WaitingOptions) -> Exit:
    """Show what waits, by cause, the largest group first."""

    def show(found: Parked) -> None:
        terminal, connection = session.terminal, options.connection
        if not found.groups and not found.backlog.count:
            terminal.line("Nothing is parked.")
            return
        zone = zone_of(session, connection)
        for group in found.groups:
            _show_group(terminal, connection, group, zone)
        if found.backlog.count:
            show_backlog(terminal, found.backlog, zone)
            terminal.line(f"  → to send them: dropstreamctl run {connection} sales_orders --since DATE")

    path = path_of("connections", options.connection, "parked")
    return show_answer(session, options, session.daemon.ask("GET", path), Parked, show)


def _show_group(terminal: Terminal, connection: str, group: ParkedGroup, zone: LocalZone) -> None:
    count = f"{group.count}{'+' if group.more else ''}"
    reason = group.examples[0].reason if group.examples else group.cause
    where = f"{group.channel} of {group.account}" if group.account else group.channel
    terminal.line(
        (count, Style.HEAD), f" {where}, {KINDS.get(group.kind, group.kind)}: ", (reason, Style.WARN)
    )
    rest = " …" if group.more or group.count > len(group.examples) else ""
    if group.examples:
        terminal.line("  ", ", ".join(one.number or one.key for one in group.examples), rest)
    oldest_s = min((one.since_s for one in group.examples if one.since_s), default=0.0)
    if oldest_s:
        terminal.line("  since ", zone.show(oldest_s))
    terminal.line("  → ", _way_on(connection, group))


def _way_on(connection: str, group: ParkedGroup) -> str:
    if group.kind == "undecodable":
        again = "they are read again when the other side changes them or sends them again"
        if not group.account:
            return again
        forget = f"dropstreamctl release {connection} {group.channel} --cause undecodable"
        return f"{again}; to forget them, also those that are still listed then: {forget}"
    if group.account:
        return "they go by themselves once their order, and its connection, is known"
    again = f"dropstreamctl release {connection} {group.channel} --cause {quoted(group.cause)}"
    if group.cause == BEFORE_RESTORE:
        return f"once you know that they were never sent: {again}"
    if group.kind == "held":
        by_hand = f"dropstreamctl order release {connection} NUMBER"
        return f"they go by themselves once the store lets them; what a person held: {by_hand}"
    return f"they go by themselves once this is put right; to try at once: {again}"


def quoted(text: str) -> str:
    """As a shell takes it back."""
    plain = text.replace("-", "").replace("_", "").replace(":", "").replace(".", "").isalnum()
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def in_doubt(session: Session, options: WaitingOptions) -> Exit:
    """Show what may or may not have been handed over, and how to find out."""

    def show(found: InDoubtShown) -> None:
        terminal = session.terminal
        if not found.documents:
            terminal.line("Nothing is in doubt.")
            return
        zone = zone_of(session, options.connection)
        rows: list[list[Cell]] = [
            [one.channel, one.number, one.key, one.reference, one.name, zone.show(one.opened_s), one.why]
            for one in found.documents
        ]
        columns = ("CHANNEL", "NUMBER", "KEY", "REFERENCE", "FILE OR ID", "OPENED", "WHY")
        show_table(terminal, columns, rows)
        terminal.line()
        terminal.line("Ask the other side for the file or the reference, then say what you found:")
        terminal.line(f"  it has it:       dropstreamctl resolve {options.connection} CHANNEL KEY --sent")
        terminal.line(f"  it has it not:   dropstreamctl resolve {options.connection} CHANNEL KEY --not-sent")
        terminal.line("What is said to be not sent goes again; if that is wrong, it ships twice.")
        if found.more:
            terminal.line(MORE)

    path = path_of("connections", options.connection, "in-doubt")
    return show_answer(session, options, session.daemon.ask("GET", path), InDoubtShown, show)


def tasks(session: Session, options: WaitingOptions) -> Exit:
    """Show what only a person can do."""

    def show(found: Tasks) -> None:
        terminal = session.terminal
        if not found.tasks:
            terminal.line("Nothing is to be done by hand.")
            return
        zone = zone_of(session, options.connection)
        for task in found.tasks:
            terminal.line((f"{task.channel} {task.number}", Style.HEAD), f": {task.title}")
            terminal.line("  ", task.detail)
            done = f"dropstreamctl resolve {options.connection} {task.channel} {quoted(task.key)} --task"
            terminal.line(f"  since {zone.show(task.since_s)}")
            terminal.line(f"  → when it is done: {done} --revision {task.revision}")
        if found.more:
            terminal.line(MORE)

    path = path_of("connections", options.connection, "tasks")
    return show_answer(session, options, session.daemon.ask("GET", path), Tasks, show)


def register(commands: Commands) -> None:
    """Add the three."""
    for name, text, execute in (
        ("parked", "list what waits for its cause to go", parked),
        ("in-doubt", "list what may or may not have been handed over", in_doubt),
        ("tasks", "list what only a person can do", tasks),
    ):
        add_connection(commands.add(name, text, WaitingOptions, execute))
