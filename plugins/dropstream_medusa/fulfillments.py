"""Packages become fulfillments of Medusa's orders, each once.

Medusa knows no idempotency key, so the package's key stands in the fulfillment's metadata, under
`dropstreamd`. By it every write looks first whether it has happened. A fulfillment is made in two calls,
created (units leave the stock) and shipped with its labels; one that was only created is found by its key
and shipped. What has shipped can neither be changed nor cancelled.

Of several mapped locations, units are fulfilled from the one where Medusa has reserved them, wherever they
left from. From another one, Medusa takes the units there and moves the reservation: what it sells at both
would no longer be what it was told. Its levels are told by location anyway.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

import msgspec

from dropstream_medusa import wire
from dropstream_medusa.client import Api, Refusal, begun
from dropstream_medusa.places import Places
from dropstream_medusa.reservations import Reservations
from dropstream_medusa.settings import Settings
from dropstream_medusa.translate import CANCELED
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
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone

CREATING = "creating"
"""Recorded before the call that creates: without it, nothing was sent."""

ORDER_FIELDS = ",".join(
    (
        "id,status,items.id,items.detail.quantity,items.detail.fulfilled_quantity",
        "fulfillments.id,fulfillments.shipped_at,fulfillments.canceled_at,fulfillments.metadata",
        "fulfillments.items.line_item_id,fulfillments.items.quantity,fulfillments.labels.tracking_number",
    )
)
CREATED_FIELDS = "id,fulfillments.id,fulfillments.metadata,fulfillments.canceled_at"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one fulfillment: units by order line. `location` "" is the settings' own."""

    package: str
    order: str
    lines: dict[str, int]
    service: str
    tracking: tuple[str, ...]
    url: str
    location: str = ""


_wanted = msgspec.json.Decoder(Wanted)
Write = Callable[[], Awaitable[wire.FulfillAnswer | Refusal]]


