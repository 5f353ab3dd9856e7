"""Handing documents over: what is sent, and what became of it."""

from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")


class Bad(msgspec.Struct, frozen=True, kw_only=True):
    """A document that could not be decoded: kept raw, shown to a person, never in its page's way.

    `place` says where it stood (`shp_0412.csv line 7`, `order 1001`); `key` is the document's key
    where that much could be read, else something that is the same whenever the same bytes come
    again.
    """

    key: str
    place: str
    reason: str
    raw: bytes


Repeat = Literal["key", "lookup", "never"]
"""How a write may be tried again when its outcome is unknown.

`key`: the same call under the same name has its effect once, within `retention_s`.
`lookup`: `recover` can tell whether it had its effect, `visible_after_s` after the call at the
latest. `never`: neither; the outcome is in doubt.
"""


class Withdrawn(Exception):
    """Raised by a `record` that was asked whether the write is still wanted: it is not. Undo what had
    no effect yet, and answer `Untouched`."""


class Writes(msgspec.Struct, frozen=True, kw_only=True):
    """How a sink writes. `batch` is the most documents in one call or file (a sink that repeats
    `never` gets one at a time). `visible_after_s` is the longest time until an abandoned request
    has acted and is found. `series` names a sequence of control numbers that the writes are counted
    by (`Stamp.number`), such as an EDI sender and receiver; empty for none. `acknowledged_within_s` is
    how long the other side may take to acknowledge what it was sent (`Part.ACKNOWLEDGEMENTS`), by the
    name that it was sent under; 0: it need not. `receipt_stops`: that it received a cancellation is its word
    that it has stopped what was to be stopped. `remembers`, of levels: what one was accepted with
    (`Accepted.remote`) is in the next item of its SKU, which is no amendment for that. `takes_s` is the
    longest that one push of levels may take, where the other side works at them for a while before it says
    what came of each; 0: no longer than any other call. It is not waited for when the daemon stops."""

    repeat: Repeat
    batch: int
    visible_after_s: float = 0.0
    retention_s: float = 0.0
    series: str = ""
    acknowledged_within_s: float = 0.0
    receipt_stops: bool = False
    remembers: bool = False
    takes_s: float = 0.0


class Item(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A document to write. `remote` is what an earlier accepted write of this key was told
    (`Accepted.remote`): set means amend that one. `cancel`: stop that one, if it can still be stopped
    (`document` is what was accepted); only a sink whose plugin declares `cancels` is asked."""

    key: str
    document: T
    remote: str | None = None
    cancel: bool = False


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What makes one attempt unlike every other: `attempt` is unique (letters and digits), `at`
    is the instant it was opened, the same whenever the attempt is repeated. For a sink whose `Writes`
    name a series, `number` is the first of the control numbers that are kept for this call of
    `prepare`: the n-th `Prepared` (from 0) has `number + n`, and no other attempt ever has it."""

    attempt: str
    at: datetime
    number: int = 0


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly what one call or file will be; frozen and durable before anything is sent.

    `name` is its idempotency key or file name, `keys` the documents in it, `payload` its bytes.
    """

    name: str
    keys: tuple[str, ...]
    payload: bytes


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The other side has it. `remote` is its own id for it. A cancellation that is not `final` was told,
    and the other side's own answer to it is still to come."""

    key: str
    remote: str = ""
    final: bool = True


UNTOLD = "unreadable"
"""The cause of a refusal, or its end (`order-unreadable`), where what the other side told of its own cannot
be read. It may be told otherwise at any time: the document goes again with the next run, and stands among
what was refused meanwhile."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The other side will not take it as it is.

    `cause` groups what waits for the same thing (`sku:TEE-RED-M`, `method:Express`, or a short
    word); `reason` is a sentence for a person, without customer data.
    """

    key: str
    cause: str
    reason: str

    @property
    def is_passing(self) -> bool:
        """Whether it may be taken later as it is."""
        return self.cause == UNTOLD or self.cause.endswith(f"-{UNTOLD}")


class InDoubt(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nobody can tell whether it had its effect: `why` is a sentence for a person."""

    key: str
    why: str


class Untouched(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It certainly had no effect: the document is pending again."""

    key: str


Outcome = Accepted | Rejected | InDoubt | Untouched


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """What `prepare` made of its items: each key is in exactly one of the two."""

    prepared: tuple[Prepared, ...] = ()
    rejected: tuple[Rejected, ...] = ()


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was handed over: its reference, and what its sink answered (`Accepted.remote`)."""

    reference: str
    remote: str


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where an order that was handed over is, and that in a sentence for a person.

    `waiting`: where it was put; the warehouse has not taken it yet. `there`: the warehouse has it, and means
    to ship it. `taken`: it is not where it was put any more; what became of it only the warehouse knows.
    `gone`: the warehouse does not have it, or has cancelled it. `unknown`: nobody can tell.
    """

    where: Literal["waiting", "there", "taken", "gone", "unknown"]
    detail: str
