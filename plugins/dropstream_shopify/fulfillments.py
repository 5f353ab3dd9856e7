"""Packages become fulfillments, each once.

`fulfillmentCreate` knows no idempotency key, and a fulfillment has no place for a reference of ours. So the
number of the newest fulfillment is recorded before the call: of a lost answer, a newer one with the same
units and tracking numbers is ours. Shopify itself never lets more be fulfilled than is open. What somebody
entered by hand (the same units under the same tracking number) is taken as the package's own where nothing
is open any more.
"""

from collections.abc import Sequence
from functools import partial

import msgspec

from dropstream_shopify import documents_goods, wire_goods
from dropstream_shopify.client import Api, Refusal
from dropstream_shopify.packages import (
    FELL_THROUGH,
    Wanted,
    frozen,
    newest,
    no_order,
    refusal,
    same,
    shows,
    standing,
    units_of,
)
from dropstream_shopify.settings import Settings
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

CREATING = "creating after "
"""Recorded before the call that creates, with the number of the newest fulfillment that there was."""

CHANGING = "changing"
"""Recorded before the call that changes a tracking."""

_wanted = msgspec.json.Decoder(Wanted)


class Fulfillments:
    """A `Sink[Fulfillment]`. An accepted one's `remote` is the fulfillment's id."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._notify = settings.notify_customer

    @property
    def writes(self) -> Writes:
        # A call whose answer was lost may still run in Shopify; then it is found on its order.
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Fulfillment]], stamp: Stamp) -> Preparation:
        """One attempt for each package."""
        return each_alone(items, stamp, partial(frozen, notify=self._notify))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create the fulfillment, or change the tracking of the one that Shopify was told."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if wanted.replaces is not None:
            return [await self._change(key, wanted, record)]
        order = await self._order(wanted)
        if order is None:
            return [no_order(key)]
        refused = refusal(key, order, wanted)
        if refused is not None:
            there = standing(same(order, wanted)) if wanted.numbers else []
            return [Accepted(key=key, remote=there[-1].id) if there else refused]
        before = newest(order)
        try:
            await record(f"{CREATING}{before}", if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        return [await self._create(key, wanted, order, before)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look the package up on its order; a tracking, on its fulfillment."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if step == CHANGING:
            there = await self._fulfillment(wanted)
            changed = there is not None and shows(there, wanted)
            return [Accepted(key=key, remote=wanted.replaces or "") if changed else Untouched(key=key)]
        if not step.startswith(CREATING):
            return [Untouched(key=key)]
        order = await self._order(wanted)
        found = None if order is None else _found(key, order, wanted, int(step.removeprefix(CREATING)))
        return [found or Untouched(key=key)]

    async def _order(self, wanted: Wanted) -> wire_goods.Fulfillable | None:
        answer = await self._api.query(
            documents_goods.FULFILLABLE, {"id": wanted.order}, wire_goods.FulfillableAnswer
        )
        return answer.fulfillment_order

    async def _fulfillment(self, wanted: Wanted) -> wire_goods.Fulfillment | None:
        variables = {"id": wanted.replaces or ""}
        answer = await self._api.ask(
            documents_goods.FULFILLMENT, variables, wire_goods.OneFulfillment, write=False
        )
        return None if isinstance(answer, Refusal) else answer.fulfillment

    async def _create(self, key: str, wanted: Wanted, order: wire_goods.Fulfillable, before: int) -> Outcome:
        ids = {line.line_item.id: line.id for line in order.line_items.nodes}
        lines = [{"id": ids[line], "quantity": units} for line, units in wanted.lines.items()]
        made: dict[str, object] = {
            "notifyCustomer": wanted.notify,
            "lineItemsByFulfillmentOrder": [
                {"fulfillmentOrderId": wanted.order, "fulfillmentOrderLineItems": lines}
            ],
        }
        if wanted.tracking():
            made["trackingInfo"] = wanted.tracking()
        answer = await self._api.ask(
            documents_goods.FULFILL, {"fulfillment": made}, wire_goods.Fulfill, write=True
        )
        if isinstance(answer, Refusal):
            return await self._refused(key, wanted, before, answer.code)
        result = answer.fulfillment_create
        if result.fulfillment is None or result.user_errors:
            return await self._refused(key, wanted, before, "it does not say why")
        if result.fulfillment.status in FELL_THROUGH:
            reason = f"fulfillment {result.fulfillment.id} was created and is {result.fulfillment.status}"
            return Rejected(key=key, cause="not-fulfilled", reason=reason)
        return Accepted(key=key, remote=result.fulfillment.id)

    async def _refused(self, key: str, wanted: Wanted, before: int, why: str) -> Outcome:
        """The call was answered by a refusal: what does the order show now?"""
        order = await self._order(wanted)
        if order is None:
            return no_order(key)
        found = _found(key, order, wanted, before) or refusal(key, order, wanted)
        reason = f"Shopify did not create the fulfillment: {why}"
        return found or Rejected(key=key, cause="refused", reason=reason)

    async def _change(self, key: str, wanted: Wanted, record: Record) -> Outcome:
        """Give the fulfillment that Shopify was told the tracking that is wanted now."""
        there = await self._fulfillment(wanted)
        if there is None or there.status in FELL_THROUGH:
            reason = "its fulfillment is gone or cancelled in Shopify; enter the tracking by hand"
            return Rejected(key=key, cause="amend", reason=reason)
        if units_of(there) != wanted.lines:
            reason = f"fulfillment {there.id} has other lines or units: change it by hand"
            return Rejected(key=key, cause="amend", reason=reason)
        if shows(there, wanted):
            return Accepted(key=key, remote=there.id)
        try:
            await record(CHANGING, if_wanted=True)
        except Withdrawn:
            return Untouched(key=key)
        variables = {"id": there.id, "tracking": wanted.tracking(), "notify": wanted.notify}
        answer = await self._api.ask(documents_goods.RETRACK, variables, wire_goods.Retrack, write=True)
        if isinstance(answer, Refusal) or answer.fulfillment_tracking_info_update.user_errors:
            reason = f"Shopify did not change the tracking of fulfillment {there.id}: change it by hand"
            return Rejected(key=key, cause="amend", reason=reason)
        return Accepted(key=key, remote=there.id)


def _found(key: str, order: wire_goods.Fulfillable, wanted: Wanted, before: int) -> Outcome | None:
    """The package among the fulfillments made since; one that a person has cancelled was made, too."""
    since = same(order, wanted, after=before)
    there = standing(since)
    if len(there) > 1:
        ids = ", ".join(each.id for each in there)
        return InDoubt(key=key, why=f"order {order.order.name} has it more than once: {ids}")
    if there:
        return Accepted(key=key, remote=there[0].id)
    cancelled = [each for each in since if each.status == "CANCELLED"]
    return Accepted(key=key, remote=cancelled[-1].id) if cancelled else None
