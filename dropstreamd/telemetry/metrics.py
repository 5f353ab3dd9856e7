"""The daemon's metrics: what each means, and one method for each thing that happens.

Labels are few and bounded. `connection` is the connection's name, `channel` and `job` are the fixed
names of DropStream's flows, `account` names a store or warehouse account, which outlives
connections; results and events come from the enums below. Histograms have no `connection`.
"""

import platform
from collections.abc import Callable
from enum import StrEnum

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from dropstreamd.telemetry.families import Families

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_JOB = ("connection", "channel", "job")
_CHANNEL = ("connection", "channel")
_RUN_BOUNDS_S = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
_SHORT_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class RunResult(StrEnum):
    """How a run ended."""

    OK = "ok"
    UNFINISHED = "unfinished"  # nothing failed, and not everything was looked at
    WAIT = "wait"  # passing trouble: the next run may succeed
    HOLD = "hold"  # a person must act
    CANCELLED = "cancelled"  # switched off or stopped
    CRASH = "crash"  # a bug


class DocumentEvent(StrEnum):
    """What happened to a document; counted once each time."""

    STAGED = "staged"
    PUSHED = "pushed"  # accepted by the other side
    REFUSED = "refused"
    PARKED = "parked"
    IN_DOUBT = "in_doubt"


