"""From an answer of the API to what is printed and the exit code."""

from collections.abc import Callable
from typing import TypeVar

from dropstreamd.control.cli.daemon import Answer, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.cli.times import LocalZone
from dropstreamd.control.messages.refusal import Refusal, RefusalKind
from dropstreamd.control.messages.status import ConnectionCard, Status
from dropstreamd.errors import ConfigError, Problem

T = TypeVar("T")

_FAILED: frozenset[RefusalKind] = frozenset({"too slow", "unreachable", "state full", "fault"})
"""What was asked is in order, and could not be done. Everything else is refused, and stays so until it is
asked otherwise or something else has changed."""


def show_answer(
    session: Session,
    options: Options,
    answer: Answer,
    expected: type[T],
    show: Callable[[T], None],
    verdict: Callable[[T], Exit] = lambda _content: Exit.OK,
) -> Exit:
    """Print the answer as it is (--json), or by `show`; or else why it was refused."""
    if answer.is_refusal:
        return show_refusal(session, options, answer)
    content = answer.read(expected)
    if options.json:
        session.terminal.raw(answer.text)
    else:
        show(content)
    return verdict(content)


def show_refusal(session: Session, options: Options, answer: Answer) -> Exit:
    """Say why the API did not do it, and what to do."""
    refusal = answer.read(Refusal)
    failed = refusal.kind in _FAILED
    if options.json:
        session.terminal.raw(answer.text)
    else:
        terminal = session.terminal
        word = "Failed: " if failed else "Refused: "
        terminal.note((word, Style.BAD), refusal.detail or refusal.title)
        if [str(problem) for problem in refusal.problems] != [refusal.detail]:
            show_problems(session, refusal.problems)
        if refusal.remedy:
            terminal.note("What to do: ", refusal.remedy)
    if refusal.kind == "unconfirmed":
        return Exit.UNCONFIRMED
    return Exit.FAILED if failed else Exit.REFUSED


def show_problems(session: Session, problems: tuple[Problem, ...]) -> None:
    """Each on a line of its own, beside the answer."""
    for problem in problems:
        session.terminal.note("  - ", str(problem).removeprefix(": "))  # it may be of no file


def zone_of(session: Session, connection: str) -> LocalZone:
    """The connection's timezone; UTC where the daemon cannot tell it."""
    card = card_of(session, connection)
    return LocalZone("UTC") if card is None else card_zone(card)


def card_of(session: Session, connection: str) -> ConnectionCard | None:
    """How the connection stands; None where the daemon cannot tell it."""
    answer = session.daemon.ask("GET", path_of("status", connection))
    cards = () if answer.is_refusal else answer.read(Status).connections
    return cards[0] if cards else None


def card_zone(card: ConnectionCard) -> LocalZone:
    """The zone of a connection's schedules; UTC where no job of it is supported."""
    zones = (job.timezone for channel in card.channels for job in channel.jobs if job.timezone)
    return LocalZone(next(zones, "UTC"))


def wrong_argument(name: str, found: str, allowed: str) -> ConfigError:
    """What to raise for an argument that cannot be meant."""
    return ConfigError([Problem(file="the command line", key=name, found=repr(found), allowed=allowed)])


def pair(name: str, text: str) -> tuple[str, str]:
    """The two parts of `CHANNEL.JOB` or `MERCHANT.WAREHOUSE`. Raises ConfigError."""
    first, dot, second = text.partition(".")
    if not (first and dot and second):
        raise wrong_argument(name, text, f"{name}, with the dot")
    return first, second
