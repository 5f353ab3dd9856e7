"""What the tests of the Vendure plugin share: hosts, the plugin's own settings, and an order."""

from collections.abc import Mapping

import msgspec

from dropstream_vendure.settings import Settings
from dropstream_vendure.store import VendureStore, open_store
from dropstreamd.clock import Clock
from dropstreamd.model.handover import Item
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.limiter import Budget, Pace
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure_shop import FakeShop
from tests.plugins.host import StoreAccount, TestHost
from tests.plugins.things import package

Account = StoreAccount[Settings, VendureStore]


def settings(**values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {
        "username": "dropstreamd",
        "password": {"secret": "password"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


def account_at(clock: Clock, secrets: Mapping[str, str], chosen: Settings) -> Account:
    """It hurries, one call at a time; no order comes twice in a run."""
    budget = Budget(Pace(rate_per_s=1000, burst=1000, at_once=1))
    return Account(TestHost("vendure:test", clock, secrets, budget), chosen, open_store, once=True)


class Placed:
    """An order of 5 units of A in a shop that has 50."""

    def __init__(self, shop: FakeShop | VendureShop) -> None:
        shop.add_products({"A": 50})
        (placed,) = shop.place_orders([NewOrder(units={"A": 5})])
        self.shop = shop
        self.id = placed.id
        self.line = shop.order(placed.id).lines[0].id

    def package(self, key: str, units: int, *tracking: str) -> Item[Fulfillment]:
        return package(key, self.id, {self.line: units}, *tracking)

    @property
    def fulfilled(self) -> list[tuple[str, str, str | None, int]]:
        """State, method, tracking and units of each fulfillment."""
        return sorted(
            (each.state, each.method, each.tracking_code, sum(line.quantity for line in each.lines))
            for each in self.shop.order(self.id).fulfillments or ()
        )

    @property
    def stock(self) -> tuple[int, int]:
        (level,) = self.shop.stock(["A"])["A"].stock_levels
        return level.stock_on_hand, level.stock_allocated
