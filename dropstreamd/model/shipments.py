"""Packages that left a warehouse, and the fulfillments that a store is told of."""

from datetime import datetime

import msgspec


class PackageLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one SKU in a package; `order_line` is the line number that we sent, 0 if not told."""

    sku: str
    quantity: int
    order_line: int = 0


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One package as the warehouse tells it.

    `key` is unique within the warehouse account and the same on every re-export (its shipment and
    package numbers). `reference` is the order reference that we sent. `facility` is the warehouse's code of
    the facility that it left from; "" where it does not say. Without `lines` it is all that is left of the
    order; one more such has no units, and its tracking numbers belong to the first. `voided`: its label was,
    and nothing travels under it; what left of its lines is in other packages.
    """

    key: str
    reference: str
    lines: tuple[PackageLine, ...]
    carrier: str = ""
    service: str = ""
    tracking_numbers: tuple[str, ...] = ()
    tracking_url: str = ""
    shipped_at: datetime | None = None
    facility: str = ""
    voided: bool = False


class FulfillmentLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one line of the store's order; `order_line` is the platform's id of the line."""

    order_line: str
    quantity: int


class Fulfillment(msgspec.Struct, frozen=True, kw_only=True):
    """A package as its store is told of it: which lines of which order, and how to follow it. `location` is
    that of the store whose stock it was, as `[locations]` writes it; "" where that is not known."""

    order_key: str
    order_number: str
    package_key: str
    lines: tuple[FulfillmentLine, ...]
    carrier: str = ""
    service: str = ""
    tracking_numbers: tuple[str, ...] = ()
    tracking_url: str = ""
    shipped_at: datetime | None = None
    location: str = ""
