"""What a warehouse says of what a connection sent that is away, its file being broken or taken out: kept with
the account in the order that it came, and taken once the connection is back."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from dropstreamd.channels.sent_names import Sent
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import Key
from dropstreamd.store.tables import Table

MOST = 20
"""Words kept of one document."""

_KIND = "word:"
"""Under which the account's unmatched rows keep them, with the channel; then connection and document."""


class Kept(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The words on one document, the first since then."""

    words: tuple[Acknowledgement, ...]
    since_s: float


Keeping = Literal["new", "known", "too many"]
"""What comes of a word that is to be kept."""

_kept = msgspec.msgpack.Decoder(Kept)


def keep(
    tx: Writer, account: WarehouseAccount, sent: Sent, word: Acknowledgement, *, now_s: float
) -> Keeping:
    """Keep a word on a document, as one of `MOST`; what came of it."""
    path = (*_prefix(account, sent.channel, sent.connection), sent.key)
    raw = tx.get(Table.UNMATCHED, path)
    old = Kept(words=(), since_s=now_s) if raw is None else _kept.decode(raw)
    if any(word.key == each.key for each in old.words):
        return "known"
    if len(old.words) == MOST:
        return "too many"
    kept = msgspec.structs.replace(old, words=(*old.words, word))
    tx.put(Table.UNMATCHED, path, msgspec.msgpack.encode(kept))
    return "new"


def take_out(
    tx: Writer, account: WarehouseAccount, channels: Iterable[str], connections: Iterable[str]
) -> Iterator[Acknowledgement]:
    """The words on documents of these connections, in the order that they came of each; kept no more."""
    connections = list(connections)
    for channel in channels:
        if tx.first(Table.UNMATCHED, _prefix(account, channel)) is None:
            continue
        for connection in connections:
            for path, raw in list(tx.scan(Table.UNMATCHED, _prefix(account, channel, connection))):
                tx.delete(Table.UNMATCHED, path)
                yield from _kept.decode(raw).words


def kept(
    tx: Reader, account: WarehouseAccount, channels: Iterable[str]
) -> Iterator[tuple[str, Acknowledgement, float]]:
    """Every word kept, with the connection that it is for and since when its document has any; connection by
    connection."""
    for channel in channels:
        for path, raw in tx.scan(Table.UNMATCHED, _prefix(account, channel)):
            row = _kept.decode(raw)
            for word in row.words:
                yield path[3], word, row.since_s


def _prefix(account: WarehouseAccount, channel: str, *connection: str) -> Key:
    return (account.merchant, account.name, f"{_KIND}{channel}", *connection)
