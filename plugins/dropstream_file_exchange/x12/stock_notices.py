"""943, Warehouse Stock Transfer Shipment Advice: goods of a purchase order that are on their way."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from dropstream_file_exchange.x12.orders import day, interchanges
from dropstream_file_exchange.x12.returns import FUNCTION, KIND
from dropstream_file_exchange.x12.settings import X12, Carrier
from dropstream_file_exchange.x12.writer import Row, Unwritable, pieces
from dropstreamd.model.purchases import StockNotice
from dropstreamd.platform.contract import Item, Preparation, Stamp

MOST_LINES = 9_999
MOST_REFERENCES = 10
MOST_NOTES = 20


def prepare(items: Sequence[Item[StockNotice]], stamp: Stamp, settings: X12, zone: ZoneInfo) -> Preparation:
    """An interchange for each notice, as `orders.prepare`. A change or cancellation is refused: 943 has
    none."""

    def rows(item: Item[StockNotice]) -> Iterator[Row]:
        if item.cancel or item.remote is not None:
            raise Unwritable("change", "a stock notice (943) can be neither changed nor cancelled")
        return _rows(item.document, settings, zone)

    return interchanges(KIND, FUNCTION, items, rows, stamp, settings)


def _rows(notice: StockNotice, settings: X12, zone: ZoneInfo) -> Iterator[Row]:
    if not 0 < len(notice.lines) <= MOST_LINES:
        raise Unwritable("lines", f"it has {len(notice.lines)} lines, a stock notice takes 1 to {MOST_LINES}")
    ours, orders = settings.notices, settings.orders
    yield "W06", ours.reporting, notice.reference, "", "", "", notice.number
    yield "N1", "SF", notice.supplier or "SUPPLIER"
    for code, party in orders.parties.items():
        if code != "SF":
            yield "N1", code, party.name, party.qualifier, party.id
    if len(notice.tracking_numbers) > MOST_REFERENCES:
        reason = f"its {len(notice.tracking_numbers)} tracking numbers need more than {MOST_REFERENCES} N9"
        raise Unwritable("length", f"{reason}: enter fewer of them")
    for tracking in notice.tracking_numbers:
        yield "N9", settings.shipments.tracking_references[0], tracking
    for code, at in ((ours.ordered_date, notice.ordered_at), (ours.expected_date, notice.expected_at)):
        if code and at is not None:
            yield "G62", code, day(at, zone)
    yield from _notes(notice, settings)
    carrier = orders.carriers.get(notice.carrier) or Carrier(routing=notice.carrier or "UNKNOWN")
    yield "W27", carrier.method, carrier.scac, carrier.routing
    for line in notice.lines:
        yield "W04", str(line.quantity), settings.unit, "", settings.sku_qualifiers[0], line.sku
        if orders.line_reference:
            yield "N9", orders.line_reference, str(line.number)
        if line.pack > 1:
            yield "W20", str(line.pack)
    yield "W03", str(sum(line.quantity for line in notice.lines))


def _notes(notice: StockNotice, settings: X12) -> Iterator[Row]:
    if not settings.orders.note_code:
        return
    notes = pieces(notice.note, 80)
    if len(notes) > MOST_NOTES:
        raise Unwritable(
            "length", f"its note needs {len(notes)} NTE segments, a stock notice takes {MOST_NOTES}"
        )
    for note in notes:
        yield "NTE", settings.orders.note_code, note
