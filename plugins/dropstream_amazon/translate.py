"""An order of Amazon's as the daemon knows orders."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation

import msgspec

from dropstream_amazon import wire
from dropstream_amazon.settings import Settings
from dropstreamd.model.handover import Bad
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order, OrderLine, OrderStatus
from dropstreamd.platform.rows import UNREADABLE, unreadable_key

MOST_KEY_BYTES = 100
MERCHANT = "MERCHANT"

OPEN = frozenset({"UNSHIPPED", "PARTIALLY_SHIPPED"})
OVER = frozenset({"SHIPPED", "CANCELLED"})
"""States after which nothing is to be shipped. All others but those of `OPEN` wait: pending ones, above all,
whose units are sold and whose address is not told yet."""

LABELS = frozenset({"PRIME", "AMAZON_EASY_SHIP", "FBM_SHIP_PLUS", "DELIVERY_BY_AMAZON"})
"""Programs whose parcels go under labels bought from Amazon."""

COLLECTED = frozenset({"IN_STORE_PICK_UP"})
"""Programs whose goods are not shipped at all."""

ORDER_ID = re.compile(r"(?!unreadable-)[A-Z0-9][A-Z0-9-]{3,39}", re.IGNORECASE)
_CONSTRAINTS = {
    "signatureConfirmation": "the recipient has to sign",
    "recipientIdentityVerification": "only to the recipient in person",
    "recipientAgeVerification": "the recipient's age has to be checked",
    "palletDelivery": "on a pallet",
    "cashOnDelivery": "cash on delivery",
}


def read(raw: bytes) -> wire.Order | Bad:
    """The order, or what is wrong with it."""
    try:
        order = wire.read(raw, wire.Order)
    except UNREADABLE as error:
        return _bad(raw, str(error))
    wrong = _fault(order)
    return _bad(raw, wrong) if wrong else order


def is_id(key: str) -> bool:
    """Whether an order of Amazon's may have this id."""
    return ORDER_ID.fullmatch(key) is not None


def is_ours(order: wire.Order, settings: Settings) -> bool:
    """Whether the merchant ships it, in one of the marketplaces of this connection."""
    by = "" if order.fulfillment is None else order.fulfillment.fulfilled_by
    return by == MERCHANT and order.sales_channel.marketplace_id in settings.marketplaces


def lacks_address(order: wire.Order, settings: Settings) -> bool:
    """Whether nothing else holds it, and it does not say where to: the app lacks the role for that."""
    to = order.recipient.delivery_address
    has = to is not None and (to.address_line1 or to.address_line2 or to.extended_fields)
    ready = order.fulfillment is not None and order.fulfillment.fulfillment_status in OPEN
    return ready and not has and not _is_held(order, settings)


def translated(order: wire.Order, settings: Settings) -> Order:
    """The order, which is one of ours."""
    fulfillment = order.fulfillment
    if fulfillment is None:
        raise AssertionError("looked at before")
    lines = tuple(_lines(order))
    total = order.proceeds.grand_total
    preference = order.recipient.delivery_preference
    channel = order.sales_channel
    return Order(
        key=order.order_id,
        number=order.order_id,
        status=_status(order, lines, settings),
        placed_at=order.created_time,
        updated_at=order.last_updated_time,
        ship_to=_address(order.recipient.delivery_address),
        lines=lines,
        ship_method=fulfillment.fulfillment_service_level,
        email=order.buyer.buyer_email,
        po_number=order.buyer.buyer_purchase_order_number,
        note=_note(order),
        currency=total.currency_code if total else next(_currencies(order), ""),
        total=_money(total),
        channel_code=settings.channel_code or channel.marketplace_name or channel.channel_name,
        cancel_requested=any(_asked_to_cancel(item) for item in order.order_items),
        ship_by=fulfillment.ship_by_window.latest_date_time,
        deliver_by=_deliver_by(order),
        gift_message=_joined(item.fulfillment.packing.gift_option.gift_message for item in order.order_items),
        delivery_note=_joined((preference.drop_off_location, preference.address_instruction)),
        tax_ids=tuple(dict.fromkeys(_tax_ids(order))),
    )


def _bad(raw: bytes, reason: str) -> Bad:
    try:
        key = msgspec.json.decode(raw, type=wire.Head).order_id[:MOST_KEY_BYTES]
    except UNREADABLE:
        key = ""
    if not ORDER_ID.fullmatch(key):
        key = unreadable_key(raw)
    return Bad(key=key, place=f"order {key}", reason=reason, raw=raw)


def _fault(order: wire.Order) -> str:
    """What is wrong with it as it stands; empty where nothing is."""
    if not ORDER_ID.fullmatch(order.order_id):
        return "its id is not one of an order"
    wrong = _fault_of_origin(order) or _fault_of_items(order.order_items)
    if wrong:
        return wrong
    amounts = [order.proceeds.grand_total, *(item.product.price.unit_price for item in order.order_items)]
    if any(each is not None and _decimal(each) is None for each in amounts):
        return "an amount of it is no number"
    times = (order.created_time, order.last_updated_time)
    return "an instant of it has no zone" if any(at.tzinfo is None for at in times) else ""


