"""Reads schedule rules, and says of a wrong one what was found, what is allowed and what may be meant."""

import difflib
import re
from collections.abc import Sequence

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

from dropstreamd.model.schedule_rules import (
    DAY_NAMES,
    EVERY_DAY,
    MINUTES_A_DAY,
    Cron,
    Daily,
    Every,
    Hours,
    Rule,
)

MAX_RULES = 50
MAX_TEXT = 300
MAX_MINUTES = 1440
MAX_HOURS = 168
CRON_REACH_YEARS = 10  # 29 February is at most eight years away

_FORMS = (
    "`every N minutes`, `every N hours`, `hourly` or `daily at HH:MM`, each with `on DAYS` and "
    "`from HH:MM to HH:MM` if wanted, or the five fields of crontab(5)"
)
_CRON_FORM = "five fields: minute, hour, day of month, month, weekday"
_RULE = re.compile(
    r"(?:every (?:(?P<count>\d+) )?(?P<unit>minute|hour)(?P<plural>s)?"
    r"|(?P<hourly>hourly)|daily at (?P<at>.+?))"
    r"(?: on (?P<days>.+?))?(?: from (?P<start>\S+) to (?P<end>\S+))?"
)
_TIME = re.compile(r"(\d{1,2}):(\d\d)")
_CRON_FIELD = re.compile(r"[0-9a-z*,/-]+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CRON_NAMES = frozenset((*DAY_NAMES, *_MONTHS))
_FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_NUMBERS = {name: n for names in (DAY_NAMES, _FULL_DAYS) for n, name in enumerate(names)}
_WORDS = ("every", "minute", "minutes", "hour", "hours", "hourly", "daily", "at", "on", "from", "to")
_PHRASES = {
    r"\bevery day\b": "daily",
    r"\bmins?\b": "minutes",
    r"\bhrs?\b": "hours",
    r"\b(?:on )?weekdays\b": "on mon-fri",
    r"\b(?:on )?weekends?\b": "on sat, sun",
    r"\bbetween (\S+) and\b": r"from \1 to",
    r"(\d:\d\d) and (\d)": r"\1, \2",
    r"\bto 24:00\b": "to 23:59",
}


class RuleProblem(ValueError):  # noqa: N818 - it becomes a `Problem` of the configuration
    """A schedule rule that cannot be used. The caller knows in which file and under which key it stands."""

    def __init__(self, *, found: str, allowed: str, hint: str = "") -> None:
        super().__init__(f"found {found}, expected {allowed}" + (f"; {hint}" if hint else ""))
        self.found = found
        self.allowed = allowed
        self.hint = hint


def parse_rules(texts: Sequence[str]) -> tuple[Rule, ...]:
    """All rules of one job, in their order. Raises RuleProblem for the first wrong one, or for too many."""
    if len(texts) > MAX_RULES:
        raise RuleProblem(found=f"{len(texts)} rules", allowed=f"at most {MAX_RULES} for one job")
    return tuple(parse_rule(text) for text in texts)


def parse_rule(text: str) -> Rule:
    """The rule that `text` states; case and spacing do not matter. Raises RuleProblem.

    Limits: 1 to 1440 minutes, 1 to 168 hours, and an interval no longer than the block of days or hours it
    is confined to, since it might otherwise never fall inside.
    """
    if len(text) > MAX_TEXT:
        raise RuleProblem(found=f"{len(text)} characters", allowed=f"a rule of at most {MAX_TEXT}")
    plain = " ".join(text.lower().split())
    if re.match(r"[\d*@]", plain):
        return _cron(plain)
    try:
        return _worded(plain)
    except RuleProblem as problem:
        meant = _suggestion(plain)
        if meant is None:
            raise
        raise RuleProblem(
            found=problem.found, allowed=problem.allowed, hint=f"did you mean `{meant}`?"
        ) from problem


def _worded(plain: str) -> Every | Daily:
    match = _RULE.fullmatch(plain)
    if match is None:
        raise RuleProblem(found=f"`{plain}`", allowed=_FORMS)
    days = EVERY_DAY if match["days"] is None else _days(match["days"])
    hours = None if match["start"] is None else _hours(match["start"], match["end"])
    if match["at"] is not None:
        return _daily(match["at"], days, hours)
    if match["hourly"] is not None:
        return _fitting(Every(count=1, unit="hour", days=days, hours=hours))
    if match["count"] is None and match["plural"] is not None:
        raise RuleProblem(found=f"`{plain}`", allowed=f"a number before `{match['unit']}s`")
    count = int(match["count"] or 1)
    if match["unit"] == "minute":
        most, rule = MAX_MINUTES, Every(count=count, unit="minute", days=days, hours=hours)
    else:
        most, rule = MAX_HOURS, Every(count=count, unit="hour", days=days, hours=hours)
    if not 1 <= count <= most:
        raise RuleProblem(found=f"{count} {rule.unit}s", allowed=f"1 to {most} {rule.unit}s")
    return _fitting(rule)


def _fitting(rule: Every) -> Every:
    """Refuses an interval that is longer than its block: whether it ever fired would hang on the spread."""
    if rule.hours is not None:
        block_min = rule.hours.length_min
    elif rule.days != EVERY_DAY:
        block_min = _longest_run(rule.days) * MINUTES_A_DAY
    else:
        return rule
    if rule.interval_s > block_min * 60:
        raise RuleProblem(
            found=f"`{rule}`",
            allowed="an interval no longer than the days or hours it is confined to",
            hint="it might never fire; `daily at HH:MM` names a time",
        )
    return rule


def _longest_run(days: tuple[int, ...]) -> int:
    longest = run = 0
    for day in range(14):  # twice round the week, for a run over its end
        run = run + 1 if day % 7 in days else 0
        longest = max(longest, run)
    return min(longest, 7)


def _daily(at: str, days: tuple[int, ...], hours: Hours | None) -> Daily:
    minutes = sorted({_time(part.strip()) for part in at.split(",")})
    rule = Daily(at_min=tuple(minutes), days=days, hours=hours)
    if hours is not None and not all(hours.holds(minute) for minute in minutes):
        raise RuleProblem(found=f"`{rule}`", allowed=f"times that lie {hours}")
    return rule


def _hours(start: str, end: str) -> Hours:
    hours = Hours(start_min=_time(start), end_min=_time(end))
    if hours.start_min == hours.end_min:
        raise RuleProblem(
            found=f"`{hours}`", allowed="two different times", hint="leave it out for the whole day"
        )
    return hours


def _time(text: str) -> int:
    match = _TIME.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2])) if match else (24, 0)
    if hour > 23 or minute > 59:
        raise RuleProblem(found=f"the time `{text}`", allowed="HH:MM, from 00:00 to 23:59")
    return hour * 60 + minute


