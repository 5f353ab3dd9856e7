"""Packages become shipping fulfillments, each once.

`createShippingFulfillment` knows no idempotency key and takes no reference of ours. What it makes is known by
its tracking number, lines and units. So before the call it is counted how many such there are: after a lost
answer, one more is ours. What somebody entered by hand in the same way is taken as the package's own where
nothing is open any more. eBay lets no fulfillment be changed: a changed tracking number is a person's task.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec

from dropstream_ebay import wire
from dropstream_ebay.client import FULFILLMENT, Api, errors_of, read_one
from dropstream_ebay.translate import quoted, shipped
from dropstreamd.model.handover import (
    Accepted,
    InDoubt,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Withdrawn,
    Writes,
)
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone
from dropstreamd.platform.http import Response
from dropstreamd.platform.rows import OddRow

CREATING = "creating after "
"""Recorded before the call that creates, with how many like it there were."""

OTHER = "Other"
"""The carrier of a tracking number of whose carrier nothing is known ("ShippingCarrierCodeType")."""

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]+")
_BAD_TRACKING = 32300
_BAD_DATE = 32500
_TOO_MANY = 34100


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one package. Without a tracking number there is no carrier either: eBay takes both
    or none."""

    package: str
    order: str
    lines: dict[str, int]
    carrier: str
    tracking: str
    shipped_at: datetime | None


_wanted = msgspec.json.Decoder(Wanted)


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """An order and what was shipped of it, as eBay shows them now."""

    order: wire.Order
    fulfillments: tuple[wire.Fulfillment, ...]

    @property
    def sold(self) -> dict[str, int]:
        return {line.line_item_id: line.quantity for line in self.order.line_items}

    def open_units(self) -> dict[str, int]:
        if self.order.order_fulfillment_status == "FULFILLED":
            return dict.fromkeys(self.sold, 0)
        gone = shipped(self.fulfillments, self.sold)
        whole = {
            line.line_item_id
            for line in self.order.line_items
            if line.line_item_fulfillment_status == "FULFILLED"
        }
        return {key: 0 if key in whole else max(0, units - gone[key]) for key, units in self.sold.items()}

    def like(self, wanted: Wanted) -> list[wire.Fulfillment]:
        """Those with the package's tracking number, lines and units."""
        return [
            each
            for each in self.fulfillments
            if _alphanumeric(each.shipment_tracking_number) == wanted.tracking.casefold()
            and shipped([each], self.sold) == Counter(wanted.lines)
        ]


