"""Instants and the times that a clock on the wall of one zone shows.

A *local second* counts the seconds that the wall clock shows after its own 1970-01-01 00:00, as if it had
no zone: an instant plus the zone's offset at that instant. Where the clocks go back, two instants share one
local second; where they go forward, some local seconds have no instant. Whole seconds throughout.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dropstreamd.clock import utc

DAY_S = 86_400


class LocalTime:
    """The wall clock of one zone. No zone changes its offset twice within a day."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def local_s(self, instant_s: int) -> int:
        """What the wall clock shows at an instant."""
        shown = datetime.fromtimestamp(instant_s, self._zone)
        return int(shown.replace(tzinfo=UTC).timestamp())

    def change(self, after_s: int, until_s: int) -> int | None:
        """The instant, after the one and up to the other (at most a day later), when the clocks change."""
        if self._offset_s(until_s) == self._offset_s(after_s):
            return None
        return self._changed(after_s, until_s)

    def latest_shown_s(self, instant_s: int) -> int:
        """The greatest local second shown up to an instant: that of the end of an hour while it repeats."""
        changed = self.change(instant_s - DAY_S, instant_s)
        local_s = self.local_s(instant_s)
        return local_s if changed is None else max(local_s, self.local_s(changed - 1))

    def first_instant_s(self, local_s: int) -> int:
        """When the wall clock first shows a local second or, if it skips it, the first instant after."""
        shown = utc(local_s).replace(tzinfo=self._zone)
        first_s = int(shown.timestamp())
        second_s = int(shown.replace(fold=1).timestamp())
        # A skipped time has its two readings the other way round, with the change between them.
        return first_s if first_s <= second_s else self._changed(second_s, first_s)

    def _changed(self, same_s: int, changed_s: int) -> int:
        """The first instant with another offset than `same_s`, which `changed_s` already has."""
        before_s = self._offset_s(same_s)
        while changed_s - same_s > 1:
            middle_s = (same_s + changed_s) // 2
            if self._offset_s(middle_s) == before_s:
                same_s = middle_s
            else:
                changed_s = middle_s
        return changed_s

    def _offset_s(self, instant_s: int) -> int:
        return self.local_s(instant_s) - instant_s
