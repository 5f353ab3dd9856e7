"""The answers of Medusa's Admin API about returns, and about receiving them."""

from datetime import datetime
from decimal import Decimal

import msgspec

from dropstream_medusa import wire, wire_goods


class ReturnReason(wire.Wire, frozen=True, kw_only=True):
    label: str


class ReturnedLine(wire.Wire, frozen=True, kw_only=True):
    variant_sku: str | None = None


class ReturnItem(wire.Wire, frozen=True, kw_only=True):
    id: str
    item_id: str
    quantity: Decimal
    note: str | None = None
    reason: ReturnReason | None = None
    item: ReturnedLine | None = None


class Return(wire.Wire, frozen=True, kw_only=True):
    id: str
    display_id: int
    status: str
    order_id: str
    created_at: datetime
    updated_at: datetime
    requested_at: datetime | None = None
    items: tuple[ReturnItem, ...] = ()


class ReturnedOrder(wire.Wire, frozen=True, kw_only=True):
    """The order of a return."""

    id: str
    display_id: int
    custom_display_id: str | None = None
    sales_channel_id: str | None = None
    shipping_address: wire.Address | None = None


class ReturnedOrders(wire.Wire, frozen=True, kw_only=True):
    orders: tuple[ReturnedOrder, ...]


# ---- receipts


class LineVariant(wire.Wire, frozen=True, kw_only=True):
    manage_inventory: bool = True
    inventory_items: tuple[wire_goods.Component, ...] = ()


class StockedLine(wire.Wire, frozen=True, kw_only=True):
    """An order's line, with where its variant is stocked."""

    id: str
    variant_sku: str | None = None
    variant: LineVariant | None = None


class StockedOrder(wire.Wire, frozen=True, kw_only=True):
    id: str
    status: str
    items: tuple[StockedLine, ...] = ()


class StockedOrderAnswer(wire.Wire, frozen=True, kw_only=True):
    order: StockedOrder


class ReceivedItem(wire.Wire, frozen=True, kw_only=True):
    item_id: str
    quantity: Decimal


class ReceivedReturn(wire.Wire, frozen=True, kw_only=True):
    id: str
    status: str
    location_id: str | None = None
    metadata: dict[str, msgspec.Raw] | None = None
    items: tuple[ReceivedItem, ...] = ()


class ReceivedReturns(wire.Wire, frozen=True, kw_only=True):
    returns: tuple[ReceivedReturn, ...]


class ReturnAnswer(wire.Wire, frozen=True, kw_only=True):
    """`return` is a word of Python's."""

    returned: wire.Identified = msgspec.field(name="return")


class OrderChange(wire.Wire, frozen=True, kw_only=True):
    """A change of an order: an edit, a return being asked for or received."""

    id: str
    status: str
    change_type: str | None = None
    return_id: str | None = None
    internal_note: str | None = None

    @property
    def open(self) -> bool:
        return self.status in ("pending", "requested")


class OrderChanges(wire.Wire, frozen=True, kw_only=True):
    order_changes: tuple[OrderChange, ...]
