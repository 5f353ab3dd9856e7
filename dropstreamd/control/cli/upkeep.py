"""`reload` and `backup`."""

from collections.abc import Mapping
from pathlib import Path

from dropstreamd.control.cli.answering import show_answer, show_problems
from dropstreamd.control.cli.arguments import Commands
from dropstreamd.control.cli.daemon import SLOW_LIMIT_S, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import show_fields
from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.cli.times import LocalZone
from dropstreamd.control.messages.setup import BackupMade, MakeBackup, Reloaded


class BackupOptions(Options, frozen=True, kw_only=True):
    """A folder that is not there yet."""

    target: str


def reload(session: Session, options: Options) -> Exit:
    """Have the configuration read again; nothing changes where anything is wrong with it. 1 where it was
    taken over and a connection lacks a secret, leads elsewhere than before, or left documents behind."""

    def show(reloaded: Reloaded) -> None:
        terminal, changes, names = session.terminal, reloaded.changes, reloaded.names

        def named(ids: tuple[str, ...]) -> str:
            return ", ".join(names.get(one, one) for one in ids)

        terminal.line(("Reloaded.", Style.GOOD))
        show_fields(
            terminal,
            [
                ("added", named(changes.added)),
                ("removed", ", ".join(_with_id(names, one) for one in changes.removed)),
                ("restarted", named(changes.restarted)),
                ("changed from the next run", named(changes.hot)),
                ("unchanged", len(changes.unchanged)),
            ],
            indent="  ",
        )
        if set(changes.added) - set(reloaded.still_on):
            terminal.line("What was added is off: dropstreamctl preflight, then enable.")
        if reloaded.still_on:
            back = named(reloaded.still_on)
            terminal.line(f"On again, as it was before it was removed: {back}; see dropstreamctl status.")
        if changes.removed:
            terminal.line(
                "What was removed stands still: no order, package or level of it moves, also none under way."
                " With its file back, under the same id, it goes on."
            )
        if changes.daemon:
            terminal.line(("Only a restart of the daemon applies: ", Style.WARN), ", ".join(changes.daemon))
        for each in reloaded.unreadable:
            lacks = " cannot work: it lacks what its files name. The others go on."
            terminal.line((each.connection, Style.BAD), lacks)
            show_problems(session, each.problems)
        for connection, found in reloaded.elsewhere.items():
            for one in found:
                terminal.line((names.get(connection, connection), Style.BAD), f" is held: {one.error}")
                terminal.line("  → ", one.remedy)
        for left in reloaded.left_behind:
            terminal.line(("Left behind: ", Style.BAD), left.error)
            terminal.line("  → ", left.remedy)

    answer = session.daemon.ask("POST", path_of("reload"), limit_s=SLOW_LIMIT_S)
    return show_answer(session, options, answer, Reloaded, show, _verdict)


def _with_id(names: Mapping[str, str], connection: str) -> str:
    """Its name may be another one's by now."""
    name = names.get(connection, connection)
    return connection if name == connection else f"{name} ({connection})"


def _verdict(reloaded: Reloaded) -> Exit:
    waits = reloaded.unreadable or reloaded.elsewhere or reloaded.left_behind
    return Exit.FAILED if waits else Exit.OK


def backup(session: Session, options: BackupOptions) -> Exit:
    """Have the daemon copy its state, while it works, into a new folder, and verify the copy."""

    def show(made: BackupMade) -> None:
        rows = sum(made.rows.values())
        made_at = LocalZone("UTC").show(made.made_at_s)
        session.terminal.line(("Backed up", Style.GOOD), f": {made.target}, {rows} rows, as of {made_at}.")
        session.terminal.line("Secrets are not in it: keep them apart.")

    body = MakeBackup(target=str(Path(options.target).absolute()))
    answer = session.daemon.ask("POST", path_of("backup"), body=body, limit_s=SLOW_LIMIT_S)
    return show_answer(session, options, answer, BackupMade, show)


def register(commands: Commands) -> None:
    """Add both."""
    commands.add("reload", "read the configuration again; only what changed is touched", Options, reload)
    parser = commands.add("backup", "copy the state while the daemon works", BackupOptions, backup)
    parser.add_argument(
        "target", metavar="TARGET", help="a folder that is not there yet, where the daemon may write"
    )
