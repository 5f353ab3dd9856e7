"""Every job once between a real Vendure and a real FTPS server."""

import time

import pytest

from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.vsftpd import FtpAccount
from tests.e2e.daemon import Daemon
from tests.e2e.setting import SHIPMENTS, add_store, known, sellable

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(300)]


def add_warehouse(daemon: Daemon, account: FtpAccount) -> None:
    """The merchant `acme`, whose warehouse is the account."""
    daemon.secret("acme-wms", account.password)
    daemon.write(
        "merchants.d/acme.toml",
        f"""
[warehouses.main]
platform = "file-exchange"
url      = "{account.url}"
password = {{ secret = "acme-wms" }}
ca_file  = "{account.ca}"
timezone = "America/Chicago"
quantity = "available"
settle_s = 0.05
""",
    )


@pytest.mark.cell(
    "vendure",
    "csv-ftps",
    "sales_orders.import",
    "shipments.export",
    "inventory.full",
    "inventory.smart",
    "products.update",
)
def test_every_job_runs_over_ftps(daemon: Daemon, shop: VendureShop, ftp_account: FtpAccount) -> None:
    shop.add_products({"TEE": 50, "CAP": 50})
    add_warehouse(daemon, ftp_account)
    add_store(daemon, shop, "acme")
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments", "inventory", "products")
    assert daemon.run("acme", "products.update")["staged"] == 2
    assert known(daemon, "TEE") == ["Product TEE"]
    daemon.run("acme", "sales_orders.import")
    [order] = shop.place_orders([NewOrder(units={"TEE": 2})])
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 1
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 0
    [file] = ftp_account.inbox.glob("*.csv")
    assert f'"PH","SH{order.code}"' in file.read_text()

    package = f"{SHIPMENTS}SH{order.code},8,1,,TEE,2,UPS,Ground,1Z8,2026-11-20\n"
    ftp_account.leave("shp_1.csv", package.encode())
    ftp_account.leave("shp_1_again.csv", package.encode())
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    assert [each.tracking_code for each in shop.order(order.id).fulfillments or []] == ["1Z8"]

    time.sleep(1.1)  # a snapshot's time is its file's, which FTP tells in whole seconds
    ftp_account.leave("inv_1.csv", b"sku,quantity\nTEE,7\nCAP,9\n")
    assert daemon.run("acme", "inventory.full")["pushed"] == 2
    assert sellable(shop) == {"TEE": 7, "CAP": 9}
    time.sleep(1.1)
    ftp_account.leave("inv_2.csv", b"sku,quantity\nTEE,5\nCAP,9\n")
    assert daemon.run("acme", "inventory.smart")["pushed"] == 1
    assert daemon.run("acme", "inventory.smart")["pushed"] == 0
    assert sellable(shop) == {"TEE": 5, "CAP": 9}
