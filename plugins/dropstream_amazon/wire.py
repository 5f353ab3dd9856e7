"""Orders as the Orders API tells them (v2026-01-01), errors, and tokens."""

from datetime import datetime
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One object of an answer. What is not used is left out."""


class Fault(Wire, frozen=True, kw_only=True):
    """An error; `message` and `details` may quote what was sent: they are not shown."""

    code: str
    message: str = ""
    details: str = ""


class Faults(Wire, frozen=True, kw_only=True):
    errors: tuple[Fault, ...] = ()


# ---- tokens ("Connect to the SP-API")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    expires_in: float


class TokenError(msgspec.Struct, frozen=True, kw_only=True):
    error: str = ""


# ---- orders


class Pagination(Wire, frozen=True, kw_only=True):
    next_token: str | None = None


class Orders(Wire, frozen=True, kw_only=True):
    orders: tuple[msgspec.Raw, ...]
    pagination: Pagination | None = None

    @property
    def next_token(self) -> str:
        """Where the next page is; empty on the last."""
        return (self.pagination.next_token if self.pagination else "") or ""


class Head(Wire, frozen=True, kw_only=True):
    """So much of an order as tells which it is."""

    order_id: str


class Money(Wire, frozen=True, kw_only=True):
    amount: str
    currency_code: str


class Window(Wire, frozen=True, kw_only=True):
    """Between two instants."""

    earliest_date_time: datetime | None = None
    latest_date_time: datetime | None = None


class SalesChannel(Wire, frozen=True, kw_only=True):
    channel_name: str = ""
    marketplace_id: str = ""
    marketplace_name: str = ""


class Buyer(Wire, frozen=True, kw_only=True):
    buyer_email: str = ""
    buyer_purchase_order_number: str = ""


class ExtendedFields(Wire, frozen=True, kw_only=True):
    """Of an address in Brazil."""

    street_name: str = ""
    street_number: str = ""
    complement: str = ""
    neighborhood: str = ""


class Address(Wire, frozen=True, kw_only=True):
    name: str = ""
    company_name: str = ""
    address_line1: str = ""
    address_line2: str = ""
    address_line3: str = ""
    city: str = ""
    district_or_county: str = ""
    state_or_region: str = ""
    municipality: str = ""
    postal_code: str = ""
    country_code: str = ""
    phone: str = ""
    extended_fields: ExtendedFields | None = None


class DeliveryPreference(Wire, frozen=True, kw_only=True):
    drop_off_location: str = ""
    address_instruction: str = ""


class Recipient(Wire, frozen=True, kw_only=True):
    delivery_address: Address | None = None
    delivery_preference: DeliveryPreference = DeliveryPreference()


class OrderProceeds(Wire, frozen=True, kw_only=True):
    grand_total: Money | None = None


class OrderFulfillment(Wire, frozen=True, kw_only=True):
    fulfillment_status: str
    fulfilled_by: str = ""
    fulfillment_service_level: str = ""
    ship_by_window: Window = Window()
    deliver_by_window: Window = Window()


class Price(Wire, frozen=True, kw_only=True):
    unit_price: Money | None = None


class Product(Wire, frozen=True, kw_only=True):
    asin: str = ""
    title: str = ""
    seller_sku: str = ""
    price: Price = Price()


class CancellationRequest(Wire, frozen=True, kw_only=True):
    requester: str = ""


class CancellationExecution(Wire, frozen=True, kw_only=True):
    cancelled_by: str = ""


class Cancellation(Wire, frozen=True, kw_only=True):
    cancellation_request: CancellationRequest | None = None
    cancellation_execution: CancellationExecution | None = None


class GiftOption(Wire, frozen=True, kw_only=True):
    gift_message: str = ""


class Packing(Wire, frozen=True, kw_only=True):
    gift_option: GiftOption = GiftOption()


class InternationalShipping(Wire, frozen=True, kw_only=True):
    ioss_number: str = ""


class Shipping(Wire, frozen=True, kw_only=True):
    scheduled_delivery_window: Window = Window()
    shipping_constraints: dict[str, str] = {}
    international_shipping: InternationalShipping = InternationalShipping()


class ItemFulfillment(Wire, frozen=True, kw_only=True):
    quantity_fulfilled: int = 0
    quantity_unfulfilled: int | None = None
    packing: Packing = Packing()
    shipping: Shipping = Shipping()


class Item(Wire, frozen=True, kw_only=True):
    order_item_id: str
    quantity_ordered: int
    product: Product
    cancellation: Cancellation = Cancellation()
    fulfillment: ItemFulfillment = ItemFulfillment()


class PackageItem(Wire, frozen=True, kw_only=True):
    order_item_id: str
    quantity: int


class Package(Wire, frozen=True, kw_only=True):
    package_reference_id: str
    carrier: str = ""
    tracking_number: str = ""
    package_items: tuple[PackageItem, ...] = ()


class Order(Wire, frozen=True, kw_only=True):
    order_id: str
    created_time: datetime
    last_updated_time: datetime
    sales_channel: SalesChannel
    order_items: tuple[Item, ...]
    programs: tuple[str, ...] = ()
    buyer: Buyer = Buyer()
    recipient: Recipient = Recipient()
    proceeds: OrderProceeds = OrderProceeds()
    fulfillment: OrderFulfillment | None = None
    packages: tuple[Package, ...] = ()


class OneHead(Wire, frozen=True, kw_only=True):
    order: Head


class OneOrder(Wire, frozen=True, kw_only=True):
    order: Order


class OneRaw(Wire, frozen=True, kw_only=True):
    order: msgspec.Raw


def read(raw: bytes, into: type[T]) -> T:
    """One object, strictly, save that what is null counts as left out. Raises msgspec.DecodeError."""
    return msgspec.convert(_without_nulls(msgspec.json.decode(raw)), into)


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
