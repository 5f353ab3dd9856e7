"""Packages become shipments of their orders, each once.

A shipment is created by a call without an idempotency key. It bears the package's key in the first line of
its comments: of a lost answer, the order's shipments tell. What somebody entered by hand (the same units
under the same tracking number) is taken as the package's own where nothing is open any more.
"""

import re
from collections.abc import Sequence

import msgspec

from dropstream_bigcommerce import wire
from dropstream_bigcommerce.client import Api
from dropstream_bigcommerce.packages import (
    Wanted,
    address_of,
    alike,
    frozen,
    lines_of,
    no_order,
    ours,
    refusal,
    shows,
    units_of,
)
from dropstream_bigcommerce.reading import OrderReader
from dropstreamd.errors import Unreachable
from dropstreamd.model.handover import (
    Accepted,
    Bad,
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
from dropstreamd.platform.http import Response, decode

CREATING = "creating"
"""Recorded before the call that creates."""

CHANGING = "changing"
"""Recorded before the call that changes a tracking."""

LOCKED = 423

_wanted = msgspec.json.Decoder(Wanted)


class Shipments:
    """A `Sink[Fulfillment]`. An accepted one's `remote` is the shipment's id."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._reader = OrderReader(api)

    @property
    def writes(self) -> Writes:
        # A call whose answer was lost may still run in BigCommerce; then it is found on its order.
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Fulfillment]], stamp: Stamp) -> Preparation:
        """One attempt for each package."""
        return each_alone(items, stamp, frozen)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create the shipment, or change the tracking of the one that BigCommerce was told."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if wanted.replaces is not None:
            return [await self._change(key, wanted, record)]
        order = await self._reader.one(wanted.order)
        if order is None:
            return [no_order(key)]
        if isinstance(order, Bad):
            reason = f"its order cannot be read: {order.reason}"
            return [Rejected(key=key, cause="order-unreadable", reason=reason)]
        decided = await self._decided(key, wanted, order)
        if decided is not None:
            return [decided]
        try:
            await record(CREATING, if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        return [await self._create(key, wanted, order)]

    async def _decided(self, key: str, wanted: Wanted, order: wire.Order) -> Outcome | None:
        """What is so without a call: it is there already, or it cannot be."""
        refused = refusal(key, order, wanted)
        if any(line.quantity_shipped for line in lines_of(order).values()):
            there, bad = await self._there(key, wanted, by_hand=refused is not None)
            if there is not None or bad:
                return there or _unreadable(key, bad[0])
        return refused

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look the package up on its order; a tracking, on its shipment."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if step == CHANGING:
            shipment = await self._told(wanted)
            if isinstance(shipment, Bad):
                return [_in_doubt(key, shipment)]
            changed = shipment is not None and shows(shipment, wanted)
            return [Accepted(key=key, remote=str(wanted.replaces)) if changed else Untouched(key=key)]
        if step != CREATING:
            return [Untouched(key=key)]
        there, bad = await self._there(key, wanted, by_hand=True)
        return [there or (_in_doubt(key, bad[0]) if bad else Untouched(key=key))]

    async def _there(
        self, key: str, wanted: Wanted, *, by_hand: bool
    ) -> tuple[Accepted | InDoubt | None, list[Bad]]:
        """What of the order's shipments is the package; with `by_hand` also one that bears no mark. Then
        those that cannot be read: any of them may be it."""
        shipments, bad = await self._reader.shipments(wanted.order)
        found = ours(shipments, wanted) or (alike(shipments, wanted) if by_hand else [])
        if len(found) > 1:
            ids = ", ".join(str(each.id) for each in found)
            why = f"order {wanted.order} has it more than once: shipments {ids}"
            return InDoubt(key=key, why=why), bad
        return (Accepted(key=key, remote=str(found[0].id)) if found else None), bad

    async def _told(self, wanted: Wanted) -> wire.Shipment | Bad | None:
        """The shipment that BigCommerce was told before."""
        if wanted.replaces is None:
            return None
        return await self._reader.shipment(wanted.order, wanted.replaces)

    async def _create(self, key: str, wanted: Wanted, order: wire.Order) -> Outcome:
        items = [{"order_product_id": line, "quantity": units} for line, units in wanted.lines.items()]
        body = {"order_address_id": address_of(order, wanted), "items": items, **wanted.tracking()}
        response = await self._api.write("POST", f"v2/orders/{wanted.order}/shipments", body)
        if response.ok:
            return Accepted(key=key, remote=str(decode(response, wire.Shipment).id))
        _raise_if_locked(response)
        now = await self._reader.one(wanted.order)
        if now is None:
            return no_order(key)
        refused = None if isinstance(now, Bad) else refusal(key, now, wanted)
        if refused is not None:
            there, _ = await self._there(key, wanted, by_hand=True)
            return there or refused
        reason = f"BigCommerce did not create the shipment{_fields(response)}"
        return Rejected(key=key, cause="refused", reason=reason)

    async def _change(self, key: str, wanted: Wanted, record: Record) -> Outcome:
        """Give the shipment that BigCommerce was told the tracking that is wanted now."""
        there = _changeable(key, wanted, await self._told(wanted))
        if isinstance(there, Rejected):
            return there
        if shows(there, wanted):
            return Accepted(key=key, remote=str(there.id))
        try:
            await record(CHANGING, if_wanted=True)
        except Withdrawn:
            return Untouched(key=key)
        path = f"v2/orders/{wanted.order}/shipments/{there.id}"
        response = await self._api.write("PUT", path, wanted.tracking())
        if response.ok:
            return Accepted(key=key, remote=str(decode(response, wire.Shipment).id))
        _raise_if_locked(response)
        reason = f"BigCommerce did not change shipment {there.id}{_fields(response)}: change it by hand"
        return Rejected(key=key, cause="amend", reason=reason)


def _changeable(key: str, wanted: Wanted, there: wire.Shipment | Bad | None) -> wire.Shipment | Rejected:
    """The shipment that was told before, if its tracking can be changed."""
    if isinstance(there, Bad):
        return _unreadable(key, there)
    if there is None:
        reason = "its shipment is gone from BigCommerce; enter the tracking by hand"
        return Rejected(key=key, cause="amend", reason=reason)
    if units_of(there) != wanted.lines:
        reason = f"shipment {there.id} has other lines or units: change it by hand"
        return Rejected(key=key, cause="amend", reason=reason)
    return there


def _unreadable(key: str, bad: Bad) -> Rejected:
    """Nothing was sent: it may stand for the package, entered by hand."""
    reason = f"{bad.place} cannot be read, and may be this package: {bad.reason}"
    return Rejected(key=key, cause="shipment-unreadable", reason=reason)


def _in_doubt(key: str, bad: Bad) -> InDoubt:
    return InDoubt(key=key, why=f"{bad.place} cannot be read, and may be this package: {bad.reason}")


def _raise_if_locked(response: Response) -> None:
    if response.status == LOCKED:
        raise Unreachable(f"{response.call}: BigCommerce is working on this order: it is locked")


def _fields(response: Response) -> str:
    """The status, and the fields that the answer names; its words may quote what was sent."""
    names = sorted(set(re.findall(r"field '([a-z_]{1,40})'", response.body.decode("utf-8", "replace"))))
    named = f", for {', '.join(names)}" if names else ""
    return f" (status {response.status}{named})"
