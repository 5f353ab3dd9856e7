"""Rows of one of WooCommerce's lists, page by page, in the order of their ids.

Lists are paged by offset, so that a row that leaves one meanwhile moves the others up. Each page therefore
begins with the last row of the one before, and where that is not so the reading goes back until it joins.
"""

import hashlib

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.client import Api, Params
from dropstream_woocommerce.settings import MOST_AT_ONCE
from dropstreamd.model.handover import Bad

MOST_KEY_BYTES = 100

_row = msgspec.json.Decoder(wire.Row)


class Listing:
    """One reading of a list at `path`, filtered by `params`."""

    def __init__(self, api: Api, path: str, params: Params) -> None:
        self._api = api
        self._path = path
        self._params = {**params, "orderby": "id", "order": "asc", "per_page": MOST_AT_ONCE}
        self._offset = 0
        self._seen: set[str] = set()
        self.done = False

    async def next(self) -> list[bytes]:
        """Rows that were not seen yet, as they came. May be none; then `done` says whether more come."""
        rows = await read_rows(self._api, self._path, {**self._params, "offset": self._offset})
        keys = [row_key(row) for row in rows]
        if self._offset and not (keys and keys[0] in self._seen):
            self._offset = max(0, self._offset - MOST_AT_ONCE)
            return []
        fresh = [row for key, row in zip(keys, rows, strict=True) if key not in self._seen]
        self._seen.update(keys)
        self.done = len(rows) < MOST_AT_ONCE
        self._offset += MOST_AT_ONCE - 1
        return fresh


async def read_rows(api: Api, path: str, params: Params) -> list[bytes]:
    """One page of a list, each row as it came."""
    return [bytes(row) for row in (await api.rows(path, params, msgspec.Raw)).rows]


def row_key(raw: bytes) -> str:
    """The row's id, else a digest of what came in its place."""
    try:
        return str(_row.decode(raw).id)
    except msgspec.DecodeError:
        return f"unreadable-{hashlib.blake2b(raw, digest_size=12).hexdigest()}"


def bad_row(raw: bytes, what: str, reason: str) -> Bad:
    """A row that cannot be used: `what` is its kind."""
    key = row_key(raw)
    return Bad(key=key, place=f"{what} {key[:40]}", reason=reason, raw=raw)


def too_long(*texts: str) -> str:
    """What is wrong with numbers or SKUs, if anything."""
    for text in texts:
        if len(text.encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in text:
            return f"a number or SKU of it has more than {MOST_KEY_BYTES} bytes: {text[:20]}…"
    return ""
