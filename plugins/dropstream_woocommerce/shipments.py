"""Packages are told to the shop, each once; an order is completed once all of it has left.

How they are told is what the shop has (`ways`). Where it does not itself keep which units a package held, the
order gets a custom field that says so, named after the package: writing that twice does no harm. An order
becomes completed only if it still is in a status that is shipped, looked at right before.
"""

from collections.abc import Sequence
from functools import partial

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.client import Api, Offers, Refusal, begun
from dropstream_woocommerce.goods import Goods
from dropstream_woocommerce.listing import row_key
from dropstream_woocommerce.packages import (
    ORDER_FIELDS,
    Seen,
    There,
    Wanted,
    frozen,
    fulfillments_of,
    no_order,
    of_goods,
    refunded_units,
    refusal,
)
from dropstream_woocommerce.settings import Settings
from dropstream_woocommerce.ways import Fulfillments, Notes, Trackings, Way, same_by_hand
from dropstreamd.errors import ProtocolMismatch
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
from dropstreamd.platform.rows import OddRow, read_row

TELLING = "telling"
"""Recorded before the first call that tells a package."""

CHANGING = "changing"
"""Recorded before the first call that changes its tracking."""

_wanted = msgspec.json.Decoder(Wanted)
_order = msgspec.json.Decoder(wire.Order)