class Fulfillments:
    """A `Sink[Fulfillment]`. An accepted one's `remote` is the fulfillment's id."""

    def __init__(self, api: Api, places: Places, settings: Settings) -> None:
        self._api = api
        self._places = places
        self._silent = not settings.notify_buyers
        self._mapped = bool(settings.mapped)
        self._reservations = Reservations(api)

    @property
    def writes(self) -> Writes:
        # A call whose answer was lost may still run in Medusa; then it is found on its order.
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Fulfillment]], stamp: Stamp) -> Preparation:
        """One attempt for each package."""
        return each_alone(items, stamp, _frozen)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create and ship, or finish one that is there. An order with nothing left to fulfill is refused,
        unless somebody entered the same units under the same tracking number."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        location = await self._location(wanted)
        order = await self._order(wanted)
        if order is None:
            return [Rejected(key=key, cause="no-order", reason="Medusa has no such order")]
        standing = _standing(order.fulfillments, wanted)
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
        return [await self._create(key, wanted, order, location)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look the package up on its order; ship it where it was only created."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        order = await self._order(wanted) if step == CREATING else None
        if order is None:
            return [Untouched(key=key)]
        location = await self._location(wanted)
        await self._reservations.restore(wanted.order, list(wanted.lines), location)
        standing = _standing(order.fulfillments, wanted)
        if standing:
            return [await self._finished(key, wanted, standing)]
        ours = [each for each in order.fulfillments if each.mark == wanted.package]
        if ours:  # created by us, and cancelled by a person since
            return [Accepted(key=key, remote=ours[-1].id)]
        return [Untouched(key=key)]

    async def _location(self, wanted: Wanted) -> str:
        location = (await self._places.location(wanted.location or None)).id
        if not self._mapped:
            return location
        return await self._reservations.held_at(list(wanted.lines), location)

    async def _order(self, wanted: Wanted) -> wire.FulfilledOrder | None:
        answer = await self._api.find(
            f"orders/{wanted.order}", {"fields": ORDER_FIELDS}, wire.FulfilledAnswer
        )
        return None if isinstance(answer, Refusal) else answer.order

    async def _create(self, key: str, wanted: Wanted, order: wire.FulfilledOrder, location: str) -> Outcome:
        body = {
            "items": _items(wanted),
            "location_id": location,
            "no_notification": self._silent,
            "metadata": {
                wire.MARK: wanted.package,
                wire.MARK_LINES: wanted.lines,
                "service": wanted.service,
            },
        }
        path = f"orders/{wanted.order}/fulfillments"
        write = partial(self._api.write, path, body, wire.FulfillAnswer, params={"fields": CREATED_FIELDS})
        answer = await write()
        if isinstance(answer, Refusal) and answer.lacking:
            answer = await self._create_of_the_last(wanted, order, location, write)
        if isinstance(answer, Refusal):
            return _not_created(key, answer)
        created = _standing(answer.order.fulfillments, wanted)
        if len(created) != 1:
            raise OutcomeUnknown("a fulfillment that was created is not on its order")
        return await self._ship(key, wanted, created[0].id)

    async def _create_of_the_last(
        self, wanted: Wanted, order: wire.FulfilledOrder, location: str, write: Write
    ) -> wire.FulfillAnswer | Refusal:
        """Create it where Medusa has too few units left to fulfill a part of a line; see `reservations`.
        Whatever interrupts it, `recover` reserves the rest again."""
        lines = list(wanted.lines)
        with begun(f"the reservations of order {wanted.order}"):
            await self._reservations.restore(wanted.order, lines, location)
            refusal = await self._reservations.cut_down(wanted.lines, _open(order))
            answer = refusal or await write()
            await self._reservations.restore(wanted.order, lines, location)
        return answer

    async def _finished(self, key: str, wanted: Wanted, standing: list[wire.Fulfillment]) -> Outcome:
        if len(standing) > 1:
            ids = ", ".join(each.id for each in standing)
            return InDoubt(key=key, why=f"order {wanted.order} has it more than once: fulfillments {ids}")
        if standing[0].units != wanted.lines:
            reason = f"fulfillment {standing[0].id} bears this package's key, with other lines or units"
            return Rejected(key=key, cause="other-content", reason=reason)
        return await self._shipped(key, wanted, standing[0])

    async def _shipped(self, key: str, wanted: Wanted, there: wire.Fulfillment) -> Outcome:
        if there.shipped_at is not None:
            return Accepted(key=key, remote=there.id)
        return await self._ship(key, wanted, there.id)

    async def _ship(self, key: str, wanted: Wanted, remote: str) -> Outcome:
        labels = [
            {"tracking_number": number, "tracking_url": wanted.url, "label_url": ""}
            for number in wanted.tracking
        ]
        body = {"items": _items(wanted), "labels": labels, "no_notification": self._silent}
        path = f"orders/{wanted.order}/fulfillments/{remote}/shipments"
        with begun(f"fulfillment {remote}"):
            answer = await self._api.write(path, body, wire.FulfillAnswer, params={"fields": "id"})
            if not isinstance(answer, Refusal):
                return Accepted(key=key, remote=remote)
            order = await self._order(wanted)
        there = [each for each in order.fulfillments if each.id == remote] if order else []
        if there and there[0].shipped_at is not None:
            return Accepted(key=key, remote=remote)
        return Rejected(
            key=key,
            cause="order-change" if answer.editing else "not-shipped",
            reason=f"fulfillment {remote} was created, and Medusa did not ship it ({answer}); "
            "mark it as shipped by hand, or release this to try again",
        )


def _frozen(item: Item[Fulfillment]) -> Wanted | Rejected:
    document = item.document
    lines: Counter[str] = Counter()
    for line in document.lines:
        lines[line.order_line] += line.quantity
    if not lines or any(line.quantity < 1 for line in document.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    if item.remote is not None:
        return Rejected(key=item.key, cause="amend", reason="Medusa cannot change a fulfillment that shipped")
    return Wanted(
        package=document.package_key,
        order=document.order_key,
        lines=dict(lines),
        service=" ".join(part for part in (document.carrier.strip(), document.service.strip()) if part),
        tracking=tuple(dict.fromkeys(document.tracking_numbers)),
        url=document.tracking_url,
        location=document.location,
    )


def _items(wanted: Wanted) -> list[dict[str, str | int]]:
    return [{"id": line, "quantity": units} for line, units in wanted.lines.items()]


def _standing(fulfillments: Iterable[wire.Fulfillment], wanted: Wanted) -> list[wire.Fulfillment]:
    """This package's fulfillments that were not cancelled."""
    return [each for each in fulfillments if each.canceled_at is None and each.mark == wanted.package]


def _same_by_hand(order: wire.FulfilledOrder, wanted: Wanted) -> wire.Fulfillment | None:
    """Somebody entered the same units under the same tracking number."""
    for each in order.fulfillments:
        same = {label.tracking_number for label in each.labels} == set(wanted.tracking)
        if wanted.tracking and same and each.canceled_at is None and each.units == wanted.lines:
            return each
    return None


def _not_created(key: str, refusal: Refusal) -> Rejected:
    if refusal.editing:
        reason = (
            "the order is being edited, or a return of it taken in, in Medusa: finish that, then release it"
        )
        return Rejected(key=key, cause="order-change", reason=reason)
    return Rejected(key=key, cause="refused", reason=f"Medusa did not create the fulfillment: {refusal}")


def _open(order: wire.FulfilledOrder) -> dict[str, int]:
    """Units by line that are in no fulfillment."""
    return {line.id: int(line.detail.quantity - line.detail.fulfilled_quantity) for line in order.items}


def _refused(key: str, order: wire.FulfilledOrder, wanted: Wanted) -> Rejected | None:
    """Why these units cannot be fulfilled."""
    left = _open(order)
    unknown = sorted(wanted.lines.keys() - left.keys())
    if unknown:
        reason = f"the order has no line {', '.join(unknown)} in Medusa"
        return Rejected(key=key, cause="no-line", reason=reason)
    if order.status == CANCELED:
        return Rejected(key=key, cause="cancelled", reason="the order is cancelled in Medusa")
    short = [line for line, units in wanted.lines.items() if units > left[line]]
    if not short:
        return None
    told = "; ".join(
        f"line {line}: {wanted.lines[line]} left the warehouse, {max(0, left[line])} are open"
        for line in short
    )
    others = ", ".join(each.id for each in order.fulfillments if each.canceled_at is None)
    by_whom = f" (fulfillments {others})" if others else ""
    return Rejected(key=key, cause="already-fulfilled", reason=f"{told} in Medusa{by_whom}")
