"""Two stores of one merchant on one login of the warehouse."""

import csv
import io
import time
from collections.abc import Callable

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.server import VendureServer
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.setting import SHIPMENTS, add_store, add_warehouse, sellable

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(900)]


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import", "shipments.export", "inventory.smart")
def test_each_shipment_reaches_the_store_that_sold(
    daemon: Daemon,
    vendure: VendureServer,
    second_vendure: VendureServer,
    new_shop: Callable[[VendureServer], VendureShop],
    account: Account,
    warehouse: Consumer,
    number: int,
) -> None:
    first, second = new_shop(vendure), new_shop(second_vendure)
    for shop in (first, second):
        shop.add_products({"TEE": 5, "CAP": 5})
    add_warehouse(daemon, account)
    add_store(daemon, first, "north", reference="N{number}")
    add_store(daemon, second, "south", reference="S{number}")
    daemon.start()
    code = f"1001-{number}"
    for name in ("north", "south"):
        daemon.enable(name, "sales_orders", "shipments", "inventory")
        daemon.run(name, "sales_orders.import")
    for shop, sku in ((first, "TEE"), (second, "CAP")):
        shop.place_orders([NewOrder(units={sku: 1}, code=code)])
    for name in ("north", "south"):
        assert daemon.run(name, "sales_orders.import")["accepted"] == 1
    warehouse.wait_for(2)
    headers = [next(csv.reader(io.StringIO(warehouse.content(file).decode()))) for file in warehouse.taken()]
    assert {row[1] for row in headers} == {f"N{code}", f"S{code}"}

    rows = SHIPMENTS + f"S{code},9,1,,CAP,1,UPS,,1ZS,2026-11-20\nN{code},8,1,,TEE,1,UPS,,1ZN,2026-11-20\n"
    rows += "X999,7,1,,TEE,1,UPS,,1ZX,2026-11-20\n"
    account.leave("shp_1.csv", rows.encode())
    # One store's run brings in what is the other's too.
    assert daemon.run("north", "shipments.export")["accepted"] == 1
    assert daemon.run("south", "shipments.export")["accepted"] == 1
    for shop, tracking in ((first, "1ZN"), (second, "1ZS")):
        order = shop.orders()[code]
        assert [one.tracking_code for one in order.fulfillments or []] == [tracking]
    parked = daemon.ask("GET", "/connections/north/parked")
    assert [(group["kind"], group["count"]) for group in parked["groups"]] == [("unmatched", 1)]

    time.sleep(1.1)  # SFTP tells a file's time in whole seconds: the snapshot is newer than the hand-overs
    account.leave("inv_1.csv", b"sku,quantity\nTEE,31\nCAP,17\n")
    for name, shop in (("north", first), ("south", second)):
        assert daemon.run(name, "inventory.smart")["pushed"] == 2
        assert sellable(shop) == {"TEE": 31, "CAP": 17}
