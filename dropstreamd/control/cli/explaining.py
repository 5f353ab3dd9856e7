"""`order` and `sku`: every figure and step that led to what is shown."""

from dropstreamd.control.cli.answering import show_answer, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_fields, show_table
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.times import LocalZone
from dropstreamd.control.cli.words import figure, plural, sku_at
from dropstreamd.control.messages.goods import ProductShown
from dropstreamd.control.messages.look import ComponentShown, OrderShown, PackageShown, PromiseShown, SkuShown
from dropstreamd.control.messages.returned import ReceiptShown

STATES = {
    "pending": "goes with the next run",
    "open": "is being handed over",
    "accepted": "handed over",
    "parked": "parked until its cause is gone",
    "held": "held",
    "doubt": "in doubt: nobody can tell whether it was handed over",
    "void": "nothing is handed over",
}
"""What the state of a document means for a person."""


class OrderOptions(Options, frozen=True, kw_only=True):
    """`number` may also be the warehouse's reference or the platform's id."""

    connection: str
    number: str


class SkuOptions(Options, frozen=True, kw_only=True):
    """The store's SKU."""

    connection: str
    sku: str


def order(session: Session, options: OrderOptions) -> Exit:
    """Show an order: where it stands, what the warehouse was told, packages and history."""

    def show(found: OrderShown) -> None:
        _show_order(session.terminal, found, zone_of(session, options.connection))

    path = path_of("connections", options.connection, "orders", options.number)
    return show_answer(session, options, session.daemon.ask("GET", path), OrderShown, show)


def sku(session: Session, options: SkuOptions) -> Exit:
    """Show how a SKU's level comes about."""

    def show(found: SkuShown) -> None:
        _show_sku(session.terminal, found, zone_of(session, options.connection))

    path = path_of("connections", options.connection, "skus", options.sku)
    return show_answer(session, options, session.daemon.ask("GET", path), SkuShown, show)


def _show_order(terminal: Terminal, found: OrderShown, zone: LocalZone) -> None:
    life = f"  {found.life}" if found.life else ""
    terminal.line("Order ", (found.number, Style.HEAD), life)
    for said in found.explained:
        terminal.line("  - ", said)
    show_fields(
        terminal,
        [
            ("state", said_of(found.state, found.reason)),
            ("id", found.key),
            ("reference", found.reference),
            ("the store says", found.order.status),
            ("placed", zone.show(found.order.placed_at.timestamp())),
            ("first seen", zone.show(found.first_s)),
            ("changed", zone.show(found.changed_s)),
            ("handed over", zone.show(found.handed_s)),
            ("as", found.remote),
            ("revision", f"{found.revision}, the warehouse has {found.accepted or 'none'}"),
            ("ship method", found.order.ship_method),
            ("address", "as a person put it in" if found.address is not None else ""),
            ("note", found.order.note),
        ],
        indent="  ",
    )
    _show_lines(terminal, found)
    if found.attempt is not None:
        opened = zone.show(found.attempt.opened_s)
        terminal.line(f"Hand-over under way since {opened}: {found.attempt.name}, run {found.attempt.run}")
    _show_packages(terminal, found.packages, zone)
    for ret in found.returns:
        state = said_of(ret.state, ret.reason)
        terminal.line("Return ", (ret.number, Style.HEAD), f"  {state}{_came(ret.receipts)}")
    if found.receipts:
        terminal.line(f"Without a return{_came(found.receipts)}")
    for task in found.tasks:
        terminal.line(("To do: ", Style.WARN), f"{task.title}: {task.detail}")
    terminal.line()
    show_table(
        terminal,
        ("TIME", "RUN", "WHAT"),
        [[zone.show(step.at_s), step.run, step.text] for step in found.history],
    )


def _show_lines(terminal: Terminal, found: OrderShown) -> None:
    sent: dict[str, str] = {}
    for line in found.sent.lines if found.sent else ():
        before = f"{sent[line.order_line]}, " if line.order_line in sent else ""
        sent[line.order_line] = f"{before}{line.quantity} × {line.sku}"
    rows: list[list[Cell]] = [
        [line.sku, line.quantity, line.fulfilled, sent.get(line.key, ""), line.name]
        for line in found.order.lines
    ]
    terminal.line()
    show_table(terminal, ("SKU", "ORDERED", "SHIPPED BEFORE", "SENT", "NAME"), rows)


def _show_packages(terminal: Terminal, packages: tuple[PackageShown, ...], zone: LocalZone) -> None:
    if not packages:
        return
    rows: list[list[Cell]] = [
        [
            shown.key,
            said_of(shown.state, shown.reason),
            shown.package.carrier,
            " ".join(shown.package.tracking_numbers),
            zone.show(shown.package.shipped_at.timestamp() if shown.package.shipped_at else None),
            ", ".join(f"{line.quantity} × {line.sku}" for line in shown.package.lines),
        ]
        for shown in packages
    ]
    terminal.line()
    show_table(terminal, ("PACKAGE", "STATE", "CARRIER", "TRACKING", "SHIPPED", "LINES"), rows)