class Shipments:
    """A `Sink[Fulfillment]`. An accepted one's `remote` is what stands for it in the shop."""

    def __init__(self, api: Api, offers: Offers, goods: Goods, settings: Settings) -> None:
        self._api = api
        self._offers = offers
        self._goods = goods
        self._settings = settings

    @property
    def writes(self) -> Writes:
        # A call whose answer was lost may still run in WooCommerce; then it is found on its order.
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Fulfillment]], stamp: Stamp) -> Preparation:
        """One attempt for each package."""
        return each_alone(items, stamp, partial(frozen, notify=self._settings.notify_customer))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Tell the package, or change the tracking of one that was told."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        try:
            return [await self._push(key, wanted, record)]
        except OddRow as odd:  # before the first write: after it, that is unknown
            return [Rejected(key=key, cause="unreadable", reason=f"of its order, {odd.message}")]

    async def _push(self, key: str, wanted: Wanted, record: Record) -> Outcome:
        seen = await self._seen(wanted.order)
        if seen is None:
            return no_order(key)
        way = await self.way(wanted)
        there = await way.find(seen, wanted)
        if wanted.replaces is not None:
            return await self._change(key, wanted, seen, way, there, record)
        if there is not None:
            return await self._finish(key, wanted, seen, way, there)
        refused = refusal(key, seen, wanted, self._settings)
        if refused is not None:
            by_hand = same_by_hand(seen, wanted)
            return refused if by_hand is None else Accepted(key=key, remote=by_hand)
        try:
            await record(TELLING, if_wanted=True)
        except Withdrawn:
            return Untouched(key=key)
        return await self._tell(key, wanted, seen, way)

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look the package up on its order, and finish what was begun."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        try:
            return [await self._recover(key, wanted, step)]
        except OddRow as odd:
            return [InDoubt(key=key, why=f"it cannot be looked up: {odd.message}")]

    async def _recover(self, key: str, wanted: Wanted, step: str) -> Outcome:
        seen = await self._seen(wanted.order) if step in (TELLING, CHANGING) else None
        if seen is None:
            return Untouched(key=key)
        way = await self.way(wanted)
        there = await way.find(seen, wanted)
        if there is None or (step == CHANGING and not there.whole and there.remote == wanted.replaces):
            return Untouched(key=key)
        if step == CHANGING and not there.whole:
            return _changed(key, await way.change(seen, wanted, there))
        return await self._finish(key, wanted, seen, way, there)

    async def way(self, wanted: Wanted) -> Way:
        """As the settings say, else by the best that the shop has. The extension knows no package without a
        number."""
        chosen: str = self._settings.tell_by
        if chosen == "auto":
            chosen = await best_way(self._offers)
        if chosen == "fulfillments":
            return Fulfillments(self._api)
        return Trackings(self._api) if chosen == "tracking" and wanted.numbers else Notes(self._api)

    # ---- telling

    async def _tell(self, key: str, wanted: Wanted, seen: Seen, way: Way) -> Outcome:
        remote = await way.tell(seen, wanted)
        with begun(f"the shipment of order {wanted.order}"):
            if isinstance(remote, Refusal):
                there = await self._there_for_all_that(wanted, way)
                if there is None:
                    reason = f"WooCommerce did not take the shipment: {remote}"
                    return Rejected(key=key, cause="refused", reason=reason)
            else:
                there = There(remote=remote, whole=True)
            return await self._settled(key, wanted, seen, way, there)

    async def _there_for_all_that(self, wanted: Wanted, way: Way) -> There | None:
        """What was told by a call that was refused: a fulfillment is kept before its mail goes out, and where
        that fails the answer is a refusal too."""
        now = await self._seen(wanted.order)
        there = None if now is None else await way.find(now, wanted)
        return there if there is not None and there.whole else None

    async def _finish(self, key: str, wanted: Wanted, seen: Seen, way: Way, there: There) -> Outcome:
        """One that is there already: what of it is missing is told."""
        if there.units is not None and dict(there.units) != wanted.lines:
            reason = f"fulfillment {there.remote} bears this package's key, with other lines or units"
            return Rejected(key=key, cause="other-content", reason=reason)
        with begun(f"the shipment of order {wanted.order}"):
            if not there.whole and not way.keeps_units:
                remote = await way.tell(seen, wanted)
                if isinstance(remote, Refusal):
                    reason = f"a part of it was told, and WooCommerce did not take the rest: {remote}"
                    return Rejected(key=key, cause="refused", reason=reason)
                there = There(remote=remote, whole=True)
            return await self._settled(key, wanted, seen, way, there)

    async def _settled(self, key: str, wanted: Wanted, seen: Seen, way: Way, there: There) -> Outcome:
        """Keep which units it held, where the shop does not, and complete the order if that was the last."""
        body: dict[str, object] = {}
        if not way.keeps_units and not seen.recorded(wanted):
            body["meta_data"] = [wanted.record]
        if await self._ends(wanted, seen):
            body["status"] = self._settings.complete_as
        if not body:
            return Accepted(key=key, remote=there.remote)
        answer = await self._api.write(f"orders/{wanted.order}", body, wire.Row)
        if isinstance(answer, Refusal):
            reason = f"the package was told, and its order not changed: {answer}; complete it by hand"
            return Rejected(key=key, cause="not-completed", reason=reason)
        return Accepted(key=key, remote=there.remote)

    async def _ends(self, wanted: Wanted, seen: Seen) -> bool:
        """Whether this package was the last of its order, and nobody changed its status meanwhile."""
        settings = self._settings
        if not settings.complete_as or seen.order.status not in settings.ship_statuses:
            return False
        if not seen.order.refunds and await self._left(wanted, seen, {}):
            return False
        now = await self._seen(wanted.order)
        if now is None or now.order.status not in settings.ship_statuses:
            return False
        refunded = await refunded_units(self._api, wanted.order) if now.order.refunds else {}
        return not await self._left(wanted, now, refunded)

    async def _left(self, wanted: Wanted, seen: Seen, refunded: dict[int, int]) -> bool:
        """Whether units that need shipping have not left yet."""
        units = seen.told
        if not seen.holds(wanted):
            units.update(wanted.lines)
        lines = [
            line
            for line in seen.order.line_items
            if int(line.quantity) > units[line.id] + refunded.get(line.id, 0)
        ]
        await self._goods.learn(lines)
        return any(not self._goods.facts(line).virtual for line in lines)

    # ---- changing

    async def _change(
        self, key: str, wanted: Wanted, seen: Seen, way: Way, there: There | None, record: Record
    ) -> Outcome:
        if there is None:
            reason = "what stood for it is gone from WooCommerce; enter the tracking by hand"
            return Rejected(key=key, cause="amend", reason=reason)
        if there.units is not None and dict(there.units) != wanted.lines:
            reason = f"fulfillment {there.remote} has other lines or units: change it by hand"
            return Rejected(key=key, cause="amend", reason=reason)
        if there.whole:
            return Accepted(key=key, remote=there.remote)
        try:
            await record(CHANGING, if_wanted=True)
        except Withdrawn:
            return Untouched(key=key)
        return _changed(key, await way.change(seen, wanted, there))

    async def _seen(self, order: int) -> Seen | None:
        answer = await self._api.find(f"orders/{order}", {"_fields": ORDER_FIELDS}, msgspec.Raw)
        if isinstance(answer, Refusal):
            return None
        row = bytes(answer)
        if row_key(row) != str(order):
            raise ProtocolMismatch(f"WooCommerce answered something that is not order {order}")
        told = read_row(row, _order.decode, "order")
        if not await self._offers.fulfillments():
            return Seen(order=told)
        there = await fulfillments_of(self._api, order)
        counted = await of_goods(self._goods, told, there)
        return Seen(order=told, fulfillments=there, counted=counted)


async def best_way(offers: Offers) -> str:
    """The name of the best way that the shop has."""
    if await offers.fulfillments():
        return "fulfillments"
    return "tracking" if await offers.tracking() else "note"


def _changed(key: str, remote: str | Refusal) -> Outcome:
    if isinstance(remote, Refusal):
        reason = f"WooCommerce did not change the tracking: {remote}; change it by hand"
        return Rejected(key=key, cause="amend", reason=reason)
    return Accepted(key=key, remote=remote)
