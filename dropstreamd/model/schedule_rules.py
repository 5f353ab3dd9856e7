"""Schedule rules as data: when a job is due, in the words that a person writes in a configuration file.

    every 5 minutes on mon-fri from 09:00 to 17:00
    hourly
    daily at 06:00, 18:00 on mon, wed, sat
    */10 6-22 * * 1-5                                   (the five fields of crontab(5))

`str(rule)` is the canonical text; parsing it gives the same rule. Weekdays count from Monday = 0, times of
day are minutes after local midnight.
"""

from typing import Literal

import msgspec

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
MINUTES_A_DAY = 24 * 60


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """A block of the local day, both ends included, by the minute: `from 09:00 to 17:00` holds every local
    time from 09:00:00 up to and including 17:00:59.

    An end before the start wraps past midnight: `from 22:00 to 05:00`. Its weekday is the day on which it
    starts, so that `on fri from 22:00 to 05:00` ends on Saturday at 05:00.
    """

    start_min: int
    end_min: int

    @property
    def wraps(self) -> bool:
        return self.end_min < self.start_min

    @property
    def length_min(self) -> int:
        """How many minutes of a day without a clock change lie in the block, both ends counted."""
        return (self.end_min - self.start_min) % MINUTES_A_DAY + 1

    def holds(self, minute: int) -> bool:
        if self.wraps:
            return minute >= self.start_min or minute <= self.end_min
        return self.start_min <= minute <= self.end_min

    def __str__(self) -> str:
        return f"from {clock_text(self.start_min)} to {clock_text(self.end_min)}"


class Every(msgspec.Struct, frozen=True, kw_only=True):
    """Real time intervals: every so many minutes or hours, whatever the local clock does meanwhile."""

    count: int
    unit: Literal["minute", "hour"]
    days: tuple[int, ...] = EVERY_DAY
    hours: Hours | None = None

    @property
    def interval_s(self) -> int:
        return self.count * (60 if self.unit == "minute" else 3600)

    def __str__(self) -> str:
        if self.count > 1:
            head = f"every {self.count} {self.unit}s"
        else:
            head = "hourly" if self.unit == "hour" else "every minute"
        return head + _limits_text(self.days, self.hours)


class Daily(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed local times of the day, ascending and distinct; each is inside `hours` where these are given."""

    at_min: tuple[int, ...]
    days: tuple[int, ...] = EVERY_DAY
    hours: Hours | None = None

    def __str__(self) -> str:
        times = ", ".join(clock_text(minute) for minute in self.at_min)
        return f"daily at {times}" + _limits_text(self.days, self.hours)


class Cron(msgspec.Struct, frozen=True, kw_only=True):
    """The five fields of crontab(5), single-spaced and in lower case: minute, hour, day, month, weekday."""

    text: str

    @property
    def follows_clock(self) -> bool:
        """Whether the minute or the hour field starts with `*`: the expression then means "whenever the
        clock shows this", rather than an appointment. See cron(8), on changes of daylight saving time."""
        minute, hour, *_ = self.text.split()
        return minute.startswith("*") or hour.startswith("*")

    def __str__(self) -> str:
        return self.text


Rule = Every | Daily | Cron


def clock_text(minute: int) -> str:
    """A minute of the day as HH:MM."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _limits_text(days: tuple[int, ...], hours: Hours | None) -> str:
    on = "" if days == EVERY_DAY else f" on {_days_text(days)}"
    return on if hours is None else f"{on} {hours}"


def _days_text(days: tuple[int, ...]) -> str:
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts: list[str] = []
    for run in runs:
        if len(run) > 2:
            parts.append(f"{DAY_NAMES[run[0]]}-{DAY_NAMES[run[-1]]}")
        else:
            parts.extend(DAY_NAMES[day] for day in run)
    return ", ".join(parts)
