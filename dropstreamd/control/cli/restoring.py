"""`restore`: puts a backup in place of a stopped daemon's state. The one command that needs no daemon."""

from pathlib import Path

import msgspec

from dropstreamd.clock import utc
from dropstreamd.control.cli.arguments import Commands
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.terminal import Style
from dropstreamd.store.backup import restore, verify_backup

_NEXT = (
    "Every switch is off, and what was sent after the backup was made is not known here.",
    "Next:",
    "  1. See that the files belong to the daemon's user (chown them if you are another one).",
    "  2. Start the daemon, then look at `dropstreamctl in-doubt CONNECTION` and",
    "     `dropstreamctl parked CONNECTION` of each connection: what may have been sent waits for you.",
    "  3. Put secrets back if they were lost too (`dropstreamctl secret list`): backups hold none.",
    "  4. `dropstreamctl enable CONNECTION`, then each of its channels, one connection after another.",
    "No level goes out before the warehouse has told stock figures that are newer than this restore.",
)


class RestoreOptions(Options, frozen=True, kw_only=True):
    """`state_folder` is the `state_dir` of dropstreamd.toml."""

    backup: str
    state_folder: str


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What --json prints. `kept` is where the replaced state is, null if there was none."""

    backup: str
    state_folder: str
    made_at_s: float
    kept: str | None


def restore_backup(session: Session, options: RestoreOptions) -> Exit:
    """Check the backup whole, then swap it in; the state that was there is kept beside it."""
    backup, folder = Path(options.backup).absolute(), Path(options.state_folder).absolute()
    made_at_s = verify_backup(backup).made_at_s
    kept = restore(backup, folder, clock=session.clock)
    if options.json:
        was = None if kept is None else str(kept)
        done = Done(backup=str(backup), state_folder=str(folder), made_at_s=made_at_s, kept=was)
        session.terminal.raw(msgspec.json.encode(done).decode())
        return Exit.OK
    terminal = session.terminal
    made = f"{utc(made_at_s):%Y-%m-%d %H:%M:%S} UTC"
    terminal.line(("Restored", Style.GOOD), f": {folder} now holds the state of {made}.")
    if kept is not None:
        terminal.line(f"The state that it replaced is kept as {kept}; delete it once you are sure.")
    for text in _NEXT:
        terminal.line(text)
    return Exit.OK


def register(commands: Commands) -> None:
    """Add `restore`."""
    parser = commands.add(
        "restore", "put a backup in place of a stopped daemon's state", RestoreOptions, restore_backup
    )
    parser.add_argument("backup", metavar="BACKUP", help="the folder that `backup` made")
    parser.add_argument("state_folder", metavar="STATE_FOLDER", help="the daemon's state_dir")
