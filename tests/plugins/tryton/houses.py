"""What the tests of the Tryton plugin share: sessions on a warehouse, and short forms."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from dropstream_tryton.settings import Settings, account_key, pace
from dropstream_tryton.warehouse import TrytonWarehouse as Session
from dropstream_tryton.warehouse import open_warehouse
from dropstreamd.clock import SystemClock, utc
from dropstreamd.model.handover import Item, Stamp
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.testing.host import BenchHost
from tests.counterparts.tryton.server import DATABASE, PASSWORD, USER
from tests.counterparts.tryton.warehouse import TrytonWarehouse

T = TypeVar("T")
STAMP = Stamp(attempt="ATTEMPT1", at=utc(0))


def settings(house: TrytonWarehouse, **changes: object) -> Settings:
    """As decoded from a table `[warehouses.NAME]`."""
    table = {
        "url": house.server.url,
        "database": DATABASE,
        "username": USER,
        "password": {"secret": "wms"},
        "customer": house.code,
        "warehouse": house.code,
        "category": house.code,
        "quarantine": [f"{house.code} quarantine"],
        "allow_private_address": True,
        **changes,
    }
    return msgspec.convert(table, Settings)


@asynccontextmanager
async def session(house: TrytonWarehouse, **changes: object) -> AsyncIterator[Session]:
    one = settings(house, **changes)
    host = BenchHost(account_key(one), pace(one), SystemClock(), {"wms": PASSWORD})
    async with open_warehouse(one, host) as opened:
        yield opened


async def stock(opened: Session) -> dict[str, int]:
    page = await opened.inventory.page(lambda _mark: False)
    assert page is not None
    return {row.sku: row.quantity for row in page.rows}


def order(reference: str, units: Mapping[str, int], **changes: Any) -> Item[OutboundOrder]:
    lines = tuple(
        OutboundLine(number=number, order_line=str(number), sku=sku, quantity=count)
        for number, (sku, count) in enumerate(units.items(), start=1)
    )
    document = OutboundOrder(
        reference=reference,
        number=reference,
        placed_at=utc(1_795_300_000),
        ship_to=Address(
            name="Ada Long",
            company="Long & Co",
            line1="1 Main St",
            line2="Floor 2",
            city="Springfield",
            region="IL",
            postal_code="62701",
            country="US",
            phone="not a number",
        ),
        ship_method="UPS Ground",
        email="ada@example.com",
        lines=lines,
    )
    return Item(key=reference, document=msgspec.structs.replace(document, **changes))
