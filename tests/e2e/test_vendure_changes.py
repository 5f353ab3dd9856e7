"""What changes after it was handed over, on real counterparts: tracking numbers, and stock."""

import os
import time

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder, Placed
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.setting import SHIPMENTS, add_store, add_warehouse, sellable

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(300)]


def package(order: Placed, tracking: str) -> bytes:
    return f"{SHIPMENTS}SH{order.code},8,1,,TEE,2,UPS,Ground,{tracking},2026-11-20\n".encode()


def fulfillments(shop: VendureShop, order: Placed) -> list[tuple[str, str | None]]:
    """State and tracking of each, the live one last."""
    found = shop.order(order.id).fulfillments or []
    return sorted((each.state, each.tracking_code) for each in found)


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import", "shipments.export")
def test_changed_tracking_replaces_the_fulfillment(
    daemon: Daemon, shop: VendureShop, account: Account, warehouse: Consumer
) -> None:
    shop.add_products({"TEE": 10})
    add_warehouse(daemon, account)
    add_store(daemon, shop, "acme")
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments")
    daemon.run("acme", "sales_orders.import")
    [order] = shop.place_orders([NewOrder(units={"TEE": 3})])
    daemon.run("acme", "sales_orders.import")
    warehouse.wait_for(1)
    account.leave("shp_1.csv", package(order, "1Z-OLD"))
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    assert fulfillments(shop, order) == [("Shipped", "1Z-OLD")]
    stock = shop.stock()

    account.leave("shp_2.csv", package(order, "1Z-NEW"))
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    replaced = [("Cancelled", "1Z-OLD"), ("Shipped", "1Z-NEW")]
    assert fulfillments(shop, order) == replaced
    assert shop.order(order.id).state == "PartiallyShipped"
    assert shop.stock() == stock

    account.leave("shp_3.csv", package(order, "1Z-NEW"))
    assert daemon.run("acme", "shipments.export")["accepted"] == 0
    assert fulfillments(shop, order) == replaced
    assert daemon.ask("GET", "/connections/acme/tasks")["tasks"] == []
    # Nothing of it looks like a change of the order.
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 0
    assert daemon.ask("GET", "/connections/acme/tasks")["tasks"] == []


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import", "inventory.smart")
def test_a_smart_sync_pushes_what_the_warehouse_changed(
    daemon: Daemon, shop: VendureShop, account: Account, warehouse: Consumer
) -> None:
    levels = {"A": 7, "B": 10, "C": 3}
    shop.add_products(dict.fromkeys(levels, 50))
    add_warehouse(daemon, account)
    add_store(daemon, shop, "acme")
    daemon.start()
    daemon.enable("acme", "sales_orders", "inventory")
    daemon.run("acme", "sales_orders.import")

    def reports(name: str, *, age_s: float, **changed: int) -> None:
        levels.update(changed)
        rows = "".join(f"{sku},{units}\n" for sku, units in levels.items())
        path = account.leave(name, f"sku,quantity\n{rows}".encode())
        written_s = time.time() - age_s  # a snapshot's time is its file's
        os.utime(path, (written_s, written_s))

    reports("inv_1.csv", age_s=300)
    assert daemon.run("acme", "inventory.smart")["pushed"] == 3
    assert sellable(shop) == levels
    reports("inv_2.csv", age_s=200, A=5)
    assert daemon.run("acme", "inventory.smart")["pushed"] == 1
    assert sellable(shop) == levels

    # The shop sells all it has of C, and the warehouse receives as many: C is at 3 again, which is what the
    # shop was told. But it shows 0 by now, and only another push makes it sell the 3.
    shop.place_orders([NewOrder(units={"C": 3})])
    assert sellable(shop) == {**levels, "C": 0}
    reports("inv_3.csv", age_s=100, C=6)
    assert daemon.run("acme", "inventory.smart")["pushed"] == 1
    assert sellable(shop) == {"A": 5, "B": 10, "C": 3}
    assert daemon.run("acme", "inventory.smart")["pushed"] == 0

    # Once the order is the warehouse's and has left it, the figures say the same of C.
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 1
    warehouse.wait_for(1)
    time.sleep(1.1)  # SFTP tells a file's time in whole seconds: this one is newer than the hand-over
    reports("inv_4.csv", age_s=0, C=3)
    assert daemon.run("acme", "inventory.smart")["pushed"] == 1
    assert sellable(shop) == levels
