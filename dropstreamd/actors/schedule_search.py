"""Finds the next instant of a rule. Each search jumps from block to block and is bounded.

Three ways in which a rule follows the clocks when they change:

- *Intervals* are real time; only the days and hours that confine them are local.
- *Appointments* (`daily at`, and cron expressions with fixed minutes and hours) happen once: at the first
  of two equal local times, and at the first instant after a skipped one. Several skipped together fire once.
- *Cron expressions whose minute or hour starts with `*`* mean "whenever the clock shows this": in a
  repeated hour they keep firing (`*/5 * * * *` must not fall silent for an hour), in a skipped one they
  have nothing to catch up with. cron(8) draws the same line.
"""

from typing import Protocol

from croniter import CroniterBadDateError, croniter

from dropstreamd.actors.local_time import DAY_S, LocalTime
from dropstreamd.model.schedule_parser import CRON_REACH_YEARS
from dropstreamd.model.schedule_rules import MINUTES_A_DAY, Cron, Daily, Every, Hours, Rule

_MAX_JUMPS = 100
_WHOLE_DAY = Hours(start_min=0, end_min=MINUTES_A_DAY - 1)


class Search(Protocol):
    """Finds the fires of one rule in one zone."""

    def next_s(self, after_s: int) -> int | None:
        """The first fire strictly after an instant; None if there is none within ten years."""
        ...


class WallTimes(Protocol):
    """Local times of day, on certain days, without regard to changes of the clocks."""

    def next_local_s(self, after_local_s: int) -> int | None: ...


def search(rule: Rule, local: LocalTime, spread_s: int) -> Search:
    """The search that suits a rule. `spread_s` shifts intervals only: the other times were asked for."""
    match rule:
        case Every():
            return _Intervals(rule, local, spread_s)
        case Daily():
            return _Appointments(_DailyTimes(rule), local)
        case Cron(follows_clock=True):
            return _ClockReadings(_CronTimes(rule), local)
        case Cron():
            return _Appointments(_CronTimes(rule), local)


class _Intervals:
    """Multiples of the interval after the Unix epoch plus the spread, within local days and hours."""

    def __init__(self, rule: Every, local: LocalTime, spread_s: int) -> None:
        self._interval_s = rule.interval_s
        self._shift_s = spread_s % rule.interval_s
        self._block = None if rule.hours is None and len(rule.days) == 7 else _Block(rule.days, rule.hours)
        self._local = local

    def next_s(self, after_s: int) -> int:
        at_s = self._from(after_s + 1)
        if self._block is None:
            return at_s
        for _ in range(_MAX_JUMPS):
            local_s = self._local.local_s(at_s)
            wait_s = self._block.opens_s(local_s) - local_s
            if wait_s == 0:
                return at_s
            _, reached_s = _advance(self._local, at_s, at_s + wait_s)
            at_s = self._from(reached_s)
        raise AssertionError("an interval fits its block, so that one of the next blocks holds a fire")

    def _from(self, earliest_s: int) -> int:
        return earliest_s + (self._shift_s - earliest_s) % self._interval_s


class _Appointments:
    """Wall times that happen once each, whatever the clocks do."""

    def __init__(self, times: WallTimes, local: LocalTime) -> None:
        self._times = times
        self._local = local

    def next_s(self, after_s: int) -> int | None:
        local_s = self._times.next_local_s(self._local.latest_shown_s(after_s))
        return None if local_s is None else self._local.first_instant_s(local_s)


class _ClockReadings:
    """Every instant at which the wall clock shows one of the wall times."""

    def __init__(self, times: WallTimes, local: LocalTime) -> None:
        self._times = times
        self._local = local

    def next_s(self, after_s: int) -> int | None:
        at_s, seen = after_s, True
        for _ in range(_MAX_JUMPS):
            local_s = self._local.local_s(at_s)
            wall_s = self._times.next_local_s(local_s if seen else local_s - 1)
            if wall_s is None:
                return None
            goal_s = at_s + wall_s - local_s
            if goal_s == at_s:
                return at_s
            arrived, at_s = _advance(self._local, at_s, goal_s)
            if arrived:
                return at_s
            seen = False
        raise AssertionError("the clocks change at most once in a day")


def _advance(local: LocalTime, at_s: int, goal_s: int) -> tuple[bool, int]:
    """Goes from an instant towards one that is right if the clocks do not change before it.

    Returns whether it was reached, or else where to look again: at the change if there is one within a day,
    or two days short of the goal, since no zone's offsets differ by more.
    """
    day_later_s = at_s + DAY_S
    changed = local.change(at_s, min(goal_s, day_later_s))
    if changed is not None:
        return False, changed
    if goal_s <= day_later_s:
        return True, goal_s
    return False, max(day_later_s, goal_s - 2 * DAY_S)


class _Block:
    """Days of the week, each with hours that may reach into the next day."""

    def __init__(self, days: tuple[int, ...], hours: Hours | None) -> None:
        self._days = frozenset(days)
        self._hours = hours or _WHOLE_DAY

    def opens_s(self, local_s: int) -> int:
        """The same local second if it lies in the block, else that at which the block opens next."""
        day, second = divmod(local_s, DAY_S)
        if holds(self._days, self._hours, day, second // 60):
            return local_s
        start_s = self._hours.start_min * 60
        first = day if start_s > second else day + 1
        return next(d * DAY_S + start_s for d in range(first, first + 7) if _weekday(d) in self._days)


class _DailyTimes:
    def __init__(self, rule: Daily) -> None:
        self._at_min = rule.at_min
        self._days = frozenset(rule.days)
        self._hours = rule.hours or _WHOLE_DAY

    def next_local_s(self, after_local_s: int) -> int:
        today = after_local_s // DAY_S
        return next(
            day * DAY_S + minute * 60
            for day in range(today, today + 9)
            for minute in self._at_min
            if day * DAY_S + minute * 60 > after_local_s and holds(self._days, self._hours, day, minute)
        )


class _CronTimes:
    """croniter on a clock without a zone: its own handling of zones fires twice in a repeated hour."""

    def __init__(self, rule: Cron) -> None:
        # The flag's name notwithstanding, this is what crontab(5) states: either day field may match only
        # where neither contains a `*`.
        self._cron = croniter(
            rule.text, 0, max_years_between_matches=CRON_REACH_YEARS, implement_cron_bug=True
        )

    def next_local_s(self, after_local_s: int) -> int | None:
        try:
            return int(self._cron.get_next(float, start_time=after_local_s))
        except CroniterBadDateError:
            return None


def holds(days: frozenset[int], hours: Hours, day: int, minute: int) -> bool:
    """Whether a minute of a day (counted from 1970-01-01) is in the hours of a block that began on `days`."""
    if not hours.holds(minute):
        return False
    began = day - 1 if hours.wraps and minute <= hours.end_min else day
    return _weekday(began) in days


def _weekday(day: int) -> int:
    return (day + 3) % 7  # 1970-01-01 was a Thursday
