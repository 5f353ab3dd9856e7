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


# ---- products and stock


class LocationLevel(Wire, frozen=True, kw_only=True):
    location_id: str
    stocked_quantity: Decimal = Decimal(0)
    reserved_quantity: Decimal = Decimal(0)
    incoming_quantity: Decimal = Decimal(0)


class InventoryItem(Wire, frozen=True, kw_only=True):
    id: str
    location_levels: tuple[LocationLevel, ...] = ()

    def level(self, location: str) -> LocationLevel | None:
        return next((each for each in self.location_levels if each.location_id == location), None)


class Component(Wire, frozen=True, kw_only=True):
    """An inventory item of a variant, and how many units of it one unit of the variant takes."""

    required_quantity: int = 1
    inventory: InventoryItem | None = None


class StockVariant(Wire, frozen=True, kw_only=True):
    id: str
    sku: str
    manage_inventory: bool
    allow_backorder: bool = False
    inventory_items: tuple[Component, ...] = ()

    def sellable(self, location: str) -> int | None:
        """Units there that may be sold; None where there is no level, or none that alone decides."""
        if not self.manage_inventory or len(self.inventory_items) != 1:
            return None
        (part,) = self.inventory_items
        level = None if part.inventory is None else part.inventory.level(location)
        if level is None or part.required_quantity < 1:
            return None
        return int(level.stocked_quantity - level.reserved_quantity) // part.required_quantity


class Skud(Wire, frozen=True, kw_only=True):
    """So much of a variant as tells which it is."""

    sku: str


class SetLevel(Wire, frozen=True, kw_only=True):
    inventory_item_id: str
    reserved_quantity: Decimal = Decimal(0)


class SetLevels(Wire, frozen=True, kw_only=True):
    created: tuple[SetLevel, ...] = ()
    updated: tuple[SetLevel, ...] = ()


class TrackedItem(InventoryItem, frozen=True, kw_only=True):
    sku: str
    metadata: dict[str, msgspec.Raw] | None = None


class InventoryItems(Wire, frozen=True, kw_only=True):
    inventory_items: tuple[TrackedItem, ...]


class ProductOfVariant(Wire, frozen=True, kw_only=True):
    title: str
    status: str
    updated_at: datetime
    sales_channels: tuple[Identified, ...] = ()


class Variant(VariantFacts, frozen=True, kw_only=True):
    id: str
    title: str
    updated_at: datetime
    product: ProductOfVariant
    sku: str | None = None
    manage_inventory: bool = True


class Sku(Wire, frozen=True, kw_only=True):
    id: str
    sku: str | None = None
    manage_inventory: bool = True
    allow_backorder: bool = False


class Skus(Wire, frozen=True, kw_only=True):
    variants: tuple[Sku, ...]
    count: int


class CreatedProduct(Wire, frozen=True, kw_only=True):
    variants: tuple[Sku, ...]


class CreatedProducts(Wire, frozen=True, kw_only=True):
    created: tuple[CreatedProduct, ...] = ()


def read_mark(metadata: dict[str, msgspec.Raw] | None) -> str:
    """Our reference in a metadata, empty where there is none that is ours."""
    raw = (metadata or {}).get(MARK)
    if raw is None:
        return ""
    try:
        return msgspec.json.decode(raw, type=str)
    except UNREADABLE:
        return ""
