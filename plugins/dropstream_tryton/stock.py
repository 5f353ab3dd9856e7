"""What can be promised: units in storage, less those in quarantine, less those that shipments wait for.

What shipments wait for is read first and what is there afterwards: units that are picked in between
are taken off twice, in this snapshot, and none is sold that is promised already.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import trio

from dropstream_tryton import wire
from dropstream_tryton.client import Api
from dropstream_tryton.places import House, Places
from dropstream_tryton.source import Unusable, bad, sku, units
from dropstreamd.clock import Clock, utc
from dropstreamd.model.handover import Bad
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import StockPage, Taken

PAGE = 100
MOVES = 1000


class Stock:
    """A `StockSource`: one snapshot in every session, as of its beginning."""

    def __init__(self, api: Api, places: Places, clock: Clock) -> None:
        self._api = api
        self._places = places
        self._clock = clock
        self._as_of_s = 0.0
        self._after = 0
        self._ended = False
        self._apart: dict[int, list[int]] = {}

    async def page(self, taken: Taken) -> StockPage | None:  # noqa: ARG002 - nothing has a mark
        """The next 100 products."""
        if self._ended:
            return None
        house = await self._places.house()
        if not self._after:
            self._as_of_s = self._clock.now_s()
        products = await self._products(house)
        ids = [each.id for each in products]
        rows: list[StockRow] = []
        unusable: list[Bad] = []
        for facility, warehouse in house.facilities.items():
            free = await self._free(house, warehouse.storage_location, ids)
            for product in products:
                try:
                    left = units(round(free[product.id], 6))
                    rows.append(StockRow(sku=sku(product.code), quantity=left, facility=facility))
                except Unusable as error:
                    raw = b'{"id":%d}' % product.id
                    unusable.append(bad("product", raw, str(error)))
        self._ended = len(products) < PAGE
        self._after = ids[-1] if ids else self._after
        as_of = utc(self._as_of_s)
        return StockPage(
            snapshot=f"tryton {as_of.isoformat()}",
            as_of=as_of,
            rows=tuple(rows),
            bad=tuple(unusable),
            last=self._ended,
            more=not self._ended,
        )

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def _free(self, house: House, storage: int, ids: Sequence[int]) -> Mapping[int, float]:
        """Units by product that can be promised in a storage location."""
        promised = await self._promised(house, storage, ids)
        apart = await self._there(ids, await self._quarantine(house, storage))
        there = await self._there(ids, [storage])
        return {each: there.get(each, 0.0) - apart.get(each, 0.0) - promised.get(each, 0.0) for each in ids}

    async def _quarantine(self, house: House, storage: int) -> list[int]:
        """Of several warehouses, the quarantine of the one with this storage location."""
        if not house.more or not house.quarantine:
            return sorted(house.quarantine)
        if storage not in self._apart:
            domain = [
                ["id", "in", sorted(house.quarantine)],
                ["parent", "child_of", [storage], "parent"],
            ]
            rows = await self._api.rows("stock.location", domain, "name", into=wire.Named, limit=10_000)
            self._apart[storage] = [each.id for each in rows]
        return self._apart[storage]

    async def _products(self, house: House) -> list[wire.Coded]:
        domain = [*house.goods, ["code", "!=", None], ["id", ">", self._after]]
        return await self._api.rows("product.product", domain, "code", into=wire.Coded, limit=PAGE)

    async def _promised(self, house: House, storage: int, ids: Sequence[int]) -> Mapping[int, float]:
        """Units by product that have yet to leave the storage, assigned or not. Tryton's own forecast cannot
        be asked: it leaves out moves whose planned date has passed."""
        promised: defaultdict[int, float] = defaultdict(float)
        after = 0
        while ids:
            domain = [
                ["state", "in", ["draft", "assigned"]],
                ["product", "in", ids],
                ["from_location", "child_of", [storage], "parent"],
                ["from_location", "not in", sorted(house.quarantine)],
                ["to_location", "not child_of", [storage], "parent"],
                ["id", ">", after],
            ]
            fields = ("product", "internal_quantity")
            moves = await self._api.rows("stock.move", domain, *fields, into=wire.Leaving, limit=MOVES)
            for move in moves:
                promised[move.product] += move.internal_quantity
            if len(moves) < MOVES:
                break
            after = moves[-1].id
        return promised

    async def _there(self, ids: Sequence[int], locations: Sequence[int]) -> Mapping[int, float]:
        """Units on hand in these locations and those in them."""
        if not ids or not locations:
            return {}
        rows = await self._api.read(
            "product.product.read",
            ids,
            ["quantity"],
            into=list[wire.Stocked],
            context={"locations": locations},
        )
        return {row.id: row.quantity for row in rows}
