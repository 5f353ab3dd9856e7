"""The records of ShipHero, decoded strictly: fields that are asked for are there, though they may be null.

Amounts and instants are text.
"""

import msgspec

from dropstream_shiphero.answers import Asked, Connection, Id, Listed

# ---- the account


class User(msgspec.Struct, frozen=True):
    email: str | None = None


class House(msgspec.Struct, frozen=True):
    id: str | None = None
    identifier: str | None = None


class Account(msgspec.Struct, frozen=True):
    id: str | None = None
    email: str | None = None
    warehouses: tuple[House | None, ...] | None = None


class AccountData(msgspec.Struct, frozen=True):
    me: Asked[User] | None = None
    account: Asked[Account] | None = None
    warehouse_products: Listed[Id] | None = None


# ---- orders and shipments


class OfOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order that a shipment or a return is of."""

    partner_order_id: str | None
    shop_name: str | None


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: str | None
    partner_line_item_id: str | None


class Label(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str | None
    refunded: bool | None
    tracking_number: str | None
    tracking_url: str | None
    carrier: str | None
    shipping_name: str | None
    shipping_method: str | None
    created_date: str | None


class ShippedLine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    quantity: int | None
    shipping_label_id: str | None
    line_item: SoldLine | None


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created_date: str | None
    order: OfOrder | None
    shipping_labels: tuple[Label | None, ...] | None
    line_items: Connection[ShippedLine] | None


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    fraud_hold: bool | None
    address_hold: bool | None
    shipping_method_hold: bool | None
    operator_hold: bool | None
    payment_hold: bool | None
    client_hold: bool | None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are set."""
        return tuple(
            name.removesuffix("_hold").replace("_", " ")
            for name, is_set in sorted(msgspec.structs.asdict(self).items())
            if is_set
        )


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sku: str | None
    quantity: int | None
    quantity_shipped: int | None
    partner_line_item_id: str | None

    @property
    def units(self) -> int:
        return self.quantity or 0


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    order_number: str | None
    partner_order_id: str | None
    shop_name: str | None
    fulfillment_status: str | None
    updated_at: str | None
    holds: Holds | None
    line_items: Connection[OrderLine] | None

    @property
    def status(self) -> str:
        return (self.fulfillment_status or "").strip().lower()

    @property
    def cancelled(self) -> bool:
        return self.status in ("canceled", "cancelled")


class ShippingLines(msgspec.Struct, frozen=True, kw_only=True):
    title: str | None
    carrier: str | None
    method: str | None


class Address(msgspec.Struct, frozen=True, kw_only=True):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    email: str | None = None
    phone: str | None = None


class Standing(OrderState, frozen=True, kw_only=True):
    """An order as it stands, with what may be changed of it."""

    gift_note: str | None
    packing_note: str | None
    required_ship_date: str | None
    shipping_lines: ShippingLines | None
    shipping_address: Address | None

    @property
    def shipped(self) -> bool:
        """Whether something of it has left."""
        return self.status == "fulfilled" or any(
            (line.quantity_shipped or 0) > 0 for line in self.line_items or ()
        )
