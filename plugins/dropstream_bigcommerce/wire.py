"""What BigCommerce's REST APIs answer ("Orders V2", "Inventory V3", "Catalog V3"), as far as it is read."""

from decimal import Decimal

import msgspec

Text = str | None
"""Fields that are described as texts and come as null where there is nothing to say."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """One object of an answer."""


class Node(Wire, frozen=True, kw_only=True):
    id: int


# ---- orders (V2)


class Address(Wire, frozen=True, kw_only=True):
    first_name: Text = None
    last_name: Text = None
    company: Text = None
    street_1: Text = None
    street_2: Text = None
    city: Text = None
    state: Text = None
    zip: Text = None
    country_iso2: Text = None
    phone: Text = None
    email: Text = None


class OrderProduct(Wire, frozen=True, kw_only=True):
    """A line. Quantities are described as numbers: whole ones may come as 1.0."""

    id: int
    order_address_id: int
    quantity: int
    name: Text = None
    sku: Text = None
    upc: Text = None
    type: str = "physical"
    price_inc_tax: Decimal
    price_ex_tax: Decimal
    quantity_shipped: float = 0
    quantity_refunded: float = 0
    weight: str | float | None = None
    wrapping_message: Text = None


class ShippingConsignment(Address, frozen=True, kw_only=True):
    """An address of the order, and the lines that go there."""

    id: int
    line_items: tuple[OrderProduct, ...]
    shipping_method: Text = None

    @property
    def address(self) -> int:
        """The order address's id, by which shipments name it. That the consignment's own is the same is
        not written down."""
        return (self.line_items[0].order_address_id if self.line_items else 0) or self.id


class OtherConsignment(Wire, frozen=True, kw_only=True):
    """One that is picked up, downloaded or mailed: no warehouse's."""


class Consignments(Wire, frozen=True, kw_only=True):
    shipping: tuple[ShippingConsignment, ...] = ()
    pickups: tuple[OtherConsignment, ...] | None = ()
    downloads: tuple[OtherConsignment, ...] | None = ()


class Order(Wire, frozen=True, kw_only=True):
    """Instants are as RFC 2822 writes them. `default_currency_code` is the currency that was paid in."""

    id: int
    status_id: int
    date_created: str
    date_modified: str
    total_inc_tax: Decimal
    consignments: Consignments
    date_shipped: Text = None
    is_deleted: bool = False
    channel_id: int | None = None
    default_currency_code: Text = None
    currency_code: Text = None
    is_tax_inclusive_pricing: bool = False
    items_total: float = 0
    customer_message: Text = None
    billing_address: Address | None = None


# ---- shipments (V2)


class ShipmentItem(Wire, frozen=True, kw_only=True):
    order_product_id: int
    quantity: int


class Shipment(Wire, frozen=True, kw_only=True):
    id: int
    order_address_id: int
    items: tuple[ShipmentItem, ...]
    tracking_number: Text = None
    tracking_link: Text = None
    shipping_provider: Text = None
    tracking_carrier: Text = None
    shipping_method: Text = None
    comments: Text = None


# ---- inventory and catalogue (V3)


class Pagination(Wire, frozen=True, kw_only=True):
    """`per_page` is how many rows a page has at most, which may be fewer than were asked for."""

    per_page: int
    total_pages: int = 1


class Meta(Wire, frozen=True, kw_only=True):
    pagination: Pagination


class Rows(Wire, frozen=True, kw_only=True):
    """A page. Each row is decoded by itself."""

    data: tuple[msgspec.Raw, ...]
    meta: Meta

    @property
    def full(self) -> bool:
        """Whether there may be more behind it."""
        return 0 < self.meta.pagination.per_page <= len(self.data)


class Transaction(Wire, frozen=True, kw_only=True):
    """An adjustment that was taken."""

    transaction_id: str


class Identity(Wire, frozen=True, kw_only=True):
    variant_id: int | None = None
    product_id: int | None = None


class StockItem(Wire, frozen=True, kw_only=True):
    """At one location. `total_inventory_onhand` is what an absolute adjustment sets; what is sold of it
    is less by the location's own safety stock."""

    identity: Identity
    total_inventory_onhand: int = 0


class OptionValue(Wire, frozen=True, kw_only=True):
    label: Text = None


class Variant(Wire, frozen=True, kw_only=True):
    id: int
    product_id: int
    sku: Text = None
    upc: Text = None
    price: Decimal | None = None
    weight: Decimal | None = None
    calculated_price: Decimal | None = None
    calculated_weight: Decimal | None = None
    purchasing_disabled: bool = False
    option_values: tuple[OptionValue, ...] = ()


class StockProduct(Wire, frozen=True, kw_only=True):
    """A product as a level must know it. `inventory_tracking` is `none`, `product` or `variant`."""

    id: int
    sku: Text = None
    inventory_tracking: str = "none"
    variants: tuple[Variant, ...] = ()


class Product(StockProduct, frozen=True, kw_only=True):
    name: str
    type: str = "physical"
    upc: Text = None
    mpn: Text = None
    is_visible: bool = True
    availability: str = "available"
    date_modified: str | None = None


class Created(Wire, frozen=True, kw_only=True):
    data: Node
