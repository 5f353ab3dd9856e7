"""What a Medusa and the daemon show of orders and levels."""

import json
from typing import Any

from tests.counterparts.medusa.records import Order
from tests.counterparts.medusa.shop import MedusaShop
from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import ctl


def number_of(shop: MedusaShop, order: str) -> str:
    return str(shop.order(order).display_id)


def life(daemon: Daemon, number: str) -> str:
    said: str = daemon.ask("GET", f"/connections/acme/orders/{number}")["life"]
    return said


def audited(daemon: Daemon) -> tuple[int, dict[str, Any]]:
    """Exit status of `audit`, and what it found."""
    ran = ctl(daemon, "audit", "acme", "inventory", "--json")
    found: dict[str, Any] = json.loads(ran.out)
    return ran.status, found


def packages(order: Order) -> list[tuple[str, dict[str, int]]]:
    """Tracking number and units by SKU of each fulfillment that the store shows."""
    skus = {line.id: line.variant_sku or "" for line in order.items}
    return sorted(
        (
            " ".join(sorted(label.tracking_number for label in each.labels)),
            {skus[item.line_item_id]: item.quantity for item in each.items},
        )
        for each in order.fulfillments
    )
