"""What an account can do: it depends on the format of its files."""

from collections.abc import Mapping

from dropstream_file_exchange.settings import Settings
from dropstreamd.platform.contract import Claim, Part

OF_CSV = frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY})
OF_X12 = OF_CSV | {Part.RETURNS, Part.RECEIPTS, Part.STOCK_NOTICES, Part.ACKNOWLEDGEMENTS}

TAKES_WITHIN_S = 15 * 60.0
"""A warehouse looks for files every few minutes, and what it read is in its figures some time later."""

_NEITHER = (
    "incoterm",
    "tax_ids",
    "origin",
    "hs_code",
    "declared_value",
    "weight_g",
    "vendor_code",
    "currency",
)
"""Fields of an order, or of its lines, that no format has a place for."""

_OF_PACKAGES = {
    "carrier": "carrier",
    "service": "service",
    "tracking": "tracking_numbers",
    "tracking_url": "tracking_url",
    "shipped": "shipped_at",
    "facility": "facility",
}
"""Columns that a shipment file may lack, and the field of a package that each tells."""

_NO_PICK_HEADER = ("ship_by", "deliver_by", "gift_message", "delivery_note", "gtin")


def offers(settings: Settings) -> frozenset[Part]:
    """The parts of the format."""
    return OF_X12 if settings.format == "x12" else OF_CSV


def cancels(settings: Settings) -> frozenset[Part]:
    """Orders, where a file can say so."""
    by_file = settings.format == "x12" or settings.orders.cancel is not None
    return frozenset({Part.ORDERS}) if by_file else frozenset()


def amends(settings: Settings) -> frozenset[Part]:
    """Orders, where the partner takes changes."""
    changes = settings.format == "x12" and settings.x12.orders.change_supported
    return frozenset({Part.ORDERS}) if changes else frozenset()


def routes(settings: Settings) -> bool:
    """Whether an order file has a place for the facility."""
    if settings.format == "x12":
        return bool(settings.x12.orders.facility)
    return "facility" in settings.orders.positions


def adjusts(settings: Settings) -> bool:
    """Whether the partner's stock adjustments count."""
    return settings.format == "x12" and settings.x12.adjustments.apply


def untold(settings: Settings) -> Mapping[str, str]:
    """What the columns of a shipment file, where they are named, do not tell of a package."""
    columns = None if settings.format == "x12" else settings.shipments.columns
    if columns is None:
        return {}
    return {
        field: f"name the column of {column} in shipments.columns"
        for column, field in _OF_PACKAGES.items()
        if getattr(columns, column) is None
    }


def lacks(settings: Settings) -> tuple[str, ...]:
    """What an order file cannot say."""
    if settings.format == "x12":
        orders = settings.x12.orders
        said = {
            "ship_by": orders.ship_by_date,
            "deliver_by": orders.deliver_by_date,
            "delivery_note": orders.delivery_code,
            "gift_message": orders.gift_code,
        }
        return (*_NEITHER, *(name for name, code in said.items() if not code))
    positions = settings.orders.positions
    extra = tuple(name for name, column in (("email", "email"), ("note", "notes")) if column not in positions)
    return (*_NEITHER, *_NO_PICK_HEADER, *extra)


def claims(settings: Settings) -> tuple[Claim, ...]:
    """The pair of ids that control numbers are counted for: two accounts would give each number twice, and
    the partner would take the second file for the first one again."""
    if settings.format != "x12":
        return ()
    hint = "agree with the partner on an id of your own for each account, such as another sender"
    return (Claim(key="x12.sender", what=settings.x12.series, hint=hint),)