def _came(receipts: tuple[ReceiptShown, ...]) -> str:
    lines = [line for shown in receipts for line in shown.receipt.lines]
    told = ", ".join(f"{line.quantity} × {line.sku} ({line.condition})" for line in lines)
    return f"; came back: {told}" if told else ""


def said_of(state: str, reason: str) -> str:
    """The state of a document for a person, with its reason."""
    said = STATES.get(state, state)
    return f"{said}: {reason}" if reason else said


def _show_sku(terminal: Terminal, found: SkuShown, zone: LocalZone) -> None:
    if found.refusal is not None:
        unsure = f"the store refuses it: {found.refusal.reason}"
    elif found.unsure_until_s:
        unsure = f"a push was not answered; it may still take effect until {zone.show(found.unsure_until_s)}"
    else:
        unsure = ""
    terminal.line("SKU ", (sku_at(found.sku, found.location), Style.HEAD))
    show_fields(
        terminal,
        [
            ("facility", found.facility),
            (
                "bundle" if found.bundle else "warehouse SKU",
                found.warehouse_sku + ("" if found.listed else " (the same: no listing)"),
            ),
            ("reported", "" if found.bundle else _reported(found)),
            ("by snapshot", f"{found.snapshot} of {zone.show(found.as_of_s)}" if found.snapshot else ""),
            ("unsent orders", -found.unsent if found.unsent else 0),
            ("can be built", found.built if found.bundle else ""),
            *((step.rule, f"{step.setting}: leaves {step.units}") for step in found.allocation),
            ("level", (figure(found.derived), Style.HEAD)),
            ("the store took", f"{figure(found.accepted)}  {zone.show(found.accepted_at_s)}".rstrip()),
            ("in run", found.accepted_run),
            ("next", _next(found, zone)),
            ("trouble", (unsure, Style.BAD) if unsure else ""),
        ],
        indent="  ",
    )
    if found.bundle:
        _show_components(terminal, found.components)
    for each in found.products:
        _show_product(terminal, each, zone)
    if found.promises:
        _show_promises(terminal, found.promises, zone)
    if found.steps:
        terminal.line()
        for step in found.steps:
            terminal.line("  - ", step)
    for place in found.places:
        terminal.line()
        _show_sku(terminal, place, zone)


def _next(found: SkuShown, zone: LocalZone) -> str:
    if found.waits_since_s:
        since = zone.show(found.waits_since_s)
        return f"since {since} it waits for other stores to show less of the same stock"
    return "it is pushed with the next run" if found.pending else ""


def _show_product(terminal: Terminal, found: ProductShown, zone: LocalZone) -> None:
    product = found.product
    sold = "" if product.active else ", not sold any more"
    if found.gone:
        sold = ", gone from the store"
    terminal.line()
    terminal.line(f"In our catalogue since {zone.show(found.at_s)}{sold}:")
    show_fields(
        terminal,
        [
            ("id", product.key),
            ("title", " ".join(part for part in (product.title, product.option) if part)),
            ("GTIN", product.gtin),
            ("vendor code", product.vendor_code),
            ("vendor", product.vendor),
            ("weight", "" if product.weight_g is None else f"{product.weight_g} g"),
            ("HS code", product.hs_code),
            ("origin", product.origin),
        ],
        indent="  ",
    )


def _reported(found: SkuShown) -> str:
    if found.reported is None and found.former:
        return f"unknown under this name: until now it was {found.former}"
    if found.reported is None:
        return "never by the warehouse"
    return f"{found.reported} {found.quantity.replace('_', ' ')}"


def _show_components(terminal: Terminal, components: tuple[ComponentShown, ...]) -> None:
    terminal.line()
    rows: list[list[Cell]] = [
        [one.sku, one.units, figure(one.reported), one.unsent, one.safety, one.left, one.builds]
        for one in components
    ]
    titles = ("COMPONENT", "UNITS", "REPORTED", "UNSENT", "SAFETY STOCK", "LEFT", "BUILDS")
    show_table(terminal, titles, rows)


def _show_promises(terminal: Terminal, promises: tuple[PromiseShown, ...], zone: LocalZone) -> None:
    terminal.line()
    terminal.line(f"Units that {plural(len(promises), 'order')} will take:")
    rows: list[list[Cell]] = [
        [
            one.number,
            one.connection,
            one.units,
            zone.show(one.handed_s) or "not yet",
            "yes" if one.deducted else "no",
        ]
        for one in promises
    ]
    show_table(terminal, ("ORDER", "CONNECTION", "UNITS", "HANDED OVER", "DEDUCTED"), rows)


def register(commands: Commands) -> None:
    """Add `order` (also as `order show`, for a connection that is named as a verb) and `sku`."""
    text = "explain where an order stands"
    for parser in (
        commands.add("order", text, OrderOptions, order),
        commands.add_verb("show", text, OrderOptions, order),
    ):
        add_connection(parser)
        parser.add_argument("number", metavar="NUMBER", help="its number, its reference or its id")
    parser = commands.add("sku", "explain how a SKU's level comes about", SkuOptions, sku)
    add_connection(parser)
    parser.add_argument("sku", metavar="SKU", help="the store's SKU")
