"""Order files: Pick Header and Pick Detail rows of DropStream's file exchange.

Nothing is cut and nothing replaced: what a file cannot hold is refused.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal

from dropstream_file_exchange.settings import Orders
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.platform.contract import Item, Preparation, Prepared, Rejected, Stamp

REFERENCE = re.compile(r"[A-Za-z0-9_-]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MOST_REFERENCE = 100  # with the rest of the name it stays below 255 bytes, the most a file name may have


def prepare(items: Sequence[Item[OutboundOrder]], stamp: Stamp, orders: Orders) -> Preparation:
    """Files of `per_file` orders each, named after their first one and the attempt's time (UTC)."""
    rejected = [refused for item in items if (refused := _refusal(item, orders)) is not None]
    refused_keys = {refused.key for refused in rejected}
    good = [item for item in items if item.key not in refused_keys]
    groups = [good[start : start + orders.per_file] for start in range(0, len(good), orders.per_file)]
    return Preparation(
        prepared=tuple(_file(group, stamp, orders) for group in groups), rejected=tuple(rejected)
    )


def _file(group: Sequence[Item[OutboundOrder]], stamp: Stamp, orders: Orders) -> Prepared:
    text = "".join(_text(item.document, orders) for item in group)
    at = stamp.at.astimezone(UTC)
    return Prepared(
        name=f"ord_{group[0].document.reference}_{at:%y%m%d%H%M%S}.csv",
        keys=tuple(item.key for item in group),
        payload=text.encode(orders.encoding),
    )


def _refusal(item: Item[OutboundOrder], orders: Orders) -> Rejected | None:
    order = item.document
    if not REFERENCE.fullmatch(order.reference) or len(order.reference) > MOST_REFERENCE:
        return Rejected(
            key=item.key,
            cause="reference",
            reason=f"order numbers hold 1 to {MOST_REFERENCE} letters, digits, dashes and underscores: "
            f"{order.reference!r} does not; change the reference template",
        )
    if not order.lines:
        return Rejected(key=item.key, cause="lines", reason="the order has no line to send")
    for number, row in enumerate(_rows(order, orders)):
        for position, value in enumerate(row, start=1):
            where = f"{'Pick Header' if number == 0 else f'Pick Detail {number}'}, column {position}"
            if CONTROL.search(value):
                return Rejected(key=item.key, cause="characters", reason=f"{where} holds a control character")
            if not _encodes(value, orders.encoding):
                reason = f"{where} holds a character that {orders.encoding} cannot write"
                return Rejected(key=item.key, cause="characters", reason=reason)
    return None


def _encodes(value: str, encoding: str) -> bool:
    try:
        value.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _text(order: OutboundOrder, orders: Orders) -> str:
    text = io.StringIO()
    newline = "\r\n" if orders.newline == "crlf" else "\n"
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=newline).writerows(_rows(order, orders))
    return text.getvalue()


def _rows(order: OutboundOrder, orders: Orders) -> list[list[str]]:
    return [_header(order, orders), *(_detail(order, line) for line in order.lines)]


def _header(order: OutboundOrder, orders: Orders) -> list[str]:
    """Pick Header. A company is the ship-to name, the person there then the attention."""
    to = order.ship_to
    row = [
        "PH",
        order.reference,
        order.po_number,
        *_address(to),
        to.name if to.company else "",
        to.phone,
        *_address(order.bill_to or to),
        order.ship_method,
        orders.payment,
        orders.freight_account,
        f"{order.placed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        order.channel_code or orders.sales_channel,
        "",
    ]
    extra = {"email": order.email, "notes": order.note, "facility": orders.facility}
    row += [""] * (max(orders.positions.values(), default=0) - len(row))
    for name, position in orders.positions.items():
        row[position - 1] = extra[name]
    return row


def _address(address: Address) -> list[str]:
    return [
        address.company or address.name,
        address.line1,
        address.line2,
        address.city,
        address.region,
        address.postal_code,
        address.country,
    ]


def _detail(order: OutboundOrder, line: OutboundLine) -> list[str]:
    price = Decimal(0) if line.unit_price is None else line.unit_price.amount
    return ["PD", order.reference, str(line.number), line.sku, str(line.quantity), _price(price)]


def _price(amount: Decimal) -> str:
    """At least two decimals, none cut."""
    exponent = amount.as_tuple().exponent
    return f"{amount:f}" if isinstance(exponent, int) and exponent <= -2 else f"{amount:.2f}"
