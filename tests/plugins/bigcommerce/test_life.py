"""An order's life between the store and a warehouse: the daemon's channels over plugin and double."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from trio.testing import MockClock

from dropstream_bigcommerce import PLUGIN
from dropstreamd.channels.life import Life
from dropstreamd.errors import OutcomeUnknown
from dropstreamd.platform.contract import Part, Store
from dropstreamd.platform.limiter import Priority
from dropstreamd.store.lmdb_store import InlineStore, open_inline_store
from tests.channels.plant import START_S, Plant, connection, package
from tests.fakes.bigcommerce import FakeBigCommerce, fake_bigcommerce

from .stores import account_at, settings

SHOP = connection(methods={"Ship by Weight": "GND"}, reference="BC{number}")


class Merchant(Plant):
    """A plant whose store is on BigCommerce."""

    def __init__(self, state: InlineStore, fake: FakeBigCommerce) -> None:
        super().__init__(state, SHOP, amends=frozenset({Part.SHIPMENTS}), offers=PLUGIN.provides)
        self.shop_account = account_at(self.clock, {"store": fake.token}, settings(url=fake.url))

    @asynccontextmanager
    async def _open_store(self, name: str, _priority: Priority) -> AsyncIterator[Store]:
        async with self.shop_account.open() as store:
            yield store

    def references(self) -> set[str]:
        """Of the orders that the warehouse was handed, each once."""
        assert set(self.warehouse.taken.created().values()) <= {1}
        return {each.reference for each in self.warehouse.taken.newest().values()}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[InlineStore]:
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as opened:
        yield opened


@pytest.fixture
async def fake() -> AsyncIterator[FakeBigCommerce]:
    async with fake_bigcommerce(now=datetime.fromtimestamp(START_S, UTC)) as server:
        yield server


@pytest.fixture
def merchant(state: InlineStore, fake: FakeBigCommerce) -> Merchant:
    return Merchant(state, fake)


async def test_an_order_to_two_addresses_is_shipped_to_both(
    merchant: Merchant, fake: FakeBigCommerce, patient_clock: MockClock
) -> None:
    made = fake.shop.place({"A": 3}, addresses=2)
    second = f"{made['id']}-{fake.shop.addresses(made)[1]}"
    await merchant.import_orders()
    assert merchant.references() == {"BC101", "BC101-2"}
    merchant.ship(package("P1", "BC101", ("A", 1)), package("P2", "BC101-2", ("A", 3), tracking="1Z2"))
    await merchant.export()
    assert merchant.life("101") is Life.PARTIALLY_SHIPPED
    assert merchant.life(second) is Life.SHIPPED
    assert made["status_id"] == 3
    await merchant.import_orders()
    merchant.ship(package("P3", "BC101", ("A", 2), tracking="1Z3"))
    await merchant.export()
    await merchant.import_orders()
    assert made["status_id"] == 2
    assert merchant.references() == {"BC101", "BC101-2"}
    told = [
        (each["order_address_id"], each["items"][0]["quantity"], each["tracking_number"])
        for each in fake.shop.shipments_of(101)
    ]
    first, other = fake.shop.addresses(made)
    assert sorted(told) == [(first, 1, "1Z1"), (first, 2, "1Z3"), (other, 3, "1Z2")]
    assert not merchant.tasks()


async def test_a_lost_answer_ships_nothing_twice(
    merchant: Merchant, fake: FakeBigCommerce, patient_clock: MockClock
) -> None:
    made = fake.shop.place({"A": 4})
    await merchant.import_orders()
    merchant.ship(package("P1", "BC101", ("A", 2)), package("P2", "BC101", ("A", 2)))
    fake.fail("createOrderShipments", "after", "500")
    for _ in range(4):
        with suppress(OutcomeUnknown):
            await merchant.export()
        merchant.configure()
        merchant.later(minutes=10)
    assert [each["comments"] for each in fake.shop.shipments_of(made["id"])] == ["Package P1", "Package P2"]
    assert merchant.life("101") is Life.SHIPPED


async def test_what_changes_before_and_after_the_hand_over(
    merchant: Merchant, fake: FakeBigCommerce, patient_clock: MockClock
) -> None:
    waiting, edited, cancelled = (fake.shop.place({"A": 3}) for _ in range(3))
    fake.shop.set_status(waiting, 12)
    await merchant.import_orders()
    assert merchant.references() == {"BC102", "BC103"}
    fake.shop.refund(edited, 0, 1)
    fake.shop.set_status(cancelled, 5)
    fake.shop.set_status(waiting, 11)
    await merchant.import_orders()
    assert merchant.references() == {"BC101", "BC102", "BC103"}
    assert {key for _, key in merchant.tasks()} == {"102", "103"}, "the warehouse takes no changes"
    assert merchant.life("103") is Life.CANCEL_REQUESTED


async def test_stock_reaches_the_store(
    merchant: Merchant, fake: FakeBigCommerce, patient_clock: MockClock
) -> None:
    fake.shop.add_product("A", 1)
    fake.shop.add_product("TEE", tracking="variant", variants={"TEE-S": 0, "TEE-M": 0})
    fake.shop.place({"A": 2}, status_id=11)
    merchant.configure(shop=connection(methods={}))
    await merchant.import_orders()
    merchant.report({"A": 10, "TEE-S": 4, "TEE-M": 5})
    await merchant.smart()
    shown = {sku: fake.shop.shown(sku, settled=True) for sku in ("A", "TEE-S", "TEE-M")}
    assert shown == {"A": 8, "TEE-S": 4, "TEE-M": 5}, "less what waits for a ship method"
    fake.fail("put-absolute-adjustment", "after")
    merchant.later(minutes=5)
    merchant.report({"A": 3, "TEE-S": 4, "TEE-M": 5})
    with pytest.raises(OutcomeUnknown):
        await merchant.smart()
    merchant.later(minutes=5)
    await merchant.smart()
    assert fake.shop.shown("A", settled=True) == 1
