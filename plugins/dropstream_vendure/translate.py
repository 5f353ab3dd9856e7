"""An order of Vendure's as the daemon knows orders."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from dropstream_vendure import wire
from dropstream_vendure.settings import CANCELLED, Settings
from dropstreamd.model.handover import Bad
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order, OrderLine, OrderStatus
from dropstreamd.platform.rows import UNREADABLE, unreadable_key

MOST_KEY_BYTES = 100

_order = msgspec.json.Decoder(wire.Order)
_identified = msgspec.json.Decoder(wire.Identified)


def row_id(raw: bytes) -> str | None:
    """The id of an order or a variant that may not be decodable as a whole."""
    try:
        return _identified.decode(raw).id
    except UNREADABLE:
        return None


def row_key(raw: bytes) -> str:
    """The row's id, else a digest of what came in its place."""
    return row_id(raw) or unreadable_key(raw)


def read_order(raw: bytes, settings: Settings, shop: wire.Shop) -> Order | Bad:
    """The order, or what is wrong with it."""
    key = row_key(raw)
    try:
        order = _order.decode(raw)
    except UNREADABLE as error:
        return Bad(key=key[:MOST_KEY_BYTES], place=f"order id {key[:40]}", reason=str(error), raw=raw)
    wrong = _wrong(order)
    if wrong:
        return Bad(key=key[:MOST_KEY_BYTES], place=f"order {order.code[:40]}", reason=wrong, raw=raw)
    return _translated(order, settings, shop)


def _wrong(order: wire.Order) -> str:
    if order.order_placed_at is None:
        return "it has no time of placing"
    if any(line.quantity < 0 for line in order.lines):
        return "a line of it has a negative quantity"
    skus = (line.product_variant.sku for line in order.lines)
    return too_long(order.id, *(line.id for line in order.lines), *skus)


def too_long(*texts: str) -> str:
    """What is wrong with ids or SKUs, if anything."""
    for text in texts:
        if len(text.encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in text:
            return f"an id or SKU of it has more than {MOST_KEY_BYTES} bytes: {text[:20]}…"
    return ""


def _translated(order: wire.Order, settings: Settings, shop: wire.Shop) -> Order:
    placed_at = order.order_placed_at
    if placed_at is None:
        raise AssertionError("looked at before")
    lines = _lines(order, settings, shop)
    return Order(
        key=order.id,
        number=order.code,
        status=_status(order.state, lines, settings),
        placed_at=placed_at,
        updated_at=order.updated_at,
        ship_to=_address(order.shipping_address, order.customer),
        bill_to=_bill_to(order.billing_address),
        lines=lines,
        ship_method=_ship_method(order, settings),
        email=order.customer.email_address if order.customer else "",
        currency=order.currency_code,
        total=money(order.total_with_tax, order.currency_code, shop),
        channel_code=settings.channel_code or shop.active_channel.code,
    )


def _lines(order: wire.Order, settings: Settings, shop: wire.Shop) -> tuple[OrderLine, ...]:
    """Its lines, less the SKUs that need no shipping. `quantity` of a line is what is still wanted:
    Vendure lessens it by what was cancelled or modified away."""
    shipped = fulfilled_units(order.fulfillments)
    return tuple(
        OrderLine(
            key=line.id,
            sku=line.product_variant.sku,
            quantity=line.quantity,
            fulfilled=shipped[line.id],
            name=line.product_variant.name,
            unit_price=money(line.unit_price, order.currency_code, shop),
        )
        for line in order.lines
        if line.product_variant.sku not in settings.unshipped_skus
    )


def fulfilled_units(fulfillments: Iterable[wire.Fulfilled] | None) -> Counter[str]:
    """Units by order line in fulfillments that stand; one counts from its creation, shipped or not."""
    units: Counter[str] = Counter()
    for fulfillment in fulfillments or ():
        if fulfillment.state != CANCELLED:
            for line in fulfillment.lines:
                units[line.order_line_id] += line.quantity
    return units


def _status(state: str, lines: Iterable[OrderLine], settings: Settings) -> OrderStatus:
    if state == CANCELLED:
        return "cancelled"
    if state in settings.closed_states:
        return "closed"
    if state not in settings.open_states:
        return "waiting"
    return "open" if any(line.open_quantity for line in lines) else "closed"


def _ship_method(order: wire.Order, settings: Settings) -> str:
    """The method's code or name; those of an order with several, joined in a fixed order."""
    methods = {
        line.shipping_method.code if settings.ship_method == "code" else line.shipping_method.name
        for line in order.shipping_lines
    }
    return " + ".join(sorted(methods))


def money(units: int, currency: str, shop: wire.Shop) -> Money:
    """Vendure counts money in units of one precision for the whole server, whatever the currency."""
    precision = shop.global_settings.server_config.money_strategy_precision
    return Money(amount=Decimal(units).scaleb(-precision), currency=currency)


def _bill_to(address: wire.Address | None) -> Address | None:
    """None where Vendure has an address without a field filled in, as it does for most guests."""
    billed = Address() if address is None else _address(address, None)
    return None if billed == Address() else billed


def _address(address: wire.Address | None, customer: wire.Customer | None) -> Address:
    """Names and phone fall back to the customer's."""
    name = f"{customer.first_name} {customer.last_name}".strip() if customer else ""
    phone = (customer.phone_number if customer else "") or ""
    if address is None:
        return Address(name=name, phone=phone)
    return Address(
        name=(address.full_name or "").strip() or name,
        company=address.company or "",
        line1=address.street_line1 or "",
        line2=address.street_line2 or "",
        city=address.city or "",
        region=address.province or "",
        postal_code=address.postal_code or "",
        country=(address.country_code or "").upper(),
        phone=address.phone_number or phone,
    )
