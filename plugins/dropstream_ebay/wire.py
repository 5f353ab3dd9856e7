"""What eBay answers, as far as it is read ("Fulfillment API", "Inventory API"). Almost every field may be
missing, or null, which is the same."""

from datetime import datetime
from typing import TypeVar

import msgspec

T = TypeVar("T")


def decoded(raw: bytes, into: type[T]) -> T:
    """As `into`, whatever is null left out. Raises msgspec.DecodeError."""
    return msgspec.convert(_told(msgspec.json.decode(raw)), into)


def _told(value: object) -> object:
    if isinstance(value, dict):
        return {name: _told(each) for name, each in value.items() if each is not None}
    return [_told(each) for each in value if each is not None] if isinstance(value, list) else value


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Named as eBay names its fields; what is not read is not looked at."""


class ErrorParameter(Wire, frozen=True, kw_only=True):
    name: str = ""
    value: str | None = None


class Error(Wire, frozen=True, kw_only=True):
    """`category` is REQUEST, APPLICATION or BUSINESS ("Handling errors")."""

    error_id: int
    domain: str = ""
    category: str = ""
    message: str = ""
    long_message: str = ""
    parameters: tuple[ErrorParameter, ...] = ()


class Errors(Wire, frozen=True, kw_only=True):
    errors: tuple[Error, ...] = ()


# ---- orders


class Amount(Wire, frozen=True, kw_only=True):
    value: str
    currency: str


class Address(Wire, frozen=True, kw_only=True):
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state_or_province: str = ""
    postal_code: str = ""
    country_code: str = ""


class Phone(Wire, frozen=True, kw_only=True):
    phone_number: str = ""


class Contact(Wire, frozen=True, kw_only=True):
    full_name: str = ""
    company_name: str = ""
    email: str = ""
    contact_address: Address | None = None
    primary_phone: Phone | None = None


class ShippingStep(Wire, frozen=True, kw_only=True):
    shipping_service_code: str = ""
    ship_to: Contact | None = None
    ship_to_reference_id: str = ""


class Instructions(Wire, frozen=True, kw_only=True):
    """`final_destination_address` is left unread on purpose: it is where eBay's partner sends it on to."""

    fulfillment_instructions_type: str = ""
    ebay_supported_fulfillment: bool = False
    max_estimated_delivery_date: datetime | None = None
    shipping_step: ShippingStep | None = None


class TaxReference(Wire, frozen=True, kw_only=True):
    name: str = ""
    value: str = ""


class CollectedTax(Wire, frozen=True, kw_only=True):
    ebay_reference: TaxReference | None = None


class Refund(Wire, frozen=True, kw_only=True):
    amount: Amount | None = None


class LineDates(Wire, frozen=True, kw_only=True):
    ship_by_date: datetime | None = None
    max_estimated_delivery_date: datetime | None = None


class GiftDetails(Wire, frozen=True, kw_only=True):
    message: str = ""


class Line(Wire, frozen=True, kw_only=True):
    line_item_id: str
    quantity: int
    sku: str = ""
    title: str = ""
    legacy_item_id: str = ""
    legacy_variation_id: str = ""
    line_item_cost: Amount | None = None
    discounted_line_item_cost: Amount | None = None
    line_item_fulfillment_status: str = ""
    line_item_fulfillment_instructions: LineDates | None = None
    listing_marketplace_id: str = ""
    ebay_collect_and_remit_taxes: tuple[CollectedTax, ...] = ()
    gift_details: GiftDetails | None = None
    refunds: tuple[Refund, ...] = ()


class CancelStatus(Wire, frozen=True, kw_only=True):
    cancel_state: str = "NONE_REQUESTED"


class Pricing(Wire, frozen=True, kw_only=True):
    total: Amount | None = None


class FulfilledBy(Wire, frozen=True, kw_only=True):
    fulfilled_by: str = ""


class EbayLabel(Wire, frozen=True, kw_only=True):
    shipping_label_provided_by: str = ""


