"""An order of WooCommerce's as the daemon knows orders."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.goods import Facts
from dropstream_woocommerce.listing import too_long
from dropstream_woocommerce.settings import Settings
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order, OrderLine, OrderStatus
from dropstreamd.platform.rows import UNREADABLE

REFUNDED_ITEM = "_refunded_item_id"
TRASH = "trash"
MOST_META_BYTES = 2000
PRICE_STEP = Decimal("0.000001")
MOST_UNITS = 10**9

_text = msgspec.json.Decoder(wire.Text)


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """An order with what other calls tell of it, by line: units refunded and fulfilled, facts on products."""

    order: wire.Order
    refunded: Mapping[int, int] = {}
    fulfilled: Mapping[int, int] = {}
    facts: Mapping[int, Facts] = {}


def ours(order: wire.Order, settings: Settings) -> bool:
    """Whether it is shipped at all: not one that the buyer collects."""
    methods = [line.method_id or "" for line in order.shipping_lines]
    return not methods or any(method not in settings.skip_methods for method in methods)


def status_of(order: wire.Order, settings: Settings) -> OrderStatus:
    """By its status alone."""
    if order.status == TRASH or order.status in settings.cancelled_statuses:
        return "cancelled"
    if order.status in settings.closed_statuses:
        return "closed"
    return "open" if order.status in settings.ship_statuses else "waiting"


def translated(sold: Sold, settings: Settings) -> Order:
    """The order. Its lines are those that need shipping."""
    order = sold.order
    lines = tuple(_line(line, sold) for line in order.line_items if not _facts(line, sold).virtual)
    status = status_of(order, settings)
    if status == "open" and not any(line.open_quantity for line in lines):
        status = "closed" if any(line.fulfilled for line in lines) or not lines else "cancelled"
    if status == "open" and not ours(order, settings):
        status = "waiting"  # told before its shipping was changed to one that nobody ships
    placed = instant(order.date_created_gmt)
    changed = instant(order.date_modified_gmt)
    if placed is None:
        raise AssertionError("looked at before")
    return Order(
        key=str(order.id),
        number=order.number,
        status=status,
        placed_at=placed,
        updated_at=changed or placed,
        ship_to=_ship_to(order),
        bill_to=_address(order.billing),
        lines=lines,
        ship_method=_ship_method(order, settings),
        email=order.billing.email or "",
        po_number=_meta(order, settings.po_meta),
        note=order.customer_note or "",
        currency=order.currency,
        total=Money(amount=amount(order.total) or Decimal(0), currency=order.currency),
        channel_code=settings.channel_code or settings.host,
        gift_message=_meta(order, settings.gift_meta),
    )


def gone(key: str, number: str, at: datetime) -> Order:
    """One that was told and has been deleted since: cancelled."""
    nobody = Address()
    return Order(
        key=key, number=number, status="cancelled", placed_at=at, updated_at=at, ship_to=nobody, lines=()
    )


def fault(order: wire.Order) -> str:
    """What is wrong with it as it stands; empty where nothing is."""
    if order.id < 1 or not order.number:
        return "it has no id, or no number"
    wrong = too_long(order.number, *(line.sku or "" for line in order.line_items))
    if wrong:
        return wrong
    if instant(order.date_created_gmt) is None:
        return "the time at which it was placed is none"
    return _line_fault(order) or ("its total is no number" if amount(order.total) is None else "")


def _line_fault(order: wire.Order) -> str:
    ids = [line.id for line in order.line_items]
    if len(set(ids)) < len(ids):
        return "a line of it stands in it twice"
    for line in order.line_items:
        if line.quantity != int(line.quantity) or not 0 <= line.quantity <= MOST_UNITS:
            return f"line {line.id} has {line.quantity} units: that is no number of units"
        if amount(line.total) is None:
            return f"the total of line {line.id} is no number"
    return ""


def refunded(refunds: Iterable[wire.Refund]) -> dict[int, int]:
    """Units that were refunded, by line of the order."""
    units: Counter[int] = Counter()
    for refund in refunds:
        for line in refund.line_items:
            for meta in line.meta_data:
                if meta.key == REFUNDED_ITEM:
                    units[_number(meta.value)] += abs(int(line.quantity))
    return {line: count for line, count in units.items() if line and count}


def instant(text: str | None) -> datetime | None:
    """A time that WooCommerce tells in GMT without saying so."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def amount(text: str) -> Decimal | None:
    try:
        found = Decimal(text or "0")
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def text_of(raw: msgspec.Raw) -> str:
    """A custom field's value, where that is a text or a number."""
    try:
        value = _text.decode(raw)
    except UNREADABLE:
        return ""
    return "" if value is None else str(value)


def _number(raw: msgspec.Raw) -> int:
    text = text_of(raw)
    return int(text) if text.isascii() and text.isdecimal() else 0


def _facts(line: wire.Line, sold: Sold) -> Facts:
    return sold.facts.get(line.id, Facts())


def _line(line: wire.Line, sold: Sold) -> OrderLine:
    """What was shipped stays wanted, even where it was refunded since. A variation that shows its parent's
    SKU has none: which variation it is, that one does not tell."""
    facts = _facts(line, sold)
    ordered = int(line.quantity)
    shipped = min(ordered, sold.fulfilled.get(line.id, 0))
    wanted = max(ordered - sold.refunded.get(line.id, 0), shipped)
    price = _unit_price(line, sold.order.currency)
    return OrderLine(
        key=str(line.id),
        sku=(line.sku or "") if facts.own_sku else "",
        quantity=wanted,
        fulfilled=shipped,
        name=line.name or "",
        unit_price=price,
        gtin=facts.gtin,
        weight_g=facts.weight_g,
        declared_value=price,
    )


def _unit_price(line: wire.Line, currency: str) -> Money | None:
    """The line's total, after discounts and without tax, shared over its units: to a millionth."""
    total = amount(line.total)
    if total is None or not line.quantity:
        return None
    each = (total / int(line.quantity)).quantize(PRICE_STEP, rounding=ROUND_HALF_UP).normalize()
    exponent = each.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -2:
        each = each.quantize(Decimal("0.01"))
    return Money(amount=each, currency=currency)


def _meta(order: wire.Order, key: str) -> str:
    """A custom field of the order's, so far as it is of any use to a warehouse."""
    if not key:
        return ""
    return next((text_of(meta.value)[:MOST_META_BYTES] for meta in order.meta_data if meta.key == key), "")


def _ship_method(order: wire.Order, settings: Settings) -> str:
    line = next((each for each in order.shipping_lines if each.method_id not in settings.skip_methods), None)
    if line is None:
        return ""
    return (line.method_id if settings.ship_method == "method" else line.method_title) or ""


def _ship_to(order: wire.Order) -> Address:
    """The shipping address; the billing address where there is none, as in a shop that ships only there."""
    shown = _address(order.shipping)
    if not (shown.line1 or shown.city or shown.postal_code):
        return _address(order.billing)
    return shown if shown.phone else msgspec.structs.replace(shown, phone=order.billing.phone or "")


def _address(address: wire.Billing) -> Address:
    return Address(
        name=" ".join(part for part in (address.first_name, address.last_name) if part),
        company=address.company or "",
        line1=address.address_1 or "",
        line2=address.address_2 or "",
        city=address.city or "",
        region=address.state or "",
        postal_code=address.postcode or "",
        country=address.country or "",
        phone=address.phone or "",
    )
