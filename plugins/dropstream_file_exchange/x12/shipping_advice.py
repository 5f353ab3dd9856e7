"""945, Warehouse Shipping Advice: what was shipped of an order, in which packages, and what was not."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from dropstream_file_exchange.shipments import package_key
from dropstream_file_exchange.values import noon_of_a_day
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.syntax import Segment
from dropstream_file_exchange.x12.values import (
    Unreadable,
    identity,
    instant,
    optional_quantity,
    sku,
    unit,
)
from dropstreamd.model.shipments import Package, PackageLine

KIND, FUNCTION = "945", "SW"
MOST_LINES = 20_000
Outcome = Literal["backordered", "closed", "unsaid"]


class Remainder(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a line that this advice did not ship: they will follow (`backordered`), they will not
    (`closed`: short, and no backorder), or the warehouse did not say."""

    sku: str
    order_line: int
    ordered: int
    shipped: int
    outcome: Outcome


class ShippingAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """One shipment of one order. Without packages, nothing of it was shipped."""

    reference: str
    shipment: str
    shipped_at: datetime | None
    packages: tuple[Package, ...]
    remainders: tuple[Remainder, ...]


class Marks(msgspec.Struct, kw_only=True):
    """What tells packages apart: ids of the warehouse, and tracking numbers."""

    ids: list[str] = msgspec.field(default_factory=list)
    tracking: list[str] = msgspec.field(default_factory=list)


class Line(msgspec.Struct, kw_only=True):
    """One W12: units of a product in a carton."""

    sku: str
    status: str
    ordered: int | None
    shipped: int
    carton: Marks
    own: Marks
    order_line: int = 0


def read_advice(segments: Iterable[Segment], settings: X12, zone: ZoneInfo) -> ShippingAdvice:
    """Raises Unreadable for an advice that cannot be taken as it is."""
    return _Reader(settings, zone).read(segments)


