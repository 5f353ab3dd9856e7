"""947, Warehouse Inventory Adjustment Advice: stock that became more or less in the warehouse."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from dropstream_file_exchange.shipments import package_key
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.syntax import Segment
from dropstream_file_exchange.x12.values import Unreadable, instant, quantity, sku, unit

KIND, FUNCTION = "947", "AW"
MOST_LINES = 20_000


class Adjusted(msgspec.Struct, frozen=True, kw_only=True):
    """Units more (or less, where negative) of a SKU, as the settings say. `reason` is the partner's code
    (W1901)."""

    sku: str
    quantity: int
    reason: str
    facility: str = ""


class AdjustmentAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """One adjustment. `key` is the same whenever it is told again; `at` is the day that it was made, no time
    of day is told."""

    key: str
    number: str
    at: datetime
    lines: tuple[Adjusted, ...]


def read_adjustment(segments: Iterable[Segment], settings: X12, zone: ZoneInfo) -> AdjustmentAdvice:
    """Raises Unreadable for an advice that cannot be taken as it is."""
    head: Segment | None = None
    facility = ""
    lines: list[Adjusted] = []
    last = Segment(0, ["ST"])
    for last in segments:
        if last.id == "W15":
            head = last
        elif last.id == "N1" and last.at(1) in settings.inventory.facility:
            facility = facility or last.at(4) or last.at(2)
        elif last.id == "W19":
            if len(lines) >= MOST_LINES:
                raise Unreadable(last, f"the advice has more than {MOST_LINES} lines")
            lines.append(_line(last, facility, settings))
    if head is None:
        raise Unreadable(last, "the set has no W15")
    if not lines:
        raise Unreadable(head, "the advice has no line")
    number = head.at(3) or head.at(2)
    if not number:
        raise Unreadable(head, "it has no adjustment number: told twice, it could not be known again")
    return AdjustmentAdvice(
        key=package_key("a", number, head.at(1)),
        number=number,
        at=instant(head, head.at(1), "", zone),
        lines=tuple(lines),
    )


def _line(segment: Segment, facility: str, settings: X12) -> Adjusted:
    unit(segment, 3, settings.units)
    reason, units = segment.at(1), quantity(segment, 2, "quantity")
    if reason in settings.adjustments.minus:
        units = -abs(units)
    return Adjusted(
        sku=sku(segment, settings.sku_qualifiers, 5, 7, 17), quantity=units, reason=reason, facility=facility
    )
