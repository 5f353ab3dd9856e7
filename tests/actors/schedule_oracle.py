"""The plainest reading of a schedule rule: look at every minute and ask whether it is due.

It shares no code with the search that it judges, and is slow without shame.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dropstreamd.model.schedule_rules import Cron, Daily, Every, Hours, Rule

MINUTE = timedelta(minutes=1)


class WallClock:
    """Every minute of a span of time, with what the wall clock shows; the margins are two days wide."""

    def __init__(self, zone: str, start: datetime, days: int) -> None:
        self.zone = ZoneInfo(zone)
        self.start_s = int(start.replace(tzinfo=UTC).timestamp())
        self.end_s = self.start_s + days * 86_400
        margin_s = 2 * 86_400
        self.shown = [
            (at_s, datetime.fromtimestamp(at_s, self.zone).replace(tzinfo=None))
            for at_s in range(self.start_s - margin_s, self.end_s + margin_s, 60)
        ]

    def fires(self, rule: Rule, spread_s: int) -> list[int]:
        """All fires after the start, up to and including the end."""
        match rule:
            case Every():
                found = self._intervals(rule, spread_s)
            case Daily():
                found = self._appointments(lambda moment: daily_matches(rule, moment))
            case Cron():
                fields = rule.text.split()
                if fields[0][0] == "*" or fields[1][0] == "*":
                    found = {at_s for at_s, moment in self.shown if cron_matches(fields, moment)}
                else:
                    found = self._appointments(lambda moment: cron_matches(fields, moment))
        return sorted(at_s for at_s in found if self.start_s < at_s <= self.end_s)

    def _intervals(self, rule: Every, spread_s: int) -> set[int]:
        minutes = rule.count if rule.unit == "minute" else rule.count * 60
        return {
            at_s
            for at_s in range(self.start_s, self.end_s + 1)
            if (at_s - spread_s) % (minutes * 60) == 0
            and in_block(rule.days, rule.hours, datetime.fromtimestamp(at_s, self.zone).replace(tzinfo=None))
        }

    def _appointments(self, due: Callable[[datetime], bool]) -> set[int]:
        """Walks over the wall clock's own minutes, the skipped ones too, each of them once."""
        found: set[int] = set()
        latest = self.shown[0][1] - MINUTE
        for at_s, moment in self.shown:
            while latest < moment:
                latest += MINUTE
                if due(latest):
                    found.add(at_s)
        return found


def in_block(days: tuple[int, ...], hours: Hours | None, moment: datetime) -> bool:
    if hours is None:
        return moment.weekday() in days
    midnight = moment.replace(hour=0, minute=0, second=0)
    for began in (midnight, midnight - timedelta(days=1)):
        start = began + hours.start_min * MINUTE
        end = began + hours.end_min * MINUTE
        if end < start:
            end += timedelta(days=1)
        if began.weekday() in days and start <= moment < end + MINUTE:
            return True
    return False


def daily_matches(rule: Daily, moment: datetime) -> bool:
    return moment.hour * 60 + moment.minute in rule.at_min and in_block(rule.days, rule.hours, moment)


def cron_matches(fields: list[str], moment: datetime) -> bool:
    minute, hour, day, month, weekday = fields
    if not (
        _in_field(minute, moment.minute, 0, 59)
        and _in_field(hour, moment.hour, 0, 23)
        and _in_field(month, moment.month, 1, 12)
    ):
        return False
    by_day = _in_field(day, moment.day, 1, 31)
    by_weekday = _in_field(weekday, moment.isoweekday() % 7, 0, 6)
    if day.startswith("*") or weekday.startswith("*"):
        return by_day and by_weekday
    return by_day or by_weekday


def _in_field(field: str, value: int, low: int, high: int) -> bool:
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = low if first == "*" else int(first)
        end = high if first == "*" else int(last) if dash else start
        if start <= value <= end and (value - start) % int(step or 1) == 0:
            return True
    return False
