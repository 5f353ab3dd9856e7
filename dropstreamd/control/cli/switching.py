"""`enable` and `disable`: the switches of connections and channels."""

from functools import partial

from dropstreamd.control.cli.answering import show_answer
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.messages.runs import Switch, Switched


class SwitchOptions(Options, frozen=True, kw_only=True):
    """The connection's own switch where `channel` is None."""

    connection: str
    channel: str | None = None


def switch(session: Session, options: SwitchOptions, *, verb: str) -> Exit:
    """Turn a switch; say how it stands now, and what else a person should know."""

    def show(switched: Switched) -> None:
        what = f"{switched.connection} {switched.channel}".rstrip()
        state = ("on", Style.GOOD) if switched.on else ("off", Style.WARN)
        session.terminal.line(f"{what} is ", state, ".")
        if switched.note:
            session.terminal.line(switched.note)

    path = path_of("connections", options.connection, verb)
    answer = session.daemon.ask("POST", path, body=Switch(channel=options.channel or ""))
    return show_answer(session, options, answer, Switched, show)


def register(commands: Commands) -> None:
    """Add both."""
    for verb, text in (
        ("enable", "let a connection, or one channel of it, run by its schedules"),
        ("disable", "stop a connection, or one channel of it, at the next settled point"),
    ):
        parser = commands.add(verb, text, SwitchOptions, partial(switch, verb=verb))
        add_connection(parser)
        parser.add_argument("channel", metavar="CHANNEL", nargs="?", help="only this channel")
