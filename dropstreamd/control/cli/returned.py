"""`return`: what was asked for, what came back, and what the store was told."""

from dropstreamd.control.cli.answering import show_answer, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.explaining import said_of
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_fields, show_table
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.times import LocalZone
from dropstreamd.control.messages.returned import ReceiptShown, ReturnShown


class ReturnOptions(Options, frozen=True, kw_only=True):
    """`number` may also be the warehouse's reference or the platform's id."""

    connection: str
    number: str


def one_return(session: Session, options: ReturnOptions) -> Exit:
    """Show a return: where it stands, what was asked for, what came back, and its history."""

    def show(found: ReturnShown) -> None:
        _show(session.terminal, found, zone_of(session, options.connection))

    path = path_of("connections", options.connection, "returns", options.number)
    return show_answer(session, options, session.daemon.ask("GET", path), ReturnShown, show)


def _show(terminal: Terminal, found: ReturnShown, zone: LocalZone) -> None:
    asked = found.asked
    terminal.line("Return ", (found.number, Style.HEAD), f"  {said_of(found.state, found.reason)}")
    show_fields(
        terminal,
        [
            ("id", found.key),
            ("of order", asked.order_number),
            ("reference", found.reference),
            ("the store says", asked.status),
            ("asked for", zone.show(asked.requested_at.timestamp())),
            ("handed over", zone.show(found.handed_s)),
            ("as", found.remote),
            ("revision", f"{found.revision}, the warehouse has {found.accepted or 'none'}"),
            ("on its way", " ".join((asked.carrier, *asked.tracking_numbers)).strip()),
            ("note", asked.note),
        ],
        indent="  ",
    )
    rows: list[list[Cell]] = [[line.sku, line.quantity, line.reason] for line in asked.lines]
    terminal.line()
    show_table(terminal, ("SKU", "ASKED FOR", "REASON"), rows)
    for receipt in found.receipts:
        _show_receipt(terminal, receipt, zone)
    terminal.line()
    steps: list[list[Cell]] = [[zone.show(step.at_s), step.run, step.text] for step in found.history]
    show_table(terminal, ("TIME", "RUN", "WHAT"), steps)


def _show_receipt(terminal: Terminal, shown: ReceiptShown, zone: LocalZone) -> None:
    receipt = shown.receipt
    at = receipt.received_at
    when = "" if at is None else f", {zone.show(at.timestamp())}"
    terminal.line()
    terminal.line(f"Receipt {shown.key}{when}: {said_of(shown.state, shown.reason)}")
    rows: list[list[Cell]] = [["came", line.sku, line.quantity, line.condition] for line in receipt.lines]
    told = shown.told.lines if shown.told else ()
    rows += [["told", line.sku, line.quantity, line.condition] for line in told]
    show_table(terminal, ("", "SKU", "UNITS", "CONDITION"), rows)


def register(commands: Commands) -> None:
    """Add `return`."""
    parser = commands.add("return", "explain where a return stands", ReturnOptions, one_return)
    add_connection(parser)
    parser.add_argument("number", metavar="NUMBER", help="its number, its reference or its id")
