"""What a person has to see before it is done: shown, asked about, and agreed to as it was shown."""

from collections.abc import Callable

import msgspec

from dropstreamd.control.cli.answering import show_refusal
from dropstreamd.control.cli.daemon import Answer
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.messages.refusal import Refusal

TIMES_SHOWN = 5
"""How often it is shown what is known, where that has changed by the time a person has agreed to it."""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A person's: `confirmed`, whatever is known; or to what was `shown`; or none yet."""

    confirmed: bool = False
    shown: str = ""


Ask = Callable[[Word], Answer]
"""Asks the daemon, with that."""


def once_agreed(
    session: Session, options: Options, ask: Ask, *, yes: bool, question: str, otherwise: str
) -> Answer | Exit:
    """The daemon's answer once a person has seen what is known, and agreed; `yes` agrees beforehand. Where
    nobody does, it says `otherwise` and what ends the command."""
    answer = ask(Word())
    for shown in range(TIMES_SHOWN):
        refusal = _unconfirmed(answer)
        if refusal is None:
            break
        if shown:
            session.terminal.note("Meanwhile this has changed.")
        if not _agreed(session, options, refusal, question, yes=yes):
            return _not_agreed(session, options, answer, otherwise)
        answer = ask(Word(confirmed=True) if yes else Word(shown=refusal.shown))
    return answer


def _unconfirmed(answer: Answer) -> Refusal | None:
    refusal = answer.read(Refusal) if answer.is_refusal else None
    return refusal if refusal is not None and refusal.kind == "unconfirmed" else None


def _agreed(session: Session, options: Options, refusal: Refusal, question: str, *, yes: bool) -> bool:
    terminal = session.terminal
    if options.json:
        return yes
    terminal.note(refusal.detail.removesuffix(f": {'; '.join(refusal.known)}"))
    for one in refusal.known:
        terminal.note("  - ", one)
    return yes or (terminal.can_ask and terminal.ask(question))


def _not_agreed(session: Session, options: Options, answer: Answer, otherwise: str) -> Exit:
    if options.json:
        return show_refusal(session, options, answer)
    session.terminal.note(f"{otherwise} To agree beforehand, add --yes.")
    return Exit.UNCONFIRMED
