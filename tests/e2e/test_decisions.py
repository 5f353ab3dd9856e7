"""What only a person can decide, told by dropstreamctl: a snapshot that is held, an order in doubt."""

import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder, Placed
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import ctl
from tests.e2e.setting import SHIPMENTS, add_store, add_warehouse, sellable
from tests.e2e.test_vendure_sftp import orders_in

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(300)]

NAMES_S = 300
"""For how many seconds from now a file's name is taken."""


class Reports:
    """The warehouse's snapshots, each newer than the one before."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._count = 0
        self._began_s = time.time() - 3600

    def leave(self, levels: dict[str, int]) -> str:
        self._count += 1
        rows = "".join(f"{sku},{units}\n" for sku, units in levels.items())
        name = f"inv_{self._count}.csv"
        path = self._account.leave(name, f"sku,quantity\n{rows}".encode())
        written_s = self._began_s + 10 * self._count  # a snapshot's time is its file's
        os.utime(path, (written_s, written_s))
        return name


@pytest.mark.cell("vendure", "csv-sftp", "inventory.smart")
def test_odd_snapshots_wait_for_a_person(daemon: Daemon, shop: VendureShop, account: Account) -> None:
    levels = {f"SKU-{number}": 10 + number for number in range(10)}
    shop.add_products(levels)
    add_warehouse(daemon, account)
    add_store(daemon, shop, "acme")
    daemon.start()
    daemon.enable("acme", "inventory")
    reports = Reports(account)

    def smart() -> tuple[int, int]:
        """Levels pushed and snapshots held by a Smart Sync."""
        counts = daemon.run("acme", "inventory.smart")
        return counts["pushed"], counts["snapshots_held"]

    reports.leave(levels)
    assert smart() == (10, 0)

    # 4 of 10 SKUs are gone, and the figures of the others are new.
    fewer = {sku: units + 5 for sku, units in list(levels.items())[:6]}
    lost = reports.leave(fewer)
    assert smart() == (0, 1)
    assert smart() == (0, 0)
    assert sellable(shop) == levels
    status = ctl(daemon, "status").said
    assert "a snapshot of stock is held, no level follows it" in status
    assert "4 of 10 SKUs are missing" in status
    approved = ctl(daemon, "approve", "acme.main")
    assert approved.status == 0
    assert lost in approved.said
    assert smart() == (6, 0)
    levels |= fewer  # what is not in it keeps its level
    assert sellable(shop) == levels

    # Cases of 12 that were read as eaches: held too, until a sound one follows.
    reports.leave({sku: 12 * units for sku, units in levels.items()})
    assert smart() == (0, 1)
    assert sellable(shop) == levels
    levels["SKU-3"] = 2
    reports.leave(levels)
    assert smart() == (1, 0)
    assert sellable(shop) == levels
    refused = ctl(daemon, "approve", "acme.main")
    assert refused.status == 2
    assert "no snapshot of acme main is held" in refused.said


def take_names(account: Account, orders: list[Placed]) -> list[Path]:
    """Files of the names that these orders' files would have, whenever they are sent."""
    now = datetime.now(UTC)
    instants = [now + timedelta(seconds=seconds) for seconds in range(-2, NAMES_S)]
    names = [f"ord_SH{order.code}_{at:%y%m%d%H%M%S}.csv" for order in orders for at in instants]
    taken = [account.inbox / name for name in names]
    for path in taken:
        path.touch()
        shutil.chown(path, account.user)
    return taken


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import", "shipments.export")
def test_orders_in_doubt_are_sent_again_only_where_a_person_says_so(
    daemon: Daemon, shop: VendureShop, account: Account, warehouse: Consumer
) -> None:
    shop.add_products({"TEE": 10})
    add_warehouse(daemon, account)
    add_store(daemon, shop, "acme")
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments")
    daemon.run("acme", "sales_orders.import")

    # A file of an order's name lies in the folder before ours is sent: nobody can tell whose it is.
    again, never = placed = shop.place_orders([NewOrder(units={"TEE": 1}) for _ in range(2)])
    warehouse.pause()
    names = take_names(account, placed)
    assert daemon.run("acme", "sales_orders.import")["in_doubt"] == 2
    for path in names:
        path.unlink()
    warehouse.resume()
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 0
    daemon.kill()
    daemon.start()
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 0
    told = ctl(daemon, "in-doubt", "acme")
    assert told.status == 0
    for order in placed:
        assert order.code in told.said
    assert "was in the folder before ours was sent" in told.said
    assert warehouse.taken() == []

    resolved = ctl(daemon, "resolve", "acme", "sales_orders", again.code, "--not-sent")
    assert resolved.status == 0
    assert f"{again.code} was not handed over, and goes with the next run" in resolved.said
    resolved = ctl(daemon, "resolve", "acme", "sales_orders", never.code, "--sent")
    assert resolved.status == 0
    assert f"{never.code} was handed over" in resolved.said
    assert ctl(daemon, "in-doubt", "acme").out == "Nothing is in doubt.\n"
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 1
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 0
    warehouse.wait_for(1)
    assert orders_in(warehouse) == {f"SH{again.code}": 1}

    # The warehouse ships both: the one that was said to be there, too.
    rows = "".join(
        f"SH{order.code},{order.code},1,,TEE,1,UPS,,1Z{order.code},2026-11-20\n" for order in placed
    )
    account.leave("shp_1.csv", f"{SHIPMENTS}{rows}".encode())
    assert daemon.run("acme", "shipments.export")["accepted"] == 2
    assert {each.state for each in shop.orders().values()} == {"Shipped"}
    assert orders_in(warehouse) == {f"SH{again.code}": 1}
