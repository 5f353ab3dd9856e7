"""The list of orders that changed since a time, in the order of their changes.

It is sorted by the time of change, in GMT and in whole seconds, and an order that changes while it is read
moves to its end. So it is not paged by numbers: each page asks for what changed from the last second of the
one before. Only within one second that fills more than a page the pages are counted, each beginning with the
last rows of the one before.

Where the shop fails over a page, it may be over one order of it: then the page's ids and times are listed
alone, and its orders asked for by their ids.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from dropstream_woocommerce import translate, wire
from dropstream_woocommerce.by_id import FIELDS, MARKS, ById
from dropstream_woocommerce.client import Api, Params, Rows
from dropstream_woocommerce.listing import Place, is_id, row_key
from dropstream_woocommerce.settings import MOST_AT_ONCE
from dropstreamd.platform.one_by_one import OF_ONE, by_tens, may_be_of_one
from dropstreamd.platform.rows import UNREADABLE

SECOND = timedelta(seconds=1)
SKIPPED_HOURS = 4

_stamped = msgspec.json.Decoder(wire.OrderRow)


class Walk:
    """One reading of the list from a time of change on."""

    def __init__(self, api: Api, status: str, since: datetime | None) -> None:
        self._api = api
        self._status = status
        self._from = None if since is None else _before(since)
        self._place = Place()
        self._by_id = ById(api)
        self.failed: dict[bytes, str] = {}
        """Why orders could not be read, by what came in their place: id, number, status and time."""
        self.done = False

    async def next(self) -> list[bytes]:
        """Rows as they came, some of them seen before; of those in `failed` what came in their place."""
        try:
            answer, whole = await self._listed(FIELDS), {}
        except OF_ONE as error:
            if not may_be_of_one(error):
                raise
            answer = await self._listed(MARKS)
            whole = await self._one_by_one(answer)
        marks = [bytes(row) for row in answer.rows]
        keys = [row_key(row) for row in marks]
        rows = [whole.get(key, mark) for key, mark in zip(keys, marks, strict=True)]
        if not self._place.joins(keys):
            return rows
        self._place.fresh(keys)
        if self._place.ends(answer):
            self.done = True
            return rows
        last = changed_at(marks[-1]) if marks else None
        if last is not None and (self._from is None or _before(last) > self._from):
            self._from = _before(last)
            self._place.begin_anew()
        else:
            self._place.go_on()
        return rows

    async def _listed(self, fields: str) -> Rows[msgspec.Raw]:
        return await self._api.rows("orders", {**self._params(), "_fields": fields}, msgspec.Raw)

    async def _one_by_one(self, marks: Rows[msgspec.Raw]) -> dict[str, bytes]:
        """The orders of these ids; `failed` says why others do not come."""
        by_key = {row_key(bytes(row)): bytes(row) for row in marks.rows}
        asked = [key for key in by_key if is_id(key)]
        found, failed = await by_tens(asked, self._by_id.read, self._by_id.others)
        for key in asked:
            if key not in found:
                gone = "the store lists it, and does not tell it when it is asked for"
                self.failed[by_key[key]] = failed.get(key, gone)
        return found

    def _params(self) -> Params:
        params: dict[str, str | int] = {
            "status": self._status,
            "orderby": "modified",
            "order": "asc",
            "per_page": MOST_AT_ONCE,
            "offset": self._place.offset,
        }
        if self._from is not None:
            # Without a zone: WordPress would bring one to the shop's own, and compare that with GMT.
            params["modified_after"] = self._from.strftime("%Y-%m-%dT%H:%M:%S")
            params["dates_are_gmt"] = "true"
        return params


def changed_at(row: bytes) -> datetime | None:
    try:
        at = translate.instant(_stamped.decode(row).date_modified_gmt)
    except UNREADABLE:
        return None
    return None if at is None else at.astimezone(UTC).replace(microsecond=0)


def _before(at: datetime) -> datetime:
    """What to ask from, so that what changed at that second comes.

    WordPress takes a time without a zone through the shop's own zone, even to compare it with GMT: one that
    the shop's clocks skip in spring becomes an hour later. None skips any but the first hours of a day.
    """
    before = at - SECOND
    if before.hour >= SKIPPED_HOURS:
        return before
    return before.replace(hour=0, minute=0, second=0) - SECOND
