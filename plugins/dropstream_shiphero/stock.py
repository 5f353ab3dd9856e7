"""Stock as the warehouse has it, one row a SKU: what is available, or what is there.

A row costs a credit. What is told of a SKU is as of the moment its page was read; the snapshot is as of its
beginning. A SKU that comes twice, since pages overlap, counts once.
"""

from collections.abc import Sequence

import msgspec
import trio

from dropstream_shiphero import documents_goods, values
from dropstream_shiphero.client import Api
from dropstream_shiphero.listing import Listing
from dropstream_shiphero.settings import Settings
from dropstream_shiphero.source import bad
from dropstream_shiphero.values import Unusable
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import Unreachable
from dropstreamd.model.handover import Bad
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import StockPage, Taken
from dropstreamd.platform.rows import UNREADABLE


class Row(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sku: str | None
    warehouse_id: str | None
    on_hand: int | None
    available: int | None
    reserve_inventory: int | None
    non_sellable_quantity: int | None


_row = msgspec.json.Decoder(Row)


class Stock:
    """A `StockSource`: one snapshot in every session, as of its beginning."""

    def __init__(self, api: Api, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._as_of_s: float | None = None
        self._ended = False
        self._seen: set[str] = set()
        variables = {"warehouse_id": settings.warehouse, **settings.of_customer}
        self._listing = Listing(
            api,
            documents_goods.STOCK,
            "warehouse_products",
            variables,
            at_once=documents_goods.STOCK_AT_ONCE,
            overlap=2,
        )

    async def page(self, taken: Taken) -> StockPage | None:  # noqa: ARG002 - nothing has a mark
        """The next rows."""
        if self._ended:
            return None
        first = self._as_of_s is None
        if self._as_of_s is None:
            self._as_of_s = self._clock.now_s()
        listed = await self._listing.page()
        if listed.begun and not first:
            raise Unreachable("ShipHero's list of stock changed while it was read; the next run reads it")
        rows: list[StockRow] = []
        unusable: list[Bad] = []
        for raw in listed.rows:
            try:
                row = _row.decode(raw)
                if row.id not in self._seen:
                    self._seen.add(row.id)
                    rows.append(self._told(row))
            except (*UNREADABLE, Unusable) as error:
                unusable.append(bad("warehouse product", bytes(raw), str(error)))
        self._ended = listed.ended
        as_of = utc(self._as_of_s)
        return StockPage(
            snapshot=f"shiphero {as_of.isoformat()}",
            as_of=as_of,
            rows=tuple(rows),
            bad=tuple(unusable),
            last=self._ended,
            more=not self._ended,
        )

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    def _told(self, row: Row) -> StockRow:
        """ShipHero's available is what is there less what open orders have; what is kept back for returns
        and the like is still in it."""
        count = values.units(row.available if self._settings.figure == "available" else row.on_hand)
        if "reserve" in self._settings.hold_back:
            count -= max(0, row.reserve_inventory or 0)
        if "non_sellable" in self._settings.hold_back:
            count -= max(0, row.non_sellable_quantity or 0)
        return StockRow(
            sku=values.sku(row.sku), quantity=count, facility=row.warehouse_id or self._settings.warehouse
        )
