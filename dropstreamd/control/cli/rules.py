"""`rules try`: what rules would make of orders that are here, before they are saved."""

from collections.abc import Sequence
from pathlib import Path

from dropstreamd.control.cli.answering import show_answer, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_table
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.times import LocalZone
from dropstreamd.control.cli.words import plural
from dropstreamd.control.messages.rules import FiredShown, OrderTried, RulesTried, TryRules
from dropstreamd.errors import ConfigError, Problem

FILE_LIMIT_BYTES = 200 * 1024


class RulesOptions(Options, frozen=True, kw_only=True):
    """No `order` is the newest 50; no `file` the rules that hold now."""

    connection: str
    verb: str
    order: Sequence[str] = ()
    file: str | None = None


def rules(session: Session, options: RulesOptions) -> Exit:
    """Show what each rule would do; 1 where one cannot be evaluated for an order."""
    body = TryRules(orders=tuple(options.order))
    if options.file is not None:
        body = TryRules(orders=body.orders, text=_text(Path(options.file)), file=Path(options.file).name)

    def show(tried: RulesTried) -> None:
        _show(session.terminal, tried, zone_of(session, options.connection))

    path = path_of("connections", options.connection, "rules", "try")
    return show_answer(
        session, options, session.daemon.ask("POST", path, body=body), RulesTried, show, _verdict
    )


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_LIMIT_BYTES + 1)
        if len(content) <= FILE_LIMIT_BYTES:
            return content.decode()
        found = f"more than {FILE_LIMIT_BYTES // 1024} KiB"
    except OSError as error:
        found = error.strerror or str(error)
    except UnicodeDecodeError:
        found = "a byte that is no UTF-8"
    raise ConfigError([Problem(file=str(file), key="", found=found, allowed="a TOML file to read")])


def _verdict(tried: RulesTried) -> Exit:
    failed = any(fired.error for order in tried.orders for fired in order.fired)
    return Exit.FAILED if failed else Exit.OK


def _show(terminal: Terminal, tried: RulesTried, zone: LocalZone) -> None:
    terminal.line(
        f"{plural(len(tried.rules), 'rule')} on {plural(len(tried.orders), 'order')}"
        f"{_stay(tried)}; nothing is changed."
    )
    rows: list[list[Cell]] = [
        [order.number, order.state, _outcome(order, zone), ", ".join(each.rule for each in order.fired)]
        for order in tried.orders
    ]
    if rows:
        terminal.line()
        show_table(terminal, ("ORDER", "STATE", "WOULD BE", "RULES"), rows)
    for order in tried.orders:
        if order.fired:
            terminal.line()
            terminal.line("Order ", (order.number, Style.HEAD))
            for fired in order.fired:
                _show_fired(terminal, fired)
    silent = [name for name in tried.rules if not any(_applied(name, order) for order in tried.orders)]
    if silent and tried.orders:
        terminal.line()
        terminal.line(f"Applied to none of them: {', '.join(silent)}")


def _stay(tried: RulesTried) -> str:
    """How many of the orders would not go even where no rule stops them."""
    count = sum(bool(order.stays) for order in tried.orders)
    return f", {count} of which {'stays' if count == 1 else 'stay'} whatever rules say" if count else ""


def _applied(name: str, order: OrderTried) -> bool:
    return any(each.rule == name for each in order.fired)


def _show_fired(terminal: Terminal, fired: FiredShown) -> None:
    terminal.line("  ", (fired.rule, Style.BAD if fired.error else Style.PLAIN), f": {fired.did}")
    for change in fired.changes:
        terminal.line(f"    {change.field}: {change.before!r} → {change.after!r}")


def _outcome(order: OrderTried, zone: LocalZone) -> Cell:
    text: str = order.outcome
    if order.outcome == "held":
        text = f"held until {zone.show(order.until_s)}" if order.until_s else "held until released"
    words = f"{text}: {order.reason}" if order.reason else text
    if order.stays:
        then = "" if order.outcome == "stays" else f"; once let go, {words}"
        words = f"stays {order.stays}{then}"
    return (words, Style.PLAIN if order.outcome == "goes" else Style.WARN)


def register(commands: Commands) -> None:
    """Add `rules` with its verb."""
    verbs = commands.add("rules", "show what rules would make of orders", RulesOptions, rules).add_subparsers(
        metavar="try", dest="verb", required=True
    )
    trying = verbs.add_parser(
        "try",
        help="try rules on orders that are here; nothing is changed",
        description="Tries the rules of a connection, or those of a file, on orders that are here."
        " Nothing is changed.",
        parents=[commands.common],
        allow_abbrev=False,
    )
    add_connection(trying)
    trying.add_argument(
        "order",
        metavar="ORDER",
        nargs="*",
        default=(),
        help="number, reference or id (default: the newest 50)",
    )
    trying.add_argument("--file", metavar="FILE", help="a TOML file with [[rules]] that are not saved yet")
