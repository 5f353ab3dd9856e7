"""846, Inventory Inquiry/Advice: what the warehouse has."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.syntax import Segment
from dropstream_file_exchange.x12.values import Unreadable, instant, quantity, sku, unit
from dropstreamd.model.stock import StockRow

KIND, FUNCTION = "846", "IB"
LIN_PAIRS = tuple(range(2, 31, 2))
CHANGES = {"02": "additions", "04": "changes", "01": "a cancellation", "13": "a request"}


class BadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A product whose figure cannot be read."""

    segment: int
    sku: str
    reason: str


class InventoryAdvice:
    """Reads one set: `rows` are as they come, `as_of` is what the document says of its time, if that is
    what the settings ask for, once its header was passed: the first instant of a day of which no time is told
    (`day_only`)."""

    def __init__(self, segments: Iterable[Segment], settings: X12, zone: ZoneInfo, component: str) -> None:
        self.as_of: datetime | None = None
        self.day_only = False
        self._segments = segments
        self._settings = settings
        self._zone = zone
        self._component = component
        self._facility = ""

    def rows(self) -> Iterator[StockRow | BadRow]:
        """Every figure that counts. Raises Unreadable where the set is no snapshot."""
        head: Segment | None = None
        product: list[Segment] = []
        for segment in self._segments:
            if segment.id == "LIN":
                yield from self._product(product)
                product = [segment]
            elif product:
                if segment.id in {"QTY", "N1", "SDQ"}:
                    product.append(segment)
            elif segment.id == "BIA":
                head = segment
                self._begin(segment)
            else:
                self._header(segment)
        yield from self._product(product)
        if head is None:
            raise Unreadable(Segment(0, ["ST"]), "the set has no BIA")

    def _begin(self, segment: Segment) -> None:
        if segment.at(1) in CHANGES:
            raise Unreadable(segment, f"it tells {CHANGES[segment.at(1)]} only, which is no snapshot")
        self.day_only = segment.at(5) == ""
        if self._settings.inventory.as_of == "document":
            self.as_of = instant(segment, segment.at(4), segment.at(5), self._zone)

    def _header(self, segment: Segment) -> None:
        if segment.id == "N1" and segment.at(1) in self._settings.inventory.facility:
            self._facility = self._facility or segment.at(4) or segment.at(2)

    def _product(self, segments: list[Segment]) -> Iterator[StockRow | BadRow]:
        if not segments:
            return
        number = ""
        try:
            number = sku(segments[0], self._settings.sku_qualifiers, *LIN_PAIRS)
            yield from self._figures(number, segments)
        except Unreadable as error:
            yield BadRow(segment=segments[0].number, sku=number, reason=str(error))

    def _figures(self, number: str, segments: list[Segment]) -> list[StockRow]:
        """A quantity for each place: of the product itself, or of the N1 that follows it."""
        facility = self._facility
        rows: list[StockRow] = []
        used: set[str] = set()
        for segment in segments[1:]:
            if segment.id == "SDQ":
                raise Unreadable(segment, "quantities by location (SDQ) are not read")
            if segment.id == "N1":
                if segment.at(1) in self._settings.inventory.facility:
                    facility = segment.at(4) or segment.at(2)
                continue
            qualifier = segment.at(1)
            if qualifier not in self._settings.inventory.qualifiers:
                continue
            used.add(qualifier)
            unit(segment, 3, self._settings.units, self._component)
            figure = quantity(segment, 2, "quantity")
            rows.append(StockRow(sku=number, quantity=figure, facility=facility))
        if not rows:
            wanted = " or ".join(self._settings.inventory.qualifiers)
            raise Unreadable(segments[0], f"no quantity of it is qualified as {wanted}")
        if len(used) > 1:
            raise Unreadable(
                segments[0], f"it has quantities of several qualifiers: {', '.join(sorted(used))}"
            )
        return rows
