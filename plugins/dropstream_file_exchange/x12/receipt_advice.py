"""944, Warehouse Stock Transfer Receipt Advice: what arrived of a notice (943), and in which state."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from dropstream_file_exchange.shipments import package_key
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.syntax import Segment
from dropstream_file_exchange.x12.values import Unreadable, identity, instant, quantity, sku, unit
from dropstreamd.model.returns import Condition, Receipt, ReceiptLine, ShortLine

KIND, FUNCTION = "944", "RE"
MOST_LINES = 20_000
State = Literal["damaged", "short", "over", "quarantine", "restock"]
STATES: dict[str, State] = {
    "01": "damaged",
    "02": "short",
    "03": "over",
    "04": "quarantine",
    "05": "quarantine",
    "06": "quarantine",
    "07": "restock",
    "08": "quarantine",
    "09": "quarantine",
    "10": "damaged",
    "12": "over",
    "13": "quarantine",
    "14": "over",
    "16": "quarantine",
}
"""Of a receiving condition code (W1303)."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Units fewer (`short`) or more (`over`) than our notice told the warehouse to expect."""

    sku: str
    number: int
    short: int = 0
    over: int = 0


class ReceiptAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt of the warehouse. None where the settings say that its kind is of no interest."""

    receipt: Receipt | None
    differences: tuple[Difference, ...] = ()


class _Line(msgspec.Struct, kw_only=True):
    segment: Segment
    sku: str
    received: int
    number: int = 0
    states: dict[str, int] = msgspec.field(default_factory=dict)


def read_receipt(segments: Iterable[Segment], settings: X12, zone: ZoneInfo) -> ReceiptAdvice:
    """Raises Unreadable for a receipt that cannot be taken as it is."""
    head: Segment | None = None
    references: dict[str, list[str]] = {}
    lines: list[_Line] = []
    last = Segment(0, ["ST"])
    for last in segments:
        match last.id:
            case "W17":
                head = last
            case "N9" if not lines:
                references.setdefault(last.at(1), []).append(last.at(2))
            case "N9" if last.at(1) == settings.orders.line_reference and last.at(2).isdecimal():
                lines[-1].number = int(last.at(2))
            case "W07":
                if len(lines) >= MOST_LINES:
                    raise Unreadable(last, f"the receipt has more than {MOST_LINES} lines")
                lines.append(_line(last, settings))
            case "W13":
                _exception(last, lines, settings)
    if head is None:
        raise Unreadable(last, "the set has no W17")
    return _advice(head, references, lines, settings, zone)


def _line(segment: Segment, settings: X12) -> _Line:
    unit(segment, 2, settings.units)
    received = quantity(segment, 1, "quantity received")
    if received < 0:
        raise Unreadable(segment, f"the quantity received {received} is negative")
    found = sku(segment, settings.sku_qualifiers, 4, 6, 10)
    return _Line(segment=segment, sku=found, received=received)


def _exception(segment: Segment, lines: list[_Line], settings: X12) -> None:
    if not lines:
        raise Unreadable(segment, "it follows no W07")
    unit(segment, 2, settings.units)
    units = quantity(segment, 1, "quantity")
    state = STATES.get(segment.at(3))
    if units < 0 or state is None:
        raise Unreadable(segment, f"the condition {segment.at(3)!r} or its quantity {units} says nothing")
    states = lines[-1].states
    states[state] = states.get(state, 0) + units


def _advice(
    head: Segment, references: dict[str, list[str]], lines: list[_Line], settings: X12, zone: ZoneInfo
) -> ReceiptAdvice:
    if head.at(1) in settings.receipts.ignored:
        return ReceiptAdvice(receipt=None)
    number = identity(head, head.at(3), "warehouse receipt number")
    told, short = tuple(_told(lines, settings)), tuple(_short(lines))
    if not told and not short:
        raise Unreadable(head, "nothing was received: no line of it has a unit")
    tracking = settings.shipments.tracking_references
    receipt = Receipt(
        key=package_key("r", number, head.at(4)),
        lines=told,
        reference=identity(head, head.at(4), "depositor order number", needed=False),
        order_reference=next(_values(references, settings.receipts.order_references), ""),
        tracking_numbers=tuple(dict.fromkeys(_values(references, tracking))),
        received_at=instant(head, head.at(2), head.at(7), zone),
        short=short,
    )
    return ReceiptAdvice(receipt=receipt, differences=tuple(_differences(lines)))


def _told(lines: list[_Line], settings: X12) -> Iterator[ReceiptLine]:
    """A line for each condition. Units without one of their own were put back into stock."""
    for line in lines:
        damaged, aside = line.states.get("damaged", 0), line.states.get("quarantine", 0)
        good = line.received - (damaged + aside if settings.receipts.damaged_included else 0)
        if good < 0:
            raise Unreadable(
                line.segment,
                f"{line.received} units were received, and {damaged + aside} of them are not good",
            )
        conditions: tuple[tuple[Condition, int], ...] = (
            ("restock", good),
            ("damaged", damaged),
            ("quarantine", aside),
        )
        for condition, units in conditions:
            if units:
                yield ReceiptLine(sku=line.sku, quantity=units, condition=condition, return_line=line.number)


def _short(lines: list[_Line]) -> Iterator[ShortLine]:
    for line in lines:
        if line.states.get("short", 0):
            yield ShortLine(sku=line.sku, quantity=line.states["short"], line=line.number)


def _differences(lines: list[_Line]) -> Iterator[Difference]:
    for line in lines:
        short, over = line.states.get("short", 0), line.states.get("over", 0)
        if short or over:
            yield Difference(sku=line.sku, number=line.number, short=short, over=over)


def _values(references: dict[str, list[str]], qualifiers: Sequence[str]) -> Iterator[str]:
    return (value for each in qualifiers for value in references.get(each, ()) if value)
