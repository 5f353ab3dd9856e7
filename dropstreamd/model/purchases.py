"""Purchase orders: stock on its way to a warehouse, and how much of it came."""

from datetime import datetime
from typing import Literal

import msgspec

PurchaseStatus = Literal["open", "partially-received", "received", "cancelled", "closed"]
"""`closed`: nothing more is expected, whatever came."""


class PurchaseLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a purchase order, in units of the SKU.

    `expected`, `received` and `damaged` (a part of what was received) may be any figures: more or less
    than expected is told as it is. `unit` is the name of the unit of measure that was ordered in,
    `pack` how many units of the SKU one of it holds.
    """

    key: str
    sku: str
    expected: int
    received: int = 0
    damaged: int = 0
    unit: str = "each"
    pack: int = 1

    @property
    def incoming(self) -> int:
        """Units that are still to come."""
        return max(0, self.expected - self.received)


class PurchaseOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase order as the warehouse tells it, or as a person or an ERP enters it here. `key` is the
    platform's id (of one that was entered, the reference that the warehouse knows it by), `number` what
    people see."""

    key: str
    number: str
    status: PurchaseStatus
    lines: tuple[PurchaseLine, ...]
    supplier: str = ""
    ordered_at: datetime | None = None
    expected_at: datetime | None = None
    updated_at: datetime | None = None
    note: str = ""
    carrier: str = ""
    tracking_numbers: tuple[str, ...] = ()


class NoticeLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a warehouse's SKU that are on their way; `number` counts from 1 within the notice. They
    come packed: `pack` units in one `unit`."""

    number: int
    sku: str
    quantity: int
    unit: str = "each"
    pack: int = 1


class StockNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase order for a warehouse to expect. It reports what came under `reference`."""

    reference: str
    number: str
    lines: tuple[NoticeLine, ...]
    supplier: str = ""
    ordered_at: datetime | None = None
    expected_at: datetime | None = None
    carrier: str = ""
    tracking_numbers: tuple[str, ...] = ()
    note: str = ""
