"""`order resend`, `hold`, `release`, `cancel` …: what a person does to an order by hand, and why."""

import argparse

import msgspec

from dropstreamd.control.cli.answering import show_answer, show_refusal
from dropstreamd.control.cli.arguments import Commands, add_connection, add_yes
from dropstreamd.control.cli.daemon import Answer, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.refusal import Refusal
from dropstreamd.control.messages.verbs import ByHand, Confirmed

TIMES_SHOWN = 5
"""How often it is shown what is known, where that has changed by the time a person has agreed to it."""

CHANGED = "Meanwhile this has changed."


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
    answer = ask(session, options, name, body)
    for shown in range(TIMES_SHOWN):
        refusal = unconfirmed(answer)
        if refusal is None:
            break
        if shown:
            session.terminal.note(CHANGED)
        if not _agreed(session, options, refusal, question):
            return _not_agreed(session, options, answer)
        given = {"confirmed": True} if options.yes else {"shown": refusal.shown}
        answer = ask(session, options, name, msgspec.structs.replace(body, **given))
    return show_done(session, options, answer)


def unconfirmed(answer: Answer) -> Refusal | None:
    """What a person has to see first; None where nothing of that kind stands in the way."""
    refusal = answer.read(Refusal) if answer.is_refusal else None
    return refusal if refusal is not None and refusal.kind == "unconfirmed" else None


def _agreed(session: Session, options: ConfirmedOptions, refusal: Refusal, question: str) -> bool:
    terminal = session.terminal
    if options.json:
        return options.yes
    terminal.note(refusal.detail.removesuffix(f": {'; '.join(refusal.known)}"))
    for one in refusal.known:
        terminal.note("  - ", one)
    return options.yes or (terminal.can_ask and terminal.ask(question))


def _not_agreed(session: Session, options: ConfirmedOptions, answer: Answer) -> Exit:
    if options.json:
        return show_refusal(session, options, answer)
    session.terminal.note("Nothing was done. To agree beforehand, add --yes.")
    return Exit.UNCONFIRMED


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
        ("release", "let one order go that waits, or was cancelled by hand", release),
        ("cancel", "cancel an order here, and at the warehouse if it has it", cancel),
    ):
        add_verb(commands.add_verb(name, text, VerbOptions, execute))
