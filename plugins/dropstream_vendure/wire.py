"""The answers of Vendure's Admin API, as they are asked for in `documents`."""

from datetime import datetime

import msgspec

from dropstreamd.platform.graphql import GraphqlError


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One object of an answer."""


# ---- the shop


class ChannelRights(Wire, frozen=True, kw_only=True):
    token: str
    permissions: tuple[str, ...]


class LoginResult(Wire, frozen=True, kw_only=True):
    """`channels` of a user; `error_code` of a refusal."""

    typename: str = msgspec.field(name="__typename")
    channels: tuple[ChannelRights, ...] = ()
    error_code: str = ""


class Login(Wire, frozen=True, kw_only=True):
    login: LoginResult


class ErrorCode(Wire, frozen=True, kw_only=True):
    code: str = ""


class LoginError(Wire, frozen=True, kw_only=True):
    message: str
    extensions: ErrorCode = ErrorCode()

    def as_error(self) -> GraphqlError:
        return GraphqlError(message=self.message, code=self.extensions.code)


class LoginAnswer(Wire, frozen=True, kw_only=True):
    """The whole answer, since only its header holds the session's token."""

    data: Login | None = None
    errors: tuple[LoginError, ...] = ()


class Channel(Wire, frozen=True, kw_only=True):
    id: str
    code: str
    token: str
    default_language_code: str
    default_currency_code: str


class OrderState(Wire, frozen=True, kw_only=True):
    name: str


class ServerConfig(Wire, frozen=True, kw_only=True):
    money_strategy_precision: int
    order_process: tuple[OrderState, ...]


class GlobalSettings(Wire, frozen=True, kw_only=True):
    track_inventory: bool
    out_of_stock_threshold: int
    server_config: ServerConfig


class Shop(Wire, frozen=True, kw_only=True):
    active_channel: Channel
    global_settings: GlobalSettings


class Total(Wire, frozen=True, kw_only=True):
    total_items: int


class Coded(Wire, frozen=True, kw_only=True):
    code: str


class Readable(Wire, frozen=True, kw_only=True):
    active_channel: Coded
    orders: Total
    product_variants: Total
    stock_locations: Total


# ---- orders


class Customer(Wire, frozen=True, kw_only=True):
    first_name: str
    last_name: str
    email_address: str
    phone_number: str | None = None


class Address(Wire, frozen=True, kw_only=True):
    full_name: str | None = None
    company: str | None = None
    street_line1: str | None = None
    street_line2: str | None = None
    city: str | None = None
    province: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone_number: str | None = None


class ShippingMethod(Wire, frozen=True, kw_only=True):
    code: str
    name: str


class ShippingLine(Wire, frozen=True, kw_only=True):
    shipping_method: ShippingMethod


class Variant(Wire, frozen=True, kw_only=True):
    sku: str
    name: str


class OrderLine(Wire, frozen=True, kw_only=True):
    id: str
    quantity: int
    unit_price: int
    product_variant: Variant


class FulfillmentLine(Wire, frozen=True, kw_only=True):
    order_line_id: str
    quantity: int


class Fulfilled(Wire, frozen=True, kw_only=True):
    """A fulfillment, as far as an order's open quantities depend on it."""

    id: str
    state: str
    lines: tuple[FulfillmentLine, ...]


class Order(Wire, frozen=True, kw_only=True):
    id: str
    code: str
    state: str
    updated_at: datetime
    currency_code: str
    total_with_tax: int
    lines: tuple[OrderLine, ...]
    order_placed_at: datetime | None = None
    customer: Customer | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    shipping_lines: tuple[ShippingLine, ...] = ()
    fulfillments: tuple[Fulfilled, ...] | None = None


class RawItems(Wire, frozen=True, kw_only=True):
    items: tuple[msgspec.Raw, ...]


class Orders(Wire, frozen=True, kw_only=True):
    orders: RawItems


class Identified(Wire, frozen=True, kw_only=True):
    id: str


class IdentifiedItems(Wire, frozen=True, kw_only=True):
    items: tuple[Identified, ...]


class OrderIds(Wire, frozen=True, kw_only=True):
    orders: IdentifiedItems


class OrderCount(Wire, frozen=True, kw_only=True):
    orders: Total


# ---- fulfillments


class Fulfillment(Fulfilled, frozen=True, kw_only=True):
    method: str
    tracking_code: str | None = None


class LineQuantity(Wire, frozen=True, kw_only=True):
    id: str
    quantity: int


class FulfilledOrder(Wire, frozen=True, kw_only=True):
    state: str
    lines: tuple[LineQuantity, ...]
    fulfillments: tuple[Fulfillment, ...] | None = None


class Argument(Wire, frozen=True, kw_only=True):
    name: str


class Handler(Wire, frozen=True, kw_only=True):
    code: str
    args: tuple[Argument, ...]


class Fulfillments(Wire, frozen=True, kw_only=True):
    fulfillment_handlers: tuple[Handler, ...]
    order: FulfilledOrder | None = None


class FulfillmentResult(Wire, frozen=True, kw_only=True):
    """`id` and `state` of a fulfillment; the others of a refusal."""

    typename: str = msgspec.field(name="__typename")
    id: str = ""
    state: str = ""
    error_code: str = ""
    from_state: str = ""
    stock_on_hand: int | None = None


class Fulfill(Wire, frozen=True, kw_only=True):
    add_fulfillment_to_order: FulfillmentResult


class Move(Wire, frozen=True, kw_only=True):
    transition_fulfillment_to_state: FulfillmentResult


# ---- ship methods


class MethodItems(Wire, frozen=True, kw_only=True):
    total_items: int
    items: tuple[ShippingMethod, ...]


class ShipMethods(Wire, frozen=True, kw_only=True):
    shipping_methods: MethodItems
