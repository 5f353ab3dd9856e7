"""An order with a SKU that the warehouse never reported, on real counterparts."""

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import ctl
from tests.e2e.setting import add_store, add_warehouse, sellable
from tests.e2e.test_kits import lines_in

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(300)]

LISTINGS = """
[listings]
"tee-red" = "TEE-RED"
"MUG-OLD" = "MUG"
"""


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import", "inventory.smart")
def test_a_listing_releases_an_order_with_an_unknown_sku(
    daemon: Daemon, shop: VendureShop, account: Account, warehouse: Consumer
) -> None:
    shop.add_products({"tee-red": 50, "MUG-OLD": 50, "MUG": 50})
    add_warehouse(daemon, account)
    add_store(daemon, shop, "acme")
    daemon.start()
    daemon.enable("acme", "sales_orders", "inventory")
    daemon.run("acme", "sales_orders.import")
    account.leave("inv_1.csv", b"sku,quantity\nTEE-RED,9\nMUG,9\n")
    daemon.run("acme", "inventory.smart")

    typo, before, foreign, after = shop.place_orders(
        [
            NewOrder(units={"tee-red": 1}),
            NewOrder(units={"MUG": 2}),
            NewOrder(units={"MUG": 1, "MUG-OLD": 3}),
            NewOrder(units={"MUG": 4}),
        ],
        clients=1,
    )
    counts = daemon.run("acme", "sales_orders.import")
    assert (counts["staged"], counts["accepted"], counts["parked"]) == (4, 2, 2)
    warehouse.wait_for(2)
    sent = {f"SH{before.code}": [("MUG", 2)], f"SH{after.code}": [("MUG", 4)]}
    assert lines_in(warehouse) == sent
    told = ctl(daemon, "parked", "acme").said
    assert "the warehouse never reported SKU 'tee-red': it wants a listing; is it 'TEE-RED'?" in told
    assert "the warehouse never reported SKU 'MUG-OLD': it wants a listing" in told
    assert typo.code in told
    assert foreign.code in told

    add_store(daemon, shop, "acme", more=LISTINGS)
    assert ctl(daemon, "reload").status == 0
    counts = daemon.run("acme", "sales_orders.import")
    assert (counts["staged"], counts["accepted"], counts["parked"]) == (0, 2, 0)
    warehouse.wait_for(4)
    sent |= {f"SH{typo.code}": [("TEE-RED", 1)], f"SH{foreign.code}": [("MUG", 1), ("MUG", 3)]}
    assert lines_in(warehouse) == sent
    assert daemon.run("acme", "inventory.smart")["refused"] == 0
    assert ctl(daemon, "parked", "acme").out == "Nothing is parked.\n"
    assert sellable(shop) == {"tee-red": 8, "MUG-OLD": 0, "MUG": 0}
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 0
    daemon.kill()
    daemon.start()
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 0
    assert len(warehouse.taken()) == 4
