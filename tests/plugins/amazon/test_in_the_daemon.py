"""The plugin in the daemon's own channels: what is sold is deducted, what leaves is told, each once."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock

from dropstreamd.actors.actor import Actor
from dropstreamd.channels import inventory, orders
from dropstreamd.channels.jobs import of_channel
from dropstreamd.clock import VirtualClock, utc
from dropstreamd.model.schedule_parser import parse_rule
from dropstreamd.platform.contract import Store
from dropstreamd.platform.limiter import Priority
from dropstreamd.store import levels, switches
from dropstreamd.store.base import Store as State
from dropstreamd.store.lmdb_store import open_inline_store
from dropstreamd.store.switches import CONNECTION
from dropstreamd.store.tables import Table
from tests.actors.lone import Ended
from tests.channels.plant import START_S, Plant, connection, package
from tests.fakes.amazon import FakeAmazon, fake_amazon

from .stores import account_at, settings


class AmazonPlant(Plant):
    """A plant whose store is the plugin's, on the double."""

    def __init__(self, state: State, fake: FakeAmazon) -> None:
        super().__init__(state, connection(methods={"STANDARD": "GND"}))
        secrets = {"app": fake.client[1], "grant": fake.client[2]}
        urls = {"url": fake.url, "login_url": f"{fake.url}/auth/o2/token"}
        self.seller_account = account_at(self.clock, secrets, settings(**urls))

    @asynccontextmanager
    async def _open_store(self, name: str, _priority: Priority) -> AsyncIterator[Store]:
        async with self.seller_account.open() as store:
            yield store

    def parked(self) -> dict[str, str]:
        """Levels that the store refuses, and why."""
        flow = self.flow(inventory.CHANNEL)
        return self.state.read(lambda tx: {p[-1]: p[-2] for p, _ in tx.scan(Table.PARKED, tuple(flow))})

    def unsettled(self) -> bool:
        flow = self.flow(inventory.CHANNEL)
        return bool(self.state.read(lambda tx: levels.has_work(tx, flow)))


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[tuple[AmazonPlant, FakeAmazon]]:
    with open_inline_store(tmp_path, limit_bytes=1 << 28) as state:
        async with fake_amazon(VirtualClock(START_S)) as fake:
            fake.seller.age_s = 300.0
            yield AmazonPlant(state, fake), fake


async def test_an_orders_life(plant: tuple[AmazonPlant, FakeAmazon], quick_clock: MockClock) -> None:
    daemon, fake = plant
    seller = fake.seller
    await daemon.import_orders()
    await trio.sleep(900)
    ready, pending = seller.place({"A": 1}), seller.place({"A": 2}, status="PENDING")
    seller.list_sku("A", 0)
    seller.list_sku("FBA", None, channel="AMAZON_NA")
    await daemon.import_orders()
    assert len(daemon.warehouse.taken.created()) == 1
    await trio.sleep(60)
    daemon.report({"A": 10, "FBA": 5})
    await daemon.smart()
    assert seller.shown("A") == 8, "the pending ones are sold"
    assert daemon.parked() == {"FBA": "fulfilled-by-amazon"}
    assert not seller.converted

    reference = daemon.doc(ready["orderId"]).reference
    daemon.ship(package("P1", reference, ("A", 1), tracking="1Z1"))
    await daemon.export()
    await daemon.export()
    assert [each["trackingNumber"] for each in ready["packages"]] == ["1Z1"]

    await trio.sleep(900)
    seller.set_status(pending, "UNSHIPPED")
    await daemon.import_orders()
    assert len(daemon.warehouse.taken.created()) == 2
    await trio.sleep(900)
    await daemon.import_orders()
    assert sum(daemon.warehouse.taken.created().values()) == 2, "what is told twice goes once"
    assert not fake.throttled


