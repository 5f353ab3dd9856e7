"""The answers of Shopify's Admin API, as they are asked for in `documents`."""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One object of an answer."""


class PageInfo(Wire, frozen=True, kw_only=True):
    has_next_page: bool = False
    end_cursor: str | None = None


class Nodes(Wire, Generic[T], frozen=True, kw_only=True):
    """A connection."""

    nodes: tuple[T, ...]
    page_info: PageInfo = PageInfo()


class Node(Wire, frozen=True, kw_only=True):
    id: str


class UserError(Wire, frozen=True, kw_only=True):
    """Why a mutation was refused. `message` may quote what was sent: it is not shown."""

    message: str
    field: tuple[str, ...] | None = None
    code: str | None = None

    @property
    def index(self) -> int | None:
        """Which of the entries of an input's list it is about."""
        numbers = [part for part in self.field or () if part.isdecimal()]
        return int(numbers[0]) if numbers else None


# ---- calls


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """It lives for 24 hours where it does not say so."""

    access_token: str
    expires_in: float = 86_400.0


class TokenError(msgspec.Struct, frozen=True, kw_only=True):
    error: str = ""


class ThrottleStatus(Wire, frozen=True, kw_only=True):
    maximum_available: float
    currently_available: float
    restore_rate: float


class Cost(Wire, frozen=True, kw_only=True):
    requested_query_cost: float = 0.0
    throttle_status: ThrottleStatus | None = None


class AnswerExtensions(Wire, frozen=True, kw_only=True):
    cost: Cost | None = None


class Denial(Wire, frozen=True, kw_only=True):
    required_access: str = ""


# ---- the shop


class Shop(Wire, frozen=True, kw_only=True):
    name: str
    myshopify_domain: str
    currency_code: str


class AccessScope(Wire, frozen=True, kw_only=True):
    handle: str


class AppInstallation(Wire, frozen=True, kw_only=True):
    access_scopes: tuple[AccessScope, ...]


class Readable(Wire, frozen=True, kw_only=True):
    shop: Shop
    current_app_installation: AppInstallation


class Location(Wire, frozen=True, kw_only=True):
    id: str
    name: str
    is_active: bool
    fulfills_online_orders: bool
    is_fulfillment_service: bool


class Locations(Wire, frozen=True, kw_only=True):
    locations: Nodes[Location]


class SkuItem(Wire, frozen=True, kw_only=True):
    tracked: bool
    requires_shipping: bool


class SkuVariant(Wire, frozen=True, kw_only=True):
    inventory_item: SkuItem
    sku: str | None = None


class Skus(Wire, frozen=True, kw_only=True):
    product_variants: Nodes[SkuVariant]


class ShippingLine(Wire, frozen=True, kw_only=True):
    title: str
    code: str | None = None


class ShippedOrder(Wire, frozen=True, kw_only=True):
    shipping_line: ShippingLine | None = None


class ShipMethods(Wire, frozen=True, kw_only=True):
    orders: Nodes[ShippedOrder]


# ---- orders


class LocationOf(Wire, frozen=True, kw_only=True):
    location: Node | None = None


class Placed(Wire, frozen=True, kw_only=True):
    """A fulfillment order, as far as it is known where it is."""

    id: str
    assigned_location: LocationOf

    @property
    def at(self) -> str:
        """The id of its location; empty where that is gone."""
        return self.assigned_location.location.id if self.assigned_location.location else ""


class AdditionalInformation(Wire, frozen=True, kw_only=True):
    instructions: str | None = None


class DeliveryMethod(Wire, frozen=True, kw_only=True):
    method_type: str
    presented_name: str | None = None
    service_code: str | None = None
    max_delivery_date_time: datetime | None = None
    additional_information: AdditionalInformation | None = None


class Address(Wire, frozen=True, kw_only=True):
    """A destination or a billing address; the one has `country_code`, the other `country_code_v2`."""

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code: str | None = None
    country_code_v2: str | None = msgspec.field(default=None, name="countryCodeV2")
    phone: str | None = None
    email: str | None = None


class Duties(Wire, frozen=True, kw_only=True):
    incoterm: str


class Attribute(Wire, frozen=True, kw_only=True):
    key: str
    value: str | None = None


class MoneyV2(Wire, frozen=True, kw_only=True):
    amount: str
    currency_code: str


class MoneyBag(Wire, frozen=True, kw_only=True):
    shop_money: MoneyV2


class Shipped(Wire, frozen=True, kw_only=True):
    """A fulfillment of any of an order's units."""

    status: str
    created_at: datetime


class SoldOrder(Wire, frozen=True, kw_only=True):
    """The order of a fulfillment order."""

    id: str
    name: str
    processed_at: datetime
    updated_at: datetime
    test: bool
    total_price_set: MoneyBag
    fulfillment_orders: Nodes[Placed]
    cancelled_at: datetime | None = None
    note: str | None = None
    po_number: str | None = None
    email: str | None = None
    phone: str | None = None
    display_financial_status: str | None = None
    custom_attributes: tuple[Attribute, ...] = ()
    fulfillments: tuple[Shipped, ...] = ()
    shipping_line: ShippingLine | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    localized_fields: Nodes[Attribute] = Nodes(nodes=())


class Weight(Wire, frozen=True, kw_only=True):
    value: float
    unit: str


class LineItem(Wire, frozen=True, kw_only=True):
    id: str


class SoldItem(Wire, frozen=True, kw_only=True):
    harmonized_system_code: str | None = None
    country_code_of_origin: str | None = None


class SoldVariant(Wire, frozen=True, kw_only=True):
    inventory_item: SoldItem
    barcode: str | None = None


class SoldLine(Wire, frozen=True, kw_only=True):
    id: str
    current_quantity: int
    original_unit_price_set: MoneyBag
    line_item_group: Node | None = None
    variant: SoldVariant | None = None


class Line(Wire, frozen=True, kw_only=True):
    """A line of a fulfillment order."""

    id: str
    total_quantity: int
    remaining_quantity: int
    requires_shipping: bool
    product_title: str
    line_item: SoldLine
    sku: str | None = None
    variant_title: str | None = None
    shipping_line: ShippingLine | None = None
    weight: Weight | None = None


class FulfillmentOrder(Placed, frozen=True, kw_only=True):
    status: str
    request_status: str
    created_at: datetime
    updated_at: datetime
    order: SoldOrder
    line_items: Nodes[Line]
    fulfill_by: datetime | None = None
    delivery_method: DeliveryMethod | None = None
    destination: Address | None = None
    international_duties: Duties | None = None


class Stamped(Wire, frozen=True, kw_only=True):
    """The time of change of what may not be decodable as a whole."""

    updated_at: datetime


class OpenOrders(Wire, frozen=True, kw_only=True):
    fulfillment_orders: Nodes[msgspec.Raw]


class ChangedOrder(Wire, frozen=True, kw_only=True):
    id: str
    updated_at: datetime
    fulfillment_orders: Nodes[Node]


class ChangedOrders(Wire, frozen=True, kw_only=True):
    orders: Nodes[ChangedOrder]


class ById(Wire, frozen=True, kw_only=True):
    """What was asked for by ids; null for one that is gone."""

    nodes: tuple[msgspec.Raw, ...]


class LinesOf(Wire, frozen=True, kw_only=True):
    line_items: Nodes[Line]


class MoreLines(Wire, frozen=True, kw_only=True):
    fulfillment_order: LinesOf | None
