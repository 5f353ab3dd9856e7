"""kill -9 in the middle of each flow, on real counterparts, with a warehouse that takes files at once.

A few kills of each by default; `DROPSTREAMD_KILLS=50 pytest tests/e2e/test_kills.py --timeout 3600` for more.
After every kill the daemon starts on what is left, and at the end: every order reached the warehouse
once or is in doubt, every shipment is in the store once, every level is the warehouse's. What is in
doubt is counted and printed.
"""

import os
import random
import time

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder, Placed
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.setting import SHIPMENTS, add_store, add_warehouse, sellable
from tests.e2e.test_vendure_sftp import inventory, orders_in, shipment_rows

pytestmark = [
    pytest.mark.counterpart,
    pytest.mark.timeout(3600),
    pytest.mark.xdist_group("kills"),  # look-ups are waited for: a server of their own, beside the others
]

KILLS = int(os.environ.get("DROPSTREAMD_KILLS", "4"))
AT_ONCE = 6
"""Documents that are under way when a kill strikes."""


@pytest.fixture
def rng() -> random.Random:
    return random.Random(os.environ.get("DROPSTREAMD_SEED", "1"))


def strike(daemon: Daemon, job: str, within_s: float, rng: random.Random) -> None:
    """Ask for a run, kill the daemon at some moment of it, and start it again."""
    daemon.begin("acme", job)
    time.sleep(rng.uniform(0, within_s))  # another process is to be hit at any moment
    daemon.kill()
    daemon.start()


def settle(daemon: Daemon, job: str) -> None:
    """Run until nothing is open: a look-up may have to wait until what was sent would be visible."""
    for _ in range(60):
        ended = daemon.finish("acme", daemon.begin("acme", job))
        if ended["result"] == "done" and not ended["counts"].get("waiting_to_look_up"):
            return
        time.sleep(5)  # real servers: there is no virtual time
    raise AssertionError(f"{job} did not settle: {ended}")


def started(daemon: Daemon, shop: VendureShop, account: Account, stock: dict[str, int]) -> None:
    shop.add_products(stock)
    add_warehouse(daemon, account)
    add_store(daemon, shop, "acme")
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments", "inventory")
    daemon.run("acme", "sales_orders.import")


def in_doubt(daemon: Daemon) -> list[str]:
    found: list[str] = [
        each["number"] for each in daemon.ask("GET", "/connections/acme/in-doubt")["documents"]
    ]
    return found


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import")
def test_orders_survive_kills(
    daemon: Daemon, shop: VendureShop, account: Account, warehouse: Consumer, rng: random.Random
) -> None:
    started(daemon, shop, account, {"TEE": 10_000})
    placed: list[Placed] = []
    for _ in range(KILLS):
        placed += shop.place_orders([NewOrder(units={"TEE": 1}) for _ in range(AT_ONCE)])
        strike(daemon, "sales_orders.import", 1.0, rng)
    settle(daemon, "sales_orders.import")
    doubted = in_doubt(daemon)
    warehouse.wait_for(len(placed) - len(doubted))
    arrived = orders_in(warehouse)
    assert max(arrived.values()) == 1, "an order reached the warehouse twice"
    lost = [each.code for each in placed if f"SH{each.code}" not in arrived and each.code not in doubted]
    assert not lost
    print(f"orders: {KILLS} kills, {len(placed)} orders, {len(doubted)} in doubt")


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import", "shipments.export")
def test_shipments_survive_kills(
    daemon: Daemon, shop: VendureShop, account: Account, warehouse: Consumer, rng: random.Random
) -> None:
    started(daemon, shop, account, {"TEE": 10_000})
    placed = shop.place_orders([NewOrder(units={"TEE": 2}) for _ in range(KILLS * AT_ONCE)])
    daemon.run("acme", "sales_orders.import")
    for number in range(KILLS):
        rows = SHIPMENTS
        for order in placed[number * AT_ONCE : (number + 1) * AT_ONCE]:
            rows += shipment_rows(order, {"TEE": 1}, "1") + shipment_rows(order, {"TEE": 1}, "2")
        account.leave(f"shp_{number}.csv", rows.encode())
        strike(daemon, "shipments.export", 2.0, rng)
    settle(daemon, "shipments.export")
    doubted = in_doubt(daemon)
    found = shop.orders()
    for order in placed:
        codes = sorted(one.tracking_code or "" for one in found[order.code].fulfillments or [])
        if order.code not in doubted:
            assert codes == [f"1Z{order.code}1", f"1Z{order.code}2"]
            assert found[order.code].state == "Shipped"
        assert len(codes) == len(set(codes)), "a shipment became two fulfillments"
    print(f"shipments: {KILLS} kills, {2 * len(placed)} packages, {len(doubted)} in doubt")


@pytest.mark.cell("vendure", "csv-sftp", "inventory.full", "inventory.smart")
def test_levels_survive_kills(
    daemon: Daemon, shop: VendureShop, account: Account, rng: random.Random
) -> None:
    levels = {f"SKU-{number:03d}": 10 for number in range(300)}
    started(daemon, shop, account, levels)
    account.leave("inv_0.csv", inventory(levels))
    daemon.run("acme", "inventory.full")
    for number in range(1, KILLS + 1):
        time.sleep(1.1)  # a snapshot's time is its file's, in whole seconds
        for sku in rng.sample(sorted(levels), 250):
            levels[sku] = rng.randrange(8, 30)
        account.leave(f"inv_{number}.csv", inventory(levels))
        strike(daemon, rng.choice(["inventory.smart", "inventory.full"]), 2.0, rng)
    settle(daemon, "inventory.smart")
    assert sellable(shop) == levels
    # What was cut off may still act for two minutes: until then its levels are pushed again.
    for _ in range(20):
        if not daemon.run("acme", "inventory.smart")["pushed"]:
            break
        time.sleep(10)
    else:
        raise AssertionError("levels are pushed for ever")
    assert sellable(shop) == levels
    print(f"levels: {KILLS} kills")
