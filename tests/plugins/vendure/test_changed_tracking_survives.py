"""A changed tracking number on its way through the real ledger into the double, while the daemon dies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from dropstream_vendure import PLUGIN
from dropstreamd.clock import utc
from dropstreamd.errors import OutcomeUnknown
from dropstreamd.platform.contract import Store
from dropstreamd.platform.limiter import Priority
from dropstreamd.store.lmdb_store import InlineStore, open_inline_store
from tests.channels.plant import START_S, Plant, connection, package
from tests.counterparts.vendure.records import NewOrder
from tests.fakes.points import Killed
from tests.fakes.vendure import FakeVendure, fake_vendure

from .stores import account_at, settings

MOST_POINTS = 100


class Merchant(Plant):
    """A plant whose only store is the double, through the plugin."""

    def __init__(self, state: InlineStore, fake: FakeVendure) -> None:
        self.fake = fake
        self.settings = settings(url=fake.url, channel=fake.token)
        shop = connection(methods={"standard-shipping": "GND"})
        super().__init__(state, shop, amends=PLUGIN.amends(self.settings))

    @asynccontextmanager
    async def _open_store(self, name: str, _priority: Priority) -> AsyncIterator[Store]:
        async with account_at(self.clock, {"password": self.fake.user[1]}, self.settings).open() as store:
            yield store

    async def told(self) -> str:
        """An order, shipped under the tracking number `old`, as the store was told; its id."""
        [placed] = self.fake.shop.place_orders([NewOrder(units={"A": 2})])
        await self.import_orders()
        self.ship(package(placed.id, f"SH{placed.code}", ("A", 2), tracking="old"))
        await self.export()
        self.ship(package(placed.id, f"SH{placed.code}", ("A", 2), tracking="new"))
        return placed.id

    def fulfillments(self, order: str) -> list[tuple[str, str | None]]:
        found = self.fake.shop.order(order).fulfillments or []
        return sorted((each.state, each.tracking_code) for each in found)

    async def settle(self, order: str) -> None:
        """Live on until nothing moves; the order must end with one live fulfillment, the new one."""
        for _ in range(3):
            self.later(minutes=5)
            await self.export()
        assert self.fulfillments(order) == [("Cancelled", "old"), ("Shipped", "new")]
        assert self.tasks() == {}


@pytest.fixture
async def merchant(tmp_path: Path) -> AsyncIterator[Merchant]:
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as state:
        async with fake_vendure(now=utc(START_S)) as fake:
            fake.shop.add_products({"A": 1000})
            yield Merchant(state, fake)


async def test_the_daemon_may_die_at_any_write(merchant: Merchant) -> None:
    for at in range(MOST_POINTS):
        order = await merchant.told()
        merchant.points.arm(at)
        try:
            await merchant.export()
        except Killed:
            merchant.configure()
        unreached = merchant.points.disarm()
        assert len([state for state, _ in merchant.fulfillments(order) if state != "Cancelled"]) == 1
        await merchant.settle(order)
        if unreached:
            return
    raise AssertionError("an export passes too many points")


@pytest.mark.parametrize("operation", ["Cancel", "Fulfill", "Ship"])
@pytest.mark.parametrize("fault", ["before", "after"])
async def test_an_answer_that_is_lost_is_found_out(
    merchant: Merchant, operation: str, fault: Literal["before", "after"]
) -> None:
    order = await merchant.told()
    merchant.fake.fail(operation, fault)
    with pytest.raises(OutcomeUnknown):
        await merchant.export()
    if (operation, fault) in (("Cancel", "after"), ("Fulfill", "before")):
        assert merchant.fulfillments(order) == [("Cancelled", "old")]
    run = await merchant.export()
    assert run.counts == {"waiting_to_look_up": 1}
    await merchant.settle(order)