def _fault_of_origin(order: wire.Order) -> str:
    """Why `is_ours` could not tell: what is left out would be told to nobody."""
    if order.fulfillment is None:
        return "it does not say how it is fulfilled"
    if not order.fulfillment.fulfilled_by:
        return "it does not say who fulfills it"
    if order.fulfillment.fulfilled_by == MERCHANT and not order.sales_channel.marketplace_id:
        return "it does not say in which marketplace it was placed"
    return ""


def _fault_of_items(items: tuple[wire.Item, ...]) -> str:
    for item in items:
        for text in (item.order_item_id, item.product.seller_sku):
            if len(text.encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in text:
                return f"an id or SKU of it has more than {MOST_KEY_BYTES} bytes: {text[:20]}…"
    keys = [item.order_item_id for item in items]
    if len(set(keys)) < len(keys) or not all(keys):
        return "two of its items have one id, or none"
    if any(
        min(item.quantity_ordered, item.fulfillment.quantity_fulfilled, _unfulfilled(item)) < 0
        for item in items
    ):
        return "an item of it has less than no units"
    return ""


def _status(order: wire.Order, lines: tuple[OrderLine, ...], settings: Settings) -> OrderStatus:
    at = "" if order.fulfillment is None else order.fulfillment.fulfillment_status
    if at in OVER:
        return "closed" if at == "SHIPPED" else "cancelled"
    if at not in OPEN:
        return "waiting"
    if not any(line.open_quantity for line in lines):
        return "closed" if any(line.fulfilled for line in lines) else "cancelled"
    return "waiting" if _is_held(order, settings) or lacks_address(order, settings) else "open"


def _is_held(order: wire.Order, settings: Settings) -> bool:
    """Whether it goes under labels that the warehouse has not, or is not shipped at all."""
    programs = set(order.programs)
    return bool(COLLECTED & programs) or (bool(LABELS & programs) and not settings.amazon_labels)


def _lines(order: wire.Order) -> Iterator[OrderLine]:
    """What is still wanted is what has left and what Amazon counts as unfulfilled: units that were
    cancelled are in neither."""
    for item in order.order_items:
        shipped = item.fulfillment.quantity_fulfilled
        price = _money(item.product.price.unit_price)
        yield OrderLine(
            key=item.order_item_id,
            sku=item.product.seller_sku,
            quantity=shipped + _unfulfilled(item),
            fulfilled=shipped,
            name=item.product.title,
            unit_price=price,
            vendor_code=item.product.asin,
            declared_value=price,
        )


def _unfulfilled(item: wire.Item) -> int:
    """Units that are to be shipped. Of an item that was cancelled and whose units Amazon still counts all,
    none."""
    left = item.quantity_ordered - item.fulfillment.quantity_fulfilled
    told = item.fulfillment.quantity_unfulfilled
    if item.cancellation.cancellation_execution is not None and (told is None or told >= left):
        return 0
    return max(0, left) if told is None else told


def _asked_to_cancel(item: wire.Item) -> bool:
    cancellation = item.cancellation
    return (
        cancellation.cancellation_request is not None
        and cancellation.cancellation_execution is None
        and _unfulfilled(item) > 0
    )


def _address(found: wire.Address | None) -> Address:
    if found is None:
        return Address()
    parts = found.extended_fields or wire.ExtendedFields()
    street = _joined((parts.street_name, parts.street_number, parts.complement, parts.neighborhood))
    lines = [each for each in (found.address_line1, found.address_line2, found.address_line3) if each]
    lines = lines or [each for each in (street,) if each]
    return Address(
        name=found.name,
        company=found.company_name,
        line1=lines[0] if lines else "",
        line2=", ".join(lines[1:]),
        city=found.city or found.municipality or found.district_or_county,
        region=found.state_or_region or found.district_or_county,
        postal_code=found.postal_code,
        country=found.country_code,
        phone=found.phone,
    )


def _deliver_by(order: wire.Order) -> datetime | None:
    """The latest instant promised for the order, else the earliest that an item was scheduled until."""
    if order.fulfillment is not None and order.fulfillment.deliver_by_window.latest_date_time is not None:
        return order.fulfillment.deliver_by_window.latest_date_time
    windows = (item.fulfillment.shipping.scheduled_delivery_window for item in order.order_items)
    return min((each.latest_date_time for each in windows if each.latest_date_time), default=None)


def _note(order: wire.Order) -> str:
    wanted = {
        words
        for item in order.order_items
        for name, words in _CONSTRAINTS.items()
        if item.fulfillment.shipping.shipping_constraints.get(name) == "MANDATORY"
    }
    return "; ".join(sorted(wanted))


def _tax_ids(order: wire.Order) -> Iterator[str]:
    for item in order.order_items:
        number = item.fulfillment.shipping.international_shipping.ioss_number
        if number:
            yield f"IOSS:{number}"


def _currencies(order: wire.Order) -> Iterator[str]:
    return (price.currency_code for item in order.order_items if (price := item.product.price.unit_price))


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(each.strip() for each in texts if each.strip()))


def _money(found: wire.Money | None) -> Money | None:
    amount = None if found is None else _decimal(found)
    return None if found is None or amount is None else Money(amount=amount, currency=found.currency_code)


def _decimal(found: wire.Money) -> Decimal | None:
    try:
        amount = Decimal(found.amount)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
