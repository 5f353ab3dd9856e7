"""Orders become customer shipments that wait for stock to be assigned.

It takes two calls, create (a draft) and wait; a draft that a crash has left is found by its reference
and set waiting.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from dropstream_tryton import wire
from dropstream_tryton.client import Api
from dropstream_tryton.documents import OUT, VISIBLE_AFTER_S, Records, Wanted, wrong_reference
from dropstream_tryton.lookups import find_address, find_carrier, find_goods, price
from dropstream_tryton.places import House, Places, picked_from
from dropstreamd.clock import utc
from dropstreamd.model.handover import (
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Writes,
)
from dropstreamd.model.orders import Address, OutboundOrder
from dropstreamd.platform.contract import Handed, Record, Whereabouts
from dropstreamd.platform.freezing import each_alone


class Line(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    units: int
    price: str
    currency: str


class WantedOrder(Wanted, frozen=True, kw_only=True):
    """What is frozen of one order."""

    lines: tuple[Line, ...]
    ship_to: Address
    email: str
    method: str
    ship_by_s: float | None
    facility: str = ""

    @property
    def units(self) -> Counter[str]:
        units: Counter[str] = Counter()
        for line in self.lines:
            units[line.sku] += line.units
        return units


_wanted = msgspec.json.Decoder(WantedOrder)


class Orders:
    """A `Sink[OutboundOrder]`. An accepted one's `remote` is the shipment's id."""

    def __init__(self, api: Api, places: Places) -> None:
        self._api = api
        self._places = places
        self._records = Records(api, OUT)

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=VISIBLE_AFTER_S)

    def prepare(self, items: Sequence[Item[OutboundOrder]], stamp: Stamp) -> Preparation:
        """One attempt for each."""
        return each_alone(items, stamp, _frozen)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create it and let it wait, or finish one that is there; or cancel it."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        house = await self._places.house()
        return [await self._records.push(house, key, wanted, self._values, record)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look it up by its reference, and finish it."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if not step:
            return [Untouched(key=key)]
        return [await self._records.recover(await self._places.house(), key, wanted)]

    async def look(self, handed: Sequence[Handed]) -> list[Whereabouts]:
        """As `HandedReader` says, by the references."""
        house = await self._places.house()
        return [await self._records.look(house, one.reference) for one in handed]

    async def _values(self, house: House, key: str, wanted: WantedOrder) -> dict[str, object] | Rejected:
        """The shipment's fields; looks everything up, and makes the address where it must be made."""
        warehouse = house.facilities.get(wanted.facility) if wanted.facility else house.warehouse
        if warehouse is None:
            known = ", ".join(house.facilities)
            reason = f"Tryton's warehouses of this account are {known}; none is {wanted.facility!r}"
            return Rejected(key=key, cause=f"facility:{wanted.facility}"[:80], reason=reason)
        goods = await find_goods(self._api, house, key, [line.sku for line in wanted.lines])
        if isinstance(goods, Rejected):
            return goods
        carrier = await find_carrier(self._api, key, wanted.method)
        if isinstance(carrier, Rejected):
            return carrier
        address = await find_address(self._api, house, key, wanted.ship_to, wanted.email)
        if isinstance(address, Rejected):
            return address
        moves = [
            {
                "product": goods[line.sku].id,
                "unit": goods[line.sku].default_uom,
                "quantity": line.units,
                "from_location": warehouse.output_location,
                "to_location": house.customers,
                **price(house, line.price, line.currency),
            }
            for line in wanted.lines
        ]
        by = None if wanted.ship_by_s is None else wire.date(utc(wanted.ship_by_s))
        values: dict[str, object] = {
            "reference": wanted.reference,
            "customer": house.customer,
            "delivery_address": address,
            "warehouse": warehouse.id,
            "warehouse_storage": picked_from(warehouse),
            "warehouse_output": warehouse.output_location,
            "planned_date": by,
            "outgoing_moves": [["create", moves]],
        }
        return values if carrier is None else {**values, "carrier": carrier}


def _frozen(item: Item[OutboundOrder]) -> WantedOrder | Rejected:
    order = item.document
    wrong = _wrong(item)
    if wrong is not None:
        return wrong
    lines = tuple(
        Line(
            sku=line.sku,
            units=line.quantity,
            price="" if line.unit_price is None else str(line.unit_price.amount),
            currency="" if line.unit_price is None else line.unit_price.currency,
        )
        for line in order.lines
    )
    return WantedOrder(
        reference=order.reference,
        lines=lines,
        ship_to=order.ship_to,
        email=order.email,
        method=order.ship_method,
        ship_by_s=None if order.ship_by is None else order.ship_by.timestamp(),
        remote=(item.remote or "") if item.cancel else "",
        facility=order.facility,
    )


def _wrong(item: Item[OutboundOrder]) -> Rejected | None:
    """Why it is refused without asking Tryton."""
    order, key = item.document, item.key
    wrong = wrong_reference(key, order.reference)
    if wrong is not None:
        return wrong
    if item.cancel:
        return None if item.remote else Rejected(key=key, cause="none", reason="nothing was handed over yet")
    if item.remote is not None:
        reason = "a shipment in Tryton is not changed: cancel the order and send it under another reference"
        return Rejected(key=key, cause="amend", reason=reason)
    if not order.lines or any(line.quantity < 1 for line in order.lines):
        return Rejected(key=key, cause="lines", reason="it has no line, or one without units")
    return None
