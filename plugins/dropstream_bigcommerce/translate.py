"""An order of BigCommerce's as the daemon knows orders: one for each address that it is sent to."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime

import msgspec

from dropstream_bigcommerce import wire
from dropstream_bigcommerce.settings import Settings
from dropstreamd.model.handover import Bad
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order, OrderLine, OrderStatus
from dropstreamd.platform.rows import UNREADABLE, unreadable_key

MOST_KEY_BYTES = 100

INCOMPLETE = 0

_GRAMS = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "oz": Decimal("28.349523125"),
    "lb": Decimal("453.59237"),
}

_node = msgspec.json.Decoder(wire.Node)
_order = msgspec.json.Decoder(wire.Order)


def row_key(raw: bytes) -> str:
    """The id of what stands there, else a digest of what came in its place."""
    try:
        return str(_node.decode(raw).id)
    except UNREADABLE:
        return unreadable_key(raw)


def decoded(raw: bytes) -> wire.Order | Bad:
    """The order, or what is wrong with it."""
    try:
        order = _order.decode(raw)
    except UNREADABLE as error:
        return bad(raw, str(error))
    wrong = fault(order)
    return bad(raw, wrong) if wrong else order


def bad(raw: bytes, reason: str) -> Bad:
    key = row_key(raw)
    return Bad(key=key, place=f"order {key}", reason=reason, raw=raw)


def fault(order: wire.Order) -> str:
    """What is wrong with it as it stands; empty where nothing is."""
    if instant(order.date_created) is None or instant(order.date_modified) is None:
        return "a date of it is none that RFC 2822 knows"
    amounts = [order.total_inc_tax]
    lines = [line for each in order.consignments.shipping for line in each.line_items]
    for line in lines:
        if len((line.sku or "").encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in (line.sku or ""):
            return f"a SKU of it has more than {MOST_KEY_BYTES} bytes: {(line.sku or '')[:20]}…"
        counts = (line.quantity, line.quantity_shipped, line.quantity_refunded)
        if any(count != int(count) or count < 0 for count in counts):
            return "a quantity of it is no count of units"
        amounts += [line.price_inc_tax, line.price_ex_tax]
    if any(not amount.is_finite() for amount in amounts):
        return "an amount of it is no number"
    keys = [line.id for line in lines]
    return "a line of it stands in it twice" if len(set(keys)) < len(keys) else ""


def concerns_us(order: wire.Order, settings: Settings) -> bool:
    """Whether its sales channel is one of those that are ours, and it is more than an abandoned payment."""
    ours = not settings.channels or order.channel_id in settings.channels
    return ours and order.status_id != INCOMPLETE


def part(
    order: wire.Order,
    consignment: wire.ShippingConsignment,
    *,
    key: str,
    number: str,
    status: OrderStatus,
    settings: Settings,
) -> Order:
    """What goes to one address."""
    gifts = dict.fromkeys(line.wrapping_message or "" for line in consignment.line_items)
    whole = frame(order, key=key, number=number, settings=settings)
    return msgspec.structs.replace(
        whole,
        status=status,
        ship_to=_address(consignment),
        lines=lines_of(order, consignment, settings),
        ship_method=consignment.shipping_method or "",
        email=consignment.email or whole.email,
        gift_message=" / ".join(each for each in gifts if each),
    )


def frame(order: wire.Order, *, key: str, number: str, settings: Settings) -> Order:
    """An order that nothing is sent of (any more): cancelled."""
    placed, changed = instant(order.date_created), instant(order.date_modified)
    if placed is None or changed is None:
        raise AssertionError("looked at before")
    currency = order.default_currency_code or order.currency_code or settings.currency
    billing = order.billing_address
    return Order(
        key=key,
        number=number,
        status="cancelled",
        placed_at=placed,
        updated_at=changed,
        ship_to=Address(),
        bill_to=None if billing is None else _address(billing),
        lines=(),
        email=(billing.email if billing else "") or "",
        note=order.customer_message or "",
        currency=currency,
        total=Money(amount=order.total_inc_tax, currency=currency) if currency else None,
        channel_code=settings.channel_code or settings.store_hash,
        store_order=str(order.id),
    )


def lines_of(
    order: wire.Order, consignment: wire.ShippingConsignment, settings: Settings
) -> tuple[OrderLine, ...]:
    """Its physical lines. What was refunded is not sent; what was shipped stays wanted, refunded or not."""
    return tuple(_lines(order, consignment, settings))


def _lines(
    order: wire.Order, consignment: wire.ShippingConsignment, settings: Settings
) -> Iterator[OrderLine]:
    currency = order.default_currency_code or order.currency_code or settings.currency
    for line in consignment.line_items:
        if not is_sent(line):
            continue
        shipped = int(line.quantity_shipped)
        wanted = max(line.quantity - int(line.quantity_refunded), shipped)
        amount = line.price_inc_tax if order.is_tax_inclusive_pricing else line.price_ex_tax
        price = Money(amount=amount, currency=currency) if currency else None
        yield OrderLine(
            key=str(line.id),
            sku=line.sku or "",
            quantity=wanted,
            fulfilled=min(shipped, wanted),
            name=line.name or "",
            unit_price=price,
            gtin=line.upc or "",
            weight_g=grams(line.weight, settings.weight_unit),
            declared_value=price,
        )


def is_sent(line: wire.OrderProduct) -> bool:
    """Whether it is a thing: downloads and gift certificates are mailed by the store."""
    return line.type == "physical"


def _address(address: wire.Address) -> Address:
    return Address(
        name=" ".join(part.strip() for part in (address.first_name, address.last_name) if part),
        company=address.company or "",
        line1=address.street_1 or "",
        line2=address.street_2 or "",
        city=address.city or "",
        region=address.state or "",
        postal_code=address.zip or "",
        country=address.country_iso2 or "",
        phone=address.phone or "",
    )


def instant(text: str | None) -> datetime | None:
    """An instant as V2 tells it (RFC 2822), None for none."""
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def grams(weight: str | float | Decimal | None, unit: str) -> int | None:
    """A weight of the store's unit in whole grams; None where either is not known."""
    if weight is None or unit not in _GRAMS:
        return None
    try:
        amount = Decimal(str(weight))
    except InvalidOperation:
        return None
    return round(amount * _GRAMS[unit]) if amount.is_finite() and 0 < amount < 10**6 else None


def in_unit(weight_g: int | None, unit: str) -> float:
    """A weight in the store's unit; 0 where either is not known."""
    if not weight_g or unit not in _GRAMS:
        return 0.0
    return float(round(Decimal(weight_g) / _GRAMS[unit], 4))
