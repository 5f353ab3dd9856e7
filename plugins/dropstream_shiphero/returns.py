"""Returns become returns of ShipHero's, of the order that bears our reference, under the return's own."""

from collections.abc import Sequence

import msgspec

from dropstream_shiphero import answers, documents_goods, values
from dropstream_shiphero.client import Api, Refusal
from dropstream_shiphero.receipts import Back
from dropstream_shiphero.settings import Settings
from dropstream_shiphero.standing import Orders
from dropstreamd.errors import OutcomeUnknown, ProtocolMismatch
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
from dropstreamd.model.orders import Address
from dropstreamd.model.returns import OutboundReturn
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone

WRITING = "writing"
VISIBLE_AFTER_S = 180.0
NO_REASON = "Other"
"""ShipHero wants one of every return, and of every line."""


class WantedReturn(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one return: lines as units and reason by SKU."""

    reference: str
    order_reference: str
    lines: tuple[tuple[str, int, str], ...]
    sender: Address
    tracking_number: str


_wanted = msgspec.json.Decoder(WantedReturn)


class _Written(msgspec.Struct, frozen=True, rename={"back": "return"}):
    back: answers.Id | None = None


class Returns:
    """A `Sink[OutboundReturn]`. An accepted one's `remote` is the return's id."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._orders = Orders(api, settings)

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=VISIBLE_AFTER_S)

    def prepare(self, items: Sequence[Item[OutboundReturn]], stamp: Stamp) -> Preparation:
        """One attempt for each."""
        return each_alone(items, stamp, lambda item: _wrong(item) or _frozen(item.document))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Make it, or take the one that is there."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        order = await self._order(wanted)
        if order is None:
            reason = f"ShipHero has no order {wanted.order_reference} to take a return of"
            return [Rejected(key=key, cause="order", reason=reason)]
        there = await self._there(order, wanted)
        if there is not None:
            return [Accepted(key=key, remote=there)]
        try:
            await record(WRITING, if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        return [await self._create(key, order, wanted)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look it up among its order's."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        order = await self._order(wanted) if step else None
        there = None if order is None else await self._there(order, wanted)
        return [Untouched(key=key) if there is None else Accepted(key=key, remote=there)]

    async def _order(self, wanted: WantedReturn) -> str | None:
        """The id of the order: of several the one that is not cancelled."""
        found = await self._orders.of(wanted.order_reference)
        return next((each.id for each in sorted(found, key=lambda one: one.cancelled)), None)

    async def _there(self, order: str, wanted: WantedReturn) -> str | None:
        variables = {"order_id": order, **self._settings.of_customer}
        told = await self._api.ask(
            documents_goods.RETURNS_OF_ORDER, variables, dict[str, answers.Listed[Back] | None], write=False
        )
        if isinstance(told, Refusal):
            if told.not_found:
                return None
            raise ProtocolMismatch(f"ShipHero refused to look a return up (code {told.code}): {told.message}")
        listed = told.get("returns")
        if listed is None or listed.data is None:
            raise ProtocolMismatch("ShipHero answered the look-up of a return with no rows and no error")
        if listed.data.page_info.has_next_page:
            raise ProtocolMismatch(
                f"order {wanted.order_reference} has more returns in ShipHero than can be looked at"
            )
        return next((each.id for each in listed.data if each.partner_id == wanted.reference), None)

    async def _create(self, key: str, order: str, wanted: WantedReturn) -> Outcome:
        settings = self._settings
        reason = next((each[2] for each in wanted.lines if each[2]), NO_REASON)
        data: dict[str, object] = {
            **settings.of_customer,
            "order_id": order,
            "warehouse_id": settings.warehouse,
            "partner_id": wanted.reference,
            "return_reason": reason,
            "label_type": "FREE",
            "label_cost": "0.00",
            "create_label": False,
            "address": _address(wanted.sender),
            "dimensions": {"weight": "0", "height": "0", "width": "0", "length": "0"},
            "shipping_carrier": settings.return_carrier,
            "shipping_method": settings.return_method,
            "line_items": [
                {"sku": sku, "quantity": units, "return_reason": why or NO_REASON}
                for sku, units, why in wanted.lines
            ],
        }
        if wanted.tracking_number:
            data["tracking_number"] = wanted.tracking_number
        told = await self._api.ask(
            documents_goods.CREATE_RETURN, {"data": data}, dict[str, _Written | None], write=True
        )
        if isinstance(told, Refusal):
            there = await self._there(order, wanted)
            if there is not None:
                return Accepted(key=key, remote=there)
            why = f"ShipHero refuses the return (code {told.code})"
            return Rejected(key=key, cause=f"code-{told.code}", reason=f"{why}{_words(told, wanted)}")
        written = told.get("return_create")
        if written is None or written.back is None:
            raise OutcomeUnknown("ShipHero answered a new return with none; it may have been made")
        return Accepted(key=key, remote=written.back.id)


def _words(refusal: Refusal, wanted: WantedReturn) -> str:
    """ShipHero's own, unless they repeat the sender's."""
    said = refusal.message.lower()
    sender: tuple[str, ...] = msgspec.structs.astuple(wanted.sender)
    repeats = any(len(text) > 2 and text.lower() in said for text in sender)
    return "" if repeats else f": {refusal.message}"


def _address(sender: Address) -> dict[str, str]:
    return {
        "name": sender.name,
        "address1": sender.line1,
        "address2": sender.line2,
        "city": sender.city,
        "state": sender.region,
        "country": sender.country,
        "zip": sender.postal_code,
        "phone": sender.phone,
    }


def _frozen(document: OutboundReturn) -> WantedReturn:
    """Lines of one SKU are one of ShipHero's."""
    units: dict[str, tuple[int, str]] = {}
    for line in document.lines:
        before, why = units.get(line.sku, (0, ""))
        units[line.sku] = (before + line.quantity, why or line.reason.strip())
    return WantedReturn(
        reference=document.reference,
        order_reference=document.order_reference,
        lines=tuple((sku, count, why) for sku, (count, why) in units.items()),
        sender=document.sender or Address(),
        tracking_number=next(iter(document.tracking_numbers), ""),
    )


def _wrong(item: Item[OutboundReturn]) -> Rejected | None:
    """Why it is refused without asking ShipHero."""
    key, document = item.key, item.document
    if not document.reference or len(document.reference.encode()) > values.MOST_BYTES:
        return Rejected(key=key, cause="reference", reason=f"a reference has 1 to {values.MOST_BYTES} bytes")
    if item.remote is not None or item.cancel:
        return Rejected(key=key, cause="amend", reason="a return in ShipHero is not changed: change it there")
    if not document.order_reference:
        return Rejected(key=key, cause="order", reason="ShipHero takes returns of an order alone")
    if not document.lines or any(line.quantity < 1 for line in document.lines):
        return Rejected(key=key, cause="lines", reason="it has no line, or one without units")
    return None
