"""`catalog` and `po`: what a store lacks, and what is on its way."""

from pathlib import Path

from dropstreamd.control.cli import entering
from dropstreamd.control.cli.answering import show_answer, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection, add_yes
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.explaining import said_of
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_fields, show_table
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.times import LocalZone
from dropstreamd.control.messages.goods import (
    CatalogShown,
    LackingShown,
    Purchases,
    PurchaseShown,
)


class CatalogOptions(Options, frozen=True, kw_only=True):
    connection: str


class PurchaseOptions(Options, frozen=True, kw_only=True):
    """One where `number` is given (or its id), else all; `ended`: also those that have ended. `enter`: a
    file of those that the warehouse is to expect, instead; `yes`: whatever it changes."""

    connection: str
    number: str | None = None
    ended: bool = False
    enter: str | None = None
    yes: bool = False


def catalog(session: Session, options: CatalogOptions) -> Exit:
    """Show what the warehouse has and the store lacks."""

    def show(found: CatalogShown) -> None:
        _show_catalog(session.terminal, found, options.connection)

    path = path_of("connections", options.connection, "catalog")
    return show_answer(session, options, session.daemon.ask("GET", path), CatalogShown, show)


def _show_catalog(terminal: Terminal, found: CatalogShown, connection: str) -> None:
    if not found.store_known:
        terminal.line(
            ("! ", Style.WARN), "the store's own products are not known: all items seem to be lacking"
        )
        terminal.line(f"  → dropstreamctl run {connection} products.update")
    if not found.lacking:
        terminal.line("The store has every item of the warehouse.")
        return
    rows = [_lacking_row(one) for one in found.lacking]
    columns = ("SKU", "IN THE STORE", "TITLE", "GTIN", "VENDOR CODE", "DRAFT", "MEANT?")
    show_table(terminal, columns, rows)
    if found.more:
        terminal.line("… and more.")


def _lacking_row(one: LackingShown) -> list[Cell]:
    item = one.item
    title = " ".join(part for part in (item.title, item.option) if part)
    return [
        item.sku,
        one.channel_sku if one.channel_sku != item.sku else "",
        title,
        item.gtin,
        item.vendor_code,
        said_of(one.state, one.reason),
        ", ".join(one.near),
    ]


def purchases(session: Session, options: PurchaseOptions) -> Exit:
    """Show purchase orders: lines expected, received and damaged; or enter those of a file."""
    path = path_of("connections", options.connection, "purchase-orders")
    if options.enter is not None:
        return entering.enter(session, options, options.connection, Path(options.enter), yes=options.yes)
    if options.number is None:
        query: dict[str, str | int] = {"ended": "true"} if options.ended else {}
        answer = session.daemon.ask("GET", path, query=query)
        return show_answer(
            session, options, answer, Purchases, lambda found: _show_all(session, options, found)
        )

    def show(found: PurchaseShown) -> None:
        _show_one(session.terminal, found, zone_of(session, options.connection))

    path = path_of("connections", options.connection, "purchase-orders", options.number)
    return show_answer(session, options, session.daemon.ask("GET", path), PurchaseShown, show)


def _show_all(session: Session, options: PurchaseOptions, found: Purchases) -> None:
    if not found.purchases:
        session.terminal.line("No purchase order is known.")
        return
    zone = zone_of(session, options.connection)
    rows: list[list[Cell]] = []
    for one in found.purchases:
        lines = one.purchase.lines
        rows.append(
            [
                one.purchase.number,
                one.purchase.status,
                one.purchase.supplier,
                zone.show(_seconds(one)),
                sum(line.expected for line in lines),
                sum(line.received for line in lines),
                sum(line.damaged for line in lines),
                said_of(one.state, one.reason) or "not told",
            ]
        )
    columns = ("NUMBER", "STATUS", "SUPPLIER", "EXPECTED ON", "EXPECTED", "RECEIVED", "DAMAGED", "THE STORE")
    show_table(session.terminal, columns, rows)
    if found.more:
        session.terminal.line("… and more.")


def _seconds(one: PurchaseShown) -> float | None:
    at = one.purchase.expected_at
    return None if at is None else at.timestamp()


def _show_one(terminal: Terminal, found: PurchaseShown, zone: LocalZone) -> None:
    purchase = found.purchase
    terminal.line("Purchase order ", (purchase.number, Style.HEAD), f"  {purchase.status}")
    show_fields(
        terminal,
        [
            ("id", purchase.key),
            ("supplier", purchase.supplier),
            ("ordered", zone.show(purchase.ordered_at.timestamp() if purchase.ordered_at else None)),
            ("expected on", zone.show(_seconds(found))),
            ("entered here" if found.notice else "told by the warehouse", zone.show(found.at_s)),
            ("the warehouse", said_of(found.notice, found.notice_reason) if found.notice else ""),
            ("the store", said_of(found.state, found.reason) or "not told"),
            ("the store has", found.sent.status if found.sent else ""),
            ("note", purchase.note),
        ],
        indent="  ",
    )
    terminal.line()
    rows: list[list[Cell]] = [
        [
            line.sku,
            line.unit if line.pack == 1 else f"{line.unit} of {line.pack}",
            line.expected,
            line.received,
            line.damaged,
            line.incoming,
        ]
        for line in purchase.lines
    ]
    show_table(terminal, ("SKU", "UNIT", "EXPECTED", "RECEIVED", "DAMAGED", "TO COME"), rows)


def register(commands: Commands) -> None:
    """Add `catalog` and `po`."""
    parser = commands.add(
        "catalog", "list what the warehouse has and the store lacks", CatalogOptions, catalog
    )
    add_connection(parser)
    text = "show what is on its way to the warehouse, or enter it"
    parser = commands.add("po", text, PurchaseOptions, purchases)
    add_connection(parser)
    parser.add_argument(
        "--enter",
        metavar="FILE.csv",
        help="take purchase orders from it, and tell the warehouse: number,sku,quantity and, where wanted, "
        "unit,pack,supplier,ordered,expected,carrier,tracking,note,status",
    )
    add_yes(parser, "with --enter: change what was entered before")
    parser.add_argument("number", metavar="NUMBER", nargs="?", help="its number or its id")
    parser.add_argument("--ended", action="store_true", help="also those of which nothing more is expected")
