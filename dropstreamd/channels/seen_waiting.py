"""Orders that were seen to wait when they were read by their keys, right before they were handed over.

The source may never tell that they wait no more: it told them as open the last time. A payment that was taken
back and made anew does not move every platform's time of change; or what was read was a copy that lags
behind. So they are read by their keys until they wait no more.
"""

from collections.abc import Iterable

import msgspec

from dropstreamd.store import cursors, documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.records import Flow, State
from dropstreamd.store.transitions import WAITING

MOST = 5_000
"""Keys that are remembered."""

_keys = msgspec.msgpack.Decoder(list[str])


def remember(tx: Writer, flow: Flow, keys: Iterable[str]) -> None:
    """These are about to be taken as waiting; those that wait no more are forgotten."""
    known = dict.fromkeys([*still(tx, flow), *keys])
    cursors.put_bytes(tx, _of(flow), msgspec.msgpack.encode(list(known)[-MOST:]))


def still(tx: Reader, flow: Flow) -> list[str]:
    """Those that are held for that alone."""
    raw = cursors.get_bytes(tx, _of(flow))
    return [] if raw is None else [key for key in _keys.decode(raw) if _waits(tx, flow, key)]


def _waits(tx: Reader, flow: Flow, key: str) -> bool:
    doc = documents.get(tx, flow, key)
    return doc is not None and doc.state is State.HELD and doc.cause == WAITING


def _of(flow: Flow) -> Flow:
    return Flow(flow.connection, f"{flow.channel} seen waiting")
