"""An order as the store tells it, and as the warehouse is told."""

from datetime import datetime
from typing import Literal

import msgspec

from dropstreamd.model.money import Money

OrderStatus = Literal["open", "waiting", "cancelled", "closed"]
"""`open`: may be shipped. `waiting`: not yet (unpaid, being edited). `cancelled`: never.
`closed`: nothing is left to ship."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A postal address. `country` is ISO 3166-1 alpha-2; fields that a platform lacks are empty."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    phone: str = ""


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order.

    `key` is the platform's id of the line. `quantity` is what the buyer still wants in all
    (ordered less cancelled and refunded), `fulfilled` how much of it the store already shows as
    shipped: the difference is what a warehouse has to send. `sku`, `gtin` (UPC, EAN) and `vendor_code`
    are three identifiers: none stands for another. `weight_g` is grams for one unit, `hs_code` the
    customs tariff number, `origin` a country, `declared_value` for one unit (the price by default).
    `part_of` is the key of the line that sold a bundle which the platform has taken apart by itself. `sold`
    are the units of the line that its buyer still wants in all, where the order comes as several
    (`Order.store_order`) that may share it; 0 where that is not told.
    """

    key: str
    sku: str
    quantity: int
    fulfilled: int = 0
    name: str = ""
    unit_price: Money | None = None
    gtin: str = ""
    vendor_code: str = ""
    weight_g: int | None = None
    hs_code: str = ""
    origin: str = ""
    declared_value: Money | None = None
    part_of: str = ""
    sold: int = 0

    @property
    def open_quantity(self) -> int:
        return max(0, self.quantity - self.fulfilled)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A sales order as its store tells it.

    `key` is the platform's id, `number` what people see, `placed_at` and `updated_at` aware
    instants. `ship_method` is the store's own name of the method. `cancel_requested`: the buyer asks for
    it not to be sent. `ship_by` and `deliver_by` are the latest instants promised; `incoterm` says who
    pays duties ("DDP"), `tax_ids` are those that customs want to see, as "scheme:number". `location` is the
    store's location that is to send it, as the settings write it; "" where the store does not say. `rerouted`
    is the daemon's own: it was another location's before. `store_order` is the platform's id of the buyer's
    order, where that may come as several of these; lines of the same key are then the same line.
    """

    key: str
    number: str
    status: OrderStatus
    placed_at: datetime
    updated_at: datetime
    ship_to: Address
    lines: tuple[OrderLine, ...]
    bill_to: Address | None = None
    ship_method: str = ""
    email: str = ""
    po_number: str = ""
    note: str = ""
    currency: str = ""
    total: Money | None = None
    channel_code: str = ""
    cancel_requested: bool = False
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    gift_message: str = ""
    delivery_note: str = ""
    incoterm: str = ""
    tax_ids: tuple[str, ...] = ()
    location: str = ""
    rerouted: bool = False
    store_order: str = ""


class OutboundLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order for a warehouse: the warehouse's SKU and the units to send.

    `number` counts from 1 within the order; `order_line` is the key of the store's line, and
    `ordered` what the buyer wanted of it in all, of which the store may have shipped some before. A line
    of the store that sold a bundle has a line for each component: `kit` is the bundle's SKU at the
    merchant, `units_per_kit` how many units of this one a kit takes (0: no kit). Then `ordered` is kits.
    `store_sku` is what the store sold, whatever a listing says of it later.
    """

    number: int
    order_line: str
    sku: str
    quantity: int
    ordered: int = 0
    name: str = ""
    unit_price: Money | None = None
    gtin: str = ""
    vendor_code: str = ""
    weight_g: int | None = None
    hs_code: str = ""
    origin: str = ""
    declared_value: Money | None = None
    kit: str = ""
    units_per_kit: int = 0
    store_sku: str = ""


class OutboundOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order for a warehouse, under the reference that the warehouse will report back. `facility` is the
    warehouse's own code of the facility that is to send it; "" leaves that to the warehouse."""

    reference: str
    number: str
    placed_at: datetime
    ship_to: Address
    ship_method: str
    lines: tuple[OutboundLine, ...]
    bill_to: Address | None = None
    email: str = ""
    po_number: str = ""
    note: str = ""
    channel_code: str = ""
    currency: str = ""
    total: Money | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    gift_message: str = ""
    delivery_note: str = ""
    incoterm: str = ""
    tax_ids: tuple[str, ...] = ()
    facility: str = ""
