"""`authorize`: a person lets the daemon into an account, in any browser. The code is never an argument."""

import argparse
import getpass

from dropstreamd.control.cli.answering import show_answer, show_refusal, wrong_argument
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.messages.consent import AskConsent, ConsentAsked, GiveConsent
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.runs import Side
from dropstreamd.errors import ConfigError, Problem

ANSWER_LIMIT_BYTES = 16 * 1024


class AuthorizeOptions(Options, frozen=True, kw_only=True):
    """`side` None: the one that wants it. `refused` takes in what was given beyond, so that it is not
    repeated."""

    connection: str
    side: str | None = None
    refused: tuple[str, ...] = ()


def authorize(session: Session, options: AuthorizeOptions) -> Exit:
    """Show the address, read what the browser came back with, have it exchanged."""
    side = _side(options)
    path, terminal = path_of("connections", options.connection, "consent"), session.terminal
    answer = session.daemon.ask("POST", path, body=AskConsent(side=side))
    if answer.is_refusal:
        return show_refusal(session, options, answer)
    asked = answer.read(ConsentAsked)
    terminal.note(f"Open this address in any browser, signed in as whoever owns {asked.account}:")
    terminal.note()
    terminal.note(f"  {asked.url}")
    terminal.note()
    terminal.note(
        "Give consent. Then paste the whole address of the page that it ends on, or the code in it,"
    )
    terminal.note("within a few minutes.")
    given = GiveConsent(state=asked.state, answer=_answer(session))
    answer = session.daemon.ask("PUT", path, body=given)

    def show(done: Done) -> None:
        terminal.line(f"{done.text}.")
        terminal.note(f"To see it work: dropstreamctl test {options.connection} {asked.side}")

    return show_answer(session, options, answer, Done, show)


def _side(options: AuthorizeOptions) -> Side | None:
    """The side, once it was found to be one. What else was given is refused unseen: it may be a code."""
    if not options.refused:
        if options.side == "store":
            return "store"
        if options.side == "warehouse":
            return "warehouse"
        if options.side is None:
            return None
    problem = Problem(
        file="the command line",
        key="authorize",
        found="more than a connection and a side",
        allowed="CONNECTION, and store or warehouse",
        hint="an address or a code is pasted when it is asked for: whoever lists processes sees arguments",
    )
    raise ConfigError([problem])


def _answer(session: Session) -> str:
    """Typed unseen, or the first line of a pipe."""
    stdin = session.terminal.stdin
    try:
        text = getpass.getpass("Address or code (it is not shown): ") if stdin.isatty() else _piped(session)
    except EOFError:
        text = ""
    if not text.strip():
        raise wrong_argument("the address", "", "the address of the page, or the code in it")
    return text


def _piped(session: Session) -> str:
    line = session.terminal.stdin.readline(ANSWER_LIMIT_BYTES + 1)
    if len(line) > ANSWER_LIMIT_BYTES:
        raise wrong_argument("the address", "a longer one", f"at most {ANSWER_LIMIT_BYTES} bytes")
    return line


def register(commands: Commands) -> None:
    """Add it."""
    text = "let the daemon into the account of a platform that asks for consent, such as eBay"
    parser = commands.add("authorize", text, AuthorizeOptions, authorize)
    add_connection(parser)
    parser.add_argument("side", nargs="?", metavar="store|warehouse", help="where both sides want consent")
    parser.add_argument("refused", nargs="*", default=(), help=argparse.SUPPRESS)