def _days(text: str) -> tuple[int, ...]:
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        start = _day(first)
        end = _day(last) if dash else start
        if dash and start == end:
            raise RuleProblem(found=f"`{part.strip()}`", allowed="two different days in a range")
        days.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return tuple(sorted(days))


def _day(name: str) -> int:
    if name not in _DAY_NUMBERS:
        raise RuleProblem(found=f"the day `{name}`", allowed=", ".join(DAY_NAMES))
    return _DAY_NUMBERS[name]


def _cron(plain: str) -> Cron:
    if plain.startswith("@"):
        raise RuleProblem(
            found=f"`{plain}`", allowed=_FORMS, hint="`hourly` and `daily at HH:MM` replace @ names"
        )
    fields = plain.split()
    if len(fields) != 5:
        raise RuleProblem(found=f"{len(fields)} fields in `{plain}`", allowed=_CRON_FORM)
    for field in fields:
        _check_cron_field(field)
    try:
        croniter(plain, 0, max_years_between_matches=CRON_REACH_YEARS, implement_cron_bug=True).get_next()
    except CroniterBadCronError as error:
        raise RuleProblem(found=f"`{plain}`", allowed=_CRON_FORM, hint="a value is out of range") from error
    except CroniterBadDateError as error:
        raise RuleProblem(
            found=f"`{plain}`", allowed="a date that exists", hint="it would never fire"
        ) from error
    return Cron(text=plain)


def _check_cron_field(field: str) -> None:
    """Holds to crontab(5): the seven-field, nearest-weekday, hashed and random forms are not taken, and a
    range of one value, which croniter reads as the whole cycle, is refused rather than misread."""
    named = all(name in _CRON_NAMES for name in re.findall(r"[a-z]+", field))
    if not named or not _CRON_FIELD.fullmatch(field):
        raise RuleProblem(found=f"the field `{field}`", allowed="numbers, names, `*`, `-`, `,` and `/`")
    for first, last in re.findall(r"(\w+)-(\w+)", field):
        if first == last:
            raise RuleProblem(found=f"the range `{first}-{last}`", allowed=f"`{first}` alone")


def _suggestion(plain: str) -> str | None:
    """The nearest rule that would be accepted, or None."""
    near = plain
    for pattern, replacement in _PHRASES.items():
        near = re.sub(pattern, replacement, near)
    near = re.sub(r"\d*[a-z]+", lambda word: _nearest_word(word[0]), near)
    swapped = re.fullmatch(r"(.+?) (from \S+ to \S+) (on .+)", near)
    if swapped:
        near = f"{swapped[1]} {swapped[3]} {swapped[2]}"
    if near == plain:
        return None
    try:
        return str(_worded(near))
    except RuleProblem:
        return None


def _nearest_word(word: str) -> str:
    known = (*_WORDS, *_DAY_NUMBERS)
    if word in known:
        return word
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), word)
