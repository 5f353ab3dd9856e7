"""Reads when the jobs of a connection run."""

from dropstreamd.config.place import Place, Table, shown
from dropstreamd.config.schema import DEFAULT_RULES, JobKey
from dropstreamd.config.values import many
from dropstreamd.model.schedule_parser import MAX_RULES, RuleProblem, parse_rule
from dropstreamd.model.schedule_rules import Rule


def read_schedules(channels: Table) -> dict[JobKey, tuple[Rule, ...]]:
    """The rules of every job; a table may name a channel's job that no plugin supports."""
    rules: dict[JobKey, tuple[Rule, ...]] = {}
    tables: dict[str, Table] = {}
    for channel, job in DEFAULT_RULES:
        table = tables.setdefault(channel, channels.table(channel))
        default = tuple(parse_rule(text) for text in DEFAULT_RULES[channel, job])
        rules[channel, job] = table.get(job, many(_rule, most=MAX_RULES), default)
    for table in tables.values():
        table.close()
    channels.close()
    return rules


def _rule(value: object, place: Place) -> Rule | None:
    if not isinstance(value, str):
        place.wrong(found=shown(value), allowed='a rule in quotes, such as "every 15 minutes"')
        return None
    try:
        return parse_rule(value)
    except RuleProblem as problem:
        place.wrong(found=problem.found, allowed=problem.allowed, hint=problem.hint)
        return None
