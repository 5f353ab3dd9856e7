"""An order of BigCommerce's as the daemon knows orders: one for each address that it is sent to."""

import hashlib
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

MOST_KEY_BYTES = 100

INCOMPLETE = 0
PARTIALLY_REFUNDED = 14
NEVER = frozenset({5, 6})
"""Cancelled and declined."""

OVER = frozenset({2, 10})
"""Shipped and completed: whatever the shipments say, somebody has said that nothing is left to do."""

REFUNDED = 4

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
    except msgspec.DecodeError:
        return f"unreadable-{hashlib.blake2b(raw, digest_size=12).hexdigest()}"


def decoded(raw: bytes) -> wire.Order | Bad:
    """The order, or what is wrong with it."""
    try:
        order = _order.decode(raw)
    except msgspec.DecodeError as error:
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


def addresses(order: wire.Order) -> list[wire.ShippingConsignment]:
    """Those that something is sent to, the oldest first."""
    found = [each for each in order.consignments.shipping if any(_sent(line) for line in each.line_items)]
    return sorted(found, key=lambda each: each.address)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """An order taken apart. `orders` is one for each address. `gone` are keys that were told before, and
    to whose addresses nothing is sent any more. `told` is what to remember: the address that has the
    order's own key, then the others; empty once all are over."""

    orders: tuple[Order, ...]
    gone: tuple[Order, ...]
    told: tuple[int, ...]


def taken_apart(order: wire.Order, told: tuple[int, ...], settings: Settings) -> Parts:
    """The order, by address. The first address has the order's own key, and keeps it; another has its id
    behind it. Where that first one is there no more and a new one is, the new one stands for it: an edit
    in BigCommerce may give the same address another id."""
    there = addresses(order)
    ids = [each.address for each in there]
    base = _base(ids, told)
    placed = sorted(there, key=lambda each: (each.address != base, each.address))
    orders = tuple(
        _at(
            order,
            each,
            place,
            str(order.id) if each.address == base else f"{order.id}-{each.address}",
            settings,
        )
        for place, each in enumerate(placed, 0 if base in ids else 1)
    )
    gone = {
        f"{order.id}-{each}": _number(order, place)
        for place, each in enumerate(told)
        if place and each not in ids
    }
    if told and base not in ids:
        gone[str(order.id)] = _number(order, 0)
    standing = any(each.status in ("open", "waiting") for each in orders)
    return Parts(
        orders=orders,
        gone=tuple(
            msgspec.structs.replace(_frame(order, settings), key=key, number=number)
            for key, number in gone.items()
        ),
        told=(base, *(each for each in ids if each != base)) if standing else (),
    )


def _number(order: wire.Order, place: int) -> str:
    """What people see; `place` counts the order's addresses from 0."""
    return f"{order.id}-{place + 1}" if place else str(order.id)


def _base(ids: list[int], told: tuple[int, ...]) -> int:
    """The address that has the order's own key."""
    if told and told[0] in ids:
        return told[0]
    fresh = [each for each in ids if each not in told]
    return fresh[0] if fresh else (told[0] if told else 0)


def _at(
    order: wire.Order, consignment: wire.ShippingConsignment, place: int, key: str, settings: Settings
) -> Order:
    """What goes to one address."""
    lines = tuple(_lines(order, consignment, settings))
    gifts = dict.fromkeys(line.wrapping_message or "" for line in consignment.line_items)
    told = _frame(order, settings)
    return msgspec.structs.replace(
        told,
        key=key,
        number=_number(order, place),
        status=_status(order, lines, settings),
        ship_to=_address(consignment),
        lines=lines,
        ship_method=consignment.shipping_method or "",
        email=consignment.email or told.email,
        gift_message=" / ".join(each for each in gifts if each),
    )


def _frame(order: wire.Order, settings: Settings) -> Order:
    placed, changed = instant(order.date_created), instant(order.date_modified)
    if placed is None or changed is None:
        raise AssertionError("looked at before")
    currency = order.default_currency_code or order.currency_code or settings.currency
    billing = order.billing_address
    return Order(
        key=str(order.id),
        number=str(order.id),
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
    )


def _lines(
    order: wire.Order, consignment: wire.ShippingConsignment, settings: Settings
) -> Iterator[OrderLine]:
    """Its physical lines. What was refunded is not sent; what was shipped stays wanted, refunded or not."""
    currency = order.default_currency_code or order.currency_code or settings.currency
    for line in consignment.line_items:
        if not _sent(line):
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


def _sent(line: wire.OrderProduct) -> bool:
    """Whether it is a thing: downloads and gift certificates are mailed by the store."""
    return line.type == "physical"


def _status(order: wire.Order, lines: tuple[OrderLine, ...], settings: Settings) -> OrderStatus:
    shipped = any(line.fulfilled for line in lines)
    if order.is_deleted or order.status_id in NEVER:
        return "cancelled"
    if order.status_id in OVER:
        return "closed"
    if order.status_id == REFUNDED or not any(line.open_quantity for line in lines):
        return "closed" if shipped else "cancelled"
    if order.status_id == PARTIALLY_REFUNDED and order.date_shipped:
        return "closed"  # it was shipped before, by whatever means
    return "open" if order.status_id in settings.shippable else "waiting"


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
