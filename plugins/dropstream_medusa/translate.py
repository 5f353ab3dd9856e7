"""Medusa's documents as the daemon knows them."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from dropstream_medusa import wire, wire_goods, wire_returns
from dropstream_medusa.listing import bad_row, too_long
from dropstream_medusa.settings import Settings
from dropstreamd.model.handover import Bad
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order, OrderLine, OrderStatus
from dropstreamd.model.products import Product
from dropstreamd.model.returns import Return, ReturnLine, ReturnStatus
from dropstreamd.platform.rows import UNREADABLE

CANCELED = "canceled"
_CLOSED = ("completed", "archived")
_RETURNS: dict[str, ReturnStatus] = {
    "requested": "open",
    "partially_received": "open",
    "received": "closed",
    CANCELED: "cancelled",
}

_order = msgspec.json.Decoder(wire.Order)
_variant = msgspec.json.Decoder(wire_goods.Variant)
_return = msgspec.json.Decoder(wire_returns.Return)


def read_order(raw: bytes, settings: Settings) -> Order | Bad:
    """The order, or what is wrong with it."""
    try:
        order = _order.decode(raw)
    except UNREADABLE as error:
        return bad_row(raw, "order id", str(error))
    wrong = _wrong(order)
    return bad_row(raw, "order id", wrong) if wrong else _order_of(order, settings)


def order_number(order: wire.Order | wire_returns.ReturnedOrder) -> str:
    """What people see: the merchant's own number, where there is one."""
    return order.custom_display_id or str(order.display_id)


def _wrong(order: wire.Order) -> str:
    for item in order.items:
        if item.requires_shipping and not item.variant_sku:
            return f"a line that is to be shipped has no SKU: {item.title[:40]}"
        for units in (item.detail.quantity, item.detail.fulfilled_quantity):
            if units < 0 or units != units.to_integral_value():
                return f"a line of it has {units} units"
    return too_long(
        order.id, *(item.id for item in order.items), *(item.variant_sku or "" for item in order.items)
    )


def _order_of(order: wire.Order, settings: Settings) -> Order:
    lines = tuple(_line(item, order.currency_code) for item in order.items if item.requires_shipping)
    channel = order.sales_channel.name if order.sales_channel else ""
    billed = None if order.billing_address is None else address(order.billing_address)
    return Order(
        key=order.id,
        number=order_number(order),
        status=_status(order, lines, settings),
        placed_at=order.created_at,
        updated_at=order.updated_at,
        ship_to=Address() if order.shipping_address is None else address(order.shipping_address),
        bill_to=None if billed == Address() else billed,
        lines=lines,
        ship_method=_ship_method(order, settings),
        email=order.email or "",
        currency=order.currency_code.upper(),
        total=_money(order.total, order.currency_code),
        channel_code=settings.channel_code or channel,
    )


def _line(item: wire.OrderItem, currency: str) -> OrderLine:
    facts = item.variant or wire.VariantFacts()
    return OrderLine(
        key=item.id,
        sku=item.variant_sku or "",
        quantity=int(item.detail.quantity),
        fulfilled=int(item.detail.fulfilled_quantity),
        name=item.title,
        unit_price=_money(item.unit_price, currency),
        gtin=facts.gtin,
        weight_g=facts.weight_g,
        hs_code=facts.hs_code or "",
        origin=(facts.origin_country or "").upper(),
    )


def _status(order: wire.Order, lines: Iterable[OrderLine], settings: Settings) -> OrderStatus:
    """An order without a price has nothing to pay, and Medusa calls it unpaid."""
    if order.status == CANCELED:
        return "cancelled"
    if order.status in _CLOSED:
        return "closed"
    if order.status != "pending":
        return "waiting"
    if not any(line.open_quantity for line in lines):
        return "closed"
    paid = order.payment_status in settings.open_payments or not order.total
    return "open" if paid else "waiting"


def _ship_method(order: wire.Order, settings: Settings) -> str:
    """The method's name or its option's id; those of an order with several, joined in a fixed order."""
    by_name = settings.ship_method == "name"
    methods = {each.name if by_name else each.shipping_option_id or "" for each in order.shipping_methods}
    return " + ".join(sorted(methods))


def _money(amount: Decimal, currency: str) -> Money:
    return Money(amount=amount, currency=currency.upper())


def address(of: wire.Address) -> Address:
    return Address(
        name=f"{of.first_name or ''} {of.last_name or ''}".strip(),
        company=of.company or "",
        line1=of.address_1 or "",
        line2=of.address_2 or "",
        city=of.city or "",
        region=of.province or "",
        postal_code=of.postal_code or "",
        country=(of.country_code or "").upper(),
        phone=of.phone or "",
    )


def read_product(raw: bytes, channel: str) -> Product | Bad | None:
    """The variant as a product; None where it is not sold in the sales channel `channel` ("" is any)."""
    try:
        variant = _variant.decode(raw)
    except UNREADABLE as error:
        return bad_row(raw, "variant id", str(error))
    if channel and channel not in {each.id for each in variant.product.sales_channels}:
        return None
    if not variant.sku:
        return bad_row(raw, "variant id", "it has no SKU")
    wrong = too_long(variant.id, variant.sku)
    if wrong:
        return bad_row(raw, "variant id", wrong)
    return Product(
        key=variant.id,
        sku=variant.sku,
        title=variant.product.title,
        option=variant.title,
        gtin=variant.gtin,
        weight_g=variant.weight_g,
        hs_code=variant.hs_code or "",
        origin=(variant.origin_country or "").upper(),
        active=variant.product.status == "published",
        updated_at=max(variant.updated_at, variant.product.updated_at),
    )


def decode_return(raw: bytes) -> wire_returns.Return | Bad:
    """A return as it came, or what is wrong with it."""
    try:
        found = _return.decode(raw)
    except UNREADABLE as error:
        return bad_row(raw, "return id", str(error))
    for item in found.items:
        if item.item is None or not item.item.variant_sku:
            return bad_row(raw, "return id", "a line of it has no SKU")
        if item.quantity < 0 or item.quantity != item.quantity.to_integral_value():
            return bad_row(raw, "return id", f"a line of it has {item.quantity} units")
    skus = (item.item.variant_sku or "" for item in found.items if item.item)
    wrong = too_long(found.id, *(item.id for item in found.items), *skus)
    if found.status not in _RETURNS:
        wrong = f"its status is {found.status[:40]!r}"
    return bad_row(raw, "return id", wrong) if wrong else found


def return_of(found: wire_returns.Return, order: wire_returns.ReturnedOrder) -> Return:
    """The return, with what its order says of it."""
    lines = tuple(
        ReturnLine(
            key=item.id,
            order_line=item.item_id,
            sku=(item.item.variant_sku if item.item else "") or "",
            quantity=int(item.quantity),
            reason=(item.reason.label if item.reason else "") or item.note or "",
        )
        for item in found.items
    )
    return Return(
        key=found.id,
        number=str(found.display_id),
        order_key=order.id,
        order_number=order_number(order),
        status=_RETURNS[found.status],
        requested_at=found.requested_at or found.created_at,
        updated_at=found.updated_at,
        lines=lines,
        sender=None if order.shipping_address is None else address(order.shipping_address),
    )
