"""Orders from before the channel was first enabled: held until a person has seen them and lets them go.

Another system may have sent them, so that none goes that nobody has seen.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

from dropstreamd.model.orders import Order
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Flow, State
from dropstreamd.store.transitions import BEFORE_START

_decode = msgspec.msgpack.Decoder(Order)


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """The orders placed since then that a person was shown and lets go, by key: these, and none that are
    found later."""

    since: datetime
    keys: frozenset[str]

    def joined(self, other: "Agreed | None") -> "Agreed":
        """With those of another word; since the earlier of the two."""
        if other is None:
            return self
        return Agreed(since=min(self.since, other.since), keys=self.keys | other.keys)


class Let(msgspec.Struct, frozen=True, kw_only=True):
    """How many went, and how many placed since then stay, since nobody has seen them."""

    released: int
    held_back: int


def backlog(tx: Reader, flow: Flow, since_s: float) -> list[tuple[str, Order]]:
    """Key and order of everything held because it is older than the channel, placed since then."""
    found = []
    for cause, key in documents.owned(tx, flow, State.HELD):
        doc = documents.get(tx, flow, key) if cause == BEFORE_START else None
        if doc is not None:
            order = _decode.decode(doc.content)
            if order.placed_at.timestamp() >= since_s:
                found.append((key, order))
    return found


def list_id(keys: Iterable[str]) -> str:
    """Names a list of these orders and no others."""
    return hashlib.blake2b(msgspec.json.encode(sorted(keys)), digest_size=16).hexdigest()


def release(tx: Writer, *, book: Book, agreed: Agreed, now_s: float, run: str) -> Let:
    """Let those go that were agreed to and still wait."""
    waiting = [key for key, _ in backlog(tx, book.flow, agreed.since.timestamp())]
    seen = [key for key in waiting if key in agreed.keys]
    why = "asked for by --since"
    released = sum(documents.release(tx, book, key, now_s=now_s, run=run, why=why) for key in seen)
    return Let(released=released, held_back=len(waiting) - len(seen))
