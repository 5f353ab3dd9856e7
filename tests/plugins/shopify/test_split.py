"""A Shopify order that is split after the warehouse has it: by a hold on a part of it, or by an app."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dropstreamd.clock import utc
from dropstreamd.platform.contract import Part, Store
from dropstreamd.platform.limiter import Priority
from dropstreamd.store.lmdb_store import InlineStore, open_inline_store
from tests.channels.plant import START_S, Plant, connection
from tests.fakes.shopify import FakeShopify, fake_shopify
from tests.fakes.shopify_shop import HERE
from tests.plugins.shopify.stores import Account, account_at, settings


@pytest.fixture
def state(tmp_path: Path) -> Iterator[InlineStore]:
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as opened:
        yield opened


class Shop(Plant):
    """A plant whose only store is the double of Shopify."""

    def __init__(self, state: InlineStore, fake: FakeShopify, *, amends: frozenset[Part]) -> None:
        super().__init__(state, connection(methods={"Standard": "GND"}), amends=amends)
        self.shop = fake.shop
        secrets = {"client": fake.client[1], "token": fake.access_token}
        self._account: Account = account_at(self.clock, secrets, settings(url=fake.url))

    @asynccontextmanager
    async def _open_store(self, _name: str, _priority: Priority) -> AsyncIterator[Store]:
        async with self._account.open() as store:
            yield store

    def at_the_warehouse(self) -> int:
        """Units in all that it has of all orders."""
        orders = self.warehouse.taken.newest().values()
        return sum(line.quantity for order in orders for line in order.lines)


@pytest.mark.parametrize("amends", [frozenset(), frozenset({Part.ORDERS})])
async def test_units_that_are_split_off_are_not_sent_twice(
    state: InlineStore, amends: frozenset[Part]
) -> None:
    """Two of three units go into a fulfillment order of their own, at the same location. Where the warehouse
    takes no changes it has all three already: a person is to see to that before the two go."""
    async with fake_shopify(now=utc(START_S)) as fake:
        plant = Shop(state, fake, amends=amends)
        plant.shop.add_products({"A": 9})
        made = plant.shop.place({"A": 3})
        await plant.import_orders()
        assert plant.at_the_warehouse() == 3
        plant.later(minutes=15)
        plant.shop.now = utc(plant.clock.now_s()).replace(microsecond=0)
        plant.shop.move_some(made, 0, 2, HERE)
        await plant.import_orders()
    assert plant.at_the_warehouse() == 3
