"""Returns: what a buyer asks to send back, and what a warehouse received."""

from datetime import datetime
from typing import Literal

import msgspec

from dropstreamd.model.orders import Address

ReturnStatus = Literal["open", "waiting", "cancelled", "closed"]
"""`open`: the goods may come. `waiting`: not approved yet. `cancelled`: they will not.
`closed`: the store has received, or refunded, all of it."""

Condition = Literal["restock", "damaged", "quarantine"]
"""What a warehouse did with a unit: put it back into stock, wrote it off, or set it aside."""

ReceiptKind = Literal["return", "return-to-sender"]
"""`return-to-sender`: a parcel that was never delivered came back; nobody asked for that."""


class ReturnLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one order line that are to come back. `key` is the platform's id of the return's line,
    `order_line` that of the order's."""

    key: str
    order_line: str
    sku: str
    quantity: int
    reason: str = ""


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """A return as its store tells it. `key` is the platform's id, `number` what people see (the RMA),
    `order_key` the platform's id of the order."""

    key: str
    number: str
    order_key: str
    order_number: str
    status: ReturnStatus
    requested_at: datetime
    updated_at: datetime
    lines: tuple[ReturnLine, ...]
    sender: Address | None = None
    carrier: str = ""
    tracking_numbers: tuple[str, ...] = ()
    note: str = ""


class OutboundReturnLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a warehouse's SKU to expect; `number` counts from 1 within the return. A line of the store
    that sold a bundle has a line for each component: see `OutboundLine` for `kit` and `units_per_kit`."""

    number: int
    return_line: str
    order_line: str
    sku: str
    quantity: int
    reason: str = ""
    kit: str = ""
    units_per_kit: int = 0


class OutboundReturn(msgspec.Struct, frozen=True, kw_only=True):
    """A return for a warehouse to expect. It reports receipts under `reference`; `order_reference` is
    the reference of the order that it had shipped."""

    reference: str
    number: str
    order_reference: str
    requested_at: datetime
    lines: tuple[OutboundReturnLine, ...]
    sender: Address | None = None
    carrier: str = ""
    tracking_numbers: tuple[str, ...] = ()
    note: str = ""


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one SKU that came back in one condition; `return_line` is the number that we sent, 0 if
    not told."""

    sku: str
    quantity: int
    condition: Condition
    return_line: int = 0


class ShortLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units that were announced and that the warehouse says will not come; `line` is the number that we
    sent, 0 if not told."""

    sku: str
    quantity: int
    line: int = 0


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a warehouse received back, as it tells it; or what came of a stock notice.

    `key` is unique within the warehouse account and the same on every re-export. `reference` is that of
    our return or notice; where it is empty the receipt is known by `order_reference`, else by the tracking
    numbers of the parcel that went out, or came in. `short` counts where it is of a notice.
    """

    key: str
    lines: tuple[ReceiptLine, ...]
    reference: str = ""
    order_reference: str = ""
    tracking_numbers: tuple[str, ...] = ()
    received_at: datetime | None = None
    kind: ReceiptKind = "return"
    short: tuple[ShortLine, ...] = ()


class ReturnedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one line that came back in one condition. `return_line` is the platform's id of the
    return's line, empty where nobody asked for a return. Of a line that sold a bundle they are kits: one of
    which any component came back, and it is to `restock` only if all of it may be."""

    order_line: str
    sku: str
    quantity: int
    condition: Condition
    return_line: str = ""


class ReturnReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as its store is told of it. `return_key` is empty where nobody asked for a return.
    `restock` and `refund` say whether the store is to add the units to its own stock, and to pay back:
    by default neither, since the next level counts the units."""

    receipt_key: str
    order_key: str
    order_number: str
    lines: tuple[ReturnedLine, ...]
    return_key: str = ""
    return_number: str = ""
    received_at: datetime | None = None
    kind: ReceiptKind = "return"
    restock: bool = False
    refund: bool = False
