"""`audit`: what two sides say of the same thing; it changes nothing."""

from dropstreamd.control.cli.answering import show_answer, wrong_argument, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import SLOW_LIMIT_S, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_table
from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.cli.words import figure, plural, sku_at
from dropstreamd.control.messages.audits import InventoryAudited, OrderFound, OrdersAudited


class AuditOptions(Options, frozen=True, kw_only=True):
    """`what`: orders or inventory. `last`: what was found the last time, instead of looking."""

    connection: str
    what: str
    last: bool = False


def audit(session: Session, options: AuditOptions) -> Exit:
    """Have it looked at, and show what was found."""
    if options.last and options.what != "orders":
        raise wrong_argument("--last", options.what, "audit CONNECTION orders --last: no other audit is kept")
    path = path_of("connections", options.connection, "audit", options.what)
    answer = session.daemon.ask("GET" if options.last else "POST", path, limit_s=SLOW_LIMIT_S)
    if options.what == "inventory":
        return show_answer(
            session, options, answer, InventoryAudited, lambda found: _show_levels(session, found), _even
        )
    return show_answer(
        session, options, answer, OrdersAudited, lambda found: _show(session, options, found), _verdict
    )


def _even(found: InventoryAudited) -> Exit:
    return Exit.FAILED if found.more or found.missing or found.trouble else Exit.OK


def _show_levels(session: Session, found: InventoryAudited) -> None:
    terminal = session.terminal
    terminal.line(f"{plural(found.looked_at, 'level')} read back from the store.")
    if found.trouble:
        terminal.line(("Not all of them: ", Style.BAD), found.trouble)
    terminal.line(
        (str(found.more), Style.BAD if found.more else Style.GOOD), " show more than they were told."
    )
    terminal.line(f"{found.fewer} show fewer: orders placed since lower a level, until the next run.")
    missing = Style.BAD if found.missing else Style.GOOD
    terminal.line((str(found.missing), missing), " are not in the store, or not counted there.")
    rows: list[list[Cell]] = [
        [sku_at(one.sku, one.location), one.told, figure(one.shows)] for one in found.levels
    ]
    if rows:
        show_table(terminal, ("SKU", "TOLD", "SHOWS"), rows)


def _verdict(found: OrdersAudited) -> Exit:
    return Exit.FAILED if found.unaccounted or found.overdue or found.trouble else Exit.OK


def _show(session: Session, options: AuditOptions, found: OrdersAudited) -> None:
    terminal = session.terminal
    at = f", {zone_of(session, options.connection).show(found.at_s)}" if options.last else ""
    terminal.line(f"{plural(found.looked_at, 'order')} of the store compared with ours{at}.")
    if found.trouble:
        terminal.line(("Not all of them: ", Style.BAD), found.trouble)
    for count, some, what in (
        (found.unaccounted, found.unaccounted_orders, "open in the store, and not so here"),
        (found.overdue, found.overdue_orders, "not shipped, past the time to ship"),
    ):
        terminal.line((str(count), Style.BAD if count else Style.GOOD), f" {what}.")
        if some:
            _show_orders(session, options, some, count)


def _show_orders(session: Session, options: AuditOptions, some: tuple[OrderFound, ...], count: int) -> None:
    zone = zone_of(session, options.connection)
    rows: list[list[Cell]] = [[one.number, one.key, zone.show(one.since_s), one.what] for one in some]
    show_table(session.terminal, ("NUMBER", "KEY", "SINCE", "WHAT"), rows)
    if count > len(some):
        session.terminal.line(f"and {count - len(some)} more")


def register(commands: Commands) -> None:
    """Add `audit`."""
    text = "compare the store with what is here; changes nothing; exit status 1 if something is wrong"
    parser = commands.add("audit", text, AuditOptions, audit)
    add_connection(parser)
    parser.add_argument("what", metavar="WHAT", choices=("orders", "inventory"), help="orders or inventory")
    parser.add_argument("--last", action="store_true", help="what the last audit of orders found")
