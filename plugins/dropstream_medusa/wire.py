"""The answers of Medusa's Admin API, as far as they are asked for."""

from datetime import datetime
from decimal import Decimal

import msgspec

from dropstreamd.platform.rows import UNREADABLE

MARK = "dropstreamd"
"""The key of our reference in a metadata; the first word of one in an internal note."""

MARK_LINES = "dropstreamd_lines"
"""The key, in a fulfillment's metadata, of the units of each order line."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """One object of an answer; fields that are not read are left out."""


class Identified(Wire, frozen=True, kw_only=True):
    id: str


class Named(Wire, frozen=True, kw_only=True):
    id: str
    name: str


class Done(Wire, frozen=True, kw_only=True):
    """An answer of which nothing is read."""


class SalesChannels(Wire, frozen=True, kw_only=True):
    sales_channels: tuple[Named, ...]


class StockLocations(Wire, frozen=True, kw_only=True):
    stock_locations: tuple[Named, ...]


class ShippingOptions(Wire, frozen=True, kw_only=True):
    shipping_options: tuple[Named, ...]


class Profile(Wire, frozen=True, kw_only=True):
    id: str
    type: str


class ShippingProfiles(Wire, frozen=True, kw_only=True):
    shipping_profiles: tuple[Profile, ...]


class Row(Wire, frozen=True, kw_only=True):
    """What every listed row has, whatever else is wrong with it."""

    id: str


class Placed(Wire, frozen=True, kw_only=True):
    created_at: datetime


class Stamped(Wire, frozen=True, kw_only=True):
    updated_at: datetime


# ---- orders


class Address(Wire, frozen=True, kw_only=True):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    city: str | None = None
    province: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone: str | None = None


class VariantFacts(Wire, frozen=True, kw_only=True):
    """What a variant says of its units, now."""

    weight: Decimal | None = None
    ean: str | None = None
    upc: str | None = None
    barcode: str | None = None
    hs_code: str | None = None
    origin_country: str | None = None

    @property
    def gtin(self) -> str:
        return self.ean or self.upc or self.barcode or ""

    @property
    def weight_g(self) -> int | None:
        return None if self.weight is None else round(self.weight)


class Detail(Wire, frozen=True, kw_only=True):
    """A line's units in the order's present version."""

    quantity: Decimal
    fulfilled_quantity: Decimal


class OrderItem(Wire, frozen=True, kw_only=True):
    id: str
    title: str
    requires_shipping: bool
    unit_price: Decimal
    detail: Detail
    variant_sku: str | None = None
    variant_title: str | None = None
    variant: VariantFacts | None = None


class ShippingMethod(Wire, frozen=True, kw_only=True):
    name: str
    shipping_option_id: str | None = None


class ChannelName(Wire, frozen=True, kw_only=True):
    name: str


class Order(Wire, frozen=True, kw_only=True):
    id: str
    display_id: int
    status: str
    payment_status: str
    created_at: datetime
    updated_at: datetime
    currency_code: str
    total: Decimal
    items: tuple[OrderItem, ...]
    custom_display_id: str | None = None
    email: str | None = None
    sales_channel: ChannelName | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    shipping_methods: tuple[ShippingMethod, ...] = ()


# ---- fulfillments


class FulfilledItem(Wire, frozen=True, kw_only=True):
    line_item_id: str | None
    quantity: Decimal


class Label(Wire, frozen=True, kw_only=True):
    tracking_number: str


class Fulfillment(Wire, frozen=True, kw_only=True):
    id: str
    items: tuple[FulfilledItem, ...] = ()
    labels: tuple[Label, ...] = ()
    shipped_at: str | None = None
    canceled_at: str | None = None
    metadata: dict[str, msgspec.Raw] | None = None

    @property
    def mark(self) -> str:
        """The package that it is, where we have made it."""
        return read_mark(self.metadata)

    @property
    def units(self) -> dict[str, int]:
        """Units by order line: as we noted them, else as the items say. Those of a kit are of its parts."""
        noted = (self.metadata or {}).get(MARK_LINES)
        if noted is not None:
            try:
                return msgspec.json.decode(noted, type=dict[str, int])
            except UNREADABLE:
                pass  # somebody wrote something else there: what the items say holds
        units: dict[str, int] = {}
        for item in self.items:
            if item.line_item_id is not None:
                units[item.line_item_id] = max(units.get(item.line_item_id, 0), int(item.quantity))
        return units


class LineUnits(Wire, frozen=True, kw_only=True):
    id: str
    detail: Detail


class FulfilledOrder(Wire, frozen=True, kw_only=True):
    id: str
    status: str
    items: tuple[LineUnits, ...] = ()
    fulfillments: tuple[Fulfillment, ...] = ()


class FulfilledAnswer(Wire, frozen=True, kw_only=True):
    order: FulfilledOrder


class Fulfillments(Wire, frozen=True, kw_only=True):
    fulfillments: tuple[Fulfillment, ...] = ()


class FulfillAnswer(Wire, frozen=True, kw_only=True):
    order: Fulfillments


class StockPart(Wire, frozen=True, kw_only=True):
    """An inventory item of which one unit of a variant takes so many."""

    inventory_item_id: str
    required_quantity: int = 1


class StockedParts(Wire, frozen=True, kw_only=True):
    manage_inventory: bool = True
    inventory_items: tuple[StockPart, ...] = ()


class StockedLine(LineUnits, frozen=True, kw_only=True):
    variant: StockedParts | None = None


class StockedOrder(Wire, frozen=True, kw_only=True):
    items: tuple[StockedLine, ...] = ()


class StockedAnswer(Wire, frozen=True, kw_only=True):
    order: StockedOrder


class Reservation(Wire, frozen=True, kw_only=True):
    id: str
    line_item_id: str
    inventory_item_id: str
    quantity: Decimal
    location_id: str = ""


class Reservations(Wire, frozen=True, kw_only=True):
    reservations: tuple[Reservation, ...] = ()


def read_mark(metadata: dict[str, msgspec.Raw] | None) -> str:
    """Our reference in a metadata, empty where there is none that is ours."""
    raw = (metadata or {}).get(MARK)
    if raw is None:
        return ""
    try:
        return msgspec.json.decode(raw, type=str)
    except UNREADABLE:
        return ""
