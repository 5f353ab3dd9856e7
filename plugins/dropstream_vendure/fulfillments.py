"""Packages become fulfillments of Vendure's orders, each once.

Vendure knows no idempotency key and no field for a reference of ours, so the package's key stands at
the end of the fulfillment's `method`, in brackets: `UPS Ground [SHP-0412]`. By it every write looks
first whether it has happened. A fulfillment is made in two calls, created (units leave the stock) and
shipped; one that was only created is found by its key and shipped.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from dropstream_vendure import documents, wire
from dropstream_vendure.client import Api, Refusal
from dropstream_vendure.settings import CANCELLED, Settings
from dropstream_vendure.translate import fulfilled_units
from dropstreamd.errors import Misconfigured, OutcomeUnknown
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

CREATING = "creating"
"""Recorded before the call that creates: without it, nothing was sent."""

SHIPPED = "Shipped"
_DONE = (SHIPPED, "Delivered")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one fulfillment: units by order line, and the texts as Vendure will have them."""

    package: str
    order: str
    lines: dict[str, int]
    method: str
    tracking: str


_wanted = msgspec.json.Decoder(Wanted)


class Fulfillments:
    """A `Sink[Fulfillment]`. An accepted one's `remote` is the fulfillment's id."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._handler = settings.fulfillment_handler

    @property
    def writes(self) -> Writes:
        # A call whose answer was lost may still run in Vendure; then it is found on its order.
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Fulfillment]], stamp: Stamp) -> Preparation:
        """One attempt for each package."""
        prepared: list[Prepared] = []
        rejected: list[Rejected] = []
        for number, item in enumerate(items):
            wanted = _frozen(item)
            if isinstance(wanted, Rejected):
                rejected.append(wanted)
            else:
                payload = msgspec.json.encode(wanted)
                name = f"{stamp.attempt}-{number}"
                prepared.append(Prepared(name=name, keys=(item.key,), payload=payload))
        return Preparation(prepared=tuple(prepared), rejected=tuple(rejected))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create and ship, or finish one that is there. An order with nothing left to fulfill is refused,
        unless somebody entered the same units under the same tracking number."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        order = await self._order(wanted)
        if order is None:
            return [_no_order(key)]
        standing = _standing(order, wanted)
        if standing:
            return [await self._finished(key, wanted, standing)]
        refused = _refused(key, order, wanted)
        if refused is not None:
            same = _same_by_hand(order, wanted)
            return [refused if same is None else await self._shipped(key, wanted, same)]
        try:
            await record(CREATING, if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        return [await self._create(key, wanted)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look the package up on its order; ship it where it was only created."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if step != CREATING:
            return [Untouched(key=key)]
        order = await self._order(wanted)
        if order is None:
            return [Untouched(key=key)]
        ours = [each for each in order.fulfillments or () if _is_ours(each, wanted)]
        standing = _standing(order, wanted)
        if standing:
            return [await self._finished(key, wanted, standing)]
        if ours:  # created by us, and cancelled by a person since
            return [Accepted(key=key, remote=ours[-1].id)]
        return [Untouched(key=key)]

    async def _order(self, wanted: Wanted) -> wire.FulfilledOrder | None:
        answer = await self._api.query(documents.FULFILLMENTS, {"order": wanted.order}, wire.Fulfillments)
        handler = next((each for each in answer.fulfillment_handlers if each.code == self._handler), None)
        if handler is None:
            codes = ", ".join(sorted(each.code for each in answer.fulfillment_handlers))
            raise Misconfigured(
                f"Vendure has no fulfillment handler {self._handler!r}",
                remedy=f"set fulfillment_handler to one of: {codes}",
            )
        missing = {"method", "trackingCode"} - {argument.name for argument in handler.args}
        if missing:
            names = " and no ".join(sorted(missing))
            raise Misconfigured(
                f"Vendure's fulfillment handler {self._handler!r} takes no {names}",
                remedy="set fulfillment_handler to one that takes method and trackingCode",
            )
        return answer.order

    async def _create(self, key: str, wanted: Wanted) -> Outcome:
        lines = [{"orderLineId": line, "quantity": units} for line, units in wanted.lines.items()]
        arguments = [
            {"name": "method", "value": wanted.method},
            {"name": "trackingCode", "value": wanted.tracking},
        ]
        handler = {"code": self._handler, "arguments": arguments}
        variables = {"input": {"lines": lines, "handler": handler}}
        answer = await self._api.ask(documents.FULFILL, variables, wire.Fulfill, write=True)
        if isinstance(answer, Refusal):
            return await self._after(key, wanted, str(answer))
        result = answer.add_fulfillment_to_order
        if result.id:
            return await self._ship(key, wanted, result.id)
        if result.stock_on_hand is not None:
            return Rejected(
                key=key,
                cause="stock-on-hand",
                reason=f"Vendure has only {result.stock_on_hand} units on hand, fewer than left: "
                "push the levels, then release it",
            )
        return await self._after(key, wanted, result.error_code)

    async def _after(self, key: str, wanted: Wanted, why: str) -> Outcome:
        """The call was answered by a refusal: what does the order show? Some refusals come late, with
        the fulfillment already there."""
        order = await self._order(wanted)
        standing = [] if order is None else _standing(order, wanted)
        if standing:
            return await self._finished(key, wanted, standing)
        return Rejected(key=key, cause="refused", reason=f"Vendure did not create the fulfillment: {why}")

    async def _finished(self, key: str, wanted: Wanted, standing: list[wire.Fulfillment]) -> Outcome:
        if len(standing) > 1:
            ids = ", ".join(each.id for each in standing)
            return InDoubt(key=key, why=f"order {wanted.order} has it more than once: fulfillments {ids}")
        if _units(standing[0]) != wanted.lines:
            reason = f"fulfillment {standing[0].id} bears this package's key, with other lines or units"
            return Rejected(key=key, cause="other-content", reason=reason)
        return await self._shipped(key, wanted, standing[0])

    async def _shipped(self, key: str, wanted: Wanted, there: wire.Fulfillment) -> Outcome:
        if there.state in _DONE:
            return Accepted(key=key, remote=there.id)
        return await self._ship(key, wanted, there.id)

    async def _ship(self, key: str, wanted: Wanted, remote: str) -> Outcome:
        variables = {"id": remote, "state": SHIPPED}
        answer = await self._api.ask(documents.SHIP, variables, wire.Ship, write=True)
        if isinstance(answer, Refusal):
            return await self._after_ship(key, wanted, remote, str(answer))
        result = answer.transition_fulfillment_to_state
        if result.state in _DONE or result.from_state in _DONE:
            return Accepted(key=key, remote=remote)
        return await self._after_ship(key, wanted, remote, result.error_code or f"state {result.state}")

    async def _after_ship(self, key: str, wanted: Wanted, remote: str, why: str) -> Outcome:
        order = await self._order(wanted)
        states = {each.id: each.state for each in (order.fulfillments if order else None) or ()}
        state = states.get(remote)
        if state is None:
            raise OutcomeUnknown("a fulfillment that was created is not on its order")
        if state in _DONE:
            return Accepted(key=key, remote=remote)
        return Rejected(
            key=key,
            cause="not-shipped",
            reason=f"fulfillment {remote} was created and stays {state}: Vendure did not ship it ({why}); "
            "ship it by hand, or release this to try again",
        )


def _frozen(item: Item[Fulfillment]) -> Wanted | Rejected:
    document = item.document
    lines: Counter[str] = Counter()
    for line in document.lines:
        lines[line.order_line] += line.quantity
    if not lines or any(line.quantity < 1 for line in document.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    if item.remote is not None:
        return Rejected(key=item.key, cause="amend", reason="Vendure cannot change a fulfillment")
    service = " ".join(part for part in (document.carrier.strip(), document.service.strip()) if part)
    return Wanted(
        package=document.package_key,
        order=document.order_key,
        lines=dict(lines),
        method=f"{service} {_reference(document.package_key)}".strip(),
        tracking=", ".join(document.tracking_numbers),
    )


def _reference(package: str) -> str:
    return f"[{package}]"


def _is_ours(fulfillment: wire.Fulfillment, wanted: Wanted) -> bool:
    reference = _reference(wanted.package)
    return fulfillment.method == reference or fulfillment.method.endswith(f" {reference}")


def _standing(order: wire.FulfilledOrder, wanted: Wanted) -> list[wire.Fulfillment]:
    """This package's fulfillments that were not cancelled."""
    return [each for each in order.fulfillments or () if each.state != CANCELLED and _is_ours(each, wanted)]


