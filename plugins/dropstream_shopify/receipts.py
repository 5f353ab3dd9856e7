"""What a warehouse received back, told to Shopify as the dispositions of a return's lines.

A disposition says where units ended: restocked, not restocked, or to be processed. It pays nothing back and
does not close the return. The mutation has no idempotency key: what was disposed of before is recorded
before the call, and what has been added since tells what became of it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from dropstream_shopify import documents_goods, wire_goods
from dropstream_shopify.client import Api, Refusal
from dropstream_shopify.settings import Settings
from dropstreamd.errors import Hold, OutcomeUnknown, Wait
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
from dropstreamd.model.returns import ReturnedLine, ReturnReceipt
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone

DISPOSING = "disposing "
"""Recorded before the first call, with what was to be disposed of by then, and of what there was before."""


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one of the order's lines that ended one way."""

    line: str
    quantity: int
    type: str


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    ret: str
    parts: tuple[_Part, ...]
    location: str


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one line of a reverse fulfillment order; `before` were disposed of already."""

    order: str
    line: str
    quantity: int
    type: str
    before: int


_wanted = msgspec.json.Decoder(_Wanted)
_steps = msgspec.json.Decoder(tuple[_Step, ...])


class Receipts:
    """A `Sink[ReturnReceipt]`."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._location = settings.stock_location

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[ReturnReceipt]], stamp: Stamp) -> Preparation:
        """One attempt for each receipt."""
        return each_alone(items, stamp, lambda item: _unusable(item) or self._frozen(item.document))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Dispose of the units, in a call for each of the return's reverse fulfillment orders."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        ret = await self._return(wanted)
        plan = Rejected(key=key, cause="no-return", reason="Shopify has no such return")
        steps = plan if ret is None else _planned(key, ret, wanted)
        if isinstance(steps, Rejected):
            return [steps]
        try:
            await record(DISPOSING + msgspec.json.encode(steps).decode(), if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        return [await self._dispose(key, steps, wanted, begun=False)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look at what was disposed of since; finish what was begun."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if not step.startswith(DISPOSING):
            return [Untouched(key=key)]
        steps = _steps.decode(step.removeprefix(DISPOSING))
        ret = await self._return(wanted)
        now = {} if ret is None else _disposed(ret)
        added = _added(steps, now)
        if added is None:
            return [InDoubt(key=key, why="other units of the return were dealt with in Shopify meanwhile")]
        left = tuple(each for each in steps if each.order not in added)
        if len(left) == len(steps):
            return [Untouched(key=key)]
        return [await self._dispose(key, left, wanted, begun=True)]

    def _frozen(self, receipt: ReturnReceipt) -> _Wanted:
        units: Counter[tuple[str, str]] = Counter()
        for line in receipt.lines:
            units[line.order_line, _disposition(line, restock=receipt.restock)] += line.quantity
        parts = tuple(
            _Part(line=line, quantity=quantity, type=kind) for (line, kind), quantity in units.items()
        )
        return _Wanted(ret=receipt.return_key, parts=parts, location=self._location)

    async def _return(self, wanted: _Wanted) -> wire_goods.Disposable | None:
        answer = await self._api.ask(
            documents_goods.DISPOSABLE, {"id": wanted.ret}, wire_goods.DisposableAnswer, write=False
        )
        return None if isinstance(answer, Refusal) else answer.return_

    async def _dispose(self, key: str, steps: Sequence[_Step], wanted: _Wanted, *, begun: bool) -> Outcome:
        """Each reverse fulfillment order's units in a call of its own, as Shopify wants it."""
        for order in dict.fromkeys(each.order for each in steps):
            inputs = [
                {
                    "reverseFulfillmentOrderLineItemId": each.line,
                    "quantity": each.quantity,
                    "dispositionType": each.type,
                    "locationId": wanted.location,
                }
                for each in steps
                if each.order == order
            ]
            try:
                answer = await self._api.ask(
                    documents_goods.DISPOSE, {"inputs": inputs}, wire_goods.Dispose, write=True
                )
            except OutcomeUnknown:
                raise
            except (Wait, Hold) as error:
                if begun:
                    raise OutcomeUnknown("a part of the receipt was told to Shopify") from error
                raise
            refused = isinstance(answer, Refusal) or answer.reverse_fulfillment_order_dispose.user_errors
            if refused:
                told = "; a part of it was told" if begun else ""
                reason = f"Shopify did not take the units as returned{told}: enter them by hand"
                return Rejected(key=key, cause="refused", reason=reason)
            begun = True
        return Accepted(key=key, remote=wanted.ret)


def _unusable(item: Item[ReturnReceipt]) -> Rejected | None:
    receipt = item.document
    if not receipt.return_key:
        reason = "nobody asked for this return in Shopify: make one there for the order, then tell it by hand"
        return Rejected(key=item.key, cause="no-return", reason=reason)
    if receipt.refund:
        reason = "paying back is not this plugin's: take `refund` out of [returns] and refund it in Shopify"
        return Rejected(key=item.key, cause="refund", reason=reason)
    if not receipt.lines or any(line.quantity < 1 for line in receipt.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    return None


def _disposition(line: ReturnedLine, *, restock: bool) -> str:
    if line.condition == "quarantine":
        return "PROCESSING_REQUIRED"
    return "RESTOCKED" if restock and line.condition == "restock" else "NOT_RESTOCKED"


def _disposed(ret: wire_goods.Disposable) -> dict[str, int]:
    """Units disposed of, by line."""
    return {
        line.id: sum(each.quantity for each in line.dispositions)
        for order in ret.reverse_fulfillment_orders.nodes
        for line in order.line_items.nodes
    }


def _planned(key: str, ret: wire_goods.Disposable, wanted: _Wanted) -> tuple[_Step, ...] | Rejected:
    """Where each unit goes: to lines of open reverse fulfillment orders that have some left."""
    if ret.status != "OPEN":
        reason = f"return {ret.name} is {ret.status.lower()} in Shopify: nothing can be told of it"
        return Rejected(key=key, cause="return-closed", reason=reason)
    before, taken = _disposed(ret), Counter[str]()
    steps: list[_Step] = []
    for part in wanted.parts:
        left = part.quantity
        for order in ret.reverse_fulfillment_orders.nodes:
            for line in order.line_items.nodes if order.status == "OPEN" else ():
                sold = line.fulfillment_line_item
                if sold is None or sold.line_item.id != part.line:
                    continue
                some = min(left, line.total_quantity - before[line.id] - taken[line.id])
                if some > 0:
                    steps.append(
                        _Step(
                            order=order.id,
                            line=line.id,
                            quantity=some,
                            type=part.type,
                            before=before[line.id],
                        )
                    )
                    taken[line.id] += some
                    left -= some
        if left:
            reason = f"return {ret.name} waits for {left} fewer units of line {part.line} in Shopify"
            return Rejected(key=key, cause="too-many", reason=reason)
    return tuple(steps)


def _added(steps: Sequence[_Step], now: Mapping[str, int]) -> set[str] | None:
    """The reverse fulfillment orders whose call was carried out; None where that cannot be told."""
    wanted: Counter[str] = Counter()
    before, order_of = {}, {}
    for each in steps:
        wanted[each.line] += each.quantity
        before[each.line], order_of[each.line] = each.before, each.order
    done: dict[str, set[bool]] = {}
    for line, quantity in wanted.items():
        added = now.get(line, 0) - before[line]
        if added not in (0, quantity):
            return None
        done.setdefault(order_of[line], set()).add(added == quantity)
    if any(len(each) > 1 for each in done.values()):
        return None
    return {order for order, each in done.items() if each == {True}}
