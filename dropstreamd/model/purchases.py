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
    """A purchase order as the warehouse tells it. `key` is the platform's id, `number` what people see."""

    key: str
    number: str
    status: PurchaseStatus
    lines: tuple[PurchaseLine, ...]
    supplier: str = ""
    ordered_at: datetime | None = None
    expected_at: datetime | None = None
    updated_at: datetime | None = None
    note: str = ""
