"""Rows of one of WooCommerce's lists, page by page, in the order of their ids.

Lists are paged by offset, so that a row that leaves one meanwhile moves the others up. Each page therefore
begins with the last rows of the one before, and where that is not so the reading goes back until it joins.
What WooCommerce fails to load it leaves out of a page without a word: one that has fewer rows than were asked
for is the last only if the list's length says so too.
"""

import re
from collections.abc import Sequence

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.client import Api, Params, Rows
from dropstream_woocommerce.settings import MOST_AT_ONCE
from dropstreamd.model.handover import Bad
from dropstreamd.platform.rows import UNREADABLE, unreadable_key

MOST_KEY_BYTES = 100
AGAIN = 5
"""Rows that each page brings again."""

_row = msgspec.json.Decoder(wire.Row)
_ID = re.compile(r"[1-9][0-9]{0,17}")
"""As it is told: PHP counts no further than 9,223,372,036,854,775,807."""


class Place:
    """How far a list has been read that is paged by `offset`."""

    def __init__(self) -> None:
        self.offset = 0
        self._seen: set[str] = set()
        self._parted: set[int] = set()

    def joins(self, keys: Sequence[str]) -> bool:
        """Whether a page begins with rows that were seen; if not, `offset` goes back. Where that is so
        again, what should join them cannot be loaded."""
        if self.offset and keys and self._seen.isdisjoint(keys[:AGAIN]) and self.offset not in self._parted:
            self._parted.add(self.offset)
            self.offset = max(0, self.offset - MOST_AT_ONCE)
            return False
        return True

    def fresh(self, keys: Sequence[str]) -> set[str]:
        """Those of a page's keys that were not seen yet; all are, from now on."""
        found = set(keys) - self._seen
        self._seen |= found
        return found

    def ends(self, rows: Rows[msgspec.Raw]) -> bool:
        """Whether nothing can be behind this page."""
        read = self.offset + MOST_AT_ONCE
        return len(rows.rows) < MOST_AT_ONCE and (rows.total is None or rows.total <= read)

    def go_on(self) -> None:
        self.offset += MOST_AT_ONCE - AGAIN

    def begin_anew(self) -> None:
        """At the beginning of another list."""
        self.offset = 0
        self._parted.clear()


class Listing:
    """One reading of a list at `path`, filtered by `params`."""

    def __init__(self, api: Api, path: str, params: Params) -> None:
        self._api = api
        self._path = path
        self._params = {**params, "orderby": "id", "order": "asc", "per_page": MOST_AT_ONCE}
        self._place = Place()
        self.done = False

    async def next(self) -> list[bytes]:
        """Rows that were not seen yet, as they came. May be none; then `done` says whether more come."""
        params = {**self._params, "offset": self._place.offset}
        answer = await self._api.rows(self._path, params, msgspec.Raw)
        rows = {row_key(bytes(row)): bytes(row) for row in answer.rows}
        if not self._place.joins(list(rows)):
            return []
        fresh = self._place.fresh(list(rows))
        self.done = self._place.ends(answer)
        self._place.go_on()
        return [row for key, row in rows.items() if key in fresh]


def row_key(raw: bytes) -> str:
    """The row's id, else a digest of what came in its place."""
    try:
        return str(_row.decode(raw).id)
    except UNREADABLE:
        return unreadable_key(raw)


def is_id(key: str) -> bool:
    """Whether WooCommerce may have given something this id."""
    return _ID.fullmatch(key) is not None


def bad_row(raw: bytes, what: str, reason: str) -> Bad:
    """A row that cannot be used: `what` is its kind."""
    key = row_key(raw)
    return Bad(key=key, place=f"{what} {key[:40]}", reason=reason, raw=raw)


def bad_order(key: str, reason: str, raw: bytes = b"") -> Bad:
    """An order that was asked for by its key; `raw` is what came in its place."""
    return Bad(key=key, place=f"order {key}", reason=reason, raw=raw)


def too_long(*texts: str) -> str:
    """What is wrong with numbers or SKUs, if anything."""
    for text in texts:
        if len(text.encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in text:
            return f"a number or SKU of it has more than {MOST_KEY_BYTES} bytes: {text[:20]}…"
    return ""
