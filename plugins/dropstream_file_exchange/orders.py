"""Order files: Pick Header and Pick Detail rows of DropStream's file exchange.

Nothing is cut and nothing replaced: what a file cannot hold is refused.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from decimal import Decimal

from dropstream_file_exchange.settings import CancelFile, Orders
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.platform.contract import Item, Preparation, Prepared, Rejected, Stamp

REFERENCE = re.compile(r"[A-Za-z0-9_-]+")
LINE_BREAKS = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MOST_REFERENCE = 100  # with the rest of the name it stays below 255 bytes, the most a file name may have


def prepare(items: Sequence[Item[OutboundOrder]], stamp: Stamp, orders: Orders) -> Preparation:
    """Files of `per_file` orders each, named after their first one and the attempt's time (UTC); one for
    each order that is to be stopped."""
    rejected = [refused for item in items if (refused := _refusal(item, orders)) is not None]
    refused_keys = {refused.key for refused in rejected}
    good = [item for item in items if item.key not in refused_keys]
    new = [item for item in good if not item.cancel]
    groups = [new[start : start + orders.per_file] for start in range(0, len(new), orders.per_file)]
    files = [_file(group, stamp, orders) for group in groups]
    stops = [_stop(item, stamp, orders.cancel, orders) for item in good if item.cancel and orders.cancel]
    return Preparation(prepared=(*files, *stops), rejected=tuple(rejected))


def cancels(prepared: Prepared, orders: Orders) -> bool:
    """Whether a file is one that stops an order."""
    return orders.cancel is not None and prepared.name.startswith(orders.cancel.prefix)


def _stop(item: Item[OutboundOrder], stamp: Stamp, cancel: CancelFile, orders: Orders) -> Prepared:
    reference = item.document.reference
    row = [field.replace("{reference}", reference) for field in cancel.row]
    at = stamp.at.astimezone(UTC)
    return Prepared(
        name=f"{cancel.prefix}{reference}_{at:%y%m%d%H%M%S}.csv",
        keys=(item.key,),
        payload=_csv([row], orders).encode(orders.encoding),
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
    found = next(_faults(item, orders), None)
    return None if found is None else Rejected(key=item.key, cause=found[0], reason=found[1])


def _faults(item: Item[OutboundOrder], orders: Orders) -> Iterator[tuple[str, str]]:
    """Cause and reason of everything that a file cannot hold."""
    order = item.document
    if not REFERENCE.fullmatch(order.reference) or len(order.reference) > MOST_REFERENCE:
        taken = f"1 to {MOST_REFERENCE} letters, digits, dashes and underscores"
        yield "reference", f"order numbers hold {taken}: {order.reference!r} does not; change the template"
    if item.cancel:
        if orders.cancel is None:
            yield "cancel", "the settings name no file that stops an order (orders.cancel)"
        return
    if item.remote is not None:
        yield "amend", "an order file cannot change an order: the warehouse would take it for another one"
    if not order.lines:
        yield "lines", "the order has no line to send"
    for side, address in (("ship-to", order.ship_to), ("bill-to", order.bill_to)):
        reason = _too_long(side, address, orders.address_max)
        if reason:
            yield "address", reason
    for number, row in enumerate(_rows(order, orders)):
        for position, value in enumerate(row, start=1):
            where = f"{'Pick Header' if number == 0 else f'Pick Detail {number}'}, column {position}"
            if CONTROL.search(value):
                yield "characters", f"{where} holds a control character"
            elif not _encodes(value, orders.encoding):
                yield "characters", f"{where} holds a character that {orders.encoding} cannot write"


def _too_long(side: str, address: Address | None, most: int) -> str:
    """What of an address is longer than the warehouse takes; "" for nothing. It is never cut: half a
    street is another street."""
    if address is None or not most:
        return ""
    for field in ("name", "company", "line1", "line2", "city", "region", "postal_code", "phone"):
        length = len(getattr(address, field))
        if length > most:
            return f"the {side} {field} has {length} characters, the warehouse takes {most}: shorten it"
    return ""


def _encodes(value: str, encoding: str) -> bool:
    try:
        value.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _text(order: OutboundOrder, orders: Orders) -> str:
    return _csv(_rows(order, orders), orders)


def _csv(rows: Sequence[Sequence[str]], orders: Orders) -> str:
    text = io.StringIO()
    newline = "\r\n" if orders.newline == "crlf" else "\n"
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=newline).writerows(rows)
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
    # Whoever writes a note presses Enter. No reader of CSV is asked to follow a field over several lines.
    extra = {
        "email": order.email,
        "notes": LINE_BREAKS.sub(" ", order.note.strip()),
        "facility": order.facility or orders.facility,
    }
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
