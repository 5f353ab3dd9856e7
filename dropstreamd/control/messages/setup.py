"""Setting up: tests of both sides, preflight, sample files, secrets, reload, backup."""

from typing import Literal

import msgspec

from dropstreamd.config.changes import Changes
from dropstreamd.control.messages.runs import Backlog, Side
from dropstreamd.control.messages.status import ElsewhereShown
from dropstreamd.errors import Problem
from dropstreamd.model.shipments import Package
from dropstreamd.model.stock import StockRow

FailureKind = Literal[
    "credentials",
    "permission",
    "address",
    "host key",
    "TLS",
    "network",
    "outage",
    "rate limit",
    "protocol",
    "settings",
    "deadline",
]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a side, and what to do."""

    kind: FailureKind
    message: str
    remedy: str


class FindingShown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: `ok`, or what is wrong and what to do. With a `remedy` one that is ok is
    a note."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


class TestSides(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Test one side, or both where `side` is None. `write` also proves that a file can be put, renamed
    and removed."""

    side: Side | None = None
    write: bool = False


class SideTested(msgspec.Struct, frozen=True, kw_only=True):
    """One side: well if `failure` is None and every finding is ok."""

    side: Side
    platform: str
    ok: bool
    findings: tuple[FindingShown, ...]
    failure: Failure | None = None


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides, or the one asked for."""

    ok: bool
    sides: tuple[SideTested, ...]


class LevelChange(msgspec.Struct, frozen=True, kw_only=True):
    """A level that a Full Sync would change, at a `location` where the store has several; `before` None:
    the store was never told of it."""

    sku: str
    before: int | None
    after: int
    location: str = ""


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """How many there are, and the first 100, sorted. `known` is False where nobody looked: `why` says what
    was in the way, and is empty where a side was asked and did not tell."""

    count: int
    names: tuple[str, ...] = ()
    known: bool = True
    why: str = ""


class NearSku(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU of the store that the warehouse lacks, and those that it has and that may be `meant`."""

    sku: str
    meant: tuple[str, ...]


class SampleOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it would be sent: the file's name (or key) and its text. Nothing was sent. Where it
    could not be made, `problem` says why. Where none was `imported` yet it is one of the store's."""

    number: str
    name: str
    text: str
    problem: str = ""
    imported: bool = True


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    """What a person must know before the first order."""

    sides: tuple[SideTested, ...]
    store_skus_unmatched: Names
    """SKUs of the store that the warehouse does not have under their listing."""
    warehouse_skus_unmatched: Names
    """SKUs of the warehouse that the store does not sell."""
    store_skus_twice: Names
    warehouse_skus_twice: Names
    methods_unmapped: Names
    carriers_unmapped: Names
    overlaps: tuple[str, ...]
    """What this connection shares with others, in sentences."""
    sample_order: SampleOrder | None
    """None where no order waits here, or where `sample_unseen` says why none could be made."""
    levels_changed: Names
    level_examples: tuple[LevelChange, ...]
    backlog: Backlog
    sample_unseen: str = ""
    shipments_refused: tuple[str, ...] = ()
    """What the store needs of every shipment and the warehouse never tells, in sentences."""
    skus_hidden: Names = Names(count=0)
    """SKUs that both have, and that a listing sells under another name: in the store they get no level."""
    skus_near: Names = Names(count=0)
    """Those of `store_skus_unmatched` that the warehouse may have in another spelling."""
    near_examples: tuple[NearSku, ...] = ()


class TryFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sample of what a warehouse sends; `content` is base64 in JSON, at most 10 MiB of file."""

    merchant: str
    warehouse: str
    name: str
    content: bytes


class BadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that cannot be read: where, why, and the first of it as it stands."""

    place: str
    reason: str
    text: str


class FileTried(msgspec.Struct, frozen=True, kw_only=True):
    """What is made of a file: its kind and the first 200 of each, with the counts of all."""

    kind: str
    package_count: int
    stock_count: int
    bad_count: int
    packages: tuple[Package, ...]
    stock: tuple[StockRow, ...]
    bad: tuple[BadRow, ...]
    findings: tuple[FindingShown, ...]


class SecretNames(msgspec.Struct, frozen=True, kw_only=True):
    """Names only: no value is ever shown."""

    names: tuple[str, ...]


class DeleteSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where somebody uses it, it is refused (`unconfirmed`, with who is `known`) until that is agreed to by
    its name, as `shown`, or `confirmed` whoever it is."""

    confirmed: bool = False
    shown: str = ""


class PutSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret's value."""

    value: str

    def __repr__(self) -> str:
        return "PutSecret(…)"


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets that the files of a connection (its name) or of its warehouse account name, and that the
    daemon cannot read."""

    connection: str
    problems: tuple[Problem, ...]


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What changed, by connection id; `names` tells the name of each id, also of what was removed.
    `unreadable` connections were taken over too, and their runs fail until the secrets are there; those that
    lead `elsewhere` than before (by id) likewise, until a person says that it is the same account. `still_on`
    are those of the added that were here before, and switched on. `left_behind` is what was open under an id
    that no file has any more, where a new connection seems to be the same one."""

    changes: Changes
    names: dict[str, str]
    unreadable: tuple[Unreadable, ...] = ()
    elsewhere: dict[str, tuple[ElsewhereShown, ...]] = {}
    still_on: tuple[str, ...] = ()
    left_behind: tuple[ElsewhereShown, ...] = ()


class MakeBackup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`target` is the absolute path of a folder that is not there yet."""

    target: str


class BackupMade(msgspec.Struct, frozen=True, kw_only=True):
    """A verified backup; `rows` of each table."""

    target: str
    made_at_s: float
    rows: dict[str, int]


class StoreShown(msgspec.Struct, frozen=True, kw_only=True):
    """Which store account the connection's state is about, None before its first run, and which one its
    file names now."""

    connection: str
    belongs_to: str | None
    configured: str


class SameStore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That `account` (`StoreShown.configured`) is the shop that the state is about."""

    account: str


class WarehouseShown(msgspec.Struct, frozen=True, kw_only=True):
    """Which warehouse the connection's state is about, None before its first run, and which one its files
    name now: merchant, name and account. `under_way` says what is at the former and not settled."""

    connection: str
    belongs_to: str | None
    configured: str
    under_way: str


class SameWarehouse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That `warehouse` (`WarehouseShown.configured`) is the one that the state is about. Refused (409) where
    the old one still stands in the files, or the new one has been another's."""

    warehouse: str


class Approve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The held snapshot that a person has looked at: `SnapshotShown.id`. Refused (409 `changed`) if another
    one is held by now."""

    generation: str


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """The held snapshot is believed from now on."""

    snapshot: str
    changed: int
    why: str
