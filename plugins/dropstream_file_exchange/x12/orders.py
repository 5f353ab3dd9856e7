"""940, Warehouse Shipping Order: what is to be shipped, changed or cancelled."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from dropstream_file_exchange.x12.settings import X12, Carrier, OrderValue
from dropstream_file_exchange.x12.writer import Row, Unwritable, Writer, pieces
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.platform.contract import Item, Preparation, Prepared, Rejected, Stamp

T = TypeVar("T")

KIND, FUNCTION = "940", "OW"
Purpose = Literal["N", "R", "F"]
"""W0501: original, change, cancel."""
MOST_DESCRIPTIONS = 5
GTIN_QUALIFIERS = {12: "UP", 13: "EN", 14: "UK"}


def cancels(payload: bytes) -> bool:
    """Whether a file of ours is a cancellation: its W05 begins with F, whatever its delimiters."""
    start = payload.find(b"W05")
    return start > 0 and payload[start + 4 : start + 5] == b"F"


def prepare(items: Sequence[Item[OutboundOrder]], stamp: Stamp, settings: X12, zone: ZoneInfo) -> Preparation:
    """An interchange for each order; the n-th, from 0, has the control number `stamp.number` + n. Dates
    are those of the warehouse's `zone`: the last day to ship ends there."""

    def rows(item: Item[OutboundOrder]) -> Iterator[Row]:
        purpose: Purpose = "F" if item.cancel else "N" if item.remote is None else "R"
        if purpose == "R" and not settings.orders.change_supported:
            raise Unwritable("change", "the partner takes no change of an order (orders.change_supported)")
        return _rows(item.document, purpose, settings, zone)

    return interchanges(KIND, FUNCTION, items, rows, stamp, settings)


def interchanges(
    kind: str,
    function: str,
    items: Sequence[Item[T]],
    rows: Callable[[Item[T]], Iterator[Row]],
    stamp: Stamp,
    settings: X12,
) -> Preparation:
    """A file of one set for each item that can be written."""
    writer = Writer(settings.parties)
    prepared: list[Prepared] = []
    rejected: list[Rejected] = []
    for item in items:
        control = stamp.number + len(prepared)
        try:
            sets = [writer.transaction_set(kind, 1, rows(item))]
        except Unwritable as error:
            rejected.append(Rejected(key=item.key, cause=error.cause, reason=str(error)))
            continue
        payload = writer.interchange(function, sets, control=control, at=stamp.at)
        name = settings.file_name(kind, control)
        prepared.append(Prepared(name=name, keys=(item.key,), payload=payload))
    return Preparation(prepared=tuple(prepared), rejected=tuple(rejected))


def _rows(order: OutboundOrder, purpose: Purpose, settings: X12, zone: ZoneInfo) -> Iterator[Row]:
    if not order.lines:
        raise Unwritable("lines", "the order has no line to send")
    orders = settings.orders
    po_number = "" if orders.purchase_order == "none" else _value(order, orders.purchase_order)
    yield "W05", purpose, order.reference, po_number
    yield from _party("ST", order.ship_to, order.email if orders.contacts else None)
    if orders.bill_to:
        yield from _party("BT", order.bill_to or order.ship_to, None)
    if orders.facility and order.facility:
        yield "N1", orders.facility, "", orders.facility_qualifier, order.facility
    for code, party in orders.parties.items():
        if code != orders.facility or not order.facility:
            yield "N1", code, party.name, party.qualifier, party.id
    for qualifier, value in orders.references.items():
        if text := _value(order, value):
            yield "N9", qualifier, text
    for code, at in (
        (orders.placed_date, order.placed_at),
        (orders.ship_by_date, order.ship_by),
        (orders.deliver_by_date, order.deliver_by),
    ):
        if code and at is not None:
            yield "G62", code, day(at, zone)
    yield from _notes(order, settings)
    carrier = orders.carriers.get(order.ship_method) or Carrier(routing=order.ship_method)
    yield "W66", orders.payment, carrier.method, "", "", carrier.routing, "", "", "", "", carrier.scac
    for place, line in enumerate(order.lines, start=1):
        yield from _line(place, line, settings)
    yield "W76", str(sum(line.quantity for line in order.lines))


def _party(code: str, address: Address, email: str | None) -> Iterator[Row]:
    """A company is the name of an address, and the person there its second name. `email` None: no
    contact is written."""
    if not (address.company or address.name).strip():
        raise Unwritable("missing", f"the address {code} (N1) has no name, and X12 needs one")
    yield "N1", code, address.company or address.name
    if address.company and address.name:
        yield "N2", address.name
    if address.line1 or address.line2:
        yield "N3", address.line1 or address.line2, address.line2 if address.line1 else ""
    region = address.region.strip()
    coded = len(region) == 2 and region.isascii() and region.isalpha()
    place = [address.city, region.upper() if coded else "", address.postal_code, address.country]
    if any(place) or region:
        yield "N4", *place, *(("SP", region) if region and not coded else ())
    if email is None or not (address.phone or email):
        return
    phone = ("TE", address.phone) if address.phone else ("EM", email)
    second = ("EM", email) if address.phone and email else ()
    yield "PER", "CN", address.name, *phone, *second


def _notes(order: OutboundOrder, settings: X12) -> Iterator[Row]:
    orders = settings.orders
    notes = [
        (code, note)
        for code, text in (
            (orders.note_code, order.note),
            (orders.delivery_code, order.delivery_note),
            (orders.gift_code, order.gift_message),
        )
        if code
        for note in pieces(text, 80)
    ]
    if len(notes) > orders.most_notes:
        reason = f"its notes need {len(notes)} NTE segments, the partner takes {orders.most_notes}"
        raise Unwritable("length", f"{reason} (orders.most_notes)")
    for code, note in notes:
        yield "NTE", code, note


def _line(place: int, line: OutboundLine, settings: X12) -> Iterator[Row]:
    yield "LX", str(place)
    if line.quantity < 1:
        raise Unwritable("lines", f"line {place} has {line.quantity} units")
    gtin = GTIN_QUALIFIERS.get(len(line.gtin), "") if line.gtin.isdecimal() else ""
    also = (gtin, line.gtin) if gtin else ()
    yield "W01", str(line.quantity), settings.unit, "", settings.sku_qualifiers[0], line.sku, *also
    if settings.orders.descriptions:
        yield from described(place, line.name)
    if settings.orders.line_reference:
        yield "N9", settings.orders.line_reference, str(line.number)


def described(place: int, name: str) -> Iterator[Row]:
    """A product's name, in up to five segments."""
    descriptions = pieces(name, 45)
    if len(descriptions) > MOST_DESCRIPTIONS:
        reason = f"the name of line {place} needs more than {MOST_DESCRIPTIONS} G69 segments of 45 characters"
        raise Unwritable("length", f"{reason}: shorten it, or set orders.descriptions = false")
    for description in descriptions:
        yield "G69", description


def day(at: datetime, zone: ZoneInfo) -> str:
    """The local date."""
    return f"{at.astimezone(zone):%Y%m%d}"


def _value(order: OutboundOrder, name: OrderValue) -> str:
    value: str = getattr(order, name)
    return value
