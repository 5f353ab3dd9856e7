"""Orders, shipments and stock between the other stores and warehouses, each pair in short."""

import csv
import io

import pytest

from tests.counterparts.medusa.shop import MedusaShop
from tests.counterparts.sshd import Account
from tests.counterparts.tryton.shipping import OUT, Packed
from tests.counterparts.tryton.warehouse import TrytonWarehouse
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.setting import SHIPMENTS, add_store, add_warehouse, sellable
from tests.e2e.sides import add_medusa, add_tryton

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(900)]


def supported(daemon: Daemon) -> set[str]:
    """The jobs that exist for the connection."""
    (card,) = daemon.ask("GET", "/status/acme")["connections"]
    return {
        f"{channel['channel']}.{job['job']}"
        for channel in card["channels"]
        for job in channel["jobs"]
        if job["supported"]
    }


@pytest.mark.cell(
    "medusa",
    "csv-sftp",
    "sales_orders.import",
    "shipments.export",
    "inventory.full",
    "inventory.smart",
    "products.update",
)
def test_medusa_and_csv_files(
    daemon: Daemon, medusa_shop: MedusaShop, account: Account, warehouse: Consumer
) -> None:
    shop = medusa_shop
    tee, cap = f"{shop.code}-TEE", f"{shop.code}-CAP"
    shop.add_products({tee: 0, cap: 0})
    add_warehouse(daemon, account)
    add_medusa(daemon, shop)
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments", "inventory", "products")
    assert supported(daemon) == {
        "sales_orders.import",
        "shipments.export",
        "inventory.full",
        "inventory.smart",
        "products.update",
    }
    daemon.run("acme", "products.update")
    known = daemon.ask("GET", f"/connections/acme/skus/{tee}")["products"]
    assert [each["product"]["sku"] for each in known] == [tee]
    daemon.run("acme", "sales_orders.import")
    account.leave("inv_1.csv", f"sku,quantity\n{tee},4\n{cap},9\n".encode())
    assert daemon.run("acme", "inventory.full")["pushed"] == 2
    assert (shop.sellable(tee), shop.sellable(cap)) == (4, 9)

    order = shop.place_order({tee: 4, cap: 1})
    reference = f"{shop.code}-{shop.order(order).display_id}"
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 1
    warehouse.wait_for(1)
    (file,) = warehouse.taken()
    header, *lines = csv.reader(io.StringIO(warehouse.content(file).decode()))
    assert header[1] == reference
    assert len(lines) == 2

    rows = f"{reference},S1,1,,{tee},3,UPS,Ground,1Z1,2026-11-20\n"
    account.leave("shp_1.csv", f"{SHIPMENTS}{rows}".encode())
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    rows = f"{reference},S2,1,,{tee},1,UPS,,1Z2,2026-11-20\n{reference},S2,1,,{cap},1,UPS,,1Z2,2026-11-20\n"
    account.leave("shp_2.csv", f"{SHIPMENTS}{rows}".encode())
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    found = shop.order(order)
    assert {line.variant_sku: line.detail.shipped_quantity for line in found.items} == {tee: 4, cap: 1}
    assert {label.tracking_number for each in found.fulfillments for label in each.labels} == {"1Z1", "1Z2"}

    account.leave("inv_2.csv", f"sku,quantity\n{tee},0\n{cap},8\n".encode())
    daemon.run("acme", "inventory.smart")
    assert (shop.sellable(tee), shop.sellable(cap)) == (0, 8)


@pytest.mark.cell(
    "vendure",
    "tryton",
    "sales_orders.import",
    "shipments.export",
    "inventory.full",
    "inventory.smart",
    "products.update",
    "products.export",
    "catalogs.sync",
)
def test_vendure_and_tryton(daemon: Daemon, shop: VendureShop, tryton_warehouse: TrytonWarehouse) -> None:
    house = tryton_warehouse
    tee, cap, hat, mug = (f"{house.code}-{name}" for name in ("TEE", "CAP", "HAT", "MUG"))
    shop.add_products({tee: 1, cap: 1, mug: 0})
    house.add_products({tee: 5, cap: 10, hat: 1})
    add_tryton(daemon, house)
    more = 'methods = { "standard-shipping" = "UPS Ground" }'
    add_store(daemon, shop, "acme", reference=f"{house.code}-{{number}}", more=more)
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments", "inventory", "products", "catalogs")
    assert supported(daemon) == {
        "sales_orders.import",
        "shipments.export",
        "inventory.full",
        "inventory.smart",
        "products.update",
        "products.export",
        "catalogs.sync",
    }
    daemon.run("acme", "sales_orders.import")
    assert daemon.run("acme", "inventory.full")["pushed"] == 2
    assert sellable(shop) == {tee: 5, cap: 10, mug: 0}

    # The warehouse comes to know what the shop sells; what only the warehouse has becomes a draft.
    assert daemon.run("acme", "products.update")["staged"] == 3
    daemon.run("acme", "products.export")
    names = {row["code"]: row["template."]["name"] for row in house.catalogue()}
    assert names == {tee: f"Product {tee}", cap: f"Product {cap}", hat: f"The {hat}", mug: f"Product {mug}"}
    before = shop.sold([tee, cap, mug])
    assert daemon.run("acme", "catalogs.sync")["accepted"] == 1
    assert daemon.run("acme", "catalogs.sync")["accepted"] == 0
    (draft,) = shop.sold([hat])
    assert (draft.name, draft.enabled, draft.product.enabled) == (f"The {hat}", False, False)
    assert shop.sold([tee, cap, mug]) == before
    assert daemon.run("acme", "inventory.full")["pushed"] == 4
    assert shop.on_hand([hat]) == {hat: 1}

    # One order ships in two packages, the other is cancelled after its hand-over.
    placed, cancelled = shop.place_orders([NewOrder(units={tee: 4, cap: 1}), NewOrder(units={tee: 1})])
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 2
    ((first,), (second,)) = (house.shipments(f"{house.code}-{order.code}") for order in (placed, cancelled))
    shop.cancel(cancelled.id)
    daemon.run("acme", "sales_orders.import")
    assert house.state(OUT, second["id"]) == "cancelled"
    rest = house.split(first["id"], tee, 3)
    assert house.assign(first["id"])
    house.pick(first["id"])
    house.pack(first["id"], [Packed(units={tee: 3}, tracking="1Z1"), Packed(units={cap: 1}, tracking="1Z2")])
    house.send(first["id"])
    assert daemon.run("acme", "shipments.export")["accepted"] == 2
    assert shop.order(placed.id).units_fulfilled() == {tee: 3, cap: 1}
    house.fulfil([rest], tracking="1Z3")
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    found = shop.order(placed.id)
    assert found.state == "Shipped"
    assert {each.tracking_code for each in found.fulfillments or []} == {"1Z1", "1Z2", "1Z3"}

    daemon.run("acme", "inventory.smart")
    skus = (tee, cap, mug)
    assert sellable(shop) == {sku: house.on_hand(sku) for sku in skus} == {tee: 1, cap: 9, mug: 0}
    assert daemon.ask("GET", "/connections/acme/tasks")["tasks"] == []