def _units(fulfillment: wire.Fulfillment) -> dict[str, int]:
    return {line: units for line, units in fulfilled_units([fulfillment]).items() if units}


def _same_by_hand(order: wire.FulfilledOrder, wanted: Wanted) -> wire.Fulfillment | None:
    """Somebody entered the same units under the same tracking number."""
    for each in order.fulfillments or ():
        same = each.tracking_code == wanted.tracking and _units(each) == wanted.lines
        if wanted.tracking and same and each.state != CANCELLED:
            return each
    return None


def _no_order(key: str) -> Rejected:
    return Rejected(key=key, cause="no-order", reason="Vendure has no such order in this channel")


def _refused(key: str, order: wire.FulfilledOrder, wanted: Wanted) -> Rejected | None:
    """Why these units cannot be fulfilled. Vendure itself does not look at everything."""
    quantities = {line.id: line.quantity for line in order.lines}
    unknown = sorted(wanted.lines.keys() - quantities.keys())
    if unknown:
        return Rejected(
            key=key, cause="no-line", reason=f"the order has no line {', '.join(unknown)} in Vendure"
        )
    if order.state == CANCELLED:
        return Rejected(key=key, cause="cancelled", reason="the order is cancelled in Vendure")
    done = fulfilled_units(order.fulfillments)
    short = [line for line, units in wanted.lines.items() if units > quantities[line] - done[line]]
    if not short:
        return None
    others = ", ".join(each.id for each in order.fulfillments or () if each.state != CANCELLED)
    left = {line: max(0, quantities[line] - done[line]) for line in short}
    told = "; ".join(
        f"line {line}: {wanted.lines[line]} left the warehouse, {left[line]} are open" for line in short
    )
    by_whom = f" (fulfillments {others})" if others else ""
    return Rejected(key=key, cause="already-fulfilled", reason=f"{told} in Vendure{by_whom}")
