"""`plan` shows what would be done and keeps it; `apply` does exactly that."""

from dropstreamd.control.cli.answering import show_answer, wrong_argument, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_table
from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.cli.words import plural, sku_at
from dropstreamd.control.messages.plans import Applied, ApplyPlan, MakePlan, PlanShown, What

NONE = "nothing"
ROWS = 200
"""Items shown; --json has all of them."""


class PlanOptions(Options, frozen=True, kw_only=True):
    """`what` is inventory.full, sales_orders.import or resend."""

    connection: str
    what: What
    orders: tuple[str, ...] = ()
    since: str | None = None


class ApplyOptions(Options, frozen=True, kw_only=True):
    """`plan` is its id."""

    connection: str
    plan: str
    why: str


def plan(session: Session, options: PlanOptions) -> Exit:
    """Have it worked out, and show it; 1 where an order that was asked for cannot be in it."""
    if bool(options.since) != (options.what == "sales_orders.import"):
        raise wrong_argument(
            "--since", options.since or NONE, "a day with sales_orders.import, and only there"
        )
    if bool(options.orders) != (options.what == "resend"):
        raise wrong_argument("ORDER", " ".join(options.orders) or NONE, "orders with resend, and only there")
    body = MakePlan(what=options.what, since=options.since or "", orders=options.orders)
    answer = session.daemon.ask("POST", path_of("connections", options.connection, "plans"), body=body)
    return show_answer(
        session, options, answer, PlanShown, lambda found: _show(session, options, found), _verdict
    )


def _verdict(found: PlanShown) -> Exit:
    return Exit.FAILED if found.left_out else Exit.OK


def _show(session: Session, options: PlanOptions, found: PlanShown) -> None:
    terminal = session.terminal
    terminal.line((plural(len(found.items), "item"), Style.HEAD), f"; {found.unchanged} stay as they are.")
    rows: list[list[Cell]] = [
        [sku_at(each.number, each.location), each.before, each.after] for each in found.items[:ROWS]
    ]
    if rows:
        show_table(terminal, ("WHAT", "NOW", "THEN"), rows)
    if len(found.items) > ROWS:
        terminal.line(f"and {len(found.items) - ROWS} more: see --json")
    for one in found.left_out:
        terminal.line(("Left out: ", Style.WARN), f"{one.named}: {one.why}")
    if found.items:
        until = zone_of(session, options.connection).show(found.expires_s)
        terminal.line(f"Until {until}: dropstreamctl apply {options.connection} {found.id} --why …")
    else:
        terminal.line("There is nothing to apply.")


def apply(session: Session, options: ApplyOptions) -> Exit:
    """Do what it showed."""

    def show(applied: Applied) -> None:
        terminal = session.terminal
        terminal.line((plural(applied.done, "item"), Style.HEAD), " applied.")
        for one in applied.moved:
            terminal.line(("Moved since, and left alone: ", Style.WARN), f"{one.named}: {one.why}")
        if applied.run:
            terminal.line(f"Run {applied.run} was asked for.")
        elif applied.done:
            terminal.line("The channel is off: they go with its next run.")

    path = path_of("connections", options.connection, "plans", options.plan, "apply")
    answer = session.daemon.ask("POST", path, body=ApplyPlan(why=options.why))
    return show_answer(session, options, answer, Applied, show)


def register(commands: Commands) -> None:
    """Add the two."""
    parser = commands.add("plan", "show what would be done, and keep it to be applied", PlanOptions, plan)
    add_connection(parser)
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="inventory.full, sales_orders.import or resend",
        choices=("inventory.full", "sales_orders.import", "resend"),
    )
    parser.add_argument(
        "orders", metavar="ORDER", nargs="*", default=(), help="with resend: its number, reference or id"
    )
    parser.add_argument(
        "--since", metavar="DAY", help="with sales_orders.import: the older orders placed since"
    )
    parser = commands.add("apply", "do what a plan showed, except what has moved since", ApplyOptions, apply)
    add_connection(parser)
    parser.add_argument("plan", metavar="PLAN", help="the id that `plan` showed")
    parser.add_argument("--why", metavar="TEXT", required=True, help="kept in the log; no customer's data")
