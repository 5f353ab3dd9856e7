"""What the tests of the eBay plugin share: accounts, the plugin's own settings, packages and levels."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from dropstream_ebay.settings import Settings
from dropstream_ebay.store import EbayStore, open_store
from dropstreamd.clock import Clock
from dropstreamd.model.handover import Accepted, Item, Outcome
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.limiter import Budget, Pace
from tests.fakes.ebay import CLIENT, RU_NAME
from tests.fakes.ebay_shop import SELLER, Row
from tests.plugins import things
from tests.plugins.host import StoreAccount, TestHost
from tests.plugins.things import hand_over_all, level

HURRIED = Pace(rate_per_s=1e6, burst=1e6, at_once=6)

Account = StoreAccount[Settings, EbayStore]


def settings(**values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {
        "seller": SELLER,
        "client_id": CLIENT[0],
        "client_secret": {"secret": "app"},
        "redirect_name": RU_NAME,
        "refresh_token": {"secret": "seller"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


def account_at(clock: Clock, secrets: Mapping[str, str], chosen: Settings, allows: Pace = HURRIED) -> Account:
    return Account(TestHost("ebay:test", clock, secrets, Budget(allows)), chosen, open_store)


def package(
    order: Row, units: int, *tracking: str, line: int = 0, carrier: str = "UPS", at: datetime | None = None
) -> Item[Fulfillment]:
    """Units of a line of an order."""
    number, sold = order["orderId"], order["lineItems"][line]["lineItemId"]
    return things.package(
        "PKG",
        number,
        {sold: units},
        *tracking,
        order_number=number,
        carrier=carrier,
        service="",
        shipped_at=at,
    )


async def push_levels(
    store: EbayStore, levels: Mapping[str, int], before: Mapping[str, Outcome] | None = None
) -> dict[str, Outcome]:
    """`before` are the outcomes of the levels' last push."""
    told = before or {}
    remotes = {sku: each.remote for sku, each in told.items() if isinstance(each, Accepted)}
    items = [
        msgspec.structs.replace(level(sku, units), remote=remotes.get(sku)) for sku, units in levels.items()
    ]
    return await hand_over_all(store.inventory, *items)
