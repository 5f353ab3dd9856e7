"""Rows of one of Medusa's lists, page by page, in the order of their ids.

Medusa pages by offset alone, and sorts by one field, where an equal value may come in any order: so rows
are asked for by id.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from dropstream_medusa import wire, wire_goods
from dropstream_medusa.client import Api, Params
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.platform.overlap import Overlap
from dropstreamd.platform.rows import UNREADABLE, unreadable_key

MOST_KEY_BYTES = 100

_skud = msgspec.json.Decoder(wire_goods.Skud)
_row = msgspec.json.Decoder(wire.Row)
_lists = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows = msgspec.json.Decoder(tuple[msgspec.Raw, ...])


class Listing:
    """One reading of a list: its `path`, which is also the name of its rows, filter and fields. `read` reads
    one page of it, if otherwise than `read_rows` does."""

    def __init__(
        self,
        api: Api,
        path: str,
        params: Params,
        *,
        rows: str = "",
        page: int,
        read: Callable[[Params], Awaitable[list[bytes]]] | None = None,
    ) -> None:
        self._params = params
        self._page = page
        self._read = read or partial(read_rows, api, path, name=rows or path)
        self._overlap = Overlap()

    @property
    def done(self) -> bool:
        return self._overlap.done

    async def next(self) -> list[bytes]:
        """Rows that were not seen yet, as they came. May be none; then `done` says whether more come."""
        place: Params = {"order": "id", "limit": self._page, "offset": self._overlap.skip}
        rows = await self._read({**self._params, **place})
        return self._overlap.fresh(rows, [row_key(row) for row in rows], self._page)


async def read_rows(api: Api, path: str, params: Params, name: str) -> list[bytes]:
    """One page of a list, each row as it came."""
    answer = await api.read(path, params, msgspec.Raw)
    try:
        return [bytes(row) for row in _rows.decode(_lists.decode(answer)[name])]
    except (*UNREADABLE, KeyError) as error:
        raise ProtocolMismatch(f"Medusa answered no list of {name}") from error


def row_key(raw: bytes) -> str:
    """The row's id, else a digest of what came in its place."""
    try:
        return _row.decode(raw).id
    except UNREADABLE:
        return unreadable_key(raw)


def sku_of(raw: bytes) -> str:
    """Of a variant that cannot be read whole; empty where not even that can."""
    try:
        return _skud.decode(raw).sku
    except UNREADABLE:
        return ""


def bad_row(raw: bytes, what: str, reason: str) -> Bad:
    """A row that cannot be used: `what` is its kind."""
    key = row_key(raw)
    return Bad(key=key[:MOST_KEY_BYTES], place=f"{what} {key[:40]}", reason=reason, raw=raw)


def too_long(*texts: str) -> str:
    """What is wrong with ids or SKUs, if anything."""
    for text in texts:
        if len(text.encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in text:
            return f"an id or SKU of it has more than {MOST_KEY_BYTES} bytes: {text[:20]}…"
    return ""
