"""Every job once between a real Medusa and a real FTPS server; the store's levels are read back."""

import csv
import io
import time

import pytest

from tests.counterparts.medusa.shop import MedusaShop
from tests.counterparts.vsftpd import FtpAccount
from tests.e2e.daemon import Daemon
from tests.e2e.setting import SHIPMENTS
from tests.e2e.shown import audited, life, number_of, packages
from tests.e2e.sides import add_medusa, more_of_merchant
from tests.e2e.test_medusa_tryton import nothing_waits, shipped
from tests.e2e.test_vendure_ftps import add_warehouse

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(300)]

CANCEL_FILES = """
[warehouses.main.orders]
cancel = { prefix = "can_", row = ["CANCEL", "{reference}"] }
"""


@pytest.mark.cell(
    "medusa",
    "csv-ftps",
    "sales_orders.import",
    "shipments.export",
    "inventory.full",
    "inventory.smart",
    "products.update",
)
def test_every_job_runs_over_ftps(daemon: Daemon, medusa_shop: MedusaShop, ftp_account: FtpAccount) -> None:
    shop = medusa_shop
    tee, cap = f"{shop.code}-TEE", f"{shop.code}-CAP"
    shop.add_products({tee: 0, cap: 0})
    add_warehouse(daemon, ftp_account)
    more_of_merchant(daemon, CANCEL_FILES)
    add_medusa(daemon, shop)
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments", "inventory", "products")
    assert daemon.run("acme", "products.update")["staged"] == 2
    daemon.run("acme", "sales_orders.import")
    ftp_account.leave("inv_1.csv", f"sku,quantity\n{tee},6\n{cap},9\n".encode())
    assert daemon.run("acme", "inventory.full")["pushed"] == 2
    assert (shop.sellable(tee), shop.sellable(cap)) == (6, 9)

    # The store is read back: as it was told; what buyers took; what somebody set by hand.
    assert audited(daemon)[0] == 0
    order, stopped = shop.place_order({tee: 4, cap: 1}), shop.place_order({tee: 1})
    status, found = audited(daemon)
    assert (status, found["fewer"], found["more"]) == (0, 2, 0)
    shop.set_stocked({cap: 30})
    status, found = audited(daemon)
    assert (status, found["looked_at"], found["more"]) == (1, 2, 1)
    assert found["levels"][0] == {"sku": cap, "told": 9, "shows": 29, "location": ""}

    # One order ships in two packages, of which the warehouse tells one twice; the other is stopped by a file.
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 2
    numbers = [number_of(shop, each) for each in (order, stopped)]
    references = [f"{shop.code}-{each}" for each in numbers]
    assert ordered(ftp_account, "ord_*.csv") == {references[0]: {tee: 4, cap: 1}, references[1]: {tee: 1}}
    shop.cancel(stopped)
    daemon.run("acme", "sales_orders.import")
    (stop,) = ftp_account.inbox.glob("can_*.csv")
    assert next(csv.reader(io.StringIO(stop.read_text()))) == ["CANCEL", references[1]]
    assert life(daemon, numbers[1]) == "cancel sent"
    first = f"{SHIPMENTS}{references[0]},S1,1,,{tee},3,UPS,Ground,1Z1,2026-11-20\n"
    ftp_account.leave("shp_1.csv", first.encode())
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    assert life(daemon, numbers[0]) == "partially shipped"
    rows = (f"{references[0]},S2,1,,{sku},1,UPS,,1Z2,2026-11-20\n" for sku in (tee, cap))
    ftp_account.leave("shp_1_again.csv", first.encode())
    ftp_account.leave("shp_2.csv", f"{SHIPMENTS}{''.join(rows)}".encode())
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    assert shipped(shop.order(order)) == {tee: 4, cap: 1}
    assert packages(shop.order(order)) == [("1Z1", {tee: 3}), ("1Z2", {tee: 1, cap: 1})]
    assert life(daemon, numbers[0]) == "shipped"

    # The next figures lack what left, and set right what was set by hand.
    time.sleep(1.1)  # FTP tells a file's time in whole seconds: this snapshot is newer than the hand-overs
    ftp_account.leave("inv_2.csv", f"sku,quantity\n{tee},2\n{cap},8\n".encode())
    assert daemon.run("acme", "inventory.smart")["pushed"] == 2
    assert daemon.run("acme", "inventory.smart")["pushed"] == 0
    assert (shop.sellable(tee), shop.sellable(cap)) == (2, 8)
    status, found = audited(daemon)
    assert (status, found["levels"]) == (0, [])
    nothing_waits(daemon)


def ordered(account: FtpAccount, pattern: str) -> dict[str, dict[str, int]]:
    """SKUs and units of the orders that lie in the warehouse's folder, by their number there."""
    found: dict[str, dict[str, int]] = {}
    for path in account.inbox.glob(pattern):
        head, *lines = csv.reader(io.StringIO(path.read_text()))
        found[head[1]] = {line[3]: int(line[4]) for line in lines}
    return found