class Program(Wire, frozen=True, kw_only=True):
    fulfillment_program: FulfilledBy | None = None
    ebay_shipping: EbayLabel | None = None


class Order(Wire, frozen=True, kw_only=True):
    order_id: str
    creation_date: datetime
    last_modified_date: datetime
    order_fulfillment_status: str
    order_payment_status: str
    line_items: tuple[Line, ...]
    cancel_status: CancelStatus = CancelStatus()
    fulfillment_start_instructions: tuple[Instructions, ...] = ()
    pricing_summary: Pricing = Pricing()
    program: Program | None = None
    buyer_checkout_notes: str = ""
    seller_id: str = ""


class Orders(Wire, frozen=True, kw_only=True):
    """A page; `orders` undecoded, so that a bad one sinks no page."""

    total: int
    orders: tuple[object, ...] = ()

    def rows(self) -> list[bytes]:
        return [msgspec.json.encode(each) for each in self.orders]


class SellerOf(Wire, frozen=True, kw_only=True):
    seller_id: str = ""


class Sellers(Wire, frozen=True, kw_only=True):
    orders: tuple[SellerOf, ...] = ()


class OrderId(Wire, frozen=True, kw_only=True):
    order_id: str = ""


class Units(Wire, frozen=True, kw_only=True):
    """Without a quantity it stands for all of the line."""

    line_item_id: str
    quantity: int | None = None


class Fulfillment(Wire, frozen=True, kw_only=True):
    fulfillment_id: str
    line_items: tuple[Units, ...] = ()
    shipment_tracking_number: str = ""


class Fulfillments(Wire, frozen=True, kw_only=True):
    fulfillments: tuple[Fulfillment, ...] = ()


# ---- inventory


class Quantity(Wire, frozen=True, kw_only=True):
    quantity: int | None = None


class Availability(Wire, frozen=True, kw_only=True):
    ship_to_location_availability: Quantity = Quantity()


class Weight(Wire, frozen=True, kw_only=True):
    value: float = 0.0
    unit: str = ""


class Package(Wire, frozen=True, kw_only=True):
    weight: Weight | None = None


class Described(Wire, frozen=True, kw_only=True):
    title: str = ""
    brand: str = ""
    mpn: str = ""
    upc: tuple[str, ...] = ()
    ean: tuple[str, ...] = ()
    isbn: tuple[str, ...] = ()


class Item(Wire, frozen=True, kw_only=True):
    sku: str = ""
    availability: Availability = Availability()
    product: Described = Described()
    package_weight_and_size: Package = Package()

    @property
    def quantity(self) -> int:
        return self.availability.ship_to_location_availability.quantity or 0


class Items(Wire, frozen=True, kw_only=True):
    total: int = 0
    inventory_items: tuple[object, ...] = ()
    next: str = ""

    def rows(self) -> list[bytes]:
        return [msgspec.json.encode(each) for each in self.inventory_items]


class ItemOf(Wire, frozen=True, kw_only=True):
    """One of several that were asked for at once."""

    status_code: int
    sku: str = ""
    inventory_item: Item | None = None
    errors: tuple[Error, ...] = ()


class ItemsOf(Wire, frozen=True, kw_only=True):
    """Undecoded, so that an odd one sinks no other."""

    responses: tuple[object, ...] = ()

    def rows(self) -> list[bytes]:
        return [msgspec.json.encode(each) for each in self.responses]


class Skud(Wire, frozen=True, kw_only=True):
    """So much of one as tells which it is."""

    sku: str = ""


class Offer(Wire, frozen=True, kw_only=True):
    offer_id: str
    status: str = ""
    format: str = ""
    available_quantity: int | None = None


class Offers(Wire, frozen=True, kw_only=True):
    offers: tuple[Offer, ...] = ()


class Updated(Wire, frozen=True, kw_only=True):
    """What became of an item's quantity, or of an offer's."""

    status_code: int
    sku: str = ""
    offer_id: str = ""
    errors: tuple[Error, ...] = ()


class Updates(Wire, frozen=True, kw_only=True):
    responses: tuple[Updated, ...] = ()
