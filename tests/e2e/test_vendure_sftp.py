"""The main job on real counterparts: a Vendure, an OpenSSH sshd, a warehouse that takes files at once."""

import csv
import io
import time
from collections import Counter

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder, Placed
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.setting import SHIPMENTS, add_store, add_warehouse, known, sellable

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(900)]


def orders_in(warehouse: Consumer) -> Counter[str]:
    """How often each order number stands in the files that the warehouse took."""
    rows = (
        row for file in warehouse.taken() for row in csv.reader(io.StringIO(warehouse.content(file).decode()))
    )
    return Counter(row[1] for row in rows if row[0] == "PH")


def shipment_rows(order: Placed, units: dict[str, int], shipment: str) -> str:
    return "".join(
        f"SH{order.code},{order.code}-{shipment},1,,{sku},{quantity},UPS,Ground,1Z{order.code}{shipment},2026-11-20\n"
        for sku, quantity in units.items()
    )


def inventory(levels: dict[str, int]) -> bytes:
    rows = "".join(f"{sku},{quantity}\n" for sku, quantity in levels.items())
    return f"sku,quantity\n{rows}".encode()


@pytest.mark.cell(
    "vendure",
    "csv-sftp",
    "sales_orders.import",
    "shipments.export",
    "inventory.full",
    "inventory.smart",
    "products.update",
)
def test_orders_shipments_and_inventory_flow(
    daemon: Daemon, shop: VendureShop, account: Account, warehouse: Consumer
) -> None:
    skus = {f"SKU-{number:03d}": 50 for number in range(500)}
    shop.add_products(skus)
    add_warehouse(daemon, account)
    add_store(daemon, shop, "acme")
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments", "inventory", "products")

    # products: what is named otherwise, what is gone, and what only has another level
    shop.add_products({"GONE": 1})
    assert daemon.run("acme", "products.update")["staged"] == 501
    assert known(daemon, "SKU-499") == ["Product SKU-499"]
    shop.update_product("SKU-499", {"translations": [{"languageCode": "en", "name": "Cap"}]})
    shop.set_on_hand({"SKU-000": 51})
    shop.remove("GONE")
    counts = daemon.run("acme", "products.update")
    assert (counts["staged"], counts["gone"]) == (1, 1)
    assert known(daemon, "SKU-499") == ["Cap"]

    # 200 orders, each once
    daemon.run("acme", "sales_orders.import")
    placed = shop.place_orders(
        [NewOrder(units={f"SKU-{number:03d}": 2, f"SKU-{number + 1:03d}": 1}) for number in range(200)]
    )
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 200
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 0
    warehouse.wait_for(200)
    assert orders_in(warehouse) == {f"SH{order.code}": 1 for order in placed}

    # shipments, partial ones too, each once
    whole, partial = placed[:150], placed[150:]
    rows = SHIPMENTS
    for number, order in enumerate(whole):
        rows += shipment_rows(order, {f"SKU-{number:03d}": 2, f"SKU-{number + 1:03d}": 1}, "1")
    for number, order in enumerate(partial, start=150):
        rows += shipment_rows(order, {f"SKU-{number:03d}": 1}, "1")
    account.leave("shp_1.csv", rows.encode())
    assert daemon.run("acme", "shipments.export")["accepted"] == 200
    rest = SHIPMENTS
    for number, order in enumerate(partial, start=150):
        rest += shipment_rows(order, {f"SKU-{number:03d}": 1, f"SKU-{number + 1:03d}": 1}, "2")
    account.leave("shp_2.csv", rest.encode())
    account.leave("shp_1_again.csv", rows.encode())
    assert daemon.run("acme", "shipments.export")["accepted"] == 50
    in_store = shop.orders()
    for order in whole:
        found = in_store[order.code]
        assert found.state == "Shipped"
        assert [one.tracking_code for one in found.fulfillments or []] == [f"1Z{order.code}1"]
    for number, order in enumerate(partial, start=150):
        found = in_store[order.code]
        assert found.state == "Shipped"
        assert {one.tracking_code for one in found.fulfillments or []} == {
            f"1Z{order.code}1",
            f"1Z{order.code}2",
        }
        assert found.units_fulfilled() == {f"SKU-{number:03d}": 2, f"SKU-{number + 1:03d}": 1}

    # inventory
    levels = {sku: 40 + index % 7 for index, sku in enumerate(skus)}
    account.leave("inv_1.csv", inventory(levels))
    assert daemon.run("acme", "inventory.full")["pushed"] == 500
    assert sellable(shop) == levels
    time.sleep(1.1)  # SFTP tells a file's time in whole seconds: a snapshot's time is its file's
    levels |= {"SKU-003": 7, "SKU-100": 0, "SKU-499": 91}
    account.leave("inv_2.csv", inventory(levels))
    assert daemon.run("acme", "inventory.smart")["pushed"] == 3
    assert daemon.run("acme", "inventory.smart")["pushed"] == 0
    shop.set_on_hand({"SKU-200": 999})
    assert daemon.run("acme", "inventory.smart")["pushed"] == 0
    assert daemon.run("acme", "inventory.full")["pushed"] == 500
    assert sellable(shop) == levels
    assert daemon.stop() == 0


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import")
def test_older_orders_are_listed_and_wait_for_since(
    daemon: Daemon, shop: VendureShop, account: Account, warehouse: Consumer
) -> None:
    shop.add_products({"TEE": 100})
    older = shop.place_orders([NewOrder(units={"TEE": 1}) for _ in range(50)])
    add_warehouse(daemon, account)
    add_store(daemon, shop, "acme")
    daemon.start()
    time.sleep(1.1)  # the store keeps whole seconds: these orders are older, by all clocks
    daemon.enable("acme", "sales_orders")
    daemon.run("acme", "sales_orders.import")
    assert warehouse.taken() == []
    backlog = daemon.ask("GET", "/connections/acme/backlog")
    assert backlog["count"] == 50
    assert set(backlog["numbers"]) == {order.code for order in older}
    path = "/connections/acme/channels/sales_orders/jobs/import/run"
    unconfirmed = daemon.call("POST", path, {"since": "2020-01-01"})
    assert unconfirmed.status_code == 409
    shown = unconfirmed.json()["backlog"]
    assert shown["count"] == 50
    assert warehouse.taken() == []
    counts = daemon.run("acme", "sales_orders.import", since="2020-01-01", backlog=shown["id"])
    assert counts["accepted"] == 50
    warehouse.wait_for(50)
    assert orders_in(warehouse) == {f"SH{order.code}": 1 for order in older}
