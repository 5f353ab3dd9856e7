"""Returns from a report GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE ("Returns reports attributes").

A row is an item of a request to send something back: it names the order, the SKU and (as the file comes now,
though the reference does not list it) the order item. Rows of one order under one RMA number are one return.
One that waits for approval is told once it has a number, so that nothing is told under two keys. What is
approved and never gets a number is paid back without a return: it is known by its order and day.

Columns and values are added from time to time ("Reports API v2021-06-30"): a column that is not known is left
out, a status that is not known sets its return aside.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from dropstream_amazon.translate import MOST_KEY_BYTES, ORDER_ID
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.returns import Return, ReturnLine, ReturnStatus
from dropstreamd.platform.rows import unreadable_key

MOST_ROWS = 100_000

NEEDED = (
    *("order id", "return request date", "return request status", "amazon rma id"),
    *("merchant sku", "return quantity"),
)
"""The columns without which a file is none of these."""

_OPTIONAL = (
    *("merchant rma id", "order item id", "order quantity", "return reason", "return carrier", "tracking id"),
    *("return delivery date", "refunded amount"),
)

_STATUSES: dict[str, ReturnStatus] = {
    "approved": "open",
    "pendingapproval": "waiting",
    "completed": "closed",
    "closed": "cancelled",
}
"""A seller closes a request that is not accepted; one that was refunded, or of which nothing came, is
completed ("Process return requests")."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ].*)?")
_UNITS = re.compile(r"\d{1,6}", re.ASCII)
_GAP = re.compile(r"[\s_-]+")
_ITEM_ID = re.compile(r"[A-Za-z0-9-]{1,50}")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a return. `ordered`: how many units of it were ordered at most; 0 where that is not told."""

    order: str
    rma: str
    day: datetime
    status: ReturnStatus
    sku: str
    item: str
    units: int
    ordered: int
    reason: str
    carrier: str
    tracking: str

    @property
    def key(self) -> str:
        """Of its return."""
        return _key(self.order, self.rma, self.day)


def read_returns(content: str) -> tuple[list[Return], list[Bad]]:
    """The returns of a report, by their keys, and what is wrong with others: one row that cannot be read sets
    its whole return aside. Raises ProtocolMismatch where the file is no such report."""
    if content.count("\n") > MOST_ROWS:
        raise ProtocolMismatch(f"a report of returns has more than {MOST_ROWS} rows")
    lines = content.split("\n")
    names = _columns(lines[0])
    together: dict[str, list[Row]] = {}
    bad: dict[str, Bad] = {}
    for line in lines[1:]:
        if not line.strip():
            continue
        row = _read(names, line)
        if isinstance(row, Bad):
            bad.setdefault(row.key, row)
        elif row is not None:
            together.setdefault(row.key, []).append(row)
    returns = [_return(key, rows) for key, rows in sorted(together.items()) if key not in bad]
    return returns, [bad[key] for key in sorted(bad)]


def _columns(line: str) -> tuple[str, ...]:
    heads = (name.strip("\ufeff \r").casefold() for name in line.split("\t"))
    names = tuple(_GAP.sub(" ", name) for name in heads)
    missing = [name for name in NEEDED if names.count(name) != 1]
    if missing:
        raise ProtocolMismatch(
            f"a report of returns has no columns, or two, of the names {', '.join(missing)}",
            remedy="set Seller Central → Settings → Account Info → Language for Feed Processing Reports to "
            "English. It is asked for again by the next run; if that goes on, its form has changed",
        )
    return names


def _read(names: Sequence[str], line: str) -> Row | Bad | None:
    """The row, or what is wrong with it; None for one that is told later."""
    cells = [cell.strip() for cell in line.rstrip().split("\t")]
    of = dict.fromkeys((*names, *_OPTIONAL), "") | dict(zip(names, cells, strict=False))
    order, day = of["order id"], _day(of["return request date"])
    rma = of["amazon rma id"] or of["merchant rma id"]
    if not ORDER_ID.fullmatch(order) or day is None:
        return _bad(
            unreadable_key(line.encode("utf-8", "replace")),
            line,
            "its order, or the day that it was asked for, is none",
        )
    key = _key(order, rma, day)
    if len(key.encode("utf-8", "replace")) > MOST_KEY_BYTES or not key.isprintable():
        return _bad(
            unreadable_key(line.encode("utf-8", "replace")), line, "its RMA number is too long, or no text"
        )
    told = _STATUSES.get(of["return request status"].casefold())
    if told is None:
        return _bad(key, line, f"its status is {of['return request status'][:40]!r}")
    if told == "waiting" and not rma:
        return None
    wrong = _fault(of, longer=len(cells) > len(names))
    if wrong:
        return _bad(key, line, wrong)
    return Row(
        order=order,
        rma=rma,
        day=day,
        status=_status(told, of, numbered=bool(rma)),
        sku=of["merchant sku"],
        item=of["order item id"],
        units=_units(of["return quantity"]),
        ordered=_units(of["order quantity"]),
        reason=of["return reason"],
        carrier=of["return carrier"],
        tracking=of["tracking id"],
    )


def _status(told: ReturnStatus, of: Mapping[str, str], *, numbered: bool) -> ReturnStatus:
    """What was paid back while its parcel is on the way is still to come. Of what was closed, nothing is
    taken back from the warehouse where it may come, or has come. What has no number and no parcel waits until
    it has one, or was paid back."""
    parcel, delivered = of["tracking id"], of["return delivery date"]
    refunded = of["refunded amount"].strip("0.,")
    if told == "closed" and parcel and not delivered:
        return "open"
    if told == "cancelled" and (parcel or delivered or refunded):
        return "closed"
    if told == "open" and not (numbered or parcel or delivered):
        return "closed" if refunded else "waiting"
    return told


def _fault(of: Mapping[str, str], *, longer: bool) -> str:
    if longer:
        return "a row of it has more cells than there are columns"
    sku, item = of["merchant sku"], of["order item id"]
    if not sku or len(sku.encode("utf-8", "replace")) > MOST_KEY_BYTES or not sku.isprintable():
        return f"a SKU of it is empty, no text, or has more than {MOST_KEY_BYTES} bytes: {sku[:20]!r}"
    if "\ufffd" in sku:
        return "a SKU of it is written in another character set"
    if item and not _ITEM_ID.fullmatch(item):
        return f"an order item of it is {item[:40]!r}"
    return "" if _units(of["return quantity"]) else f"its quantity is {of['return quantity'][:40]!r}"


def _return(key: str, rows: Sequence[Row]) -> Return:
    """Of items that were refused while others were not, no unit comes."""
    first = rows[0]
    statuses = {row.status for row in rows}
    order: tuple[ReturnStatus, ...] = ("open", "waiting", "closed", "cancelled")
    status = next(each for each in order if each in statuses)
    parcels = sorted({(row.tracking, row.carrier) for row in rows if row.tracking})
    return Return(
        key=key,
        number=first.rma or f"{first.order}-{first.day:%y%m%d}",
        order_key=first.order,
        order_number=first.order,
        status=status,
        requested_at=min(row.day for row in rows),
        updated_at=max(row.day for row in rows),
        lines=tuple(_lines(rows, whole=statuses == {"cancelled"})),
        carrier=next((carrier for _, carrier in parcels if carrier), ""),
        tracking_numbers=tuple(dict.fromkeys(tracking for tracking, _ in parcels)),
    )


def _lines(rows: Iterable[Row], *, whole: bool) -> Iterator[ReturnLine]:
    """One for each order item, or SKU where none is told. Amazon has been seen to tell a unit twice: never
    are there more than were ordered."""
    items: dict[str, list[Row]] = {}
    for row in rows:
        items.setdefault(row.item or row.sku, []).append(row)
    for key, same in sorted(items.items()):
        ordered = max(row.ordered for row in same)
        units = sum(row.units for row in same if whole or row.status != "cancelled")
        yield ReturnLine(
            key=key,
            order_line=same[0].item,
            sku=same[0].sku,
            quantity=min(units, ordered) if ordered else units,
            reason=", ".join(sorted({row.reason for row in same if row.reason})),
        )


def _key(order: str, rma: str, day: datetime) -> str:
    return f"{order}/{rma or f'{day:%Y-%m-%d}'}"


def _bad(key: str, line: str, reason: str) -> Bad:
    return Bad(key=key, place=f"return {key}", reason=reason, raw=line.encode("utf-8", "replace"))


def _units(told: str) -> int:
    return int(told) if _UNITS.fullmatch(told) else 0


def _day(told: str) -> datetime | None:
    """The beginning of a day, as a file writes it; None for what is none."""
    named, iso = _DAY.fullmatch(told), _ISO_DAY.fullmatch(told)
    try:
        if named and named[2].casefold() in _MONTHS:
            month = _MONTHS.index(named[2].casefold()) + 1
            return datetime(int(named[3]), month, int(named[1]), tzinfo=UTC)
        return datetime(int(iso[1]), int(iso[2]), int(iso[3]), tzinfo=UTC) if iso else None
    except ValueError:
        return None
