"""Status: every connection, account and broken part at a glance, counted with bounds."""

from collections.abc import Iterable
from functools import partial

import msgspec
import trio

from dropstreamd.actors.actor import Actor, Trouble
from dropstreamd.channels import after_restore, order_audit
from dropstreamd.channels.jobs import CHANNELS, Job, flows, of_channel
from dropstreamd.channels.run import Run
from dropstreamd.config.schema import Broken, Connection, WarehouseAccount
from dropstreamd.control.desk import Desk
from dropstreamd.control.events import run_shown
from dropstreamd.control.messages.runs import RunShown
from dropstreamd.control.messages.status import (
    AccountCard,
    BrokenCard,
    ChannelCard,
    CircuitCard,
    ConnectionCard,
    Counted,
    JobCard,
    OrderAuditCard,
    PluginCard,
    SnapshotShown,
    Status,
    SwitchShown,
    TroubleShown,
    WorkShown,
)
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.errors import Problem
from dropstreamd.store import cursors, runs, stock, switches
from dropstreamd.store.base import Reader
from dropstreamd.store.runs import RUNS_KEPT, RunRecord
from dropstreamd.store.stock import Generation
from dropstreamd.store.switches import CONNECTION
from dropstreamd.store.tables import Table

COUNT_LIMIT = 1_000
"""Work is counted this far: a backlog of a million levels must not hold up the loop."""


async def status(desk: Desk, _call: Call[Empty, Empty]) -> Status:
    """Everything."""
    daemon = desk.daemon
    cards = []
    unreadable = await desk.unreadable(daemon.config.connections.values())
    for connection in list(daemon.config.connections.values()):
        cards.append(_connection_card(desk, connection, unreadable.get(connection.id, ())))
        await trio.lowlevel.checkpoint()
    accounts = []
    for feed in list(daemon.feeds.values()):
        accounts.append(_account_card(desk, feed.account.settings))
        await trio.lowlevel.checkpoint()
    return _status(desk, cards, accounts, [_broken_card(each) for each in daemon.broken])


async def status_of_one(desk: Desk, call: Call[Empty, Empty]) -> Status:
    """One connection and its account; a broken one with its problems."""
    named = call.path["c"]
    broken = [_broken_card(each) for each in desk.daemon.broken if named in (each.name, each.id)]
    if broken:
        return _status(desk, [], [], broken)
    connection = desk.connection(named)
    unreadable = await desk.unreadable([connection])
    cards = [_connection_card(desk, connection, unreadable[connection.id])]
    return _status(desk, cards, [_account_card(desk, desk.account_of(connection))], [])


def _status(
    desk: Desk, cards: list[ConnectionCard], accounts: list[AccountCard], broken: list[BrokenCard]
) -> Status:
    daemon = desk.daemon
    size = daemon.state.size()
    return Status(
        at_s=desk.now_s(),
        version=desk.version,
        connections=tuple(sorted(cards, key=lambda card: card.name)),
        accounts=tuple(sorted(accounts, key=lambda card: (card.merchant, card.warehouse))),
        broken=tuple(broken),
        plugins=tuple(
            PluginCard(name=each.name, origin=each.origin, problem=each.problem, remedy=each.remedy)
            for each in daemon.accounts.plugins.values()
            if each.plugin is None
        ),
        circuits=tuple(
            CircuitCard(
                account=each.account,
                state=each.state,
                failures=each.failures,
                rests_s=round(each.rests_s, 1),
                error=each.error,
                remedy=each.remedy,
            )
            for each in daemon.accounts.circuits.all()
            if each.state != "closed"
        ),
        state_used_bytes=size.used_bytes,
        state_limit_bytes=size.limit_bytes,
    )


def _broken_card(broken: Broken) -> BrokenCard:
    return BrokenCard(kind=broken.kind, name=broken.name, id=broken.id, problems=broken.problems)


# ---- a connection


def _connection_card(desk: Desk, connection: Connection, unreadable: tuple[Problem, ...]) -> ConnectionCard:
    state = desk.daemon.state
    supervisor = desk.daemon.connections.get(connection.id)
    actors = {} if supervisor is None else supervisor.actors
    return ConnectionCard(
        id=connection.id,
        name=connection.name,
        merchant=connection.merchant,
        warehouse=connection.warehouse,
        store_platform=connection.store.platform,
        warehouse_platform=desk.account_of(connection).platform,
        switch=state.read(partial(_switch, connection=connection.id, channel=CONNECTION)),
        channels=tuple(_channel_card(desk, connection, channel, actors.get(channel)) for channel in CHANNELS),
        crashes=0 if supervisor is None else supervisor.faults.troubling,
        crash="" if supervisor is None or not supervisor.faults.troubling else supervisor.faults.last,
        restored_s=state.read(partial(cursors.restored_s, connection=connection.id)),
        audit=state.read(partial(_audit_card, connection=connection.id)),
        unreadable=unreadable,
        waits=_waits(desk, connection),
    )


