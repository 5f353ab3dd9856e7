"""Packages become confirmations of shipment, each once.

Amazon knows a package of an order by a number of the seller's: confirmed again under the same number, it is
changed and not added ("Confirm the shipment status"). The number is made from the package's key and the
order items in it, so that it is the same in every attempt, after any restart, and other for every package.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec

from dropstream_amazon import wire
from dropstream_amazon.carriers import OTHER, code_of
from dropstream_amazon.client import Api, faults_of
from dropstream_amazon.operations import CONFIRM_SHIPMENT, GET_ORDER
from dropstream_amazon.settings import Settings
from dropstreamd.errors import OutcomeUnknown, ProtocolMismatch
from dropstreamd.model.handover import (
    Accepted,
    Bad,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Writes,
)
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone
from dropstreamd.platform.http import Response, decode
from dropstreamd.platform.rows import UNREADABLE

NUMBERS = 999_999_999_999_999
"""The greatest number of a package: fifteen digits, which every reader of JSON keeps whole."""

KEPT_S = 14 * 86_400.0
"""For how long the repeat of a confirmation is trusted to change the same package, in seconds."""

_ORDER_ID = re.compile(r"[A-Z0-9][A-Z0-9-]{3,39}", re.IGNORECASE)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one package: units by order item."""

    order: str
    number: str
    units: dict[str, int]
    carrier: str
    method: str
    tracking: str
    shipped_at: str


_wanted = msgspec.json.Decoder(Wanted)


