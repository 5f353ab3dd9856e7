"""A fulfillment order of Shopify's as the daemon knows orders."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

import msgspec

from dropstream_shopify import wire
from dropstream_shopify.settings import Settings
from dropstreamd.model.handover import Bad
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order, OrderLine, OrderStatus
from dropstreamd.platform.rows import UNREADABLE, unreadable_key

MOST_KEY_BYTES = 100

PAID = frozenset({"PAID", "PARTIALLY_REFUNDED"})
AUTHORIZED = PAID | {"AUTHORIZED"}
ANY = AUTHORIZED | {"PENDING", "PARTIALLY_PAID"}
SHIPPABLE = {"paid": PAID, "authorized": AUTHORIZED, "any": ANY}
"""What an order's financial status must be, by `ship_when`. Refunded, voided and expired ones wait: their
goods are not paid for, and nobody has said that they are not to go."""

OPEN = frozenset({"OPEN", "IN_PROGRESS"})
WAITING = frozenset({"ON_HOLD", "SCHEDULED"})

_GRAMS = {
    "GRAMS": Decimal(1),
    "KILOGRAMS": Decimal(1000),
    "OUNCES": Decimal("28.349523125"),
    "POUNDS": Decimal("453.59237"),
}

_ID = re.compile(r"gid://shopify/FulfillmentOrder/[0-9]{1,20}")
_node = msgspec.json.Decoder(wire.Node)
_order = msgspec.json.Decoder(wire.FulfillmentOrder)


def row_key(raw: bytes) -> str:
    """The id of what stands there, else a digest of what came in its place."""
    try:
        return _node.decode(raw).id[:MOST_KEY_BYTES]
    except UNREADABLE:
        return unreadable_key(raw)


def is_id(key: str) -> bool:
    """Whether it is a fulfillment order's id, as Shopify writes them."""
    return _ID.fullmatch(key) is not None


def decoded(raw: bytes) -> wire.FulfillmentOrder | Bad:
    """The fulfillment order, or what is wrong with it."""
    try:
        order = _order.decode(raw)
    except UNREADABLE as error:
        return _bad(raw, "", str(error))
    wrong = fault(order)
    return _bad(raw, order.order.name, wrong) if wrong else order


def concerns_us(order: wire.FulfillmentOrder, settings: Settings) -> bool:
    """Whether it is this warehouse's to ship: at a mapped location, by a delivery that is shipped, with
    goods that are shipped, and no test order unless those are wanted."""
    method = order.delivery_method
    return (
        order.at in settings.location_ids
        and (method is None or method.method_type in settings.delivery)
        and (settings.test_orders or not order.order.test)
        and any(line.requires_shipping for line in order.line_items.nodes)
    )


def translated(order: wire.FulfillmentOrder, settings: Settings, *, ours: bool) -> Order:
    """The order. One that is not `ours` any more, though it was told before, is cancelled for us."""
    sold, lines = order.order, tuple(_lines(order))
    method = order.delivery_method
    information = method.additional_information if method else None
    return Order(
        key=order.id,
        number=_number(order, settings),
        status=_status(order, lines, settings) if ours else "cancelled",
        placed_at=sold.processed_at,
        updated_at=max(order.updated_at, sold.updated_at),
        ship_to=_ship_to(order),
        bill_to=None if sold.billing_address is None else _address(sold.billing_address),
        lines=lines,
        ship_method=_ship_method(order, settings),
        email=sold.email or (order.destination.email if order.destination else "") or "",
        po_number=sold.po_number or "",
        note=sold.note or "",
        currency=sold.total_price_set.shop_money.currency_code,
        total=_money(sold.total_price_set),
        channel_code=settings.channel_code or settings.shop.partition(".")[0],
        cancel_requested=order.request_status == "CANCELLATION_REQUESTED",
        ship_by=order.fulfill_by,
        deliver_by=method.max_delivery_date_time if method else None,
        gift_message=_attribute(sold, settings.gift_attribute),
        delivery_note=(information.instructions if information else "") or "",
        incoterm=order.international_duties.incoterm if order.international_duties else "",
        tax_ids=tuple(f"{each.key}:{each.value}" for each in sold.localized_fields.nodes if each.value),
        location=settings.written(order.at),
        store_order=sold.id,
    )


def _bad(raw: bytes, name: str, reason: str) -> Bad:
    key = row_key(raw)
    return Bad(key=key, place=f"order {name[:40]}" if name else key, reason=reason, raw=raw)