class Fulfillments:
    """A `Sink[Fulfillment]`. An accepted one's `remote` is the fulfillment's id."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def writes(self) -> Writes:
        # A call whose answer was lost may still run at eBay; then it is found on its order.
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Fulfillment]], stamp: Stamp) -> Preparation:
        """One attempt for each package."""
        return each_alone(items, stamp, partial(_frozen, at=stamp.at))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Look at the order, then create the fulfillment."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        try:
            seen = await self._look(wanted)
        except OddRow as odd:
            return [Rejected(key=key, cause="unreadable", reason=odd.message)]
        if seen is None:
            return [_no_order(key)]
        like = seen.like(wanted)
        refused = _refusal(key, seen, wanted)
        if refused is not None:
            return [
                Accepted(key=key, remote=like[-1].fulfillment_id) if like and wanted.tracking else refused
            ]
        try:
            await record(f"{CREATING}{len(like)}", if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        return [await self._create(key, wanted, seen, len(like))]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look the package up on its order."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if not step.startswith(CREATING):
            return [Untouched(key=key)]
        try:
            seen = await self._look(wanted)
        except OddRow as odd:
            return [InDoubt(key=key, why=f"it cannot be looked up: {odd.message}")]
        found = None if seen is None else _found(key, seen, wanted, int(step.removeprefix(CREATING)))
        return [found or Untouched(key=key)]

    async def _look(self, wanted: Wanted) -> _Seen | None:
        """None where eBay has no such order."""
        path = f"{FULFILLMENT}/order/{quoted(wanted.order)}"
        answer = await self._api.get(path)
        if answer.status in (400, 404):
            return None
        order = read_one(answer, wire.Order, "orderId")
        told = await self._api.get(f"{path}/shipping_fulfillment")
        made = read_one(told, wire.Fulfillments, "fulfillments")
        return _Seen(order=order, fulfillments=made.fulfillments)

    async def _create(self, key: str, wanted: Wanted, seen: _Seen, before: int) -> Outcome:
        path = f"{FULFILLMENT}/order/{quoted(wanted.order)}/shipping_fulfillment"
        answer = await self._api.post(path, _body(wanted, seen.order))
        if answer.status == 201:
            return Accepted(key=key, remote=answer.headers.get("location", "").rstrip("/").rpartition("/")[2])
        now = await self._look(wanted)
        if now is None:
            return _no_order(key)
        return _found(key, now, wanted, before) or _refusal(key, now, wanted) or _why(key, wanted, answer)


def _alphanumeric(tracking: str) -> str:
    """As numbers are compared: somebody may have entered it as it stands on the label."""
    return _NOT_ALPHANUMERIC.sub("", tracking).casefold()


def _frozen(item: Item[Fulfillment], at: datetime) -> Wanted | Rejected:
    """The document as it will be sent. Of a tracking number eBay takes letters and digits alone, and of
    several the first."""
    document = item.document
    lines: Counter[str] = Counter()
    for line in document.lines:
        lines[line.order_line] += line.quantity
    if not lines or any(line.quantity < 1 for line in document.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    told = next((each.strip() for each in document.tracking_numbers if each.strip()), "")
    tracking = _NOT_ALPHANUMERIC.sub("", told)
    if told and not tracking:
        reason = "its tracking number has neither a letter nor a digit that eBay takes: correct it"
        return Rejected(key=item.key, cause="tracking", reason=reason)
    shipped_at = document.shipped_at
    return Wanted(
        package=document.package_key,
        order=document.order_key,
        lines=dict(lines),
        carrier=(document.carrier.strip() or OTHER) if tracking else "",
        tracking=tracking,
        shipped_at=None if shipped_at is None or shipped_at > at else shipped_at,
    )


def _body(wanted: Wanted, order: wire.Order) -> dict[str, object]:
    """`ShippingFulfillmentDetails`. A time before the order's own is refused: then it is left to eBay."""
    made: dict[str, object] = {
        "lineItems": [{"lineItemId": line, "quantity": units} for line, units in wanted.lines.items()]
    }
    if wanted.tracking:
        made["trackingNumber"] = wanted.tracking
        made["shippingCarrierCode"] = wanted.carrier
    if wanted.shipped_at is not None and wanted.shipped_at > order.creation_date:
        made["shippedDate"] = wanted.shipped_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return made


def _no_order(key: str) -> Rejected:
    return Rejected(key=key, cause="no-order", reason="eBay has no such order of this seller (any more)")


def _refusal(key: str, seen: _Seen, wanted: Wanted) -> Rejected | None:
    """Why these units cannot be told as shipped."""
    open_units = seen.open_units()
    unknown = sorted(wanted.lines.keys() - open_units.keys())
    if unknown:
        reason = f"the order has no line {', '.join(unknown)}"
        return Rejected(key=key, cause="no-line", reason=reason)
    if seen.order.cancel_status.cancel_state == "CANCELED":
        return Rejected(key=key, cause="cancelled", reason="the order is cancelled on eBay")
    short = [line for line, units in wanted.lines.items() if units > open_units[line]]
    if short:
        told = "; ".join(
            f"line {line}: {wanted.lines[line]} left the warehouse, {open_units[line]} are open"
            for line in short
        )
        return Rejected(key=key, cause="already-fulfilled", reason=f"{told} on eBay")
    return None


def _found(key: str, seen: _Seen, wanted: Wanted, before: int) -> Outcome | None:
    """The package, if there are more like it than before."""
    like = seen.like(wanted)
    if len(like) <= before:
        return None
    if len(like) > before + 1:
        return InDoubt(key=key, why=f"order {wanted.order} has it more than once on eBay")
    return Accepted(key=key, remote=like[-1].fulfillment_id)


def _why(key: str, wanted: Wanted, answer: Response) -> Rejected:
    """By eBay's codes ("createShippingFulfillment"); its words are not repeated."""
    codes = {each.error_id for each in errors_of(answer)}
    if _BAD_TRACKING in codes:
        reason = (
            f"eBay refused the carrier {wanted.carrier!r} or its tracking number: map it under [shipping]"
        )
        return Rejected(key=key, cause=f"carrier:{wanted.carrier}", reason=reason)
    if _BAD_DATE in codes:
        return Rejected(key=key, cause="date", reason="eBay refused the day on which it was shipped")
    if _TOO_MANY in codes:
        return Rejected(
            key=key, cause="tracking", reason="the order has as many tracking numbers as eBay takes"
        )
    said = ", ".join(map(str, sorted(codes))) or f"status {answer.status}"
    return Rejected(key=key, cause="refused", reason=f"eBay did not take the shipment: {said}")
