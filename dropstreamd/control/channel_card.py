"""The card of one channel: its switch, its jobs, the run in hand and the work that waits."""

from functools import partial

import msgspec

from dropstreamd.actors.actor import Actor
from dropstreamd.actors.trouble import Trouble
from dropstreamd.channels.jobs import Job, of_channel
from dropstreamd.channels.run import Run
from dropstreamd.config.schema import Connection
from dropstreamd.control.counted import work_of
from dropstreamd.control.desk import Desk
from dropstreamd.control.events import run_shown
from dropstreamd.control.messages.runs import RunShown
from dropstreamd.control.messages.status import ChannelCard, JobCard, SwitchShown, TroubleShown
from dropstreamd.store import runs, switches
from dropstreamd.store.base import Reader
from dropstreamd.store.runs import RUNS_KEPT, RunRecord


def channel_card(desk: Desk, connection: Connection, channel: str, actor: Actor | None) -> ChannelCard:
    """`actor` is the channel's; None where the connection does not run."""
    jobs = of_channel(channel)
    last, switch, work = desk.daemon.state.read(
        lambda tx: (
            _last_runs(tx, connection.id, channel, {job.name for job in jobs}),
            switch_shown(tx, connection.id, channel),
            work_of(tx, connection.id, channel),
        )
    )
    running = None if actor is None or actor.running is None else actor.running
    return ChannelCard(
        channel=channel,
        switch=switch,
        jobs=tuple(_job_card(desk, connection, job, actor, last.get(job.name)) for job in jobs),
        work=work,
        running=None if running is None else _running(desk, connection.id, channel, running),
    )


def _running(desk: Desk, connection: str, channel: str, running: Run) -> RunShown | None:
    record = desk.daemon.state.read(partial(runs.get, connection=connection, channel=channel, run=running.id))
    if record is None:
        return None
    return run_shown(connection, channel, record, counts=running.counts)


def _last_runs(tx: Reader, connection: str, channel: str, jobs: set[str]) -> dict[str, RunRecord]:
    """The newest run of each job that has ended."""
    last: dict[str, RunRecord] = {}
    for record in runs.newest(tx, connection, channel, limit=RUNS_KEPT):
        if record.job not in last and record.result not in ("running", "merged"):
            last[record.job] = record
            if jobs <= last.keys():
                break
    return last


def switch_shown(tx: Reader, connection: str, channel: str) -> SwitchShown:
    """A switch of a connection: a channel's, or its own."""
    switch = switches.get(tx, connection, channel)
    return SwitchShown(on=switch.on, since_s=switch.since_s, who=switch.who, first_on_s=switch.first_on_s)


def _job_card(
    desk: Desk, connection: Connection, job: Job, actor: Actor | None, last: RunRecord | None
) -> JobCard:
    why = desk.unsupported(connection, job)
    if why:
        return JobCard(job=job.name, title=job.title, supported=False, reason=why)
    rules = tuple(str(rule) for rule in connection.schedules.get(job.key, ()))
    card = JobCard(
        job=job.name,
        title=job.title,
        supported=True,
        rules=rules,
        timezone=connection.timezone.key,
        last=None if last is None else run_shown(connection.id, job.channel, last),
    )
    agenda = None if actor is None else actor.agendas.get(job.name)
    if actor is None or agenda is None:
        return card
    now_s = desk.now_s()
    due, next_s = agenda.look(now_s)
    return msgspec.structs.replace(
        card,
        next_s=next_s,
        late_s=0.0 if due is None else max(0.0, now_s - due.fire.at_s),
        waiting=job.name in actor.waiting(),
        last_success_s=agenda.followed().last_success_s,
        trouble=_trouble(actor.trouble.get(job.name), next_s),
    )


def _trouble(trouble: Trouble | None, next_s: float | None) -> TroubleShown | None:
    if trouble is None:
        return None
    return TroubleShown(
        failures=0 if trouble.unfinished else trouble.failures,
        retry_s=trouble.tried_s(next_s),
        error=trouble.error,
        remedy=trouble.remedy,
        held=trouble.held,
    )
