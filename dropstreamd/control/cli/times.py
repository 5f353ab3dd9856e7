"""Times as people read them: those of the connection's zone, with the zone said."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dropstreamd.errors import ProtocolMismatch

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


class LocalZone:
    """The zone in which a connection's times are shown. ProtocolMismatch if this machine lacks it."""

    def __init__(self, name: str) -> None:
        try:
            self._zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ProtocolMismatch(
                f"this machine does not know the timezone {name!r}", remedy="install the package tzdata"
            ) from error

    def show(self, at_s: float | None) -> str:
        """An instant, as in `2026-03-05 14:30:12 EST`; empty for none, which the API says by 0 too."""
        if not at_s:
            return ""
        return datetime.fromtimestamp(at_s, self._zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def show_length(seconds: float) -> str:
    """How long something took or will take: `0.4 s`, `12 s`, `3 min 20 s`, `5 h 10 min`, `2 d 3 h`."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    for unit_s, unit, below_s, below in (
        (_DAY_S, "d", _HOUR_S, "h"),
        (_HOUR_S, "h", _MINUTE_S, "min"),
        (_MINUTE_S, "min", 1, "s"),
    ):
        if whole >= unit_s:
            rest = whole % unit_s // below_s
            return f"{whole // unit_s} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"
