"""What becomes of an order in the shop between its listing and its hand-over."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from dropstreamd.platform.contract import Store, Warehouse
from dropstreamd.platform.limiter import Priority
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, connection
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure_shop import FakeShop

from .stores import Account

Either = tuple[Account, FakeShop | VendureShop]


class ShopOfVendure(Plant):
    """A plant whose store is a Vendure; `meanwhile` happens once its orders are listed, when the warehouse is
    opened for the first time, to hand them over."""

    def __init__(self, state: InlineStore, account: Account, meanwhile: Callable[[], object]) -> None:
        super().__init__(state, connection(methods={"standard-shipping": "GND"}))
        self._account = account
        self._meanwhile = [meanwhile]

    @asynccontextmanager
    async def _open_store(self, _name: str, _priority: Priority) -> AsyncIterator[Store]:
        async with self._account.open() as store:
            yield store

    @asynccontextmanager
    async def _open_warehouse(self) -> AsyncIterator[Warehouse]:
        async with super()._open_warehouse() as opened:
            if self._meanwhile:
                self._meanwhile.pop()()
            yield opened


async def test_what_is_cancelled_after_it_was_listed_does_not_go(either: Either, state: InlineStore) -> None:
    account, shop = either
    shop.add_products({"A": 50})
    first, second = shop.place_orders([NewOrder(units={"A": 1}), NewOrder(units={"A": 2})])
    plant = ShopOfVendure(state, account, lambda: shop.cancel(first.id))
    run = await plant.import_orders()
    assert plant.warehouse.taken.created() == {second.id: 1}
    assert plant.doc(first.id).state is State.VOID
    assert not run.counts["not_read_again"]
