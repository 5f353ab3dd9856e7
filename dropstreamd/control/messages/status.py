"""What `status` shows: connection cards, warehouse accounts, and everything that does not run.

Times end in `_s` and are seconds since the Unix epoch, durations are seconds.
"""

import msgspec

from dropstreamd.control.messages.runs import RunShown
from dropstreamd.errors import Problem


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many; `more` where counting stopped at a bound."""

    count: int
    more: bool = False


class SwitchShown(msgspec.Struct, frozen=True, kw_only=True):
    """On or off since when and by whom; `first_on_s` is when it was turned on for the first time."""

    on: bool
    since_s: float = 0.0
    who: str = ""
    first_on_s: float | None = None


class TroubleShown(msgspec.Struct, frozen=True, kw_only=True):
    """A job's failures in a row; none where its last run was cut off or is unfinished. It is tried again at
    `retry_s`; `held`: a person must act first."""

    failures: int
    retry_s: float
    error: str
    remedy: str
    held: bool


class JobCard(msgspec.Struct, frozen=True, kw_only=True):
    """One job. Where it is not `supported`, `reason` says why and nothing else is set.

    `rules` is empty for a job that runs only when asked. `next_s` is None while a switch is off, and
    for a manual job. `late_s` is how long a fire has waited for its run. `waiting`: a run was asked for
    and has not begun.
    """

    job: str
    title: str
    supported: bool
    reason: str = ""
    rules: tuple[str, ...] = ()
    timezone: str = ""
    next_s: float | None = None
    late_s: float = 0.0
    waiting: bool = False
    last: RunShown | None = None
    last_success_s: float = 0.0
    trouble: TroubleShown | None = None


class WorkShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel has to do: for its next run (`pending`), for a person (the others).

    `parked` waits for its cause to go, `held` for the store or for `--since`, `undecodable` came in a
    form that cannot be read. Of inventory, `pending` are SKUs and `parked` are those refused.
    """

    pending: Counted
    parked: Counted
    held: Counted
    in_doubt: Counted
    undecodable: Counted
    tasks: Counted


class ChannelCard(msgspec.Struct, frozen=True, kw_only=True):
    """One channel: it runs where its switch and the connection's are on. `running` has live counts."""

    channel: str
    switch: SwitchShown
    jobs: tuple[JobCard, ...]
    work: WorkShown
    running: RunShown | None = None


class OrderAuditCard(msgspec.Struct, frozen=True, kw_only=True):
    """What the newest order audit counted (`audits.OrdersAudited`), less what was put right since, as far as
    that is known here."""

    at_s: float
    looked_at: int
    unaccounted: int
    overdue: int
    trouble: str


class ElsewhereShown(msgspec.Struct, frozen=True, kw_only=True):
    """Why the runs of a connection are held: its file leads to another store or warehouse than before. Or
    what stays behind under an id that it had."""

    error: str
    remedy: str


class ConnectionCard(msgspec.Struct, frozen=True, kw_only=True):
    """One connection. `crashes` are faults of ours in a row, `crash` names the last one. `restored_s` is
    when the state was brought back from a backup, 0 if it never was: orders placed before are held; `waits`
    says what its levels wait for since, "" for nothing. `audit` is None before the first one. `unreadable`:
    secrets that are named for it and cannot be read; `elsewhere`: its file leads to another store or
    warehouse than before."""

    id: str
    name: str
    merchant: str
    warehouse: str
    store_platform: str
    warehouse_platform: str
    switch: SwitchShown
    channels: tuple[ChannelCard, ...]
    crashes: int = 0
    crash: str = ""
    restored_s: float = 0.0
    audit: OrderAuditCard | None = None
    unreadable: tuple[Problem, ...] = ()
    waits: str = ""
    elsewhere: tuple[ElsewhereShown, ...] = ()


class SnapshotShown(msgspec.Struct, frozen=True, kw_only=True):
    """One complete snapshot of a warehouse's stock and what was made of it: `verdict` is applied,
    held (waits for approval, or for a sound one) or superseded; `why` says why. `adjusted`: differences that
    were told by themselves."""

    id: str
    snapshot: str
    as_of_s: float
    at_s: float
    verdict: str
    why: str
    skus: int
    changed: int
    missing: int
    units: int
    bad_rows: int


class AccountCard(msgspec.Struct, frozen=True, kw_only=True):
    """One warehouse account, shared by `connections` (names). `unmatched` are packages and receipts of
    nothing that is known, and what the warehouse spoke of whose connection is away; `undecodable` packages
    and rows that cannot be read."""

    merchant: str
    warehouse: str
    platform: str
    connections: tuple[str, ...]
    unmatched: Counted
    undecodable: Counted
    latest: SnapshotShown | None = None
    held: SnapshotShown | None = None


class BrokenCard(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the configuration that cannot run: a merchant, a warehouse or a connection."""

    kind: str
    name: str
    id: str | None
    problems: tuple[Problem, ...]


class PluginCard(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that did not load."""

    name: str
    origin: str
    problem: str
    remedy: str


class CircuitCard(msgspec.Struct, frozen=True, kw_only=True):
    """An account that is not called for `rests_s` more, because its last calls failed, the newest with this
    `error`. 0: the next call, of whichever run, tries it."""

    account: str
    state: str
    failures: int
    rests_s: float
    error: str = ""
    remedy: str = ""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at a glance. `plugins` are those that did not load, `circuits` those not closed."""

    at_s: float
    version: str
    connections: tuple[ConnectionCard, ...]
    accounts: tuple[AccountCard, ...]
    broken: tuple[BrokenCard, ...]
    plugins: tuple[PluginCard, ...]
    circuits: tuple[CircuitCard, ...]
    state_used_bytes: int
    state_limit_bytes: int