def fault(order: wire.FulfillmentOrder) -> str:
    """What is wrong with it as it stands; empty where nothing is."""
    if not is_id(order.id):
        return "its id is not one of a fulfillment order"
    for text in _texts(order):
        if len(text.encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in text:
            return f"an id or SKU of it has more than {MOST_KEY_BYTES} bytes: {text[:20]}…"
    keys = [line.line_item.id for line in order.line_items.nodes]
    if len(set(keys)) < len(keys):
        return "a line of the order stands in it twice"
    if any(not 0 <= line.remaining_quantity <= line.total_quantity for line in order.line_items.nodes):
        return "a line of it has more to ship than it has, or less than nothing"
    bags = (
        order.order.total_price_set,
        *(line.line_item.original_unit_price_set for line in _shipped(order)),
    )
    if any(_amount(bag) is None for bag in bags):
        return "an amount of it is no number"
    return ""


def _texts(order: wire.FulfillmentOrder) -> Iterator[str]:
    for line in order.line_items.nodes:
        yield line.line_item.id
        yield line.sku or ""


def _shipped(order: wire.FulfillmentOrder) -> Iterator[wire.Line]:
    return (line for line in order.line_items.nodes if line.requires_shipping)


def _lines(order: wire.FulfillmentOrder) -> Iterator[OrderLine]:
    """Its lines, less what needs no shipping.

    Units that were moved elsewhere lessen `totalQuantity`; units that were refunded or removed lessen
    the order line's `currentQuantity`, those that had been shipped too. What was shipped stays wanted.
    """
    for line in _shipped(order):
        shipped = line.total_quantity - line.remaining_quantity
        wanted = max(min(line.total_quantity, line.line_item.current_quantity), shipped)
        price = _money(line.line_item.original_unit_price_set)
        variant = line.line_item.variant
        item = variant.inventory_item if variant else None
        yield OrderLine(
            key=line.line_item.id,
            sku=line.sku or "",
            quantity=wanted,
            fulfilled=max(0, wanted - line.remaining_quantity),
            name=" - ".join(part for part in (line.product_title, line.variant_title) if part),
            unit_price=price,
            gtin=(variant.barcode if variant else "") or "",
            weight_g=grams(line.weight),
            hs_code=(item.harmonized_system_code if item else "") or "",
            origin=(item.country_code_of_origin if item else "") or "",
            declared_value=price,
            part_of=line.line_item.line_item_group.id if line.line_item.line_item_group else "",
            sold=max(0, line.line_item.current_quantity),
        )


def _status(order: wire.FulfillmentOrder, lines: tuple[OrderLine, ...], settings: Settings) -> OrderStatus:
    sold = order.order
    if sold.cancelled_at is not None or order.status in ("CANCELLED", "INCOMPLETE"):
        return "cancelled"
    if order.status in WAITING:
        return "waiting"
    if order.status not in OPEN or not any(line.open_quantity for line in lines):
        # Over: nothing left of what was refunded or moved away, or all of it has left.
        return "closed" if sold.fulfillments and any(line.fulfilled for line in lines) else "cancelled"
    if _made_again(order) and not settings.ship_again:
        return "waiting"
    return "open" if sold.display_financial_status in SHIPPABLE[settings.ship_when] else "waiting"


def _made_again(order: wire.FulfillmentOrder) -> bool:
    """Whether it may be for units that have left: Shopify makes another fulfillment order for what stands
    in a fulfillment that somebody cancels ("fulfillmentCancel")."""
    return any(
        each.status == "CANCELLED" and each.created_at < order.created_at for each in order.order.fulfillments
    )


def _number(order: wire.FulfillmentOrder, settings: Settings) -> str:
    """The order's name. Of an order with several fulfillment orders here, the first has it as it is, the
    others with a number behind it: to a warehouse each is an order."""
    mine = [each.id for each in order.order.fulfillment_orders.nodes if each.at in settings.location_ids]
    place = sum(_age(each) < _age(order.id) for each in mine)
    return f"{order.order.name}-{place + 1}" if place else order.order.name


def _age(gid: str) -> tuple[int, str]:
    return len(gid), gid


def _ship_method(order: wire.FulfillmentOrder, settings: Settings) -> str:
    """What the buyer chose for these lines, else for the order, else for the delivery."""
    lines = [line.shipping_line for line in _shipped(order)]
    chosen = next((line for line in (*lines, order.order.shipping_line) if line is not None), None)
    method = order.delivery_method
    if settings.ship_method == "code":
        return (chosen.code if chosen else "") or (method.service_code if method else "") or ""
    return (chosen.title if chosen else "") or (method.presented_name if method else "") or ""


def _attribute(sold: wire.SoldOrder, key: str) -> str:
    return next((each.value or "" for each in sold.custom_attributes if key and each.key == key), "")


def _ship_to(order: wire.FulfillmentOrder) -> Address:
    """The destination. It has the province's name alone: its code is the order's, where that is the same."""
    destination = order.destination
    if destination is None:
        return Address()
    shown = order.order.shipping_address
    same = (
        shown is not None
        and shown.province == destination.province
        and shown.country_code_v2 == destination.country_code
    )
    code = shown.province_code if shown is not None and same else None
    return _address(destination, region=code or "", phone=order.order.phone or "")


def _address(address: wire.Address, *, region: str = "", phone: str = "") -> Address:
    return Address(
        name=" ".join(part for part in (address.first_name, address.last_name) if part),
        company=address.company or "",
        line1=address.address1 or "",
        line2=address.address2 or "",
        city=address.city or "",
        region=region or address.province_code or address.province or "",
        postal_code=address.zip or "",
        country=address.country_code or address.country_code_v2 or "",
        phone=address.phone or phone,
    )


def _money(bag: wire.MoneyBag) -> Money:
    amount = _amount(bag)
    if amount is None:
        raise AssertionError("looked at before")
    return Money(amount=amount, currency=bag.shop_money.currency_code)


def _amount(bag: wire.MoneyBag) -> Decimal | None:
    try:
        amount = Decimal(bag.shop_money.amount)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def grams(weight: wire.Weight | None) -> int | None:
    """A weight in whole grams; None where there is none, or none that can be."""
    if weight is None or weight.unit not in _GRAMS or not 0 < weight.value < 10**9:
        return None
    return round(Decimal(str(weight.value)) * _GRAMS[weight.unit])
