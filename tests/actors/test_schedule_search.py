"""The search against a reading of every minute, over changes of the clocks and over whole years."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstreamd.actors.schedule import Schedule
from dropstreamd.model.schedule_parser import RuleProblem, parse_rule
from dropstreamd.model.schedule_rules import Rule
from tests.actors.schedule_oracle import WallClock

pytestmark = pytest.mark.exhaustive

# A zone, a year in which it shows its habits, and the days around each change of its clocks in that year.
YEARS = {
    "UTC": (2025, [(1, 31)]),
    "America/New_York": (2025, [(3, 9), (11, 2)]),
    "Europe/Berlin": (2024, [(3, 31), (10, 27)]),
    "Australia/Lord_Howe": (2025, [(4, 6), (10, 5)]),  # by half an hour
    "America/Sao_Paulo": (2018, [(2, 18), (11, 4)]),  # at midnight
    "Africa/Casablanca": (2025, [(2, 23), (4, 6)]),  # back for Ramadan
}
CHANGES = [(zone, datetime(year, *day, tzinfo=UTC)) for zone, (year, days) in YEARS.items() for day in days]


@cache
def around(change: tuple[str, datetime]) -> WallClock:
    zone, day = change
    return WallClock(zone, day - timedelta(days=2), 4)


@cache
def year_of(zone: str) -> WallClock:
    year = YEARS[zone][0]
    return WallClock(zone, datetime(year, 1, 1, tzinfo=UTC), (date(year + 1, 1, 1) - date(year, 1, 1)).days)


def found(rule: Rule, clock: WallClock, spread_s: int = 0) -> list[int]:
    schedule = Schedule([rule], zone=clock.zone, spread_s=spread_s)
    fires = []
    for fire in schedule.fires(clock.start_s):
        if fire.at_s > clock.end_s:
            break
        fires.append(fire.at_s)
    return fires


TIMES = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
NIGHT_TIMES = st.integers(0, 16).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
DAYS = st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1).map(", ".join)
ON = st.one_of(st.just(""), DAYS.map(" on {}".format))
HOURS = st.one_of(
    st.just(""),
    st.tuples(st.one_of(TIMES, NIGHT_TIMES), st.one_of(TIMES, NIGHT_TIMES)).map(
        lambda ends: f" from {ends[0]} to {ends[1]}"
    ),
)
INTERVALS = st.one_of(
    st.integers(5, 400).map("every {} minutes".format), st.integers(1, 30).map("every {} hours".format)
)


def number_field(low: int, high: int) -> st.SearchStrategy[str]:
    single = st.integers(low, high).map(str)
    span = st.tuples(st.integers(low, high), st.integers(low, high)).filter(lambda ends: ends[0] < ends[1])
    part = st.one_of(
        single,
        span.map(lambda ends: f"{ends[0]}-{ends[1]}"),
        st.tuples(span, st.integers(1, 20)).map(lambda both: f"{both[0][0]}-{both[0][1]}/{both[1]}"),
    )
    star = st.one_of(st.just("*"), st.integers(2, 30).filter(lambda n: n <= high).map("*/{}".format))
    return st.one_of(star, st.lists(part, min_size=1, max_size=3).map(",".join))


CRON = st.tuples(
    number_field(0, 59),
    st.one_of(number_field(0, 23), st.sampled_from(["0", "1", "2", "3", "0-3"])),
    st.one_of(st.just("*"), number_field(1, 31)),
    st.one_of(st.just("*"), number_field(1, 12)),
    st.one_of(st.just("*"), number_field(0, 6)),
).map(" ".join)
RULES = st.one_of(
    st.tuples(INTERVALS, ON, HOURS).map("".join),
    st.tuples(
        st.lists(st.one_of(TIMES, NIGHT_TIMES), min_size=1, max_size=4).map(
            lambda times: "daily at " + ", ".join(times)
        ),
        ON,
        st.one_of(st.just(""), st.just(" from 22:00 to 05:00"), HOURS),
    ).map("".join),
    CRON,
)


def accepted(text: str) -> bool:
    try:
        parse_rule(text)
    except RuleProblem:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(text=RULES.filter(accepted), change=st.sampled_from(CHANGES), spread_s=st.integers(0, 604_799))
def test_it_finds_what_a_reading_of_every_minute_finds(
    text: str, change: tuple[str, datetime], spread_s: int
) -> None:
    rule, clock = parse_rule(text), around(change)
    assert found(rule, clock, spread_s) == clock.fires(rule, spread_s)


@settings(max_examples=150, deadline=None)
@given(text=RULES.filter(accepted), change=st.sampled_from(CHANGES), data=st.data())
def test_from_any_instant_near_a_change_it_finds_the_first_fire_after_it(
    text: str, change: tuple[str, datetime], data: st.DataObject
) -> None:
    rule, clock = parse_rule(text), around(change)
    schedule = Schedule([rule], zone=clock.zone, spread_s=77)
    fires = clock.fires(rule, 77)
    for hours in data.draw(st.lists(st.integers(36, 66), min_size=5, max_size=5)):
        after_s = clock.start_s + hours * 3600 + data.draw(st.integers(0, 3599)) + 0.5
        expected = next((at_s for at_s in fires if at_s > after_s), None)
        fire = schedule.next_fire(after_s)
        if expected is None:
            assert fire is None or fire.at_s > clock.end_s
        else:
            assert fire is not None
            assert fire.at_s == expected


def test_an_appointment_is_not_made_again_from_within_the_repeated_hour() -> None:
    here = ZoneInfo("America/New_York")
    again = datetime(2025, 11, 2, 1, 15, tzinfo=here, fold=1)
    for text in ("daily at 01:30", "30 1 * * *"):
        schedule = Schedule([parse_rule(text)], zone=here, spread_s=0)
        assert shown(schedule, again, 1) == ["2025-11-03T01:30:00-05:00"]


@pytest.mark.parametrize("zone", YEARS)
@pytest.mark.parametrize(
    "text",
    [
        "daily at 00:00, 00:30, 01:45, 02:15, 03:00, 23:59",
        "30 0-3 1,15 * 0",
        "*/30 1-2 * 2-11 *",
    ],
)
def test_a_year_of_fixed_times(zone: str, text: str) -> None:
    rule, clock = parse_rule(text), year_of(zone)
    fires = found(rule, clock)
    assert fires == clock.fires(rule, 0)
    assert all(earlier < later for earlier, later in pairwise(fires))


@pytest.mark.parametrize("zone", YEARS)
@pytest.mark.parametrize("time", ["00:00", "00:30", "01:00", "01:30", "02:00", "02:30", "03:00", "12:00"])
@pytest.mark.parametrize("form", ["daily at {hour}:{minute}", "{minute} {hour} * * *"])
def test_a_fixed_time_fires_once_on_every_day_of_a_year(zone: str, time: str, form: str) -> None:
    hour, minute = time.split(":")
    year = YEARS[zone][0]
    here = ZoneInfo(zone)
    schedule = Schedule([parse_rule(form.format(hour=hour, minute=minute))], zone=here, spread_s=999)
    first = datetime(year, 1, 1, tzinfo=here).timestamp() - 1
    last = datetime(year + 1, 1, 1, tzinfo=here).timestamp()
    days = []
    for fire in schedule.fires(first):
        if fire.at_s >= last:
            break
        days.append(datetime.fromtimestamp(fire.at_s, here).date())
    assert days == [date(year, 1, 1) + timedelta(days=n) for n in range(len(days))]
    assert days[-1] == date(year, 12, 31)


@pytest.mark.parametrize("zone", YEARS)
def test_a_year_of_intervals_takes_no_notice_of_the_clocks(zone: str) -> None:
    clock = year_of(zone)
    fires = found(parse_rule("hourly"), clock, 1234)
    assert {later - earlier for earlier, later in pairwise(fires)} == {3600}
    assert len(fires) == (clock.end_s - clock.start_s) // 3600


def test_croniter_fires_twice_in_a_repeated_hour_and_ours_does_not() -> None:
    here = ZoneInfo("America/New_York")
    before = datetime(2025, 11, 2, 0, 0, tzinfo=here)
    theirs = croniter("30 1 * * *", before, ret_type=datetime)
    assert [theirs.get_next().isoformat() for _ in range(2)] == [
        "2025-11-02T01:30:00-04:00",
        "2025-11-02T01:30:00-05:00",
    ]
    ours = Schedule([parse_rule("30 1 * * *")], zone=here, spread_s=0)
    assert shown(ours, before, 2) == ["2025-11-02T01:30:00-04:00", "2025-11-03T01:30:00-05:00"]


def test_a_skipped_time_fires_once_as_the_clocks_have_gone_forward() -> None:
    here = ZoneInfo("America/New_York")
    before = datetime(2025, 3, 9, 0, 0, tzinfo=here)
    for text in ("daily at 02:00, 02:30", "0,30 2 * * *"):
        schedule = Schedule([parse_rule(text)], zone=here, spread_s=0)
        assert shown(schedule, before, 2) == ["2025-03-09T03:00:00-04:00", "2025-03-10T02:00:00-04:00"]


def test_a_starred_expression_keeps_firing_through_a_repeated_hour_and_catches_up_with_nothing() -> None:
    here = ZoneInfo("America/New_York")
    schedule = Schedule([parse_rule("*/30 1-2 * * *")], zone=here, spread_s=0)
    assert shown(schedule, datetime(2025, 11, 2, 0, 59, tzinfo=here), 6) == [
        "2025-11-02T01:00:00-04:00",
        "2025-11-02T01:30:00-04:00",
        "2025-11-02T01:00:00-05:00",
        "2025-11-02T01:30:00-05:00",
        "2025-11-02T02:00:00-05:00",
        "2025-11-02T02:30:00-05:00",
    ]
    assert shown(schedule, datetime(2025, 3, 9, 1, 0, tzinfo=here), 2) == [
        "2025-03-09T01:30:00-05:00",
        "2025-03-10T01:00:00-04:00",
    ]


def test_a_day_that_a_country_skipped_fires_as_the_next_begins() -> None:
    here = ZoneInfo("Pacific/Apia")  # had no 30 December 2011
    schedule = Schedule([parse_rule("daily at 09:00")], zone=here, spread_s=0)
    assert shown(schedule, datetime(2011, 12, 29, 0, 0, tzinfo=here), 3) == [
        "2011-12-29T09:00:00-10:00",
        "2011-12-31T00:00:00+14:00",
        "2011-12-31T09:00:00+14:00",
    ]


def test_hours_include_the_whole_of_their_last_minute() -> None:
    here = ZoneInfo("Europe/Berlin")
    monday = datetime(2025, 6, 2, 16, 58, tzinfo=here)
    schedule = Schedule([parse_rule("every minute from 09:00 to 17:00")], zone=here, spread_s=59)
    assert shown(schedule, monday, 4) == [
        "2025-06-02T16:58:59+02:00",
        "2025-06-02T16:59:59+02:00",
        "2025-06-02T17:00:59+02:00",
        "2025-06-03T09:00:59+02:00",
    ]


def test_the_weekday_of_a_night_is_that_on_which_it_begins() -> None:
    here = ZoneInfo("Europe/Berlin")
    friday = datetime(2025, 6, 6, 12, 0, tzinfo=here)
    every = Schedule([parse_rule("every 4 hours on fri from 22:00 to 05:00")], zone=here, spread_s=0)
    assert shown(every, friday, 3) == [
        "2025-06-06T22:00:00+02:00",
        "2025-06-07T02:00:00+02:00",
        "2025-06-13T22:00:00+02:00",
    ]
    daily = Schedule([parse_rule("daily at 04:00 on fri from 22:00 to 05:00")], zone=here, spread_s=0)
    assert shown(daily, friday, 1) == ["2025-06-07T04:00:00+02:00"]


def test_rare_dates_are_found() -> None:
    here = ZoneInfo("America/New_York")
    after = datetime(2096, 3, 1, tzinfo=here)  # 2100 is no leap year
    for text, first in (("0 0 29 2 *", "00:00"), ("*/5 1 29 2 *", "01:00")):
        schedule = Schedule([parse_rule(text)], zone=here, spread_s=0)
        assert shown(schedule, after, 1) == [f"2104-02-29T{first}:00-05:00"]


def shown(schedule: Schedule, after: datetime, count: int) -> list[str]:
    return [
        datetime.fromtimestamp(fire.at_s, after.tzinfo).isoformat()
        for fire in schedule.next_fires(after.timestamp(), count)
    ]
