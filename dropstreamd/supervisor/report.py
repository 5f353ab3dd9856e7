"""Tells the outside what happens: logs, metrics, and whoever else listens."""

from collections.abc import Mapping, Sequence
from functools import partial

import trio

from dropstreamd.actors.actor import Listener
from dropstreamd.channels import order_audit, orders
from dropstreamd.channels.jobs import CHANNELS, flows
from dropstreamd.channels.order_audit import Audited
from dropstreamd.channels.run import Scope
from dropstreamd.platform.circuit import Circuits
from dropstreamd.store import stock, switches
from dropstreamd.store.base import Reader
from dropstreamd.store.runs import Result, RunRecord
from dropstreamd.store.switches import CONNECTION
from dropstreamd.store.tables import Table
from dropstreamd.supervisor.daemon import Daemon
from dropstreamd.telemetry import DocumentEvent, Metrics, RunResult, get_logger

_log = get_logger(__name__)

GAUGES_S = 30.0
"""How often what is counted from the state is counted."""

COUNT_LIMIT = 10_000
"""A backlog is counted this far."""

_RESULTS: Mapping[Result, RunResult] = {
    "done": RunResult.OK,
    "unfinished": RunResult.UNFINISHED,
    "failed": RunResult.WAIT,
    "held": RunResult.HOLD,
    "stopped": RunResult.CANCELLED,
    "crashed": RunResult.CRASH,
}

_EVENTS: Mapping[str, DocumentEvent] = {
    "staged": DocumentEvent.STAGED,
    "accepted": DocumentEvent.PUSHED,
    "pushed": DocumentEvent.PUSHED,
    "refused": DocumentEvent.REFUSED,
    "parked": DocumentEvent.PARKED,
    "in_doubt": DocumentEvent.IN_DOUBT,
}


class Report:
    """A `Listener`: logs and counts what runs do, and passes it on to the others."""

    def __init__(self, metrics: Metrics, names: Mapping[str, str], others: Sequence[Listener]) -> None:
        self._metrics = metrics
        self._names = names
        self._others = others

    def _name(self, connection: str) -> str:
        return self._names.get(connection, connection)

    def run_began(self, connection: str, channel: str, record: RunRecord) -> None:
        name = self._name(connection)
        self._metrics.run_started(name, channel, record.job, record.late_s)
        _log.info(
            "run_began",
            connection=name,
            channel=channel,
            job=record.job,
            run=record.id,
            trigger=record.trigger,
            fires=record.fires,
            late_s=round(record.late_s, 3),
        )
        for other in self._others:
            other.run_began(connection, channel, record)

    def run_ended(self, connection: str, channel: str, record: RunRecord) -> None:
        name = self._name(connection)
        duration_s = max(0.0, record.ended_s - record.started_s)
        self._metrics.run_finished(name, channel, record.job, _RESULTS[record.result], duration_s)
        for what, total in record.counts.items():
            if what in _EVENTS:
                self._metrics.documents(name, channel, _EVENTS[what], total)
        write = _log.info if record.result in ("done", "stopped") else _log.warning
        write(
            "run_ended",
            connection=name,
            channel=channel,
            job=record.job,
            run=record.id,
            result=record.result,
            duration_s=round(duration_s, 3),
            counts=record.counts,
            **({"reason": record.error, "remedy": record.remedy} if record.error else {}),
        )
        for other in self._others:
            other.run_ended(connection, channel, record)

    def counted(self, run: str, what: str, total: int) -> None:
        for other in self._others:
            other.counted(run, what, total)

    def next_fire(self, connection: str, channel: str, job: str, at_s: float | None) -> None:
        self._metrics.set_next_fire(self._name(connection), channel, job, at_s)
        for other in self._others:
            other.next_fire(connection, channel, job, at_s)


