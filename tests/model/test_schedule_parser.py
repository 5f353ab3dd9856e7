"""Rules are read as a person writes them; a wrong one is answered with what may be meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstreamd.model.schedule_parser import MAX_RULES, MAX_TEXT, RuleProblem, parse_rule, parse_rules
from dropstreamd.model.schedule_rules import Cron, Daily, Every, Hours


@pytest.mark.parametrize(
    ("text", "rule", "canonical"),
    [
        ("every 15 minutes", Every(count=15, unit="minute"), "every 15 minutes"),
        ("every minute", Every(count=1, unit="minute"), "every minute"),
        ("every 1 minute", Every(count=1, unit="minute"), "every minute"),
        ("Every  5  Minutes ", Every(count=5, unit="minute"), "every 5 minutes"),
        ("every 1440 minutes", Every(count=1440, unit="minute"), "every 1440 minutes"),
        ("every 168 hours", Every(count=168, unit="hour"), "every 168 hours"),
        ("every 4 hour", Every(count=4, unit="hour"), "every 4 hours"),
        ("every 1 hours", Every(count=1, unit="hour"), "hourly"),
        ("every hour", Every(count=1, unit="hour"), "hourly"),
        ("hourly", Every(count=1, unit="hour"), "hourly"),
        (
            "every 5 minutes on mon-fri from 09:00 to 17:00",
            Every(count=5, unit="minute", days=(0, 1, 2, 3, 4), hours=Hours(start_min=540, end_min=1020)),
            "every 5 minutes on mon-fri from 09:00 to 17:00",
        ),
        ("hourly on mon,wed , sat", Every(count=1, unit="hour", days=(0, 2, 5)), "hourly on mon, wed, sat"),
        ("hourly on fri-mon", Every(count=1, unit="hour", days=(0, 4, 5, 6)), "hourly on mon, fri-sun"),
        ("hourly on Monday-Sunday", Every(count=1, unit="hour"), "hourly"),
        (
            "hourly from 22:00 to 5:00",
            Every(count=1, unit="hour", hours=Hours(start_min=1320, end_min=300)),
            "hourly from 22:00 to 05:00",
        ),
        ("daily at 1:00", Daily(at_min=(60,)), "daily at 01:00"),
        (
            "daily at 18:00, 06:00,18:00 on sat, sun",
            Daily(at_min=(360, 1080), days=(5, 6)),
            "daily at 06:00, 18:00 on sat, sun",
        ),
        (
            "daily at 04:00 on fri from 22:00 to 05:00",
            Daily(at_min=(240,), days=(4,), hours=Hours(start_min=1320, end_min=300)),
            "daily at 04:00 on fri from 22:00 to 05:00",
        ),
        ("*/10  6-22 * * MON-FRI", Cron(text="*/10 6-22 * * mon-fri"), "*/10 6-22 * * mon-fri"),
        ("0 0 29 2 *", Cron(text="0 0 29 2 *"), "0 0 29 2 *"),
    ],
)
def test_a_rule_is_read_and_written(text: str, rule: object, canonical: str) -> None:
    assert parse_rule(text) == rule
    assert str(parse_rule(text)) == canonical
    assert parse_rule(canonical) == rule


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ("", "``", ""),
        ("nonsense", "`nonsense`", ""),
        ("evry 5 minutes", "`evry 5 minutes`", "did you mean `every 5 minutes`?"),
        ("every 5 mins", "`every 5 mins`", "did you mean `every 5 minutes`?"),
        ("every 2 hrs", "`every 2 hrs`", "did you mean `every 2 hours`?"),
        ("every day at 6:00", "`every day at 6:00`", "did you mean `daily at 06:00`?"),
        ("daily at 06:00 and 18:00", "the time `06:00 and 18:00`", "did you mean `daily at 06:00, 18:00`?"),
        ("hourly on weekdays", "the day `weekdays`", "did you mean `hourly on mon-fri`?"),
        ("hourly on mon-fry", "the day `fry`", "did you mean `hourly on mon-fri`?"),
        ("hourly on mon-mon", "`mon-mon`", ""),
        (
            "hourly between 9:00 and 17:00",
            "`hourly between 9:00 and 17:00`",
            "did you mean `hourly from 09:00 to 17:00`?",
        ),
        (
            "hourly from 9:00 to 17:00 on mon",
            "`hourly from 9:00 to 17:00 on mon`",
            "did you mean `hourly on mon from 09:00 to 17:00`?",
        ),
        ("hourly from 09:00 to 24:00", "the time `24:00`", "did you mean `hourly from 09:00 to 23:59`?"),
        ("hourly from 09:00", "`hourly from 09:00`", ""),
        ("hourly from 09:00 to 09:00", "`from 09:00 to 09:00`", "leave it out for the whole day"),
        ("every 0 minutes", "0 minutes", ""),
        ("every 1441 minutes", "1441 minutes", ""),
        ("every 169 hours", "169 hours", ""),
        ("every minutes", "`every minutes`", ""),
        ("daily at 25:00", "the time `25:00`", ""),
        ("daily at 12:60", "the time `12:60`", ""),
        ("daily at 9am", "the time `9am`", ""),
        ("daily at 06:00,", "the time ``", ""),
        ("daily at 06:00 from 09:00 to 17:00", "`daily at 06:00 from 09:00 to 17:00`", ""),
        (
            "every 2 hours from 09:00 to 10:00",
            "`every 2 hours from 09:00 to 10:00`",
            "it might never fire; `daily at HH:MM` names a time",
        ),
        (
            "every 49 hours on sat, sun",
            "`every 49 hours on sat, sun`",
            "it might never fire; `daily at HH:MM` names a time",
        ),
        ("@reboot", "`@reboot`", "`hourly` and `daily at HH:MM` replace @ names"),
        ("* * * * * *", "6 fields in `* * * * * *`", ""),
        ("* * * *", "4 fields in `* * * *`", ""),
        ("61 * * * *", "`61 * * * *`", "a value is out of range"),
        ("*/0 * * * *", "`*/0 * * * *`", "a value is out of range"),
        ("5-5 * * * *", "the range `5-5`", ""),
        ("0 0 l * *", "the field `l`", ""),
        ("0 0 * * 5#2", "the field `5#2`", ""),
        ("* r * * *", "the field `r`", ""),
        ("0 0 ? * *", "the field `?`", ""),
        ("0 0 31 2 *", "`0 0 31 2 *`", "it would never fire"),
        ("x" * (MAX_TEXT + 1), f"{MAX_TEXT + 1} characters", ""),
    ],
)
def test_a_wrong_rule_is_explained(text: str, found: str, hint: str) -> None:
    with pytest.raises(RuleProblem) as caught:
        parse_rule(text)
    assert (caught.value.found, caught.value.hint) == (found, hint)
    assert caught.value.allowed


def test_an_interval_may_just_fill_its_block() -> None:
    parse_rule("every 61 minutes from 09:00 to 10:00")
    parse_rule("every 48 hours on sat, sun")
    parse_rule("every 72 hours on sun, mon, sat")


def test_a_job_has_a_limited_number_of_rules() -> None:
    assert len(parse_rules(["hourly"] * MAX_RULES)) == MAX_RULES
    with pytest.raises(RuleProblem, match=f"found {MAX_RULES + 1} rules"):
        parse_rules(["hourly"] * (MAX_RULES + 1))


WORDS = st.one_of(
    st.sampled_from(["every", "minutes", "hours", "hourly", "daily", "at", "on", "from", "to"]),
    st.sampled_from(["mon", "fri-mon", "sat,", "5", "60", "09:00", "22:00", ",", "*/5", "1-5", "jan", "@x"]),
)
CRON_LIKE = st.lists(st.text("0123456789*,/-janmofri", min_size=1, max_size=6), min_size=5, max_size=5)


@settings(max_examples=500, deadline=None)
@given(
    text=st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=9).map(" ".join), CRON_LIKE.map(" ".join))
)
def test_any_text_is_a_rule_that_round_trips_or_a_problem(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RuleProblem:
        return
    assert parse_rule(str(rule)) == rule