class CallResult(StrEnum):
    """How a call to a platform ended, by the error that the caller saw."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    OUTCOME_UNKNOWN = "outcome_unknown"
    AUTH_FAILED = "auth_failed"
    MISCONFIGURED = "misconfigured"
    PROTOCOL_MISMATCH = "protocol_mismatch"


class Metrics:
    """All metrics of one daemon.

    Methods may be called from any thread and never fail. Durations are seconds, instants (`…_at_s`)
    seconds since the Unix epoch. `cap` bounds the label sets of each metric.
    """

    def __init__(self, *, now_s: Callable[[], float], version: str, cap: int = 50_000) -> None:
        self._now_s = now_s
        self.families = Families(cap=cap)
        self.registry = self.families.registry
        self._declare_jobs()
        self._declare_documents()
        self._declare_accounts()
        self._declare_process()
        self._build.set(1, version, platform.python_version())
        self._started.set(now_s())
        self._running.set(0)

    def render(self) -> bytes:
        """The exposition, as `CONTENT_TYPE`. Takes long with many series: call it in a thread."""
        return self.families.render()

    # ---- jobs and runs

    def job_armed(
        self, connection: str, channel: str, job: str, *, since_at_s: float, interval_s: float
    ) -> None:
        """The job is switched on, since then; a success is due every `interval_s`.

        `since_at_s` is when its switch was last turned on, not when the process started, and
        `interval_s` the longest gap between fires that its schedule has: the alert on a silent stop
        compares both with the last success.
        """
        self._armed.set(since_at_s, connection, channel, job)
        self._interval.set(interval_s, connection, channel, job)
        self._held.add(0, connection, channel, job)

    def job_disarmed(self, connection: str, channel: str, job: str) -> None:
        """The job is off, or has no schedule: nothing is expected of it."""
        for gauge in (self._armed, self._interval, self._held, self._next_fire, self._lateness):
            gauge.clear(connection, channel, job)

    def set_next_fire(self, connection: str, channel: str, job: str, at_s: float | None) -> None:
        """When the job fires next; None where nothing is scheduled."""
        if at_s is None:
            self._next_fire.clear(connection, channel, job)
        else:
            self._next_fire.set(at_s, connection, channel, job)

    def set_last_success(self, connection: str, channel: str, job: str, at_s: float) -> None:
        """From the state, at start: when the job last succeeded."""
        self._last_success.set(at_s, connection, channel, job)

    def run_started(self, connection: str, channel: str, job: str, lateness_s: float) -> None:
        """A run begins, so long after it was due (0 for one on demand)."""
        self._running.add(1)
        self._lateness.set(lateness_s, connection, channel, job)

    def run_finished(
        self, connection: str, channel: str, job: str, result: RunResult, duration_s: float
    ) -> None:
        """A run that was started ended now, after so long."""
        self._running.add(-1)
        self._runs.add(1, connection, channel, job, result)
        self._durations.observe(duration_s, channel, job)
        self._last_duration.set(duration_s, connection, channel, job)
        if result is RunResult.OK:
            self._last_success.set(self._now_s(), connection, channel, job)
        if result in (RunResult.OK, RunResult.HOLD):
            self._held.set(float(result is RunResult.HOLD), connection, channel, job)

    # ---- documents

    def documents(self, connection: str, channel: str, event: DocumentEvent, count: int) -> None:
        """So many documents were staged, pushed, refused, parked or left in doubt."""
        self._documents.add(count, connection, channel, event)

    def set_backlog(
        self, connection: str, channel: str, *, pending: int, parked: int, in_doubt: int, tasks: int
    ) -> None:
        """How many documents are pending, parked and in doubt now, and how many tasks are open."""
        self._pending.set(pending, connection, channel)
        self._parked.set(parked, connection, channel)
        self._in_doubt.set(in_doubt, connection, channel)
        self._tasks.set(tasks, connection, channel)

    # ---- connections and accounts

    def set_connection_up(self, connection: str, *, up: bool | None) -> None:
        """Whether a connection that is switched on runs; None for one that is off."""
        if up is None:
            self._up.clear(connection)
        else:
            self._up.set(float(up), connection)

    def remove_connection(self, connection: str) -> None:
        """Forget every series of a connection that is no longer configured."""
        self.families.remove("connection", connection)

    def call_finished(self, account: str, result: CallResult) -> None:
        """A call to a platform ended."""
        self._calls.add(1, account, result)

    def throttled(self, account: str) -> None:
        """The platform asked for fewer calls, or its budget was seen to be empty."""
        self._throttles.add(1, account)

    def set_circuit_open(self, account: str, *, is_open: bool) -> None:
        """Whether calls to the account have kept failing, and none has got through since."""
        self._circuit.set(float(is_open), account)

    def set_unmatched(self, account: str, count: int) -> None:
        """How many of a warehouse account's rows belong to no order that we know."""
        self._unmatched.set(count, account)

    def set_undecodable(self, account: str, count: int) -> None:
        """How many files, rows and documents of a warehouse account could not be read."""
        self._undecodable.set(count, account)

    def set_snapshot_held(self, account: str, *, held: bool) -> None:
        """Whether a snapshot of a warehouse account's stock waits for a person."""
        self._snapshot_held.set(float(held), account)

    def set_skus_kept(self, account: str, count: int) -> None:
        """How many SKUs keep their stock, though a warehouse's newest believed snapshot lacks them."""
        self._skus_kept.set(count, account)

    def set_cannot_run(self, count: int) -> None:
        """How many parts of the configuration cannot run as their files are."""
        self._cannot_run.set(count)

    def set_audited(self, connection: str, *, unaccounted: int, overdue: int, at_s: float) -> None:
        """What the newest order audit of a connection found, and when one looked at all orders last."""
        self._unaccounted.set(unaccounted, connection)
        self._overdue.set(overdue, connection)
        self._audited.set(at_s, connection)

    def not_audited(self, connection: str) -> None:
        """A connection whose orders are not imported is not audited."""
        for gauge in (self._unaccounted, self._overdue, self._audited):
            gauge.clear(connection)

    def remove_account(self, account: str) -> None:
        """Forget every series of an account that nothing uses any more."""
        self.families.remove("account", account)

    # ---- store and loop

    def set_store_size(self, size_bytes: int, limit_bytes: int) -> None:
        """How much of the state's map is used, and how large it may grow."""
        self._store_size.set(size_bytes)
        self._store_limit.set(limit_bytes)

    def set_store_full(self, *, full: bool) -> None:
        """Whether runs are held because the map or the disk is full."""
        self._store_full.set(float(full))

    def set_writer_queue(self, length: int) -> None:
        """How many writes wait for the writer."""
        self._writer_queue.set(length)

    def commit_finished(self, duration_s: float) -> None:
        """A write transaction was committed, durably."""
        self._commits.observe(duration_s)

    def loop_lag(self, lag_s: float, worst_s: float) -> None:
        """The loop was so late just now, and at worst in the last minute."""
        self._lag.observe(lag_s)
        self._worst_lag.set(worst_s)

    # ---- declarations

    def _declare_jobs(self) -> None:
        declare = self.families
        self._runs = declare.counter("runs_total", "Runs ended, by result.", (*_JOB, "result"))
        self._durations = declare.histogram(
            "run_duration_seconds", "How long runs took.", ("channel", "job"), _RUN_BOUNDS_S
        )
        self._running = declare.gauge("runs_running", "Runs going on.", ())
        self._last_duration = declare.gauge(
            "job_last_run_duration_seconds", "How long the job's last run took.", _JOB
        )
        self._last_success = declare.gauge(
            "job_last_success_timestamp_seconds", "When the job last succeeded.", _JOB
        )
        self._next_fire = declare.gauge("job_next_fire_timestamp_seconds", "When the job fires next.", _JOB)
        self._armed = declare.gauge(
            "job_armed_timestamp_seconds", "When the job was last switched on; absent while it is off.", _JOB
        )
        self._interval = declare.gauge(
            "job_interval_seconds", "Longest gap between fires in the job's schedule.", _JOB
        )
        self._lateness = declare.gauge(
            "job_lateness_seconds", "How long after it was due the job's last run began.", _JOB
        )
        self._held = declare.gauge("job_held", "1 while the job waits for a person to act.", _JOB)

    def _declare_documents(self) -> None:
        declare = self.families
        self._documents = declare.counter(
            "documents_total", "Documents staged, pushed, refused, parked, in doubt.", (*_CHANNEL, "event")
        )
        self._pending = declare.gauge("documents_pending", "Documents waiting to be pushed.", _CHANNEL)
        self._parked = declare.gauge(
            "documents_parked", "Documents set aside until a cause is gone.", _CHANNEL
        )
        self._in_doubt = declare.gauge(
            "documents_in_doubt", "Documents of which nobody knows whether they had their effect.", _CHANNEL
        )
        self._unaccounted = declare.gauge(
            "orders_unaccounted",
            "Orders open in the store and not so here, by the last audit, less those told of since.",
            ("connection",),
        )
        self._overdue = declare.gauge(
            "orders_overdue",
            "Orders that have not left past their ship-by, of those that the last audit found.",
            ("connection",),
        )
        self._audited = declare.gauge(
            "orders_audited_timestamp_seconds",
            "When all orders were last audited; absent while they are not imported.",
            ("connection",),
        )
        self._tasks = declare.gauge("tasks_open", "Tasks that wait for a person.", _CHANNEL)

    def _declare_accounts(self) -> None:
        declare = self.families
        self._up = declare.gauge(
            "connection_up",
            "1 while the connection runs, 0 while it should; absent while it is off.",
            ("connection",),
        )
        self._calls = declare.counter("calls_total", "Calls to platforms, by result.", ("account", "result"))
        self._throttles = declare.counter(
            "throttles_total", "Times that a platform asked for fewer calls.", ("account",)
        )
        self._circuit = declare.gauge(
            "circuit_open", "1 while calls to the account keep failing and are held back.", ("account",)
        )
        self._unmatched = declare.gauge(
            "unmatched_rows", "A warehouse's rows that belong to no known order.", ("account",)
        )
        self._undecodable = declare.gauge(
            "undecodable", "A warehouse's files, rows and documents that could not be read.", ("account",)
        )
        self._snapshot_held = declare.gauge(
            "snapshot_held", "1 while a snapshot of a warehouse's stock waits for a person.", ("account",)
        )
        self._skus_kept = declare.gauge(
            "skus_kept",
            "SKUs that keep their stock, though a warehouse's newest snapshot lacks them.",
            ("account",),
        )
        self._cannot_run = declare.gauge(
            "cannot_run", "Connections, warehouses and merchants whose files keep them from running.", ()
        )

    def _declare_process(self) -> None:
        declare = self.families
        self._store_size = declare.gauge("store_size_bytes", "Size of the state in use.", ())
        self._store_limit = declare.gauge("store_limit_bytes", "Largest size the state may grow to.", ())
        self._store_full = declare.gauge("store_full", "1 while runs are held for want of space.", ())
        self._writer_queue = declare.gauge(
            "store_writer_queue_length", "Writes that wait for the writer.", ()
        )
        self._commits = declare.histogram(
            "store_commit_duration_seconds", "How long durable commits took.", (), _SHORT_BOUNDS_S
        )
        self._lag = declare.histogram(
            "loop_lag_seconds", "How late the event loop woke a timer.", (), _SHORT_BOUNDS_S
        )
        self._worst_lag = declare.gauge(
            "loop_lag_max_seconds", "Worst lag of the event loop in the last minute.", ()
        )
        self._started = declare.gauge("start_timestamp_seconds", "When the daemon started.", ())
        self._build = declare.gauge("build_info", "Always 1; the versions in use.", ("version", "python"))
