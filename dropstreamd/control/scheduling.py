"""Schedules: shown, tried and edited in the connection's own file."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec
import trio

from dropstreamd.actors.schedule import Schedule, spread_for
from dropstreamd.channels.jobs import Job
from dropstreamd.config.schema import Connection
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.runs import EditSchedule, Preview, PreviewSchedule, ScheduleShown
from dropstreamd.control.refused import Refused, of_error
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.errors import ConfigError, Problem
from dropstreamd.model.schedule_parser import RuleProblem, parse_rule, parse_rules
from dropstreamd.model.schedule_rules import Rule

FIRES = 10
PATH = "/v1/connections/{c}/channels/{channel}/jobs/{job}/schedule"


def _named(desk: Desk, path: Mapping[str, str]) -> tuple[Connection, Job]:
    return desk.connection(path["c"]), desk.job(path["channel"], path["job"])


async def show(desk: Desk, call: Call[Empty, Empty]) -> ScheduleShown:
    """The rules in force, and the file they are in."""
    connection, job = _named(desk, call.path)
    text = await trio.to_thread.run_sync(desk.editor.read, "connection", connection.name)
    return _shown(desk, connection, job, text.digest)


def _shown(desk: Desk, connection: Connection, job: Job, digest: str) -> ScheduleShown:
    rules = tuple(connection.schedules.get(job.key, ()))
    return ScheduleShown(
        rules=tuple(str(rule) for rule in rules),
        timezone=connection.timezone.key,
        next=_fires(desk.now_s(), connection, job, rules),
        digest=digest,
    )


def _fires(now_s: float, connection: Connection, job: Job, rules: Sequence[Rule]) -> tuple[str, ...]:
    spread_s = spread_for(connection.id, f"{job.channel}.{job.name}")
    schedule = Schedule(rules, zone=connection.timezone, spread_s=spread_s)
    fires = schedule.next_fires(now_s, FIRES)
    return tuple(_local(datetime.fromtimestamp(fire.at_s, connection.timezone)) for fire in fires)


def _local(at: datetime) -> str:
    return f"{at.isoformat()} {at.tzname()}"


async def preview(desk: Desk, call: Call[Empty, PreviewSchedule]) -> Preview:
    """What rules would do; nothing is changed."""
    connection, job = _named(desk, call.path)
    texts = call.body.rules
    problems = tuple(problem for number, text in enumerate(texts) for problem in _wrong(number, text))
    try:
        rules = () if problems else parse_rules(texts)
    except RuleProblem as error:
        rules, problems = (), (_problem("rules", error),)
    return Preview(
        rules=tuple(str(rule) for rule in rules),
        timezone=connection.timezone.key,
        next=await trio.to_thread.run_sync(_fires, desk.now_s(), connection, job, rules),
        problems=problems,
    )


def _wrong(number: int, text: str) -> list[Problem]:
    try:
        parse_rule(text)
    except RuleProblem as error:
        return [_problem(f"rules[{number}]", error)]
    return []


def _problem(key: str, error: RuleProblem) -> Problem:
    return Problem(file="", key=key, found=error.found, allowed=error.allowed, hint=error.hint)


async def edit(desk: Desk, call: Call[Empty, EditSchedule]) -> ScheduleShown:
    """Write the rules into the connection's file, and go over to them."""
    connection, job = _named(desk, call.path)
    async with desk.files:
        write = partial(
            desk.editor.set_schedule,
            connection.name,
            job.channel,
            job.name,
            call.body.rules,
            digest=call.body.digest or None,
        )
        text = await trio.to_thread.run_sync(write)
        try:
            await desk.reload()
        except ConfigError as error:
            raise _saved_only(error) from error
    rules = "the default" if call.body.rules is None else "; ".join(call.body.rules) or "manual"
    words = f"{job.channel}.{job.name}: {rules}"
    await desk.note(connection, "schedule changed", words, who=call.who, channel=job.channel)
    return _shown(desk, desk.connection(connection.id), job, text.digest)


def _saved_only(error: ConfigError) -> Refused:
    """The file is written, and something else is wrong: what is in force stays as it was."""
    detail = "the rules were saved, but are not in force: other files have problems"
    remedy = "mend them, then `dropstreamctl reload`"
    return Refused(msgspec.structs.replace(of_error(error), detail=detail, remedy=remedy))


ROUTES = (
    Route(
        method="GET",
        path=PATH,
        name="show_schedule",
        summary="A job's rules and its next fires",
        handle=show,
        query=Empty,
        body=Empty,
        answer=ScheduleShown,
    ),
    Route(
        method="PUT",
        path=PATH,
        name="edit_schedule",
        summary="Change a job's rules, in the connection's file",
        handle=edit,
        query=Empty,
        body=EditSchedule,
        answer=ScheduleShown,
    ),
    Route(
        method="POST",
        path=f"{PATH}/preview",
        name="preview_schedule",
        summary="What rules would do",
        handle=preview,
        query=Empty,
        body=PreviewSchedule,
        answer=Preview,
    ),
)
