"""A tracking number that changed in the warehouse reaches the store, or a person, as the settings say."""

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import SHIPMENT_HEADER, Sandbox, ctl

pytestmark = pytest.mark.timeout(300)


def test_changed_tracking_goes_to_the_store_or_to_a_person(running: Daemon, sandbox: Sandbox) -> None:
    [order] = sandbox.buy({"TEE": 2})
    running.run("shop", "sales_orders.import")
    buyable = sandbox.shop.buyable()

    def told(number: int, tracking: str) -> int:
        """Leave the package with this tracking number; how many the store accepted."""
        row = f"S{order.code},8,1,,TEE,2,UPS,Ground,{tracking},2026-11-20\n"
        sandbox.leave(f"shp_{number}.csv", SHIPMENT_HEADER + row)
        return running.run("shop", "shipments.export")["accepted"]

    assert [told(1, "1Z1"), told(2, "1Z2"), told(3, "1Z1"), told(4, "1Z1")] == [1, 1, 1, 0]
    assert [(each.state, each.tracking) for each in order.fulfillments] == [
        ("Cancelled", "1Z1"),
        ("Cancelled", "1Z2"),
        ("Shipped", "1Z1"),
    ]
    assert sandbox.shop.buyable() == buyable
    assert order.state == "Shipped"
    assert ctl(running, "tasks", "shop").out == "Nothing is to be done by hand.\n"

    sandbox.add_store(running, changed_tracking='"task"')
    assert ctl(running, "reload").status == 0
    assert told(5, "1Z3") == 0
    assert sandbox.tracking(order) == ["1Z1"]
    tasks = ctl(running, "tasks", "shop").said
    assert "tracking number 1Z1 became 1Z3" in tasks
    assert running.run("shop", "sales_orders.import")["accepted"] == 0
