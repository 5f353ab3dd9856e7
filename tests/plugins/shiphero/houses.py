"""What the tests of the ShipHero plugin share: accounts, the plugin's own settings, and orders."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from dropstream_shiphero.settings import Settings, pace
from dropstream_shiphero.warehouse import ShipHeroWarehouse, open_warehouse
from dropstreamd.clock import Clock
from dropstreamd.model.handover import Item, Outcome
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.limiter import Budget
from tests.fakes.shiphero_house import WAREHOUSE
from tests.plugins import host
from tests.plugins.host import Steps, TestHost
from tests.plugins.things import STAMP, hand_over

USER = "dropstream@acme.example"


class Account(host.Account[Settings, ShipHeroWarehouse], frozen=True):
    """A warehouse that sessions can be opened on."""

    async def stock(self, **changes: object) -> dict[str, StockRow]:
        """The rows of a snapshot by SKU; it must be whole."""
        rows: dict[str, StockRow] = {}
        async with self.open(**changes) as house:
            while True:
                page = await house.inventory.page(lambda _mark: False)
                assert page is not None
                for row in page.rows:
                    assert row.sku not in rows
                    rows[row.sku] = row
                if page.last:
                    return rows


def settings(**values: object) -> Settings:
    """As decoded from a `[warehouses.NAME]` table."""
    table = {
        "user": USER,
        "refresh_token": {"secret": "wms"},
        "warehouse": WAREHOUSE,
        "check_skus": False,
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


def account_at(clock: Clock, secrets: Mapping[str, str], chosen: Settings) -> Account:
    lent = TestHost("shiphero:test", clock, secrets, Budget(pace(chosen)))
    return Account(lent, chosen, open_warehouse)


def order(reference: str = "SH1001", **changes: object) -> OutboundOrder:
    made = OutboundOrder(
        reference=reference,
        number="1001",
        placed_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        ship_to=Address(
            name="Ada Maria Long",
            company="Long & Co",
            line1="1 Main St",
            city="Springfield",
            region="IL",
            postal_code="62701",
            country="US",
            phone="555 0100",
        ),
        ship_method="ups/ups-ground",
        email="ada@example.com",
        lines=(
            OutboundLine(number=1, order_line="a", sku="TEE", quantity=2),
            OutboundLine(number=2, order_line="b", sku="MUG", quantity=1),
        ),
    )
    return msgspec.structs.replace(made, **changes)


def item(document: OutboundOrder, **changes: Any) -> Item[OutboundOrder]:
    return Item(key=document.reference, document=document, **changes)


async def push(house: ShipHeroWarehouse, one: Item[OutboundOrder], steps: Steps | None = None) -> Outcome:
    return await hand_over(house.orders, one, steps)


async def recover(house: ShipHeroWarehouse, one: Item[OutboundOrder], step: str = "writing") -> Outcome:
    (frozen,) = house.orders.prepare([one], STAMP).prepared
    (outcome,) = await house.orders.recover(frozen, step, Steps())
    return outcome
