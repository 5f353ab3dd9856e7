"""What the tests read from a Vendure, and what they order."""

from datetime import datetime

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One object of an answer; fields that the tests do not read are left out."""


class Identified(Record, frozen=True, kw_only=True):
    id: str


class Variant(Record, frozen=True, kw_only=True):
    id: str
    sku: str


class StockLevel(Record, frozen=True, kw_only=True):
    stock_location_id: str
    stock_on_hand: int
    stock_allocated: int


class VariantStock(Record, frozen=True, kw_only=True):
    id: str
    sku: str
    stock_levels: list[StockLevel]


class SoldProduct(Record, frozen=True, kw_only=True):
    id: str
    name: str
    slug: str
    enabled: bool


class SoldVariant(Variant, frozen=True, kw_only=True):
    """`price` is in cents, without tax."""

    name: str
    enabled: bool
    price: int
    track_inventory: str
    product: SoldProduct


class MadeVariant(Variant, frozen=True, kw_only=True):
    enabled: bool


class MadeProduct(SoldProduct, frozen=True, kw_only=True):
    """A product as it stands, with its variants or without."""

    variants: list[MadeVariant]


class OrderLine(Record, frozen=True, kw_only=True):
    id: str
    quantity: int
    order_placed_quantity: int
    product_variant: Variant


class FulfillmentLine(Record, frozen=True, kw_only=True):
    order_line_id: str
    quantity: int


class Fulfillment(Record, frozen=True, kw_only=True):
    id: str
    state: str
    method: str
    tracking_code: str | None
    lines: list[FulfillmentLine]


class Order(Record, frozen=True, kw_only=True):
    id: str
    code: str
    state: str
    updated_at: datetime
    order_placed_at: datetime | None
    lines: list[OrderLine]
    fulfillments: list[Fulfillment] | None

    def units_fulfilled(self) -> dict[str, int]:
        """Units in fulfillments that were not cancelled, by SKU."""
        skus = {line.id: line.product_variant.sku for line in self.lines}
        units: dict[str, int] = {}
        for fulfillment in self.fulfillments or []:
            if fulfillment.state != "Cancelled":
                for line in fulfillment.lines:
                    sku = skus[line.order_line_id]
                    units[sku] = units.get(sku, 0) + line.quantity
        return units


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What one buyer puts into the cart; `code` chooses the order's number, otherwise Vendure does.

    `payment` is the code of a method: `card` settles at once, `invoice` only authorizes.
    """

    units: dict[str, int]
    code: str | None = None
    payment: str = "card"
    shipping_method: str = "standard-shipping"


class Placed(Record, frozen=True, kw_only=True):
    """An order as its buyer sees it."""

    id: str
    code: str
    state: str
