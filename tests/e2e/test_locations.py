"""Two facilities of a warehouse and two stock locations of a store: a real Vendure, and OpenSSH."""

import time

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.e2e.daemon import Daemon
from tests.e2e.setting import add_store, add_warehouse

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(600)]

Stock = dict[str, dict[str, int]]


def inventory(stock: Stock) -> bytes:
    rows = "".join(
        f"{sku},{units},{facility}\n" for facility, held in stock.items() for sku, units in held.items()
    )
    return f"sku,quantity,facility\n{rows}".encode()


def shown(shop: VendureShop, facilities: dict[str, str]) -> Stock:
    """Units on hand by facility and SKU."""
    found: Stock = {facility: {} for facility in facilities.values()}
    for sku, variant in shop.stock().items():
        for level in variant.stock_levels:
            if level.stock_location_id in facilities:
                found[facilities[level.stock_location_id]][sku] = level.stock_on_hand
    return found


@pytest.mark.cell("vendure", "csv-sftp", "inventory.full", "inventory.smart")
def test_each_location_shows_the_stock_of_its_facility(
    daemon: Daemon, shop: VendureShop, account: Account
) -> None:
    shop.add_products({"TEE": 1, "CAP": 1})
    facilities = {shop.location_id: "EAST", shop.add_stock_location("West"): "WEST"}
    table = "".join(f'"{location}" = "{facility}"\n' for location, facility in facilities.items())
    add_warehouse(daemon, account)
    add_store(daemon, shop, "acme", more=f"[locations]\n{table}")
    daemon.start()
    daemon.enable("acme", "sales_orders", "inventory")
    daemon.run("acme", "sales_orders.import")

    stock: Stock = {"EAST": {"TEE": 7, "CAP": 4}, "WEST": {"TEE": 3, "CAP": 0}}
    account.leave("inv_1.csv", inventory(stock))
    assert daemon.run("acme", "inventory.full")["pushed"] == 4
    assert shown(shop, facilities) == stock

    time.sleep(1.1)  # SFTP tells a file's time in whole seconds: a snapshot's time is its file's
    stock["WEST"]["TEE"] = 5
    account.leave("inv_2.csv", inventory(stock))
    assert daemon.run("acme", "inventory.smart")["pushed"] == 1
    assert daemon.run("acme", "inventory.smart")["pushed"] == 0
    assert shown(shop, facilities) == stock

    # Whose units an order takes is not known: what both show together is never more than is left.
    time.sleep(1.1)
    shop.place_orders([NewOrder(units={"TEE": 2})])
    account.leave("inv_3.csv", inventory(stock))
    daemon.run("acme", "sales_orders.import")
    daemon.run("acme", "inventory.smart")
    for variant in shop.stock(["TEE"]).values():
        for level in variant.stock_levels:
            if level.stock_location_id in facilities:
                most = stock[facilities[level.stock_location_id]]["TEE"]
                assert 0 <= level.stock_on_hand - level.stock_allocated <= most - 2
