"""The answers of WooCommerce's REST API v3, as they are asked for: `_fields` leaves out the rest."""

from typing import Literal

import msgspec

Text = str | int | float | None
"""What PHP writes as the one or the other."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """One object of an answer."""


class Row(Wire, frozen=True, kw_only=True):
    id: int


class Meta(Wire, frozen=True, kw_only=True):
    """A custom field; its value may be anything."""

    key: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    id: int | None = None


# ---- orders


class Billing(Wire, frozen=True, kw_only=True):
    """An address; `email` is a billing address's alone."""

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    city: str | None = None
    state: str | None = None
    postcode: str | None = None
    country: str | None = None
    email: str | None = None
    phone: str | None = None


class Line(Wire, frozen=True, kw_only=True):
    """A line of an order, or of a refund, where its quantity is negative. `product_id` is 0 and `sku` null
    once the product is gone."""

    id: int
    quantity: int | float
    name: str | None = None
    product_id: int = 0
    variation_id: int = 0
    sku: str | None = None
    total: str = "0"
    meta_data: tuple[Meta, ...] = ()


class ShippingLine(Wire, frozen=True, kw_only=True):
    method_title: str | None = None
    method_id: str | None = None


class OrderRow(Wire, frozen=True, kw_only=True):
    """Of an order as much as is needed to page. Times are GMT, without saying so."""

    id: int
    date_modified_gmt: str | None = None


class Order(OrderRow, frozen=True, kw_only=True):
    number: str
    status: str
    currency: str
    total: str
    date_created_gmt: str
    line_items: tuple[Line, ...]
    shipping_lines: tuple[ShippingLine, ...] = ()
    billing: Billing = Billing()
    shipping: Billing = Billing()
    customer_note: str | None = None
    refunds: tuple[Row, ...] = ()
    meta_data: tuple[Meta, ...] = ()


class Refund(Wire, frozen=True, kw_only=True):
    id: int
    line_items: tuple[Line, ...]


# ---- shipments


class Item(Wire, frozen=True, kw_only=True):
    """Units of a line in a fulfillment."""

    item_id: int
    qty: int | float


class Fulfillment(Wire, frozen=True, kw_only=True):
    id: int
    meta_data: tuple[Meta, ...]
    date_deleted: str | None = None


class Tracking(Wire, frozen=True, kw_only=True):
    tracking_id: str
    tracking_number: Text
    tracking_provider: str | None = None


class Note(Wire, frozen=True, kw_only=True):
    id: int
    note: str


# ---- products


class Attribute(Wire, frozen=True, kw_only=True):
    name: str | None = None
    option: str | None = None


class Product(Wire, frozen=True, kw_only=True):
    """A product or a variation. `manage_stock` is "parent" for a variation that shares its parent's stock."""

    id: int
    sku: str | None = None
    parent_id: int = 0
    type: str = "variation"
    name: str | None = None
    status: str = ""
    virtual: bool = False
    downloadable: bool = False
    manage_stock: bool | Literal["parent"] | None = None
    stock_quantity: int | float | None = None
    backorders: str | None = None
    weight: str | None = None
    price: Text = None
    global_unique_id: str | None = None
    date_modified_gmt: str | None = None
    attributes: tuple[Attribute, ...] = ()


class EntryError(Wire, frozen=True, kw_only=True):
    """Why an entry of a batch was refused."""

    code: str | int = ""
    message: str = ""


class Entry(Wire, frozen=True, kw_only=True):
    """What became of an entry of a batch."""

    id: int
    error: EntryError | None = None
    manage_stock: bool | Literal["parent"] | None = None


class Updated(Wire, frozen=True, kw_only=True):
    update: tuple[Entry, ...] = ()


class Created(Wire, frozen=True, kw_only=True):
    create: tuple[Entry, ...] = ()


# ---- the shop


class Namespace(Wire, frozen=True, kw_only=True):
    """A namespace's part of the shop's index: what it offers, by path."""

    routes: dict[str, msgspec.Raw]


class Setting(Wire, frozen=True, kw_only=True):
    value: Text


class Currency(Wire, frozen=True, kw_only=True):
    code: str
