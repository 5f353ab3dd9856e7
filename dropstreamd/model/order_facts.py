"""What an order is in the expressions of rules, and what rules may change of it."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from dropstreamd.model.expressions import Kind
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, Order, OrderLine

_ADDRESS = tuple(field.name for field in msgspec.structs.fields(Address) if field.type is str)
_TEXTS = (
    "number",
    "ship_method",
    "email",
    "po_number",
    "note",
    "currency",
    "channel_code",
    "gift_message",
    "delivery_note",
    "incoterm",
)
_PROMISED = ("ship_by", "deliver_by")

LINE_KINDS: Mapping[str, Kind] = {
    "key": Kind.TEXT,
    "sku": Kind.TEXT,
    "name": Kind.TEXT,
    "quantity": Kind.WHOLE,
    "fulfilled": Kind.WHOLE,
    "open_quantity": Kind.WHOLE,
    "gtin": Kind.TEXT,
    "vendor_code": Kind.TEXT,
    "hs_code": Kind.TEXT,
    "origin": Kind.TEXT,
    "part_of": Kind.TEXT,
    "weight_g": Kind.MEASURE,
    "unit_price": Kind.AMOUNT,
    "declared_value": Kind.AMOUNT,
}
"""The fields of a line: of each of `order.lines`, and of `line` where one line is asked about."""

ORDER_KINDS: Mapping[str, Kind] = {
    **{f"order.{name}": Kind.TEXT for name in _TEXTS},
    **{f"order.{side}.{name}": Kind.TEXT for side in ("ship_to", "bill_to") for name in _ADDRESS},
    **{f"order.{name}": Kind.INSTANT for name in _PROMISED},
    **{f"order.has_{name}": Kind.FLAG for name in _PROMISED},
    "order.placed_at": Kind.INSTANT,
    "order.cancel_requested": Kind.FLAG,
    "order.tax_ids": Kind.TEXTS,
    "order.total": Kind.AMOUNT,
    "order.units": Kind.WHOLE,
    "order.skus": Kind.TEXTS,
}
"""What is known of an order wherever one is asked about; `order.lines` is beside these. An instant that
is not promised has no value: `has_ship_by` is asked first."""

OVER_ORDER: Mapping[str, Kind] = {**ORDER_KINDS, "order.lines": Kind.RECORDS}
OVER_LINE: Mapping[str, Kind] = {
    **ORDER_KINDS,
    **{f"line.{name}": kind for name, kind in LINE_KINDS.items()},
}

SETTABLE = (
    "ship_method",
    "note",
    "po_number",
    "email",
    "channel_code",
    "gift_message",
    "delivery_note",
    "incoterm",
    *(f"ship_to.{name}" for name in _ADDRESS),
)
"""What a rule may set. Quantities, SKUs and amounts are the buyer's."""


def order_facts(order: Order) -> dict[str, object]:
    """The values of `ORDER_KINDS`. Without a billing address its fields are empty; `units` and
    `skus` are of what is still open."""
    facts: dict[str, object] = {f"order.{name}": getattr(order, name) for name in _TEXTS}
    for side, address in (("ship_to", order.ship_to), ("bill_to", order.bill_to or Address())):
        facts.update({f"order.{side}.{name}": getattr(address, name) for name in _ADDRESS})
    facts["order.currency"] = order.currency or (order.total.currency if order.total else "")
    promised = {name: getattr(order, name) for name in _PROMISED}
    facts.update({f"order.has_{name}": at is not None for name, at in promised.items()})
    facts.update({f"order.{name}": at for name, at in promised.items() if at is not None})
    facts["order.cancel_requested"] = order.cancel_requested
    facts["order.tax_ids"] = list(order.tax_ids)
    facts["order.placed_at"] = order.placed_at
    facts["order.units"] = sum(line.open_quantity for line in order.lines)
    facts["order.skus"] = [line.sku for line in order.lines if line.open_quantity]
    return facts | _amount("order.total", order.total)


def lines_facts(order: Order) -> dict[str, object]:
    """The value of `order.lines`."""
    return {"order.lines": [_line(line, "") for line in order.lines]}


def line_facts(line: OrderLine) -> dict[str, object]:
    """The values of `line`. The declared value is the price where there is no other."""
    return _line(line, "line.")


def _line(line: OrderLine, prefix: str) -> dict[str, object]:
    facts: dict[str, object] = {
        f"{prefix}{name}": getattr(line, name) for name, kind in LINE_KINDS.items() if kind is not Kind.AMOUNT
    }
    price = _amount(f"{prefix}unit_price", line.unit_price)
    return facts | price | _amount(f"{prefix}declared_value", line.declared_value or line.unit_price)


def _amount(name: str, money: Money | None) -> dict[str, object]:
    """An amount as the double that it is read back from exactly; without a value where there is none
    (over 15 digits), so that a comparison fails instead of being wrong.

    Two amounts of up to 15 significant digits compare as their doubles do: rounding keeps their
    order, and no two have one double.
    """
    if money is None:
        return {name: None}
    double = float(money.amount)
    return {name: double} if Decimal(repr(double)) == money.amount else {}


def field(order: Order, name: str) -> str:
    """The value of one of `SETTABLE`."""
    side, _, part = name.rpartition(".")
    found: str = getattr(order.ship_to if side else order, part)
    return found


def with_field(order: Order, name: str, value: str) -> Order:
    """The order with another value of one of `SETTABLE`."""
    side, _, part = name.rpartition(".")
    if side:
        return replace(order, ship_to=replace(order.ship_to, **{part: value}))
    return replace(order, **{part: value})
