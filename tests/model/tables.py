"""What the model's ledger keeps: documents, attempts and the tables that survive a crash."""

from copy import copy
from enum import StrEnum

from msgspec import Struct, field

CANCELLED = "cancelled"


class Crash(BaseException):
    """The process is gone. Not an `Exception`: nothing in the algorithm may handle it."""


class Kind(StrEnum):
    LEVEL = "level"
    ACT = "act"


class Verb(StrEnum):
    SET = "set"
    CREATE = "create"
    AMEND = "amend"
    CANCEL = "cancel"


class Step(StrEnum):
    """How far a file has come, as far as is durable; a write to an API stays `OPENED`."""

    OPENED = "opened"
    UPLOADED = "uploaded"
    RENAMING = "renaming"
    SENT = "sent"
    WITHDRAWING = "withdrawing"


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    REFUSED_WHOLE = "refused whole"  # the request was refused without saying which document is at fault
    ABSENT = "absent"  # proven: it had no effect and never will
    UNKNOWABLE = "unknowable"


class Row(Struct, frozen=True, kw_only=True):
    """A document as its source shows it. `version` orders its states; `content` None is a cancellation."""

    key: str
    kind: Kind
    version: int
    content: str | None
    readable: bool = True


class Cursor(Struct, frozen=True, kw_only=True):
    """`mark`: all up to it was seen. A scan under way is at `position`; it began at source time `until`."""

    mark: int = 0
    position: int | None = None
    until: int = 0


class Document(Struct, frozen=True, kw_only=True):
    """The newest revision of a key, and what the sink holds of it."""

    key: str
    kind: Kind
    version: int
    revision: int = 0
    desired: str = CANCELLED  # digest of the hand-over fields, kept for ever
    content: str | None = None  # None once purged
    handed: bool = False  # an act: the sink has had it; never becomes False again
    shown: str | None = None  # the digest that the sink holds; None: nothing or unknown
    solo: bool = False  # goes alone, since a request with it was refused whole
    unsure_until: int = 0  # a level: until then an unanswered push may still overwrite a later one
    early: str | None = None  # a level: the digest accepted within that time


class Item(Struct, frozen=True, kw_only=True):
    key: str
    kind: Kind
    verb: Verb
    revision: int
    digest: str
    payload: str
    once: str  # the idempotency key
    reference: str


class Attempt(Struct, frozen=True, kw_only=True):
    """What is pushed, frozen. Repeated as it is or settled; never filled anew."""

    id: int
    name: str
    items: tuple[Item, ...]
    opened_at: int
    boot: int
    marker: str | None = None
    step: Step = Step.OPENED
    part_at: int = 0
    unsure_since: int | None = None


class Tables(Struct, kw_only=True):
    """All that is durable."""

    documents: dict[str, Document] = field(default_factory=dict)
    pending: dict[str, None] = field(default_factory=dict)  # ordered
    attempts: dict[int, Attempt] = field(default_factory=dict)
    parked: dict[str, str] = field(default_factory=dict)  # key → cause
    doubts: dict[str, tuple[Item, Attempt]] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)  # key → revision that the other side lacks
    links: dict[str, str] = field(default_factory=dict)  # reference → key
    cursor: Cursor = field(default_factory=Cursor)
    unready: dict[str, int] = field(default_factory=dict)  # key → version that could not be decoded
    last_id: int = 0

    def fork(self) -> "Tables":
        return Tables(**{name: copy(getattr(self, name)) for name in self.__struct_fields__})

    def busy(self) -> dict[str, Attempt]:
        return {item.key: attempt for attempt in self.attempts.values() for item in attempt.items}


class Abilities(Struct, frozen=True, kw_only=True):
    """What a plugin declares of one write. `batch`: documents of one request.

    R3: an attempt is one request (a file is one, too), opened when it may leave at once; in a larger one a
    crash would put documents in doubt that were never sent.
    R1: `retention_s` (repeat under the same key) and `lookup` are independent, not one choice of three:
    a sink with both is looked up once the retention has passed. Neither: `never`.
    R2: `visible_after_s` belongs to every write: the longest time after we gave up on a request until
    it has taken effect and is found, or never will.
    """

    retention_s: int | None = None
    lookup: bool = False
    visible_after_s: int = 0
    amends: bool = False
    cancels: bool = False
    batch: int = 3


def digest(content: str) -> str:
    """Identity of the hand-over fields; what follows `/` stands for the others, which are no change."""
    return "#" + content.partition("/")[0]


def owed(document: Document) -> Verb | None:
    """What the sink lacks. A cancelled act that was never handed over owes nothing."""
    if document.kind is Kind.LEVEL:
        return Verb.SET if document.shown != document.desired else None
    if not document.handed:
        return None if document.desired == CANCELLED else Verb.CREATE
    if document.shown == document.desired:
        return None
    return Verb.CANCEL if document.desired == CANCELLED else Verb.AMEND


def owner(t: Tables, key: str) -> str | None:
    """Who has the document: exactly one, or none because nothing is owed."""
    if key in t.busy():
        return "attempt"
    for name in ("doubts", "tasks", "unready", "parked", "pending"):
        if key in getattr(t, name):
            return name
    return None