class Shipments:
    """A `Sink[Fulfillment]`. An accepted one's `remote` is its number at Amazon."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._marketplaces = settings.marketplaces

    @property
    def writes(self) -> Writes:
        return Writes(repeat="key", batch=1, visible_after_s=120.0, retention_s=KEPT_S)

    def prepare(self, items: Sequence[Item[Fulfillment]], stamp: Stamp) -> Preparation:
        """One attempt for each package."""
        return each_alone(items, stamp, partial(frozen, opened_at=stamp.at))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Confirm the package, or change what was confirmed under its number."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        marketplace = self._marketplaces[0]
        if len(self._marketplaces) > 1:
            order = await self._order(wanted)
            if order is None:
                return [_no_order(key)]
            if isinstance(order, Bad):
                reason = f"its order cannot be read: {order.reason}"
                return [Rejected(key=key, cause="order-unreadable", reason=reason)]
            marketplace = order.sales_channel.marketplace_id or marketplace
        body = {"marketplaceId": marketplace, "packageDetail": _detail(wanted)}
        response = await self._api.call(CONFIRM_SHIPMENT, path={"order": wanted.order}, json=body, write=True)
        if response.status == 204:
            return [Accepted(key=key, remote=wanted.number)]
        if response.ok:  # something between us and Amazon has answered
            raise OutcomeUnknown(f"{response.call}: answered {response.status} where 204 is success")
        return [await self._refused(key, wanted, response)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """It is not looked up, but confirmed again under its number."""
        return await self.push(prepared, record)

    async def _order(self, wanted: Wanted) -> wire.Order | Bad | None:
        """The order with its packages, or what is wrong with it; None where the seller has no such one."""
        query = {"includedData": ["FULFILLMENT", "PACKAGES", "CANCELLATION"]}
        response = await self._api.call(GET_ORDER, path={"order": wanted.order}, query=query)
        if response.status in (400, 404):
            return None
        if not response.ok:
            self._api.refuse(GET_ORDER, response)
        return _order_in(bytes(decode(response, msgspec.Raw)), wanted.order)

    async def _refused(self, key: str, wanted: Wanted, response: Response) -> Outcome:
        """Amazon took no confirmation: what does the order show?"""
        order = await self._order(wanted)
        if order is None:
            return _no_order(key)
        if isinstance(order, Bad):
            return _refusal(key, response)
        there = [package for package in order.packages if _is_there(package, wanted)]
        if there:
            return Accepted(key=key, remote=there[-1].package_reference_id)
        return _why_not(key, order, wanted) or _refusal(key, response)


def frozen(item: Item[Fulfillment], opened_at: datetime) -> Wanted | Rejected:
    """The document as it will be sent."""
    document = item.document
    units: Counter[str] = Counter()
    for line in document.lines:
        units[line.order_line] += line.quantity
    numbers = [each.strip() for each in document.tracking_numbers if each.strip()]
    if not units or any(line.quantity < 1 for line in document.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    if not _ORDER_ID.fullmatch(document.order_key):
        return _no_order(item.key)
    if not numbers:
        reason = "Amazon takes no package without a tracking number: confirm it by hand in Seller Central"
        return Rejected(key=item.key, cause="tracking", reason=reason)
    if not document.carrier.strip():
        reason = "Amazon takes no package without a carrier: map it under [shipping]"
        return Rejected(key=item.key, cause="carrier", reason=reason)
    shipped_at = min(document.shipped_at or opened_at, opened_at)
    return Wanted(
        order=document.order_key,
        number=item.remote or number_of(document.package_key, sorted(units)),
        units=dict(units),
        carrier=document.carrier.strip(),
        method=document.service.strip(),
        tracking=numbers[0],
        shipped_at=shipped_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def number_of(package: str, lines: Sequence[str]) -> str:
    """A package's number within its order: positive, and the same whenever it is asked for."""
    told = "\0".join((package, *lines)).encode()
    return str(1 + int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big") % NUMBERS)


def _detail(wanted: Wanted) -> dict[str, object]:
    code = code_of(wanted.carrier)
    detail: dict[str, object] = {
        "packageReferenceId": wanted.number,
        "carrierCode": code,
        "trackingNumber": wanted.tracking,
        "shipDate": wanted.shipped_at,
        "orderItems": [{"orderItemId": line, "quantity": units} for line, units in wanted.units.items()],
    }
    if code == OTHER:
        detail["carrierName"] = wanted.carrier
    if wanted.method:
        detail["shippingMethod"] = wanted.method
    return detail


def _order_in(raw: bytes, wanted: str) -> wire.Order | Bad:
    """Raises ProtocolMismatch where it is no order, or another one."""
    try:
        return wire.read(raw, wire.OneOrder).order
    except UNREADABLE as error:
        reason = str(error)
    try:
        key = msgspec.json.decode(raw, type=wire.OneHead).order.order_id
    except UNREADABLE:
        key = ""
    if key != wanted:
        raise ProtocolMismatch(f"Amazon told an order that is not as described: {reason}")
    return Bad(key=key, place=f"order {key}", reason=reason, raw=raw)


def _is_there(package: wire.Package, wanted: Wanted) -> bool:
    units: Counter[str] = Counter()
    for each in package.package_items:
        units[each.order_item_id] += each.quantity
    return package.tracking_number == wanted.tracking and dict(units) == wanted.units


def _why_not(key: str, order: wire.Order, wanted: Wanted) -> Rejected | None:
    """What of the order stands in the way of these units; None where nothing does."""
    items = {item.order_item_id: item for item in order.order_items}
    unknown = sorted(wanted.units.keys() - items.keys())
    if unknown:
        reason = f"the order has no item {', '.join(unknown)} in Amazon"
        return Rejected(key=key, cause="no-line", reason=reason)
    if order.fulfillment is not None and order.fulfillment.fulfillment_status == "CANCELLED":
        return Rejected(key=key, cause="cancelled", reason="the order is cancelled in Amazon")
    left = {
        line: items[line].quantity_ordered - items[line].fulfillment.quantity_fulfilled
        for line in wanted.units
    }
    for package in order.packages:
        if package.package_reference_id == wanted.number:  # it would be changed
            for each in package.package_items:
                if each.order_item_id in left:
                    left[each.order_item_id] += each.quantity
    short = [line for line, units in wanted.units.items() if units > left[line]]
    if not short:
        return None
    told = "; ".join(
        f"item {line}: {wanted.units[line]} left the warehouse, {max(0, left[line])} are open"
        for line in short
    )
    return Rejected(key=key, cause="already-fulfilled", reason=f"{told} in Amazon")


def _refusal(key: str, response: Response) -> Rejected:
    """By Amazon's codes and the names of fields; its words are not repeated."""
    faults = faults_of(response)
    codes = ", ".join(sorted({each.code for each in faults})) or f"status {response.status}"
    fields = sorted({name for each in faults for name in re.findall(r"\[([\w., ]{1,80})\]", each.message)})
    about = f" about {', '.join(fields)}" if fields else ""
    return Rejected(key=key, cause="refused", reason=f"Amazon refused the package: {codes[:100]}{about}")


def _no_order(key: str) -> Rejected:
    return Rejected(key=key, cause="no-order", reason="this seller has no such order at Amazon")
