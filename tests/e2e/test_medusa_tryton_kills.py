"""kill -9 in the middle of both hand-overs between a Medusa and a Tryton: nothing lost, nothing doubled.

A write that was cut off is looked up two minutes later: `DROPSTREAMD_KILLS` turns it on.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from tests.counterparts.medusa.models import UNITS, Models
from tests.counterparts.medusa.shop import MedusaShop
from tests.counterparts.tryton.warehouse import TrytonWarehouse
from tests.e2e.daemon import Daemon
from tests.e2e.sides import add_medusa, add_tryton
from tests.e2e.test_kills import in_doubt, settle

pytestmark = [
    pytest.mark.counterpart,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        "DROPSTREAMD_KILLS" not in os.environ, reason="minutes: DROPSTREAMD_KILLS turns it on"
    ),
]

ORDERS = 8
WITHIN_S = 60.0


def kill_midway(daemon: Daemon, job: str, begun: Callable[[], int], done: Callable[[], int]) -> None:
    """Ask for a run, kill the daemon at the sight of something that the other side has begun and not done,
    or of half the work, and start it again."""
    daemon.begin("acme", job)
    deadline_s = time.monotonic() + WITHIN_S
    while not begun() and done() < ORDERS // 2:
        assert time.monotonic() < deadline_s
    daemon.kill()
    assert done() < ORDERS, "the kill came too late to hit anything"
    daemon.start()


def fulfillments(shop: MedusaShop, *, shipped: bool) -> int:
    return sum(
        (each.shipped_at is not None) is shipped for order in shop.orders() for each in order.fulfillments
    )


def test_both_hand_overs_survive_a_kill(
    daemon: Daemon, medusa_shop: MedusaShop, medusa_models: Models, tryton_warehouse: TrytonWarehouse
) -> None:
    shop, house = medusa_shop, tryton_warehouse
    sku = f"{shop.code}-{house.code}-TEE"
    shop.copies.products(medusa_models.variant, {sku: 100})
    house.add_products({sku: 100})
    add_tryton(daemon, house)
    add_medusa(daemon, shop)
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments", "inventory")
    daemon.run("acme", "sales_orders.import")
    shop.copies.orders(medusa_models.order, sku, ORDERS)
    assert daemon.run("acme", "sales_orders.import")["accepted"] == ORDERS
    sent = {each["id"] for each in house.shipments()}
    house.fulfil(sorted(sent), tracking="1Z1")
    shop.copies.orders(medusa_models.order, sku, ORDERS)

    # What was cut off may still act for two minutes, and is looked up after them: both at once.
    kill_midway(daemon, "sales_orders.import", house.drafts, lambda: len(house.shipments()) - ORDERS)
    begun, done = partial(fulfillments, shop, shipped=False), partial(fulfillments, shop, shipped=True)
    kill_midway(daemon, "shipments.export", begun, done)
    settle(daemon, "shipments.export")
    settle(daemon, "sales_orders.import")
    assert in_doubt(daemon) == []

    # Each order is in the warehouse once.
    shipments = house.shipments()
    expected = {f"{shop.code}-{order.display_id}": 1 for order in shop.orders()}
    assert Counter(each["reference"] for each in shipments) == expected
    for each in shipments:
        assert each["state"] == ("done" if each["id"] in sent else "waiting")
        assert [move["quantity"] for move in each["outgoing_moves."]] == [UNITS]

    # Each shipment is in the store once.
    shipped = [order for order in shop.orders() if order.fulfillments]
    assert len(shipped) == ORDERS
    for order in shipped:
        (fulfillment,) = order.fulfillments
        assert fulfillment.shipped_at is not None
        assert [label.tracking_number for label in fulfillment.labels] == ["1Z1"]
        assert order.items[0].detail.shipped_quantity == UNITS
    daemon.run("acme", "inventory.full")
    assert house.on_hand(sku) == 100 - ORDERS * UNITS
    assert shop.sellable(sku) == 100 - 2 * ORDERS * UNITS