async def test_who_eats_the_whole_budget_for_ever_stops_no_imports_silently(
    plant: tuple[AmazonPlant, FakeAmazon], quick_clock: MockClock
) -> None:
    """Of hours without a single search no run is done, so that the alert on a silent stop comes; and the
    first search that is allowed brings what was placed."""
    daemon, fake = plant
    connected = replace(
        daemon.connections["shop"],
        schedules={("sales_orders", "import"): (parse_rule("every 15 minutes"),)},
    )
    daemon.configure(shop=connected)
    listener = Ended()
    actor = Actor(
        channel=orders.CHANNEL,
        jobs=of_channel(orders.CHANNEL),
        scope=lambda: daemon.scopes["c-shop"],
        state=daemon.state,
        clock=daemon.clock,
        gate=trio.Semaphore(1),
        listener=listener,
        rng=random.Random(7),
    )
    for channel in (CONNECTION, orders.CHANNEL):
        turn = partial(switches.turn, channel=channel, on=True, now_s=daemon.clock.now_s(), who="test")
        await daemon.state.write(partial(turn, connection="c-shop"))
    fake.plan("searchOrders", 1e-9, 0)
    fake.seller.place({"A": 1}, at=utc(START_S + 3600))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run)
        await trio.sleep(6 * 3600)
        assert {run.result for run in listener.runs} == {"failed", "unfinished"}
        assert not actor.agendas["import"].followed().last_success_s
        assert len(listener.runs) < 60, "it is no use to ask all the time"
        fake.plan("searchOrders", 0.0056, 20)
        await trio.sleep(1800)
        assert listener.runs[-1].result == "done"
        actor.stop()
    assert len(daemon.warehouse.taken.created()) == 1


async def test_a_cancellation_comes_before_the_hand_over(
    plant: tuple[AmazonPlant, FakeAmazon], quick_clock: MockClock
) -> None:
    daemon, fake = plant
    await daemon.import_orders()
    await trio.sleep(900)
    asked, cancelled = (fake.seller.place({"A": 1}, status="PENDING") for _ in range(2))
    await daemon.import_orders()
    await trio.sleep(900)
    fake.seller.set_status(asked, "UNSHIPPED")
    fake.seller.ask_to_cancel(asked)
    fake.seller.cancel(cancelled)
    await daemon.import_orders()
    assert not daemon.warehouse.taken.created()


async def test_a_returns_life(plant: tuple[AmazonPlant, FakeAmazon], quick_clock: MockClock) -> None:
    """It is expected once, under the order's reference, however often reports tell it."""
    daemon, fake = plant
    seller = fake.seller
    await daemon.import_orders()
    await trio.sleep(900)
    order = seller.place({"A": 3})
    await daemon.import_orders()
    await trio.sleep(3 * 86_400)
    row = seller.ask_back(order, 2, Amazon_RMA_ID="", Return_request_status="PendingApproval")
    await daemon.returns()
    assert not daemon.warehouse.expected.effects, "it waits"
    row |= {"Amazon RMA ID": "DxRRMA", "Return request status": "Approved"}
    await daemon.returns()
    row["Return request status"] = "Completed"
    await daemon.returns()
    [effect] = daemon.warehouse.expected.effects
    assert effect.document.reference == "RDxRRMA"
    assert effect.document.order_reference == daemon.doc(order["orderId"]).reference
    assert [(line.sku, line.quantity) for line in effect.document.lines] == [("A", 2)]
    assert not daemon.tasks()


async def test_many_levels_go_by_a_feed_within_a_run(
    plant: tuple[AmazonPlant, FakeAmazon], quick_clock: MockClock
) -> None:
    daemon, fake = plant
    seller = fake.seller
    stock = {f"S-{number}": number % 9 for number in range(450)}
    for sku in stock:
        seller.list_sku(sku, 99)
    seller.invalid = {"S-7"}
    seller.feed_s = 600.0
    daemon.report(stock)
    await daemon.smart()
    assert len(seller.feeds) == 1
    assert {sku: seller.shown(sku) for sku in stock if sku != "S-7"} == {
        sku: units for sku, units in stock.items() if sku != "S-7"
    }
    assert daemon.parked() == {"S-7": "refused"}
    assert not daemon.unsettled()


async def test_a_feed_whose_run_was_cut_off_does_not_have_the_last_word(
    plant: tuple[AmazonPlant, FakeAmazon], quick_clock: MockClock
) -> None:
    daemon, fake = plant
    seller = fake.seller
    stock = dict.fromkeys((f"S-{number}" for number in range(250)), 5)
    for sku in stock:
        seller.list_sku(sku, 0)
    seller.feed_s = 7000.0
    daemon.report(stock)
    with trio.move_on_after(300):  # the daemon is stopped
        await daemon.smart()
    assert len(seller.feeds) == 1
    seller.feed_s = 60.0
    await trio.sleep(60)
    daemon.report(dict.fromkeys(stock, 3))
    await daemon.smart()
    assert {seller.shown(sku) for sku in stock} == {3}
    assert daemon.unsettled(), "the old one is still under way"
    await trio.sleep(7000)
    assert {seller.shown(sku) for sku in stock} == {5}, "and acts at last"
    await daemon.smart()
    assert {seller.shown(sku) for sku in stock} == {3}
    await trio.sleep(4 * 3600)
    await daemon.smart()
    assert not daemon.unsettled()
    assert {seller.shown(sku) for sku in stock} == {3}
