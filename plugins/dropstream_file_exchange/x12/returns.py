"""943, Warehouse Stock Transfer Shipment Advice: what the warehouse is to expect back from customers."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from dropstream_file_exchange.x12.orders import day, interchanges
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.writer import Row, Unwritable, pieces
from dropstreamd.model.returns import OutboundReturn
from dropstreamd.platform.contract import Item, Preparation, Stamp

KIND, FUNCTION = "943", "AR"
CUSTOMER_RETURN = "C"
"""W0601, the reporting code."""


def prepare(
    items: Sequence[Item[OutboundReturn]], stamp: Stamp, settings: X12, zone: ZoneInfo
) -> Preparation:
    """An interchange for each return, as `orders.prepare`. A change or cancellation is refused: 943 has
    none."""

    def rows(item: Item[OutboundReturn]) -> Iterator[Row]:
        if item.cancel or item.remote is not None:
            raise Unwritable("change", "a stock notice (943) can be neither changed nor cancelled")
        return _rows(item.document, settings, zone)

    return interchanges(KIND, FUNCTION, items, rows, stamp, settings)


def _rows(expected: OutboundReturn, settings: X12, zone: ZoneInfo) -> Iterator[Row]:
    if not expected.lines:
        raise Unwritable("lines", "nothing is to be expected: the return has no line")
    orders = settings.orders
    at = day(expected.requested_at, zone)
    yield "W06", CUSTOMER_RETURN, expected.reference, at, expected.number, "", expected.order_reference
    sender = expected.sender
    yield "N1", "SF", (sender.company or sender.name if sender else "") or "CUSTOMER"
    for code, party in orders.parties.items():
        if code != "SF":
            yield "N1", code, party.name, party.qualifier, party.id
    yield "N9", settings.receipts.return_references[0], expected.number
    for tracking in expected.tracking_numbers:
        yield "N9", settings.shipments.tracking_references[0], tracking
    if orders.note_code:
        for note in pieces(expected.note, 80):
            yield "NTE", orders.note_code, note
    yield "W27", "U", "", expected.carrier or "UNKNOWN"
    for line in expected.lines:
        yield "W04", str(line.quantity), settings.unit, "", settings.sku_qualifiers[0], line.sku
        if orders.line_reference:
            yield "N9", orders.line_reference, str(line.number)
    yield "W03", str(sum(line.quantity for line in expected.lines))
