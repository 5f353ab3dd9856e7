"""Single values of X12 files."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dropstream_file_exchange.x12.syntax import Segment

MOST_ID_BYTES = 100
_NUMBER = re.compile(r"([+-]?\d{1,15})(?:\.0*)?")
_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"(\d{2})(\d{2})(\d{2})?\d{0,2}")
_CODED_ZONE = "UT"


class Unreadable(ValueError):
    """A segment that cannot be read: the message names it and its place in the file."""

    def __init__(self, segment: Segment, reason: str) -> None:
        super().__init__(f"segment {segment.number} ({segment.id}): {reason}")
        self.segment = segment


def quantity(segment: Segment, position: int, name: str) -> int:
    """Whole units: `5`, `5.0`, `-5`. Raises Unreadable."""
    text = segment.at(position)
    if not text:
        raise Unreadable(segment, f"the {name} is empty")
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Unreadable(segment, f"the {name} {text[:20]!r} is no whole number")
    return int(found[1])


def optional_quantity(segment: Segment, position: int, name: str) -> int | None:
    """As `quantity`; None for an element that is not there."""
    return quantity(segment, position, name) if segment.at(position) else None


def unit(segment: Segment, position: int, units: Sequence[str], component: str = "") -> None:
    """Sees that quantities are counted in one of the units that are one piece. Raises Unreadable."""
    found = segment.at(position)
    if component:
        found = found.split(component)[0]
    if found and found not in units:
        raise Unreadable(segment, f"it counts in {found[:5]!r}, not in {', '.join(units)}")


def identity(segment: Segment, text: str, name: str, *, needed: bool = True) -> str:
    """A number or id that may be a key. Raises Unreadable."""
    if needed and not text:
        raise Unreadable(segment, f"the {name} is empty")
    if len(text.encode()) > MOST_ID_BYTES or "\0" in text:
        raise Unreadable(segment, f"the {name} is longer than {MOST_ID_BYTES} bytes, or holds a NUL")
    return text


def sku(segment: Segment, qualifiers: Sequence[str], *positions: int) -> str:
    """The SKU: of the products that stand at the positions, the one with the first of the qualifiers
    that is there. Raises Unreadable."""
    pairs = segment.pairs(*positions)
    for qualifier in qualifiers:
        if qualifier in pairs:
            return identity(segment, pairs[qualifier], "SKU")
    found = ", ".join(pairs) or "none"
    wanted = " or ".join(qualifiers)
    raise Unreadable(segment, f"no product id is qualified as {wanted} (sku_qualifiers), found: {found}")


def instant(segment: Segment, date: str, time: str, zone: ZoneInfo, coded: str = "") -> datetime:
    """A date of the form CCYYMMDD and a time of HHMM or longer,
    local to `zone` unless coded as universal. Raises Unreadable."""
    if not _DATE.fullmatch(date):
        raise Unreadable(segment, f"the date {date[:12]!r} is not of the form CCYYMMDD")
    parts = _TIME.fullmatch(time) if time else None
    if time and parts is None:
        raise Unreadable(segment, f"the time {time[:12]!r} is not of the form HHMM or HHMMSS")
    hour, minute, second = (int(part or 0) for part in parts.groups()) if parts else (0, 0, 0)
    try:
        local = datetime(
            int(date[:4]),
            int(date[4:6]),
            int(date[6:]),
            hour,
            minute,
            second,
            tzinfo=UTC if coded == _CODED_ZONE else zone,
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(segment, f"{date} {time} is no date and time") from error
