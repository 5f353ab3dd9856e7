"""Packages become fulfillments of Vendure's orders, each once.

Vendure knows no idempotency key and no field for a reference of ours, so the package's key stands at
the end of the fulfillment's `method`, in brackets: `UPS Ground [SHP-0412]`. By it every write looks
first whether it has happened. A fulfillment is made in two calls, created (units leave the stock) and
shipped; one that was only created is found by its key and shipped.

Vendure cannot change a fulfillment. A package whose tracking changed gets a new one, after the old one
was cancelled (its units come back, and are taken again). What the order shows tells how far that got,
so that it is finished from wherever it was cut off: never is one created while another one stands.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from dropstream_vendure import documents, wire
from dropstream_vendure.client import Api, Refusal
from dropstream_vendure.packages import (
    There,
    Wanted,
    frozen,
    is_ours,
    no_order,
    refusal,
    replacement,
    same_by_hand,
    standing,
    units_of,
)
from dropstream_vendure.settings import Settings
from dropstreamd.errors import Hold, Misconfigured, OutcomeUnknown, Wait
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

CREATING = "creating"
"""Recorded before the call that creates: without it, nothing was sent."""

REPLACING = "replacing"
"""Recorded before the call that cancels what is to be replaced."""

SHIPPED = "Shipped"
_DONE = (SHIPPED, "Delivered")
_BY_HAND = "make it by hand"  # what was handed over before is not tried again by itself

_wanted = msgspec.json.Decoder(Wanted)


class Fulfillments:
    """A `Sink[Fulfillment]`. An accepted one's `remote` is the fulfillment's id."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._handler = settings.fulfillment_handler
        self._replaces = settings.changed_tracking == "replace"

    @property
    def writes(self) -> Writes:
        # A call whose answer was lost may still run in Vendure; then it is found on its order.
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Fulfillment]], stamp: Stamp) -> Preparation:
        """One attempt for each package."""
        return each_alone(items, stamp, self._frozen)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create and ship, or finish one that is there. An order with nothing left to fulfill is refused,
        unless somebody entered the same units under the same tracking number. A package that Vendure
        was told of before gets a fulfillment in the place of the one that it has."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        order = await self._order(wanted)
        if order is None:
            return [no_order(key)]
        if wanted.replaces is not None:
            return [await self._amend(key, order, wanted, record)]
        there = standing(order, wanted)
        if there:
            return [await self._finished(key, wanted, there)]
        refused = refusal(key, order, wanted)
        if refused is not None:
            same = same_by_hand(order, wanted)
            return [refused if same is None else await self._shipped(key, wanted, same)]
        try:
            await record(CREATING, if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        return [await self._create(key, wanted)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look the package up on its order; ship it where it was only created, and create it where only
        the one in whose place it comes was cancelled."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if step not in (CREATING, REPLACING):
            return [Untouched(key=key)]
        if wanted.replaces is not None:
            return [await self._amended(key, wanted)]
        order = await self._order(wanted)
        if order is None:
            return [Untouched(key=key)]
        ours = [each for each in order.fulfillments or () if is_ours(each, wanted)]
        there = standing(order, wanted)
        if there:
            return [await self._finished(key, wanted, there)]
        if ours:  # created by us, and cancelled by a person since
            return [Accepted(key=key, remote=ours[-1].id)]
        return [Untouched(key=key)]

    def _frozen(self, item: Item[Fulfillment]) -> Wanted | Rejected:
        if item.remote is not None and not self._replaces:
            return Rejected(key=item.key, cause="amend", reason="Vendure cannot change a fulfillment")
        return frozen(item)

    async def _amend(self, key: str, order: wire.FulfilledOrder, wanted: Wanted, record: Record) -> Outcome:
        """Make the order show the package as it is wanted now. Cancelling and creating are two calls:
        once the first was sent, nothing short of the second ends the attempt."""
        plan = replacement(key, order, wanted)
        if isinstance(plan, Rejected):
            return plan
        if isinstance(plan, There):
            return await self._shipped(key, wanted, plan.fulfillment)
        try:
            await record(REPLACING, if_wanted=True)
        except Withdrawn:
            return Untouched(key=key)
        if plan.old is not None:
            await self._api.ask(documents.CANCEL, {"id": plan.old.id}, wire.Move, write=True)
        with _begun("a fulfillment was cancelled, and there is no other yet"):
            outcome = await self._amended(key, wanted)
        if plan.old is None:
            return outcome
        if isinstance(outcome, Untouched):
            why = f"Vendure did not cancel fulfillment {plan.old.id}; change its tracking by hand"
            return Rejected(key=key, cause="amend", reason=why)
        if isinstance(outcome, Rejected):  # for want of stock perhaps, until levels are pushed
            raise OutcomeUnknown(outcome.reason)
        return outcome

    async def _amended(self, key: str, wanted: Wanted) -> Outcome:
        """What became of it, finished where the old one is cancelled; untouched where it stands."""
        order = await self._order(wanted)
        plan = no_order(key) if order is None else replacement(key, order, wanted)
        if isinstance(plan, Rejected):
            return plan
        if isinstance(plan, There):
            return await self._shipped(key, wanted, plan.fulfillment)
        if plan.old is not None:
            return Untouched(key=key)
        outcome = await self._create(key, wanted)
        if not isinstance(outcome, Rejected):
            return outcome
        reason = f"its fulfillment is cancelled, and there is no other in its place: {outcome.reason}"
        return Rejected(key=key, cause=outcome.cause, reason=reason)

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
            with _begun("a fulfillment may have been created"):
                return await self._after(key, wanted, str(answer))
        result = answer.add_fulfillment_to_order
        if result.id:
            return await self._ship(key, wanted, result.id)
        if result.stock_on_hand is not None:
            return Rejected(
                key=key,
                cause="stock-on-hand",
                reason=f"Vendure has only {result.stock_on_hand} units on hand, fewer than left: "
                f"push the levels, then {'release it' if wanted.replaces is None else _BY_HAND}",
            )
        with _begun("a fulfillment may have been created"):
            return await self._after(key, wanted, result.error_code)

    async def _after(self, key: str, wanted: Wanted, why: str) -> Outcome:
        """The call was answered by a refusal: what does the order show? Some refusals come late, with
        the fulfillment already there."""
        order = await self._order(wanted)
        there = [] if order is None else standing(order, wanted)
        if there:
            return await self._finished(key, wanted, there)
        then = "" if wanted.replaces is None else f"; {_BY_HAND}"
        reason = f"Vendure did not create the fulfillment: {why}{then}"
        return Rejected(key=key, cause="refused", reason=reason)

    async def _finished(self, key: str, wanted: Wanted, there: list[wire.Fulfillment]) -> Outcome:
        if len(there) > 1:
            ids = ", ".join(each.id for each in there)
            return InDoubt(key=key, why=f"order {wanted.order} has it more than once: fulfillments {ids}")
        if units_of(there[0]) != wanted.lines:
            reason = f"fulfillment {there[0].id} bears this package's key, with other lines or units"
            return Rejected(key=key, cause="other-content", reason=reason)
        return await self._shipped(key, wanted, there[0])

    async def _shipped(self, key: str, wanted: Wanted, there: wire.Fulfillment) -> Outcome:
        if there.state in _DONE:
            return Accepted(key=key, remote=there.id)
        return await self._ship(key, wanted, there.id)

    async def _ship(self, key: str, wanted: Wanted, remote: str) -> Outcome:
        with _begun("a fulfillment was created, and is not shipped yet"):
            return await self._asked_to_ship(key, wanted, remote)

    async def _asked_to_ship(self, key: str, wanted: Wanted, remote: str) -> Outcome:
        answer = await self._api.ask(documents.SHIP, {"id": remote}, wire.Move, write=True)
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
        then = ", or release this to try again" if wanted.replaces is None else ""
        return Rejected(
            key=key,
            cause="not-shipped",
            reason=f"fulfillment {remote} was created and stays {state}: Vendure did not ship it ({why}); "
            f"ship it by hand{then}",
        )


@contextmanager
def _begun(what: str) -> Iterator[None]:
    """Whatever keeps us from going on, what was begun is there: no error may say that there is nothing."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except (Wait, Hold) as error:
        raise OutcomeUnknown(what) from error
