"""Returns become customer returns that the warehouse expects: drafts, until the goods arrive."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from dropstream_tryton.client import Api
from dropstream_tryton.documents import BACK, VISIBLE_AFTER_S, Records, Wanted, wrong_reference
from dropstream_tryton.lookups import find_goods, price
from dropstream_tryton.places import House, Places
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
from dropstreamd.model.returns import OutboundReturn
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone


class WantedReturn(Wanted, frozen=True, kw_only=True):
    """What is frozen of one return: units by SKU."""

    by_sku: dict[str, int]

    @property
    def units(self) -> Counter[str]:
        return Counter(self.by_sku)


_wanted = msgspec.json.Decoder(WantedReturn)


class Returns:
    """A `Sink[OutboundReturn]`. An accepted one's `remote` is the return's id."""

    def __init__(self, api: Api, places: Places) -> None:
        self._api = api
        self._places = places
        self._records = Records(api, BACK)

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=VISIBLE_AFTER_S)

    def prepare(self, items: Sequence[Item[OutboundReturn]], stamp: Stamp) -> Preparation:
        """One attempt for each."""
        return each_alone(items, stamp, _frozen)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create it, or take the one that is there; or cancel it."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        house = await self._places.house()
        return [await self._records.push(house, key, wanted, self._values, record)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look it up by its reference, and finish it."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        if not step:
            return [Untouched(key=key)]
        return [await self._records.recover(await self._places.house(), key, wanted)]

    async def _values(self, house: House, key: str, wanted: WantedReturn) -> dict[str, object] | Rejected:
        goods = await find_goods(self._api, house, key, list(wanted.by_sku))
        if isinstance(goods, Rejected):
            return goods
        moves = [
            {
                "product": goods[sku].id,
                "unit": goods[sku].default_uom,
                "quantity": units,
                "from_location": house.customers,
                "to_location": house.warehouse.input_location,
                **price(house, "", ""),
            }
            for sku, units in wanted.by_sku.items()
        ]
        return {
            "reference": wanted.reference,
            "customer": house.customer,
            "warehouse": house.warehouse.id,
            "warehouse_storage": house.storage,
            "warehouse_input": house.warehouse.input_location,
            "incoming_moves": [["create", moves]],
        }


def _frozen(item: Item[OutboundReturn]) -> WantedReturn | Rejected:
    document, key = item.document, item.key
    wrong = wrong_reference(key, document.reference)
    if wrong is not None:
        return wrong
    if item.remote is not None and not item.cancel:
        return Rejected(key=key, cause="amend", reason="a return in Tryton is not changed: cancel it there")
    if item.cancel and not item.remote:
        return Rejected(key=key, cause="none", reason="nothing was handed over yet")
    if not item.cancel and (not document.lines or any(line.quantity < 1 for line in document.lines)):
        return Rejected(key=key, cause="lines", reason="it has no line, or one without units")
    units: Counter[str] = Counter()
    for line in document.lines:
        units[line.sku] += line.quantity
    remote = (item.remote or "") if item.cancel else ""
    return WantedReturn(reference=document.reference, by_sku=dict(units), remote=remote)