def _waits(desk: Desk, connection: Connection) -> str:
    account = desk.account_of(connection)
    restored_s = desk.daemon.state.read(
        partial(after_restore.awaits_figures, connection=connection, account=account)
    )
    return after_restore.in_words(restored_s) if restored_s else ""


def _audit_card(tx: Reader, connection: str) -> OrderAuditCard | None:
    found = order_audit.last(tx, connection)
    if found is None:
        return None
    return OrderAuditCard(
        at_s=found.at_s,
        looked_at=found.looked_at,
        unaccounted=found.unaccounted.count,
        overdue=found.overdue.count,
        trouble=found.trouble,
    )


def _switch(tx: Reader, connection: str, channel: str) -> SwitchShown:
    switch = switches.get(tx, connection, channel)
    return SwitchShown(on=switch.on, since_s=switch.since_s, who=switch.who, first_on_s=switch.first_on_s)


def _channel_card(desk: Desk, connection: Connection, channel: str, actor: Actor | None) -> ChannelCard:
    jobs = of_channel(channel)
    last, switch, work = desk.daemon.state.read(
        lambda tx: (
            _last_runs(tx, connection.id, channel, {job.name for job in jobs}),
            _switch(tx, connection.id, channel),
            _work(tx, connection.id, channel),
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


def _work(tx: Reader, connection: str, channel: str) -> WorkShown:
    paths = [(connection, flow) for flow in flows(tx, connection, channel)]
    waiting = [path for path in paths if tx.first(Table.PARKED, path) is not None]

    def parked(kind: str) -> Counted:
        return _sum(_count(tx, Table.PARKED, *path, kind) for path in waiting)

    return WorkShown(
        pending=_sum(_count(tx, Table.PENDING, *path) for path in paths),
        parked=parked("parked"),
        held=parked("held"),
        in_doubt=parked("doubt"),
        undecodable=parked("bad"),
        tasks=_sum(_count(tx, Table.TASKS, *path) for path in paths),
    )


def _sum(counts: Iterable[Counted]) -> Counted:
    count, more = 0, False
    for each in counts:
        count += each.count
        more = more or each.more
    return Counted(count=count, more=more)


def _count(tx: Reader, table: Table, *path: str) -> Counted:
    found = sum(1 for _ in tx.scan(table, path, limit=COUNT_LIMIT + 1))
    return Counted(count=min(found, COUNT_LIMIT), more=found > COUNT_LIMIT)


# ---- a job


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
        trouble=_trouble(actor.trouble.get(job.name)),
    )


def _trouble(trouble: Trouble | None) -> TroubleShown | None:
    if trouble is None:
        return None
    return TroubleShown(
        failures=trouble.failures,
        retry_s=trouble.retry_s,
        error=trouble.error,
        remedy=trouble.remedy,
        held=trouble.held,
    )


# ---- a warehouse account


def _account_card(desk: Desk, account: WarehouseAccount) -> AccountCard:
    path = (account.merchant, account.name)
    names = [
        each.name
        for each in desk.daemon.config.connections.values()
        if (each.merchant, each.warehouse) == path
    ]
    unmatched, undecodable, latest, held = desk.daemon.state.read(
        lambda tx: (
            _count(tx, Table.UNMATCHED, *path),
            _count(tx, Table.PARKED, "/".join(path)),
            stock.latest(tx, path),
            stock.held(tx, path),
        )
    )
    return AccountCard(
        merchant=account.merchant,
        warehouse=account.name,
        platform=account.platform,
        connections=tuple(sorted(names)),
        unmatched=unmatched,
        undecodable=undecodable,
        latest=_snapshot(latest),
        held=_snapshot(held),
    )


def _snapshot(made: Generation | None) -> SnapshotShown | None:
    if made is None:
        return None
    return SnapshotShown(
        id=made.id,
        snapshot=made.snapshot,
        as_of_s=made.as_of_s,
        at_s=made.at_s,
        verdict=made.verdict,
        why=made.why,
        skus=made.skus,
        changed=made.changed,
        missing=made.missing,
        units=made.units,
        bad_rows=made.bad_rows,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/status",
        name="status",
        summary="Every connection, account and broken part",
        handle=status,
        query=Empty,
        body=Empty,
        answer=Status,
    ),
    Route(
        method="GET",
        path="/v1/status/{c}",
        name="status_of_one",
        summary="One connection and its warehouse account",
        handle=status_of_one,
        query=Empty,
        body=Empty,
        answer=Status,
    ),
)