class Gauges:
    """Counts what is in the state, every now and then, for the metrics."""

    def __init__(self, metrics: Metrics, daemon: Daemon, circuits: Circuits) -> None:
        self._metrics = metrics
        self._daemon = daemon
        self._circuits = circuits
        self._known: set[str] = set()
        self._accounts: set[str] = set()
        self._open: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.count()
            await trio.sleep(GAUGES_S)

    async def count(self) -> None:
        """Count once."""
        daemon, metrics = self._daemon, self._metrics
        size = daemon.state.size()
        metrics.set_store_size(size.used_bytes, size.limit_bytes)
        metrics.set_store_full(full=size.full)
        metrics.set_cannot_run(len(daemon.broken))
        names = {each.name for each in daemon.config.connections.values()}
        for gone in self._known - names:
            metrics.remove_connection(gone)
        self._known = names
        for connection_id in list(daemon.config.connections):
            self._of_connection(connection_id)
            await trio.lowlevel.checkpoint()
        self._of_accounts()

    def _of_accounts(self) -> None:
        daemon, metrics = self._daemon, self._metrics
        for path in daemon.feeds:
            unmatched, undecodable, held, kept = daemon.state.read(partial(_told_by, path=path))
            metrics.set_unmatched("/".join(path), unmatched)
            metrics.set_undecodable("/".join(path), undecodable)
            metrics.set_snapshot_held("/".join(path), held=held)
            metrics.set_skus_kept("/".join(path), kept)
        accounts = self._used_accounts()
        for gone in self._accounts - accounts:
            metrics.remove_account(gone)
        self._accounts = accounts
        for circuit in self._circuits.all():
            # One that has rested is no sounder for that: a call has to get through first.
            failing = circuit.state != "closed" and circuit.account in accounts
            if circuit.account in accounts:
                metrics.set_circuit_open(circuit.account, is_open=failing)
            self._tell_circuit(circuit.account, failing)

    def _used_accounts(self) -> set[str]:
        """As metrics name them: those that calls go to, and the warehouses'."""
        config, used = self._daemon.config, {"/".join(path) for path in self._daemon.feeds}
        for connection in config.connections.values():
            used |= {connection.store.account_key, config.account(connection).account_key}
        return used

    def _tell_circuit(self, account: str, is_open: bool) -> None:
        if is_open and account not in self._open:
            self._open.add(account)
            _log.warning("circuit_opened", account=account)
        elif not is_open and account in self._open:
            self._open.discard(account)
            _log.info("circuit_closed", account=account)

    def _of_connection(self, connection_id: str) -> None:
        daemon, metrics = self._daemon, self._metrics
        connection, supervisor = (
            daemon.config.connections.get(connection_id),
            daemon.connections.get(connection_id),
        )
        if connection is None or supervisor is None:
            return  # a reload took it away meanwhile
        name = connection.name
        switch = daemon.state.read(partial(_switched_on, connection=connection_id))
        up = None if not switch else supervisor.faults.troubling == 0 and not supervisor.ended.is_set()
        metrics.set_connection_up(name, up=up)
        for channel in CHANNELS:
            pending, parked, doubt, tasks = daemon.state.read(
                partial(backlog, connection=connection_id, channel=channel)
            )
            metrics.set_backlog(name, channel, pending=pending, parked=parked, in_doubt=doubt, tasks=tasks)
        self._of_audit(supervisor.scope)
        for channel, actor in supervisor.actors.items():
            for job, agenda in actor.agendas.items():
                since_s = daemon.state.read(agenda.enabled_since_s)
                interval_s = agenda.longest_gap_s(daemon.clock.now_s())
                if since_s is None or interval_s is None:
                    metrics.job_disarmed(name, channel, job)
                    continue
                metrics.job_armed(name, channel, job, since_at_s=since_s, interval_s=interval_s)
                last_s = agenda.followed().last_success_s
                if last_s:
                    metrics.set_last_success(name, channel, job, last_s)

    def _of_audit(self, scope: Scope) -> None:
        """What the last audit found and is so still; before the first one, and while orders do not flow,
        there is nothing to say."""
        found = self._daemon.state.read(partial(_audited, scope=scope))
        if found is not None:
            self._metrics.set_audited(
                scope.connection.name,
                unaccounted=found.unaccounted.count,
                overdue=found.overdue.count,
                at_s=found.counts_from_s,
            )


def _audited(tx: Reader, scope: Scope) -> Audited | None:
    return order_audit.by_now(tx, scope) if imports(tx, scope.connection.id) else None


def imports(tx: Reader, connection: str) -> bool:
    """Whether its orders are to flow."""
    return all(switches.get(tx, connection, name).on for name in (CONNECTION, orders.CHANNEL))


def _switched_on(tx: Reader, connection: str) -> bool:
    return switches.get(tx, connection, CONNECTION).on


def backlog(tx: Reader, connection: str, channel: str) -> tuple[int, int, int, int]:
    """How many documents are pending, parked and in doubt, and how many tasks there are; each
    counted up to a limit."""

    its = flows(tx, connection, channel)

    def count(table: Table, *path: str) -> int:
        return sum(1 for flow in its for _ in tx.scan(table, (connection, flow, *path), limit=COUNT_LIMIT))

    return (
        count(Table.PENDING),
        count(Table.PARKED, "parked") + count(Table.PARKED, "bad"),
        count(Table.PARKED, "doubt"),
        count(Table.TASKS),
    )


def _told_by(tx: Reader, path: stock.Path) -> tuple[int, int, bool, int]:
    """Of what a warehouse account told: the rows that belong to nobody, what could not be read (each counted
    up to a limit), whether a snapshot is held, and how many SKUs the newest one lacks that have stock."""
    unmatched = sum(1 for _ in tx.scan(Table.UNMATCHED, path, limit=COUNT_LIMIT))
    undecodable = sum(1 for _ in tx.scan(Table.PARKED, ("/".join(path),), limit=COUNT_LIMIT))
    latest = stock.latest(tx, path)
    kept = 0 if latest is None else latest.kept
    return unmatched, undecodable, stock.held(tx, path) is not None, kept
