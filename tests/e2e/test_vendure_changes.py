"""What changes after it was handed over, on real counterparts: tracking numbers, and stock."""

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder, Placed
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.setting import SHIPMENTS, add_store, add_warehouse

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(300)]


def package(order: Placed, tracking: str) -> bytes:
    return f"{SHIPMENTS}SH{order.code},8,1,,TEE,2,UPS,Ground,{tracking},2026-11-20\n".encode()


def fulfillments(shop: VendureShop, order: Placed) -> list[tuple[str, str | None]]:
    """State and tracking of each, the live one last."""
    found = shop.order(order.id).fulfillments or []
    return sorted((each.state, each.tracking_code) for each in found)


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
