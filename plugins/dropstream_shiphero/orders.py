"""Orders become orders of ShipHero's, under our reference as their number and partner order id.

ShipHero knows no idempotency key: every write looks first whether the reference is there. What is made is
one call; a change may be several, each of which brings the order nearer to what is wanted, so that one that
was interrupted is finished.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from dropstream_shiphero import answers, documents, refusals, wire
from dropstream_shiphero.amending import changes
from dropstream_shiphero.client import Api, Refusal, after
from dropstream_shiphero.documents import Document
from dropstream_shiphero.settings import Settings
from dropstream_shiphero.skus import KnownSkus
from dropstream_shiphero.standing import Orders as Standing
from dropstream_shiphero.standing import still_there, units
from dropstream_shiphero.translate import Wanted, creation, wanted
from dropstreamd.errors import OutcomeUnknown
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
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone

WRITING = "writing"
"""Recorded before the first call that writes: without it, nothing was sent."""
VISIBLE_AFTER_S = 180.0
"""A call whose answer was lost may still run; then it is found by its reference."""


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one order. `remote` is that of one to change, or to `cancel`."""

    order: Wanted
    remote: str = ""
    cancel: bool = False


_frozen = msgspec.json.Decoder(Frozen)


class Orders:
    """A `Sink[OutboundOrder]`. An accepted one's `remote` is ShipHero's id of the order."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._standing = Standing(api, settings)
        self._skus = KnownSkus(api, settings)

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=VISIBLE_AFTER_S)

    def prepare(self, items: Sequence[Item[OutboundOrder]], stamp: Stamp) -> Preparation:
        """One attempt for each."""
        return each_alone(items, stamp, self._frozen)

    def _frozen(self, item: Item[OutboundOrder]) -> Frozen | Rejected:
        order = wanted(item.document, self._settings)
        return refusals.wrong(item, order) or Frozen(
            order=order, remote=item.remote or "", cancel=item.cancel
        )

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Make it, or take the one that is there; change it; or cancel it."""
        key, frozen = prepared.keys[0], _frozen.decode(prepared.payload)
        found = await self._standing.of(frozen.order.reference)
        live = still_there(found)
        if frozen.cancel:
            return [await self._cancel(key, frozen, found, record)]
        if frozen.remote:
            return [await self._amend(key, frozen, live, record)]
        if live:
            return [self._same(key, frozen.order, live)]
        unknown = await self._unknown(key, frozen.order)
        if unknown is not None:
            return [unknown]
        if not await _recorded(record):
            return [Untouched(key=key)]
        return [await self._create(key, frozen.order)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look it up by its reference; finish a change."""
        key, frozen = prepared.keys[0], _frozen.decode(prepared.payload)
        if not step:
            return [Untouched(key=key)]
        found = await self._standing.of(frozen.order.reference)
        live = still_there(found)
        if frozen.cancel:
            if not found:
                return [InDoubt(key=key, why="the order is no longer in ShipHero")]
            return [Untouched(key=key) if live else Accepted(key=key, remote=frozen.remote)]
        if frozen.remote:
            return [await self._changed(key, frozen, live)]
        return [self._same(key, frozen.order, live) if live else Untouched(key=key)]

    async def _unknown(self, key: str, order: Wanted) -> Rejected | None:
        """Why it is refused for a SKU that ShipHero does not have."""
        if not self._settings.check_skus:
            return None
        sku = await self._skus.first_missing(line.sku for line in order.lines)
        if sku is None:
            return None
        return Rejected(key=key, cause=f"sku:{sku}", reason=f"ShipHero has no product with the SKU {sku}")

    # ---- making

    async def _create(self, key: str, order: Wanted) -> Outcome:
        data = creation(order, self._settings)
        made = await self._write(documents.CREATE_ORDER, data)
        if isinstance(made, Refusal):
            # Whatever a refusal says: what is there is there.
            live = still_there(await self._standing.of(order.reference))
            return self._same(key, order, live) if live else refusals.refused(key, order, made)
        return Accepted(key=key, remote=made)

    def _same(self, key: str, order: Wanted, live: Sequence[wire.Standing]) -> Outcome:
        """What is there is taken for ours, if it has our units; a person may have split it."""
        there: Counter[str] = Counter()
        for each in live:
            there.update(units(each.line_items or (), order.reference))
        if there == _units(order) or any(each.shipped for each in live):
            return Accepted(key=key, remote=live[0].id)
        if len(live) > 1:
            reason = f"{len(live)} orders {order.reference} are in ShipHero: cancel there what is too much"
            return Rejected(key=key, cause="several", reason=reason)
        reason = f"order {order.reference} is in ShipHero already, with other SKUs or units of ours"
        return Rejected(key=key, cause="other-content", reason=reason)

    # ---- changing

    async def _amend(
        self, key: str, frozen: Frozen, live: Sequence[wire.Standing], record: Record
    ) -> Outcome:
        late = refusals.too_late(key, live, "changed")
        if late is not None:
            return late
        steps = changes(frozen.order, live[0], self._settings)
        if not steps:
            return Accepted(key=key, remote=live[0].id)
        unknown = await self._unknown(key, frozen.order)
        if unknown is not None:
            return unknown
        if not await _recorded(record):
            return Untouched(key=key)
        return await self._apply(key, frozen, live[0], steps)

    async def _changed(self, key: str, frozen: Frozen, live: Sequence[wire.Standing]) -> Outcome:
        """A change that was begun is brought to its end."""
        late = refusals.too_late(key, live, "changed")
        if late is not None:
            return InDoubt(key=key, why=f"whether it was changed is not known: {late.reason}")
        steps = changes(frozen.order, live[0], self._settings)
        return (
            await self._apply(key, frozen, live[0], steps) if steps else Accepted(key=key, remote=live[0].id)
        )

    async def _apply(
        self,
        key: str,
        frozen: Frozen,
        standing: wire.Standing,
        steps: Sequence[tuple[Document, dict[str, object]]],
    ) -> Outcome:
        """All of them, in this order. Once one is done, nothing that goes wrong means that nothing was."""
        for done, (document, data) in enumerate(steps):
            with after(done > 0, "a part of the change was made"):
                told = await self._write(document, {**data, "order_id": standing.id})
            if isinstance(told, Refusal):
                if done:
                    why = f"a part of the change was made in ShipHero, and {document.name} refused"
                    why = f"{why}: {refusals.why(told)}"
                    return InDoubt(key=key, why=why)
                return refusals.refused(key, frozen.order, told)
        return Accepted(key=key, remote=standing.id)

    # ---- cancelling

    async def _cancel(
        self, key: str, frozen: Frozen, found: Sequence[wire.Standing], record: Record
    ) -> Outcome:
        live = still_there(found)
        if found and not live:
            return Accepted(key=key, remote=frozen.remote)
        late = refusals.too_late(key, live, "stopped", several=True)
        if late is not None:
            return late
        if not await _recorded(record):
            return Untouched(key=key)
        for done, each in enumerate(live):
            data: dict[str, object] = {
                "order_id": each.id,
                "reason": "cancelled in the store",
                "void_on_platform": False,
                "force": False,
            }
            with after(done > 0, "a part of it was cancelled"):
                told = await self._write(documents.CANCEL_ORDER, data)
            if isinstance(told, Refusal):
                now = still_there(await self._standing.of(frozen.order.reference))
                if not now:
                    break
                part = "a part of it is cancelled; of the rest " if done else ""
                reason = f"ShipHero does not cancel it: {part}{refusals.why(told)}"
                return Rejected(key=key, cause="not-cancelled", reason=reason)
        return Accepted(key=key, remote=frozen.remote)

    async def _write(self, document: Document, data: dict[str, object]) -> str | Refusal:
        """The id of the order that was written."""
        given = {**self._settings.of_customer, **data}
        told = await self._api.ask(document, {"data": given}, dict[str, _Written | None], write=True)
        if isinstance(told, Refusal):
            return told
        written = next(iter(told.values()), None)
        if written is None or written.order is None:
            raise OutcomeUnknown(f"ShipHero answered {document.name} with no order; it may have been applied")
        return written.order.id


class _Written(msgspec.Struct, frozen=True):
    order: answers.Id | None = None


async def _recorded(record: Record) -> bool:
    """Whether it is still wanted; then it is on record that something is written now."""
    try:
        await record(WRITING, if_wanted=True)
    except Withdrawn:
        return False
    return True


def _units(order: Wanted) -> Counter[str]:
    counted: Counter[str] = Counter()
    for line in order.lines:
        counted[line.sku] += line.quantity
    return counted
