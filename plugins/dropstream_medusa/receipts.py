"""What came back to a warehouse is received on its return in Medusa, each receipt once.

A receipt is taken in by a change of the order (`return_receive`), which has its effect when it is
confirmed and not before. The receipt's key stands in the change's internal note, by which it is found
again. Where nobody asked for a return, one is drawn up first, with the key in its metadata.

Units that are *received* are added to the stock by Medusa itself, units that are *dismissed* are not. The
next level counts what came back: so units are dismissed, unless the receipt says that they be restocked.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from dropstream_medusa import wire, wire_returns
from dropstream_medusa.client import Api, Params, Refusal, begun
from dropstream_medusa.places import Places
from dropstream_medusa.receipt_checks import EDITING, Found, Wanted, refused
from dropstream_medusa.translate import CANCELED
from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.handover import (
    Accepted,
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
from dropstreamd.model.returns import ReturnReceipt
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone

RECEIVING = "receiving"
RECEIVE = "return_receive"
MOST_RETURNS = 100
CHANGE_FIELDS = "id,status,change_type,return_id,internal_note"
RETURN_FIELDS = "id,status,location_id,metadata,items.item_id,items.quantity"
ORDER_FIELDS = ",".join(
    (
        "id,status,items.id,items.variant_sku,items.variant.manage_inventory",
        "items.variant.inventory_items.inventory.id",
        "items.variant.inventory_items.inventory.location_levels.location_id",
    )
)


_wanted = msgspec.json.Decoder(Wanted)


class Receipts:
    """A `Sink[ReturnReceipt]`. An accepted one's `remote` is the return's id."""

    def __init__(self, api: Api, places: Places) -> None:
        self._api = api
        self._places = places

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[ReturnReceipt]], stamp: Stamp) -> Preparation:
        """One attempt for each receipt."""
        return each_alone(items, stamp, _frozen)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Receive it, or finish what stands there of it."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        found = await self._find(key, wanted)
        if isinstance(found, Rejected):
            return [found]
        if found.done:
            return [Accepted(key=key, remote=found.returned.id if found.returned else "")]
        location = (await self._places.location()).id
        why_not = refused(key, wanted, found, location)
        if why_not is not None:
            return [why_not]
        if not found.begun:
            try:
                await record(RECEIVING, if_wanted=True)
            except Withdrawn:
                return [Untouched(key=key)]
        return [await self._receive(key, wanted, found, location)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look for it on the order; finish what was begun."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        found = await self._find(key, wanted) if step == RECEIVING else None
        if found is None or isinstance(found, Rejected):
            return [Untouched(key=key)]
        if found.done:
            return [Accepted(key=key, remote=found.returned.id if found.returned else "")]
        if not found.begun:
            return [Untouched(key=key)]
        return [await self._receive(key, wanted, found, (await self._places.location()).id)]

    # ---- looking

    async def _find(self, key: str, wanted: Wanted) -> Found | Rejected:
        order = await self._api.find(
            f"orders/{wanted.order}", {"fields": ORDER_FIELDS}, wire_returns.StockedOrderAnswer
        )
        if isinstance(order, Refusal):
            return Rejected(key=key, cause="no-order", reason="Medusa has no such order")
        changes = (
            await self._api.read(
                f"orders/{wanted.order}/changes", {"fields": CHANGE_FIELDS}, wire_returns.OrderChanges
            )
        ).order_changes
        returned = await self._return(wanted)
        ours = [each for each in changes if _is_ours(each, wanted)]
        drawn_up = returned is not None and not wanted.asked
        open_changes = [each for each in changes if each.open]
        mine = [each for each in open_changes if each in ours or (drawn_up and _of(each, returned))]
        return Found(
            order=order.order,
            returned=returned,
            done=any(each.status == "confirmed" for each in ours),
            begun=bool(mine) or drawn_up,
            others=len(mine) < len(open_changes),
        )

    async def _return(self, wanted: Wanted) -> wire_returns.ReceivedReturn | None:
        """The return that was asked for, or the one that was drawn up for this receipt."""
        params: Params = {
            "order_id": wanted.order,
            "limit": MOST_RETURNS,
            "order": "-id",
            "fields": RETURN_FIELDS,
        }
        for each in (await self._api.read("returns", params, wire_returns.ReceivedReturns)).returns:
            if wanted.asked and each.id == wanted.asked:
                return each
            if not wanted.asked and wire.read_mark(each.metadata) == wanted.receipt:
                return each if each.status != CANCELED else None
        return None

    # ---- writing

    async def _receive(self, key: str, wanted: Wanted, found: Found, location: str) -> Outcome:
        with begun(f"the receipt {wanted.receipt}"):
            returned = found.returned
            if returned is not None and found.begun:  # what stands open of an earlier try has had no effect
                step = "request" if returned.status == "open" else "receive"
                await self._delete(f"returns/{returned.id}/{step}")
                returned = None if step == "request" else returned
            if returned is None:
                drawn_up = await self._draw_up(key, wanted, location)
                if isinstance(drawn_up, Rejected):
                    return drawn_up
                return await self._take_in(key, wanted, drawn_up)
            if returned.location_id is None:
                refusal = await self._post(f"returns/{returned.id}", {"location_id": location})
                if refusal is not None:
                    return _no(key, refusal)
            return await self._take_in(key, wanted, returned.id)

    async def _draw_up(self, key: str, wanted: Wanted, location: str) -> str | Rejected:
        """A return that nobody asked for, without a word to the buyer."""
        body = {
            "order_id": wanted.order,
            "location_id": location,
            "no_notification": True,
            "metadata": {wire.MARK: wanted.receipt},
        }
        made = await self._api.write("returns", body, wire_returns.ReturnAnswer, params={"fields": "id"})
        if isinstance(made, Refusal):
            return _no(key, made)
        returned = made.returned.id
        lines = {"items": [{"id": line, "quantity": units} for line, units in wanted.units.items()]}
        for step, content in (("request-items", lines), ("request", {"no_notification": True})):
            refusal = await self._post(f"returns/{returned}/{step}", content)
            if refusal is not None:
                await self._delete(f"returns/{returned}/request")
                return _no(key, refusal)
        return returned

    async def _take_in(self, key: str, wanted: Wanted, returned: str) -> Outcome:
        path = f"returns/{returned}"
        refusal = await self._post(f"{path}/receive", {"internal_note": wanted.note})
        if refusal is not None:
            return _no(key, refusal)
        steps: list[tuple[str, object]] = [
            (step, {"items": [{"id": line, "quantity": units} for line, units in lines.items()]})
            for step, lines in (("receive-items", wanted.received), ("dismiss-items", wanted.dismissed))
            if lines
        ]
        for step, content in [*steps, ("receive/confirm", {})]:
            refusal = await self._post(f"{path}/{step}", content)
            if refusal is not None:
                await self._delete(f"{path}/receive")
                return _no(key, refusal)
        return Accepted(key=key, remote=returned)

    async def _post(self, path: str, body: object) -> Refusal | None:
        answer = await self._api.write(path, body, wire.Done)
        return answer if isinstance(answer, Refusal) else None

    async def _delete(self, path: str) -> None:
        answer = await self._api.write(path, None, wire.Done, method="DELETE")
        if isinstance(answer, Refusal) and not (answer.missing or "is required" in answer.message):
            raise OutcomeUnknown(f"Medusa did not drop what stands open of a return: {answer}")


def _frozen(item: Item[ReturnReceipt]) -> Wanted | Rejected:
    document = item.document
    received: Counter[str] = Counter()
    dismissed: Counter[str] = Counter()
    for line in document.lines:
        back_into_stock = document.restock and line.condition == "restock"
        (received if back_into_stock else dismissed)[line.order_line] += line.quantity
    if not document.lines or any(line.quantity < 1 for line in document.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    if item.remote is not None:
        return Rejected(key=item.key, cause="amend", reason="Medusa cannot change what was received")
    if document.refund:
        reason = "Medusa pays back by a person's hand: switch the refund of returns off"
        return Rejected(key=item.key, cause="refund", reason=reason)
    return Wanted(
        receipt=document.receipt_key,
        order=document.order_key,
        asked=document.return_key,
        received=dict(received),
        dismissed=dict(dismissed),
    )


def _is_ours(change: wire_returns.OrderChange, wanted: Wanted) -> bool:
    return change.change_type == RECEIVE and change.internal_note == wanted.note


def _of(change: wire_returns.OrderChange, returned: wire_returns.ReceivedReturn | None) -> bool:
    return returned is not None and change.return_id == returned.id


def _no(key: str, refusal: Refusal) -> Rejected:
    if refusal.editing:
        return Rejected(key=key, cause="order-change", reason=EDITING)
    return Rejected(key=key, cause="refused", reason=f"Medusa did not take the receipt: {refusal}")
