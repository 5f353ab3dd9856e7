"""What the ledger keeps: one record a document, an attempt, a task, a run.

Records are small Structs encoded as MessagePack arrays; fields are only ever added at the end.
"""

from enum import StrEnum
from typing import Literal, NamedTuple

import msgspec


class Flow(NamedTuple):
    """One channel of one connection: where documents of a kind move."""

    connection: str
    channel: str


class State(StrEnum):
    """Who owns a document. Each is in exactly one, so that none is ever without an owner."""

    PENDING = "pending"  # the next run's: something is to be handed over
    OPEN = "open"  # an attempt's
    ACCEPTED = "accepted"  # the other side's
    PARKED = "parked"  # waits for its cause to go
    HELD = "held"  # waits for the store, or for a person's `--since`
    DOUBT = "doubt"  # a person's: nobody can tell whether it was handed over
    VOID = "void"  # nobody's: nothing was left to hand over


class Standing(StrEnum):
    """What the source says of a document, as far as a hand-over goes."""

    READY = "ready"
    HELD = "held"
    OVER = "over"


Stopping = Literal["", "sent", "done", "refused"]

Stay = Literal["", "held", "withdrawn", "shipped"]
"""A person's word on a document: it waits, it is not wanted any more, it left in another way."""

Purpose = Literal["new", "change", "stop"]
"""What an attempt is to do with a document at the other side."""


class Event(msgspec.Struct, frozen=True, array_like=True):
    """One step in a document's life, for `explain`."""

    at_s: float
    run: str
    text: str


HISTORY = 40
"""Events kept for one document; the oldest of the middle go first, the first one stays."""


class Document(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """An act: an order, a package, a return. Levels have a record of their own.

    `revision` counts changes of the hand-over fields, `digest` names the newest; `accepted` and
    `accepted_digest` are those the other side took, 0 and empty before. `sent` is what a resolve
    made of it for the attempt that was accepted, or the newest before there is one: later steps
    refer to it. `offered` is that of an amendment, until it is accepted. `proven`: the other side
    spoke of it before its first attempt was settled, so that it has it. `stopped`: a person stopped
    it there after its hand-over; it is not amended any more. `passed` names the rules that a person
    let this revision pass. `stopping` is how far its cancellation at the other side has come, `word` the
    other side's newest word on it (`model.acknowledgements.Verdict`) and `heard` the keys of its newest
    ones, `short` whether it closed it with units left to send, `late` whether it shipped some after the
    source took it back, `left_after_all` whether a person says that it shipped though it had ended by hand.
    """

    state: State
    standing: Standing
    revision: int
    digest: bytes
    content: bytes
    number: str
    accepted: int = 0
    accepted_digest: bytes = b""
    remote: str = ""
    attempt: str = ""
    cause: str = ""
    reason: str = ""
    by_sink: bool = False
    reference: str = ""
    sent: bytes = b""
    first_s: float = 0.0
    changed_s: float = 0.0
    handed_s: float = 0.0
    history: tuple[Event, ...] = ()
    offered: bytes = b""
    proven: bool = False
    stopped: bool = False
    passed: tuple[str, ...] = ()
    stopping: Stopping = ""
    word: str = ""
    heard: tuple[str, ...] = ()
    short: bool = False
    late: bool = False
    stay: Stay = ""
    stay_why: str = ""
    resent: int = 0
    override: bytes = b""
    overrode: bytes = b""
    replaces: str = ""
    purged: bool = False
    left_after_all: bool = False

    @property
    def owes_stop(self) -> bool:
        """Whether a person took it back after its hand-over, and the other side was not asked yet."""
        return self.stay == "withdrawn" and self.accepted > 0 and not self.stopped and not self.stopping

    @property
    def changed_since_accepted(self) -> bool:
        return self.accepted > 0 and self.digest != self.accepted_digest


class AttemptKey(msgspec.Struct, frozen=True, array_like=True):
    """A document in an attempt. For a level `revision` is its quantity, `digest` what was reported.
    `cancel`: the attempt is to stop what was handed over."""

    key: str
    revision: int
    digest: bytes
    cancel: bool = False


class Attempt(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One call or file, frozen before it was sent. It exists while its outcome is not settled.

    `unsure_s` is when its answer was first missed: what a look-up does not find counts as absent
    only so long after that, since the request may have left late."""

    name: str
    payload: bytes
    keys: tuple[AttemptKey, ...]
    run: str
    opened_s: float
    step: str = ""
    unsure_s: float = 0.0

    def stops(self, key: str) -> bool:
        """Whether it is to stop this document at the other side."""
        return any(tried.key == key and tried.cancel for tried in self.keys)


class Task(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Something that only a person can do, shown until a person says it is done. `revision` changes
    with what it says, so that nobody resolves what he has not read."""

    kind: str
    number: str
    title: str
    detail: str
    since_s: float
    revision: int = 0


class BadRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A document that could not be decoded, as it came."""

    place: str
    reason: str
    raw: bytes
    at_s: float


class LevelRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True, omit_defaults=True):
    """What a store was last told of one channel SKU.

    `accepted` is the level it took, None while unknown; `reported` names the warehouse's figures
    that level was derived from. `cause` and `reason` are set while the store refuses the SKU, for
    the level `refused` derived from `refused_reported`. Until `unsure_until_s` an earlier push that
    was never answered may still take effect. `remote` is what the last accepted one was told, where the
    sink `remembers`.
    """

    accepted: int | None = None
    reported: bytes = b""
    at_s: float = 0.0
    run: str = ""
    attempt: str = ""
    cause: str = ""
    reason: str = ""
    refused: int | None = None
    refused_reported: bytes = b""
    unsure_until_s: float = 0.0
    remote: str = ""


class Promise(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Units that an order in progress will take from a warehouse's stock.

    Before hand-over (`handed_s` is 0) by channel SKU, since a listing may still change; afterwards
    by the warehouse's SKU, less what has left in packages. `gone` are units that have left, at
    `gone_s` the last of them: an older snapshot may have them still. `apart`, before hand-over, are
    those of lines that the platform took out of a bundle: no bundle is looked for in them. `at` is where it
    takes them: before hand-over the store's location, since a map may still change, afterwards the
    warehouse's facility; "" where nobody has said it. `more` are units by channel SKU that the store has
    added since the hand-over, and that the warehouse was not told of; `apart` are of those too then.
    `listed` is what those channel SKUs are to the warehouse that have a listing, as it was when the files
    were last known: it holds while the connection is away. `later` are units by the warehouse's SKU that it
    was told of at `later_s`, after the hand-over. `beyond` are units that left with its packages though it
    had no line for them, at `beyond_s` the last of them.
    """

    units: dict[str, int]
    handed_s: float = 0.0
    gone: dict[str, int] = {}
    gone_s: float = 0.0
    apart: dict[str, int] = {}
    at: str = ""
    more: dict[str, int] = {}
    listed: dict[str, str] = {}
    later: dict[str, int] = {}
    later_s: float = 0.0
    beyond: dict[str, int] = {}
    beyond_s: float = 0.0