class _Reader:
    def __init__(self, settings: X12, zone: ZoneInfo) -> None:
        self._settings = settings
        self._rules = settings.shipments
        self._zone = zone
        self._head: Segment | None = None
        self._all = Marks()
        self._carton = self._all
        self._lines: list[Line] = []
        self._line: Line | None = None
        self._carrier = self._service = self._facility = ""
        self._shipped_at: datetime | None = None

    def read(self, segments: Iterable[Segment]) -> ShippingAdvice:
        last = None
        for segment in _outside_of_nested_loops(segments):
            last = segment
            self._take(segment)
        if self._head is None:
            raise Unreadable(last or Segment(0, ["ST"]), "the set has no W06")
        return self._advice(self._head)

    def _take(self, segment: Segment) -> None:
        match segment.id:
            case "W06":
                self._begin(segment)
            case "LX":
                self._carton, self._line = Marks(), None
            case "MAN":
                self._mark(segment)
            case "N9":
                self._refer(segment)
            case "G62" if self._line is None and segment.at(1) == self._rules.ship_date and segment.at(2):
                self._shipped_at = self._day(segment, segment.at(2), segment.at(4), segment.at(5))
            case "W27" if not self._carrier:
                self._carrier = segment.at(2) or segment.at(3)
                self._service = segment.at(3) if segment.at(2) else ""
            case "N1" if self._line is None and segment.at(1) in self._rules.facility:
                self._facility = self._facility or segment.at(4) or segment.at(2)
            case "W12":
                self._add(segment)

    def _begin(self, segment: Segment) -> None:
        if segment.at(1) in self._rules.refused:
            raise Unreadable(segment, f"its reporting code {segment.at(1)!r} is not read (shipments.refused)")
        identity(segment, segment.at(2), "depositor order number")
        identity(segment, segment.at(4), "shipment number", needed=False)
        self._head = segment
        if segment.at(3):
            self._shipped_at = self._day(segment, segment.at(3), "", "")

    def _day(self, segment: Segment, date: str, time: str, coded: str) -> datetime:
        return noon_of_a_day(instant(segment, date, time, self._zone, coded), self._zone)

    def _mark(self, segment: Segment) -> None:
        marks = self._carton if self._line is None else self._line.own
        for position in (1, 4):
            qualifier = segment.at(position)
            value = segment.at(position + 1) or (segment.at(3) if position == 1 else segment.at(6))
            if not value:
                continue
            if qualifier in self._rules.tracking_marks:
                _once(marks.tracking, value)
            elif qualifier in self._rules.package_marks:
                _once(marks.ids, value)

    def _refer(self, segment: Segment) -> None:
        qualifier, value = segment.at(1), segment.at(2)
        if qualifier in self._rules.tracking_references and value:
            _once((self._carton if self._line is None else self._line.own).tracking, value)
        elif self._line is not None and qualifier == self._settings.orders.line_reference:
            # One that is no number of ours says nothing: the line is found by its SKU.
            self._line.order_line = int(value) if value.isascii() and value.isdecimal() else 0

    def _add(self, segment: Segment) -> None:
        unit(segment, 5, self._settings.units)
        status = segment.at(1)
        ordered = optional_quantity(segment, 2, "quantity ordered")
        shipped = optional_quantity(segment, 3, "number of units shipped")
        if shipped is None:
            short = optional_quantity(segment, 4, "difference") or 0
            if ordered is None:
                raise Unreadable(segment, "it says neither what was shipped nor what was ordered")
            if not short and status in (*self._rules.closed, *self._rules.backordered):
                raise Unreadable(segment, f"its status is {status}, and it does not say what was shipped")
            shipped = ordered - abs(short)
        if shipped < 0 or (ordered or 0) < 0:
            raise Unreadable(segment, "a quantity of it is negative")
        if len(self._lines) >= MOST_LINES:
            raise Unreadable(segment, f"the advice has more than {MOST_LINES} lines")
        self._line = Line(
            sku=sku(segment, self._settings.sku_qualifiers, 7, 17, 21),
            status=status,
            ordered=ordered,
            shipped=shipped,
            carton=self._carton,
            own=Marks(),
        )
        self._lines.append(self._line)

    def _advice(self, head: Segment) -> ShippingAdvice:
        reference, shipment = head.at(2), head.at(4)
        contents: dict[str, list[Line]] = {}
        for line in self._lines:
            if line.shipped:
                contents.setdefault(self._package_of(line), []).append(line)
        when = shipment or head.at(3)
        if not when and "" in contents:
            raise Unreadable(head, "no shipment number, date, carton or tracking number tells its package")
        return ShippingAdvice(
            reference=reference,
            shipment=shipment,
            shipped_at=self._shipped_at,
            packages=tuple(
                self._package(package_key("x", reference, when, name), reference, lines)
                for name, lines in contents.items()
            ),
            remainders=tuple(self._remainders()),
        )

    def _package_of(self, line: Line) -> str:
        """What tells the line's package from others of the shipment: its id, else its tracking numbers."""
        return "+".join(line.own.ids or line.carton.ids or self._tracking(line))

    def _tracking(self, line: Line) -> list[str]:
        return line.own.tracking or line.carton.tracking or self._all.tracking

    def _package(self, key: str, reference: str, lines: list[Line]) -> Package:
        return Package(
            key=key,
            reference=reference,
            lines=tuple(
                PackageLine(sku=line.sku, quantity=line.shipped, order_line=line.order_line) for line in lines
            ),
            carrier=self._carrier,
            service=self._service,
            tracking_numbers=tuple(dict.fromkeys(n for line in lines for n in self._tracking(line))),
            shipped_at=self._shipped_at,
            facility=self._facility,
        )

    def _remainders(self) -> Iterator[Remainder]:
        """Lines of which less was shipped than ordered; a line that lies in several cartons is one."""
        found: dict[tuple[int, str], list[Line]] = {}
        for line in self._lines:
            found.setdefault((line.order_line, line.sku), []).append(line)
        for (order_line, number), lines in found.items():
            ordered = max(line.ordered or 0 for line in lines)
            shipped = sum(line.shipped for line in lines)
            if shipped < ordered:
                yield Remainder(
                    sku=number,
                    order_line=order_line,
                    ordered=ordered,
                    shipped=shipped,
                    outcome=self._outcome({line.status for line in lines}),
                )

    def _outcome(self, statuses: set[str]) -> Outcome:
        closed = not statuses.isdisjoint(self._rules.closed)
        backordered = not statuses.isdisjoint(self._rules.backordered)
        if closed == backordered:
            return "unsaid"
        return "closed" if closed else "backordered"


def _outside_of_nested_loops(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Without the loops between LS and LE, whose LX are no cartons."""
    inside = False
    for segment in segments:
        if segment.id in {"LS", "LE"}:
            inside = segment.id == "LS"
        elif not inside:
            yield segment


def _once(found: list[str], value: str) -> None:
    if value not in found:
        found.append(value)
