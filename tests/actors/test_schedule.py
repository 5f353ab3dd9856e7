"""Several rules of one job, what was missed, and the spread."""

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from dropstreamd.actors.schedule import Missed, Schedule, Tick, spread_for
from dropstreamd.model.schedule_parser import parse_rule, parse_rules
from dropstreamd.model.schedule_rules import Cron

UTC = ZoneInfo("UTC")
MIDNIGHT_S = 1_750_032_000  # Monday, 2025-06-16 00:00 UTC
HOUR_S = 3600


def schedule(*texts: str, spread_s: int = 0) -> Schedule:
    return Schedule(parse_rules(texts), zone=UTC, spread_s=spread_s)


def test_rules_add_up_and_agree_on_one_fire_that_names_the_first() -> None:
    both = schedule("hourly", "every 30 minutes from 01:00 to 02:00")
    assert [(fire.at_s - MIDNIGHT_S, str(fire.rule)) for fire in both.next_fires(MIDNIGHT_S, 4)] == [
        (3600, "hourly"),
        (5400, "every 30 minutes from 01:00 to 02:00"),
        (7200, "hourly"),
        (10800, "hourly"),
    ]


def test_intervals_of_one_job_share_their_grid() -> None:
    both = schedule("hourly", "every 5 minutes", spread_s=spread_for("c-7f3k2m", "sales_orders.import"))
    assert both.next_fires(MIDNIGHT_S, 50) != []
    assert [fire.at_s for fire in both.next_fires(MIDNIGHT_S, 50)] == [
        fire.at_s
        for fire in schedule(
            "every 5 minutes", spread_s=spread_for("c-7f3k2m", "sales_orders.import")
        ).next_fires(MIDNIGHT_S, 50)
    ]


def test_a_fire_is_strictly_later_even_within_a_second() -> None:
    hourly = schedule("hourly")
    for after_s in (MIDNIGHT_S, MIDNIGHT_S + 0.4, MIDNIGHT_S + HOUR_S - 0.001):
        fire = hourly.next_fire(after_s)
        assert fire is not None
        assert fire.at_s == MIDNIGHT_S + HOUR_S


def test_the_spread_shifts_intervals_only() -> None:
    fires = schedule("every 2 hours", "daily at 06:00", "30 7 * * *", spread_s=61).next_fires(MIDNIGHT_S, 6)
    assert [fire.at_s - MIDNIGHT_S for fire in fires] == [61, 7261, 14461, 21600, 21661, 27000]


def test_without_rules_nothing_is_due() -> None:
    manual = schedule()
    assert manual.next_fire(MIDNIGHT_S) is None
    assert manual.next_fires(MIDNIGHT_S, 10) == []
    assert manual.tick(0, MIDNIGHT_S) == Tick(due=None, coalesced=0, at_least=False, upcoming=None)


def test_an_expression_with_no_date_has_no_fire() -> None:
    for text in ("0 0 31 2 *", "* * 31 2 *"):
        never = Schedule([Cron(text=text), parse_rule("daily at 06:00")], zone=UTC, spread_s=0)
        assert [str(fire.rule) for fire in never.next_fires(MIDNIGHT_S, 2)] == ["daily at 06:00"] * 2


def test_missed_fires_are_counted_up_to_now() -> None:
    hourly = schedule("hourly")
    missed = hourly.missed(MIDNIGHT_S, MIDNIGHT_S + 3 * HOUR_S)
    assert (missed.count, missed.at_least) == (3, False)
    assert missed.latest is not None
    assert missed.latest.at_s == MIDNIGHT_S + 3 * HOUR_S
    assert hourly.missed(MIDNIGHT_S, MIDNIGHT_S + HOUR_S - 1) == Missed(count=0, at_least=False, latest=None)


@pytest.mark.parametrize("hours_s", [0, 1, 1800, 3599])
def test_a_count_that_stops_early_still_knows_the_latest(hours_s: int) -> None:
    year_later_s = MIDNIGHT_S + 365 * 24 * HOUR_S + hours_s
    dense = schedule("every 5 minutes on mon-fri from 09:00 to 17:00", "hourly")
    missed = dense.missed(MIDNIGHT_S, year_later_s, limit=10)
    assert (missed.count, missed.at_least) == (10, True)
    assert missed.latest is not None
    assert missed.latest.at_s <= year_later_s
    after = dense.next_fire(missed.latest.at_s)
    assert after is not None
    assert after.at_s > year_later_s
    exact = dense.missed(MIDNIGHT_S, MIDNIGHT_S + 9 * HOUR_S, limit=9)
    assert (exact.count, exact.at_least) == (9, False)


def test_a_job_that_missed_fires_runs_once() -> None:
    tick = schedule("hourly").tick(MIDNIGHT_S, MIDNIGHT_S + 5 * HOUR_S + 10)
    assert tick.due is not None
    assert tick.upcoming is not None
    assert (tick.due.at_s, tick.coalesced, tick.upcoming.at_s) == (
        MIDNIGHT_S + 5 * HOUR_S,
        4,
        MIDNIGHT_S + 6 * HOUR_S,
    )
    again = schedule("hourly").tick(tick.due.at_s, MIDNIGHT_S + 5 * HOUR_S + 10)
    assert (again.due, again.coalesced, again.upcoming) == (None, 0, tick.upcoming)


def test_a_clock_set_back_does_not_fire_again() -> None:
    hourly = schedule("hourly")
    tick = hourly.tick(MIDNIGHT_S, MIDNIGHT_S - 600)
    assert tick.due is None
    assert tick.upcoming is not None
    assert tick.upcoming.at_s == MIDNIGHT_S + HOUR_S


def test_a_last_fire_far_in_the_future_does_not_stop_the_job() -> None:
    tick = schedule("hourly").tick(MIDNIGHT_S + 10 * 365 * 24 * HOUR_S, MIDNIGHT_S + 60)
    assert tick.due is None
    assert tick.upcoming is not None
    assert tick.upcoming.at_s == MIDNIGHT_S + HOUR_S


def test_the_spread_is_the_same_for_ever() -> None:
    assert spread_for("c-7f3k2m", "inventory.smart") == 344872
    assert spread_for("c-7f3k2m", "inventory.full") != spread_for("c-7f3k2m", "inventory.smart")
    assert spread_for("c-1", "1x") != spread_for("c-11", "x")


@pytest.mark.parametrize(
    ("text", "most"), [("every minute", 35), ("every 15 minutes", 9), ("every 4 hours", 5)]
)
def test_a_thousand_connections_do_not_fire_in_one_second(text: str, most: int) -> None:
    seconds = Counter(
        fire.at_s
        for n in range(1000)
        for fire in schedule(text, spread_s=spread_for(f"c-{n}", "inventory.smart")).next_fires(MIDNIGHT_S, 1)
    )
    assert max(seconds.values()) <= most
    interval_s = max(seconds) - min(seconds)
    early = sum(count for at_s, count in seconds.items() if at_s - min(seconds) < interval_s / 2)
    assert 420 <= early <= 580
