"""What the tests read from a Medusa."""

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One object of an answer; fields that the tests do not read are left out."""


class Identified(Record, frozen=True, kw_only=True):
    id: str


class Units(Record, frozen=True, kw_only=True):
    quantity: int
    fulfilled_quantity: int
    shipped_quantity: int
    return_requested_quantity: int
    return_received_quantity: int
    return_dismissed_quantity: int


class Line(Record, frozen=True, kw_only=True):
    id: str
    variant_sku: str | None
    detail: Units


class Label(Record, frozen=True, kw_only=True):
    tracking_number: str
    tracking_url: str


class FulfilledItem(Record, frozen=True, kw_only=True):
    line_item_id: str
    quantity: int


class Fulfillment(Record, frozen=True, kw_only=True):
    id: str
    shipped_at: str | None
    canceled_at: str | None
    metadata: dict[str, object] | None
    items: list[FulfilledItem]
    labels: list[Label]


class Order(Record, frozen=True, kw_only=True):
    id: str
    display_id: int
    status: str
    payment_status: str
    updated_at: str
    items: list[Line]
    fulfillments: list[Fulfillment]


class Collection(Record, frozen=True, kw_only=True):
    payments: list[Identified]


class Paid(Record, frozen=True, kw_only=True):
    """An order's payments."""

    payment_collections: list[Collection]


class Level(Record, frozen=True, kw_only=True):
    location_id: str
    stocked_quantity: int
    reserved_quantity: int
    incoming_quantity: int


class Item(Record, frozen=True, kw_only=True):
    """An inventory item, with its levels."""

    id: str
    sku: str
    metadata: dict[str, object] | None
    location_levels: list[Level]


class ReturnItem(Record, frozen=True, kw_only=True):
    id: str
    item_id: str
    quantity: int
    received_quantity: int
    damaged_quantity: int


class Return(Record, frozen=True, kw_only=True):
    id: str
    display_id: int
    status: str
    order_id: str
    updated_at: str
    metadata: dict[str, object] | None
    items: list[ReturnItem]


class Change(Record, frozen=True, kw_only=True):
    id: str
    status: str
    change_type: str | None
    return_id: str | None
    internal_note: str | None


class OfVariant(Record, frozen=True, kw_only=True):
    id: str
    title: str
    status: str


class Variant(Record, frozen=True, kw_only=True):
    id: str
    sku: str | None
    title: str
    product: OfVariant


def fields(*texts: str) -> dict[str, str | int]:
    """The parameter that asks for these fields alone, and for as many rows as there are."""
    return {"fields": ",".join(texts), "limit": 10_000}
