"""The list of orders that changed since a time, in the order of their changes.

It is sorted by the time of change, in GMT and in whole seconds, and an order that changes while it is read
moves to its end. So it is not paged by numbers: each page asks for what changed from the last second of the
one before. Only within one second that fills more than a page the pages are counted, each beginning with the
last rows of the one before.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from dropstream_woocommerce import translate, wire
from dropstream_woocommerce.client import Api, Params
from dropstream_woocommerce.listing import Place, row_key
from dropstream_woocommerce.settings import MOST_AT_ONCE
from dropstreamd.platform.rows import UNREADABLE

FIELDS = ",".join(
    (
        "id,number,status,currency,total,date_created_gmt,date_modified_gmt,customer_note,billing,shipping",
        "line_items,shipping_lines,refunds,meta_data",
    )
)
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
        self.done = False

    async def next(self) -> list[bytes]:
        """Rows as they came, some of them seen before."""
        answer = await self._api.rows("orders", self._params(), msgspec.Raw)
        rows = [bytes(row) for row in answer.rows]
        keys = [row_key(row) for row in rows]
        if not self._place.joins(keys):
            return rows
        self._place.fresh(keys)
        if self._place.ends(answer):
            self.done = True
            return rows
        last = changed_at(rows[-1]) if rows else None
        if last is not None and (self._from is None or _before(last) > self._from):
            self._from = _before(last)
            self._place.begin_anew()
        else:
            self._place.go_on()
        return rows

    def _params(self) -> Params:
        params: dict[str, str | int] = {
            "status": self._status,
            "orderby": "modified",
            "order": "asc",
            "per_page": MOST_AT_ONCE,
            "offset": self._place.offset,
            "_fields": FIELDS,
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
