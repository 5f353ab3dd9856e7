"""From eBay's orders to ours."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import quote

import msgspec

from dropstream_ebay import wire
from dropstream_ebay.settings import Settings
from dropstreamd.model.handover import Bad
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order, OrderLine, OrderStatus
from dropstreamd.platform.rows import UNREADABLE

MOST_KEY_BYTES = 100

SHIPPED_BY_US = ("SHIP_TO", "SELLER_DEFINED")
"""Kinds of fulfillment that are a seller's to send ("FulfillmentInstructionsType")."""

_ID = re.compile(r"[0-9]{1,20}([-!][0-9]{1,20}){0,2}")
_id = msgspec.json.Decoder(wire.OrderId)


class _Stamped(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    last_modified_date: datetime


_stamped = msgspec.json.Decoder(_Stamped)


def is_id(key: str) -> bool:
    """Whether it looks like an order's id, of today's form or of an older one."""
    return _ID.fullmatch(key) is not None


def quoted(order: str) -> str:
    """An order's id in a path."""
    return quote(order, safe="")


def row_key(row: bytes) -> str:
    """The order's id; where not even that can be read, something that is the same for the same bytes."""
    try:
        key = _id.decode(row).order_id
    except UNREADABLE:
        key = ""
    usable = key and len(key.encode("utf-8", "replace")) <= MOST_KEY_BYTES and "\0" not in key
    return key if usable else f"row-{hashlib.blake2b(row, digest_size=12).hexdigest()}"


def modified(row: bytes) -> datetime | None:
    """When it was last changed, as far as that can be read."""
    try:
        return _stamped.decode(row).last_modified_date
    except UNREADABLE:
        return None


def decoded(row: bytes) -> wire.Order | Bad:
    try:
        order = wire.decoded(row, wire.Order)
    except UNREADABLE as error:
        key = row_key(row)
        return Bad(key=key, place=f"order {key}", reason=str(error), raw=row)
    wrong = _fault(order)
    if wrong:
        key = row_key(row)
        return Bad(key=key, place=f"order {key}", reason=wrong, raw=row)
    return order


def concerns_us(order: wire.Order, settings: Settings) -> bool:
    """Whether it is for a seller's warehouse at all: it is posted, by the seller, and was sold where we are
    to look."""
    program = order.program
    if program and program.fulfillment_program and program.fulfillment_program.fulfilled_by == "EBAY":
        return False
    kinds = {each.fulfillment_instructions_type for each in order.fulfillment_start_instructions}
    if kinds and not kinds & set(SHIPPED_BY_US):
        return False
    sold_at = {line.listing_marketplace_id for line in order.line_items}
    return not settings.marketplaces or bool(sold_at & set(settings.marketplaces))


def is_begun(order: wire.Order) -> bool:
    """Whether some of it has left, and some has not."""
    return order.order_fulfillment_status == "IN_PROGRESS"


def is_bare(order: wire.Order, settings: Settings) -> bool:
    """Whether it may be shipped, and lacks the name or the street: of orders of over 90 days eBay tells
    neither ("ExtendedContact", "Address")."""
    instructions = _instructions(order)
    ship_to = _ship_to(instructions.shipping_step if instructions else None)
    free = _status(order, settings) == "open" and not _is_cancel_requested(order)
    return free and not (ship_to.name and ship_to.line1)


def translated(
    order: wire.Order,
    fulfillments: Sequence[wire.Fulfillment],
    settings: Settings,
    row: bytes,
    *,
    ours: bool = True,
) -> Order | Bad:
    """The order; `fulfillments` are of one that `is_begun`. One that is not `ours` any more, though it was
    told before, is cancelled for us."""
    instructions = _instructions(order)
    step = instructions.shipping_step if instructions else None
    status = _status(order, settings) if ours else "cancelled"
    ship_to = _ship_to(step)
    if status in ("open", "waiting") and not (ship_to.line1 and ship_to.country):
        reason = "it has no address to be shipped to"
        return Bad(key=order.order_id, place=f"order {order.order_id}", reason=reason, raw=row)
    total = order.pricing_summary.total
    reference = _reference(step)
    return Order(
        key=order.order_id,
        number=order.order_id,
        status=status,
        placed_at=order.creation_date,
        updated_at=order.last_modified_date,
        ship_to=ship_to,
        lines=tuple(_line(line, order, fulfillments) for line in order.line_items),
        ship_method=step.shipping_service_code if step else "",
        email=step.ship_to.email if step and step.ship_to else "",
        note=order.buyer_checkout_notes,
        currency=total.currency if total else "",
        total=_money(total),
        channel_code=settings.channel_code or order.line_items[0].listing_marketplace_id,
        cancel_requested=_is_cancel_requested(order),
        ship_by=_earliest([each.ship_by_date for each in _dates(order)]),
        deliver_by=_earliest([each.max_estimated_delivery_date for each in _dates(order)]),
        gift_message=next((each.gift_details.message for each in order.line_items if each.gift_details), ""),
        delivery_note=reference,
        tax_ids=_tax_ids(order),
    )


# ---- parts


def _fault(order: wire.Order) -> str:
    if not order.line_items:
        return "it has no lines"
    if len(order.fulfillment_start_instructions) > 1:
        return "it is to be shipped to several addresses"
    keys = [line.line_item_id for line in order.line_items]
    if len(set(keys)) < len(keys):
        return "two of its lines have one id"
    amounts = [order.pricing_summary.total, *(line.line_item_cost for line in order.line_items)]
    if any(each is not None and _decimal(each) is None for each in amounts):
        return "an amount of it is no number"
    return next((wrong for wrong in map(_line_fault, order.line_items) if wrong), "")


def _line_fault(line: wire.Line) -> str:
    if line.quantity < 1:
        return f"line {line.line_item_id} has {line.quantity} units"
    if not 0 < len(_sku(line).encode("utf-8", "replace")) <= MOST_KEY_BYTES or "\0" in _sku(line):
        return f"line {line.line_item_id} has no SKU, or one of more than {MOST_KEY_BYTES} bytes"
    return ""


def _instructions(order: wire.Order) -> wire.Instructions | None:
    return next(iter(order.fulfillment_start_instructions), None)


def _status(order: wire.Order, settings: Settings) -> OrderStatus:
    """`CancelStateEnum`, `OrderFulfillmentStatus`, `OrderPaymentStatusEnum`."""
    if order.cancel_status.cancel_state == "CANCELED":
        return "cancelled"
    if order.order_fulfillment_status == "FULFILLED":
        return "closed"
    all_paid_back = all(_is_paid_back(line) for line in order.line_items)
    if all_paid_back or order.order_payment_status == "FULLY_REFUNDED":
        return "cancelled"
    paid = order.order_payment_status in ("PAID", "PARTIALLY_REFUNDED")
    return "open" if paid and not _waits_for_label(order, settings) else "waiting"


def _is_cancel_requested(order: wire.Order) -> bool:
    return order.cancel_status.cancel_state == "IN_PROGRESS"


def _waits_for_label(order: wire.Order, settings: Settings) -> bool:
    """Whether eBay provides the label, which a warehouse of ours does not have."""
    label = order.program.ebay_shipping if order.program else None
    by_ebay = label is not None and label.shipping_label_provided_by == "EBAY"
    return by_ebay and settings.ebay_labels == "hold"


def _line(line: wire.Line, order: wire.Order, fulfillments: Sequence[wire.Fulfillment]) -> OrderLine:
    fulfilled = _fulfilled(line, order, fulfillments)
    return OrderLine(
        key=line.line_item_id,
        sku=_sku(line),
        quantity=fulfilled if _is_paid_back(line) else line.quantity,
        fulfilled=fulfilled,
        name=line.title,
        unit_price=_each(line.line_item_cost, line.quantity),
        declared_value=_each(line.discounted_line_item_cost, line.quantity),
    )


def _fulfilled(line: wire.Line, order: wire.Order, fulfillments: Sequence[wire.Fulfillment]) -> int:
    """Units that eBay shows as shipped."""
    if order.order_fulfillment_status == "FULFILLED" or line.line_item_fulfillment_status == "FULFILLED":
        return line.quantity
    return min(line.quantity, shipped(fulfillments, {line.line_item_id: line.quantity})[line.line_item_id])


def shipped(fulfillments: Sequence[wire.Fulfillment], lines: dict[str, int]) -> Counter[str]:
    """Units by line that these fulfillments hold; `lines` are what was sold."""
    units: Counter[str] = Counter()
    for fulfillment in fulfillments:
        for each in fulfillment.line_items:
            whole = lines.get(each.line_item_id, 0)
            units[each.line_item_id] += whole if each.quantity is None else each.quantity
    return units


def _is_paid_back(line: wire.Line) -> bool:
    """Whether the buyer got back all that the line cost. Refunds are sums of money, and name no units: a
    smaller one may be a kindness, and changes nothing of what is sent."""
    cost = line.discounted_line_item_cost or line.line_item_cost
    paid = [each.amount for each in line.refunds if each.amount is not None]
    if cost is None or not paid or any(each.currency != cost.currency for each in paid):
        return False
    amounts = [_decimal(each) for each in paid]
    wanted = _decimal(cost)
    back = sum((each for each in amounts if each is not None), Decimal(0))
    return wanted is not None and wanted > 0 and back >= wanted


def _sku(line: wire.Line) -> str:
    """The seller's own; of a listing without one the item's number, so that a listing can map it."""
    return line.sku or "-".join(part for part in (line.legacy_item_id, line.legacy_variation_id) if part)


def _ship_to(step: wire.ShippingStep | None) -> Address:
    """Where the seller has to send it: for what eBay's partners forward, their warehouse, with the reference
    right above the street ("ShippingStep"). Where it goes from there is nobody's business here."""
    contact = step.ship_to if step else None
    if contact is None or contact.contact_address is None:
        return Address()
    address = contact.contact_address
    above = " ".join(part for part in (contact.company_name, _reference(step)) if part)
    return Address(
        name=contact.full_name,
        company=above,
        line1=address.address_line1,
        line2=address.address_line2,
        city=address.city,
        region=address.state_or_province,
        postal_code=address.postal_code,
        country=address.country_code,
        phone=contact.primary_phone.phone_number if contact.primary_phone else "",
    )


def _reference(step: wire.ShippingStep | None) -> str:
    return f"Reference #{step.ship_to_reference_id}" if step and step.ship_to_reference_id else ""


def _dates(order: wire.Order) -> list[wire.LineDates]:
    found = [line.line_item_fulfillment_instructions for line in order.line_items]
    return [each for each in found if each is not None]


def _earliest(instants: Sequence[datetime | None]) -> datetime | None:
    return min((each for each in instants if each is not None), default=None)


def _tax_ids(order: wire.Order) -> tuple[str, ...]:
    """The numbers under which eBay has collected tax, such as IOSS: customs want to see them."""
    found = [
        f"{tax.ebay_reference.name}:{tax.ebay_reference.value}"
        for line in order.line_items
        for tax in line.ebay_collect_and_remit_taxes
        if tax.ebay_reference is not None and tax.ebay_reference.value
    ]
    return tuple(dict.fromkeys(found))


def _money(amount: wire.Amount | None) -> Money | None:
    value = _decimal(amount) if amount is not None else None
    return None if amount is None or value is None else Money(amount=value, currency=amount.currency)


def _each(amount: wire.Amount | None, units: int) -> Money | None:
    """What one unit costs, if that can be told to the thousandth of a cent."""
    value = _decimal(amount) if amount is not None else None
    if amount is None or value is None:
        return None
    each = (value / units).quantize(Decimal("0.00001")).normalize()
    if each * units != value:
        return None
    return Money(
        amount=each.quantize(Decimal("0.01")) if each == round(each, 2) else each, currency=amount.currency
    )


def _decimal(amount: wire.Amount) -> Decimal | None:
    try:
        value = Decimal(amount.value)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < 10**12 else None
