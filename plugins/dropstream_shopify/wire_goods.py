"""The answers about goods: what was fulfilled, stocked, sold and returned. More of `wire`."""

from datetime import datetime

import msgspec

from dropstream_shopify.wire import LineItem, Node, Nodes, Placed, SoldItem, UserError, Weight, Wire

# ---- shipments


class Tracking(Wire, frozen=True, kw_only=True):
    number: str | None = None
    company: str | None = None
    url: str | None = None


class FulfilledLine(Wire, frozen=True, kw_only=True):
    line_item: LineItem
    quantity: int | None = None


class Fulfillment(Wire, frozen=True, kw_only=True):
    id: str
    status: str
    tracking_info: tuple[Tracking, ...]
    fulfillment_line_items: Nodes[FulfilledLine]


class OpenLine(Wire, frozen=True, kw_only=True):
    id: str
    total_quantity: int
    remaining_quantity: int
    line_item: LineItem


class OrderOf(Wire, frozen=True, kw_only=True):
    name: str
    cancelled_at: datetime | None = None


class Fulfillable(Wire, frozen=True, kw_only=True):
    """A fulfillment order with what is open of it, and what was fulfilled."""

    id: str
    status: str
    order: OrderOf
    line_items: Nodes[OpenLine]
    fulfillments: Nodes[Fulfillment]


class FulfillableAnswer(Wire, frozen=True, kw_only=True):
    fulfillment_order: Fulfillable | None


class OneFulfillment(Wire, frozen=True, kw_only=True):
    fulfillment: Fulfillment | None


class Made(Wire, frozen=True, kw_only=True):
    id: str
    status: str


class FulfillResult(Wire, frozen=True, kw_only=True):
    user_errors: tuple[UserError, ...]
    fulfillment: Made | None = None


class Fulfill(Wire, frozen=True, kw_only=True):
    fulfillment_create: FulfillResult


class Retrack(Wire, frozen=True, kw_only=True):
    fulfillment_tracking_info_update: FulfillResult


# ---- inventory


class Quantity(Wire, frozen=True, kw_only=True):
    quantity: int


class LevelOf(Wire, frozen=True, kw_only=True):
    quantities: tuple[Quantity, ...]


class Item(Wire, frozen=True, kw_only=True):
    id: str
    tracked: bool
    inventory_level: LevelOf | None = None

    @property
    def available(self) -> int | None:
        """What the store shows at the location, where that was asked for."""
        if self.inventory_level is None or not self.inventory_level.quantities:
            return None
        return self.inventory_level.quantities[0].quantity


class StockVariant(Wire, frozen=True, kw_only=True):
    id: str
    inventory_item: Item
    sku: str | None = None


class Items(Wire, frozen=True, kw_only=True):
    product_variants: Nodes[StockVariant]


class SetResult(Wire, frozen=True, kw_only=True):
    user_errors: tuple[UserError, ...]


class SetLevels(Wire, frozen=True, kw_only=True):
    inventory_set_quantities: SetResult


class StockItem(Wire, frozen=True, kw_only=True):
    inventory_activate: SetResult


# ---- products


class Measurement(Wire, frozen=True, kw_only=True):
    weight: Weight | None = None


class ProductItem(SoldItem, frozen=True, kw_only=True):
    requires_shipping: bool
    measurement: Measurement


class ProductOf(Wire, frozen=True, kw_only=True):
    title: str
    vendor: str
    status: str


class Variant(Wire, frozen=True, kw_only=True):
    id: str
    price: str
    title: str
    updated_at: datetime
    product: ProductOf
    inventory_item: ProductItem
    sku: str | None = None
    barcode: str | None = None


class Products(Wire, frozen=True, kw_only=True):
    product_variants: Nodes[msgspec.Raw]


class VariantOf(Wire, frozen=True, kw_only=True):
    product: Node
    sku: str | None = None


class Drafted(Wire, frozen=True, kw_only=True):
    product_variants: Nodes[VariantOf]
    product_by_identifier: Node | None = None


class DraftResult(Wire, frozen=True, kw_only=True):
    user_errors: tuple[UserError, ...]
    product: Made | None = None


class Draft(Wire, frozen=True, kw_only=True):
    product_set: DraftResult


# ---- returns


class Standing(Wire, frozen=True, kw_only=True):
    id: str
    status: str


class ReturnsOf(Wire, frozen=True, kw_only=True):
    id: str
    returns: Nodes[Standing]


class OpenReturns(Wire, frozen=True, kw_only=True):
    orders: Nodes[ReturnsOf]


class ReturnedItem(Wire, frozen=True, kw_only=True):
    id: str
    sku: str | None = None


class SentLine(Wire, frozen=True, kw_only=True):
    line_item: ReturnedItem


class Reason(Wire, frozen=True, kw_only=True):
    name: str


class ReturnLine(Wire, frozen=True, kw_only=True):
    """A line of a return; without `fulfillment_line_item` it is of nothing that was sold here."""

    id: str
    quantity: int
    return_reason_note: str = ""
    customer_note: str | None = None
    return_reason_definition: Reason | None = None
    fulfillment_line_item: SentLine | None = None


class LineOf(Wire, frozen=True, kw_only=True):
    line_item: LineItem


class PlacedLines(Placed, frozen=True, kw_only=True):
    line_items: Nodes[LineOf]


class ReturnedOrder(Wire, frozen=True, kw_only=True):
    id: str
    name: str
    fulfillment_orders: Nodes[PlacedLines]


class ReverseTracking(Wire, frozen=True, kw_only=True):
    number: str | None = None
    carrier_name: str | None = None


class Deliverable(Wire, frozen=True, kw_only=True):
    tracking: ReverseTracking | None = None


class ReverseDelivery(Wire, frozen=True, kw_only=True):
    deliverable: Deliverable | None = None


class ReverseDeliveries(Wire, frozen=True, kw_only=True):
    reverse_deliveries: Nodes[ReverseDelivery]


class Return(Wire, frozen=True, kw_only=True):
    id: str
    name: str
    status: str
    created_at: datetime
    order: ReturnedOrder
    return_line_items: Nodes[ReturnLine]
    reverse_fulfillment_orders: Nodes[ReverseDeliveries]
    request_approved_at: datetime | None = None
    closed_at: datetime | None = None


class Disposition(Wire, frozen=True, kw_only=True):
    type: str
    quantity: int


class DisposableLine(Wire, frozen=True, kw_only=True):
    id: str
    total_quantity: int
    dispositions: tuple[Disposition, ...]
    fulfillment_line_item: LineOf | None = None


class ReverseOrder(Wire, frozen=True, kw_only=True):
    id: str
    status: str
    line_items: Nodes[DisposableLine]


class Disposable(Wire, frozen=True, kw_only=True):
    id: str
    name: str
    status: str
    reverse_fulfillment_orders: Nodes[ReverseOrder]


class DisposableAnswer(Wire, frozen=True, kw_only=True):
    return_: Disposable | None = msgspec.field(name="return")


class Dispose(Wire, frozen=True, kw_only=True):
    reverse_fulfillment_order_dispose: SetResult
