"""`order resend`, `hold`, `release`, `cancel` …: what a person does to an order by hand, and why."""

import argparse

import msgspec

from dropstreamd.control.cli.agreeing import Word, once_agreed
from dropstreamd.control.cli.answering import show_answer
from dropstreamd.control.cli.arguments import Commands, add_connection, add_yes
from dropstreamd.control.cli.daemon import Answer, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.verbs import ByHand, Confirmed


class VerbOptions(Options, frozen=True, kw_only=True):
    """`number` may also be the warehouse's reference or the platform's id."""

    connection: str
    number: str
    why: str


class ConfirmedOptions(VerbOptions, frozen=True, kw_only=True):
    """`yes`: whatever is known of it."""

    yes: bool = False


def hold(session: Session, options: VerbOptions) -> Exit:
    """Hold it until it is released."""
    return _do(session, options, "hold", ByHand(why=options.why))


def release(session: Session, options: VerbOptions) -> Exit:
    """Let it go."""
    return _do(session, options, "release", ByHand(why=options.why))


def cancel(session: Session, options: VerbOptions) -> Exit:
    """Cancel it here and at the warehouse."""
    return _do(session, options, "cancel", ByHand(why=options.why))


def resend(session: Session, options: ConfirmedOptions) -> Exit:
    """Hand it over again, once a person has seen what is known of it."""
    return do_confirmed(session, options, "resend", Confirmed(why=options.why), "Send it again?")


def _do(session: Session, options: VerbOptions, name: str, body: ByHand) -> Exit:
    return show_done(session, options, ask(session, options, name, body))


def ask(session: Session, options: VerbOptions, name: str, body: ByHand) -> Answer:
    """Have the daemon do it."""
    path = path_of("connections", options.connection, f"order-{name}", options.number)
    return session.daemon.ask("POST", path, body=body)


def do_confirmed(
    session: Session, options: ConfirmedOptions, name: str, body: Confirmed, question: str
) -> Exit:
    """Do it once a person has seen what is known, and agreed."""

    def asked(word: Word) -> Answer:
        given = msgspec.structs.replace(body, confirmed=word.confirmed, shown=word.shown)
        return ask(session, options, name, given)

    answer = once_agreed(
        session, options, asked, yes=options.yes, question=question, otherwise="Nothing was done."
    )
    return answer if isinstance(answer, Exit) else show_done(session, options, answer)


def show_done(session: Session, options: VerbOptions, answer: Answer) -> Exit:
    """Say what was done, or why not."""
    return show_answer(session, options, answer, Done, lambda done: session.terminal.line(done.text))


def add_verb(parser: argparse.ArgumentParser) -> None:
    """What every verb is told."""
    add_connection(parser)
    parser.add_argument("number", metavar="ORDER", help="its number, its reference or its id")
    parser.add_argument(
        "--why", metavar="TEXT", required=True, help="kept in its history and in the log; no customer's data"
    )


def register(commands: Commands) -> None:
    """Add them."""
    parser = commands.add_verb("resend", "hand an order over once more", ConfirmedOptions, resend)
    add_verb(parser)
    add_yes(parser, "send it again, whatever is known of it,")
    for name, text, execute in (
        ("hold", "hold an order until it is released", hold),
        ("release", "let one order go that waits, or was cancelled or marked as shipped by hand", release),
        ("cancel", "cancel an order here, and at the warehouse if it has it", cancel),
    ):
        add_verb(commands.add_verb(name, text, VerbOptions, execute))
