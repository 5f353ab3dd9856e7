"""`order replace`, `edit-address`, `mark-shipped`: what a person changes of an order by hand, and why."""

from dropstreamd.control.cli.answering import wrong_argument
from dropstreamd.control.cli.arguments import Commands, add_yes
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.order_verbs import (
    ConfirmedOptions,
    VerbOptions,
    add_verb,
    ask,
    do_confirmed,
    show_done,
)
from dropstreamd.control.cli.session import Session
from dropstreamd.control.messages.verbs import EditAddress, Replace, Shipped
from dropstreamd.model.orders import Address


class ReplaceOptions(ConfirmedOptions, frozen=True, kw_only=True):
    """`lines` as SKU=UNITS,SKU=UNITS."""

    lines: str | None = None


class AddressOptions(VerbOptions, frozen=True, kw_only=True):
    """The parts that are given."""

    name: str | None = None
    company: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    phone: str | None = None
    reset: bool = False


class ShippedOptions(ConfirmedOptions, frozen=True, kw_only=True):
    """`tracking` numbers, each an option of its own."""

    tell: bool = False
    carrier: str = ""
    tracking: tuple[str, ...] = ()


def replace(session: Session, options: ReplaceOptions) -> Exit:
    """Send it once more beside the first one."""
    lines = _lines(options.lines) if options.lines is not None else {}
    return do_confirmed(session, options, "replace", Replace(why=options.why, lines=lines), "Send it?")


def _lines(text: str) -> dict[str, int]:
    lines: dict[str, int] = {}
    for part in text.split(","):
        sku, equals, units = part.strip().rpartition("=")
        if not (sku and equals and units.isascii() and units.isdigit() and int(units)) or sku in lines:
            raise wrong_argument("--lines", text, "SKU=UNITS, with commas between, each SKU once")
        lines[sku] = int(units)
    return lines


def edit_address(session: Session, options: AddressOptions) -> Exit:
    """Put another address in the place of the store's."""
    given = {part: getattr(options, part) for part in Address.__struct_fields__}
    body = EditAddress(why=options.why, reset=options.reset, **given)
    return show_done(session, options, ask(session, options, "edit-address", body))


def mark_shipped(session: Session, options: ShippedOptions) -> Exit:
    """Close an order that left outside of the warehouse, or from it though it was cancelled by hand."""
    body = Shipped(why=options.why, tell=options.tell, carrier=options.carrier, tracking=options.tracking)
    return do_confirmed(session, options, "mark-shipped", body, "Close it here all the same?")


def register(commands: Commands) -> None:
    """Add the three."""
    parser = commands.add_verb(
        "replace", "send an order, or some of it, once more beside the first one", ReplaceOptions, replace
    )
    add_verb(parser)
    parser.add_argument(
        "--lines", metavar="SKU=UNITS,…", help="by the store's SKU (default: all that was ordered)"
    )
    add_yes(parser, "send it, whatever is known of the first one,")
    parser = commands.add_verb(
        "edit-address", "put another address in the place of the store's", AddressOptions, edit_address
    )
    add_verb(parser)
    for part in Address.__struct_fields__:
        parser.add_argument(f"--{part.replace('_', '-')}", metavar="TEXT")
    parser.add_argument("--reset", action="store_true", help="back to the store's address")
    parser = commands.add_verb(
        "mark-shipped",
        "close an order that left outside of the warehouse, or from it though cancelled",
        ShippedOptions,
        mark_shipped,
    )
    add_verb(parser)
    parser.add_argument(
        "--tell", action="store_true", help="tell the store that all that is left has shipped"
    )
    parser.add_argument("--carrier", metavar="NAME", default="", help="told to the store")
    parser.add_argument(
        "--tracking", metavar="NUMBER", action="append", default=[], help="told to the store; may be repeated"
    )
    add_yes(parser, "close it though the warehouse has it,")
