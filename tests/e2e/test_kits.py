"""Kits on real counterparts: the shop sells and sees kits, the warehouse sends components."""

import csv
import io
import time

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder, Placed
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import ctl
from tests.e2e.setting import SHIPMENTS, add_store, add_warehouse, sellable

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(300)]

BUNDLES = """
[bundles]
"GIFT" = { TEE = 2, MUG = 1 }
"""
LISTINGS = """
[listings]
"PRESENT" = "GIFT"
"""


def lines_in(warehouse: Consumer) -> dict[str, list[tuple[str, int]]]:
    """SKU and units of each line of each order that the warehouse took, sorted, by its number there."""
    found: dict[str, list[tuple[str, int]]] = {}
    for file in warehouse.taken():
        for row in csv.reader(io.StringIO(warehouse.content(file).decode())):
            if row[0] == "PH":
                lines = found.setdefault(row[1], [])
            else:
                lines.append((row[3], int(row[4])))
    return {number: sorted(lines) for number, lines in found.items()}


def package(order: Placed, number: int, **units: int) -> str:
    """Rows of a shipment file, whose tracking number is 1Z and the package's number."""
    rows = (
        f"SH{order.code},{order.code}-{number},1,,{sku},{some},UPS,Ground,1Z{number},2026-11-20\n"
        for sku, some in units.items()
    )
    return "".join(rows)


def shown(shop: VendureShop, order: Placed) -> tuple[str, list[tuple[dict[str, int], set[str]]]]:
    """The order's state, and SKUs, units and tracking numbers of each fulfillment."""
    found = shop.order(order.id)
    skus = {line.id: line.product_variant.sku for line in found.lines}
    told = [
        (
            {skus[line.order_line_id]: line.quantity for line in one.lines},
            set((one.tracking_code or "").replace(" ", "").split(",")),
        )
        for one in found.fulfillments or []
    ]
    return found.state, sorted(told, key=lambda one: sorted(one[1]))


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import", "shipments.export", "inventory.smart")
def test_the_shop_sees_kits_throughout(
    daemon: Daemon, shop: VendureShop, account: Account, warehouse: Consumer
) -> None:
    shop.add_products({"PRESENT": 1, "TEE": 1, "MUG": 1})
    add_warehouse(daemon, account, more=BUNDLES)
    add_store(daemon, shop, "acme", more=LISTINGS)
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments", "inventory")
    daemon.run("acme", "sales_orders.import")
    account.leave("inv_1.csv", b"sku,quantity\nTEE,21\nMUG,8\n")
    assert daemon.run("acme", "inventory.smart")["pushed"] == 3
    assert sellable(shop) == {"PRESENT": 8, "TEE": 21, "MUG": 8}

    # Sold in kits, sent in components.
    mixed, split = shop.place_orders(
        [NewOrder(units={"PRESENT": 2, "TEE": 1}), NewOrder(units={"PRESENT": 1})]
    )
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 2
    warehouse.wait_for(2)
    assert lines_in(warehouse) == {
        f"SH{mixed.code}": [("MUG", 2), ("TEE", 1), ("TEE", 4)],
        f"SH{split.code}": [("MUG", 1), ("TEE", 2)],
    }
    daemon.run("acme", "inventory.smart")
    assert sellable(shop) == {"PRESENT": 5, "TEE": 14, "MUG": 5}

    # Picked short: a mug of one order and that of the other are missing.
    account.leave(
        "shp_1.csv", (SHIPMENTS + package(mixed, 1, TEE=4, MUG=1) + package(split, 3, TEE=2)).encode()
    )
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    assert shown(shop, mixed) == ("PartiallyShipped", [({"PRESENT": 1}, {"1Z1"})])
    assert shown(shop, split) == ("PaymentSettled", [])

    # Their kits are complete with the second package: it names the first one's number where nobody did.
    account.leave(
        "shp_2.csv", (SHIPMENTS + package(mixed, 2, MUG=1, TEE=1) + package(split, 4, MUG=1)).encode()
    )
    assert daemon.run("acme", "shipments.export")["accepted"] == 2
    assert shown(shop, mixed) == (
        "Shipped",
        [({"PRESENT": 1}, {"1Z1"}), ({"PRESENT": 1, "TEE": 1}, {"1Z2"})],
    )
    assert shown(shop, split) == ("Shipped", [({"PRESENT": 1}, {"1Z3", "1Z4"})])

    # Nothing of it looks like a change, or is told twice; the next figures lack what left.
    account.leave("shp_1_again.csv", (SHIPMENTS + package(split, 3, TEE=2)).encode())
    assert daemon.run("acme", "shipments.export")["accepted"] == 0
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 0
    assert ctl(daemon, "tasks", "acme").out == "Nothing is to be done by hand.\n"
    time.sleep(1.1)  # SFTP tells a file's time in whole seconds: this snapshot is newer than the hand-overs
    account.leave("inv_2.csv", b"sku,quantity\nTEE,14\nMUG,5\n")
    daemon.run("acme", "inventory.smart")
    assert sellable(shop) == {"PRESENT": 5, "TEE": 14, "MUG": 5}
