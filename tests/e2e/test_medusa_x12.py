"""A Medusa and an EDI partner over OpenSSH: every job that the two have."""

from pathlib import Path

import pytest

from tests.counterparts.edi_partner import Came, EdiPartner
from tests.counterparts.medusa.shop import MedusaShop
from tests.counterparts.sshd import Account
from tests.e2e.daemon import Daemon
from tests.e2e.setting import add_partner
from tests.e2e.sides import add_medusa
from tests.e2e.test_medusa_tryton import incoming, line_of, nothing_waits, shipped
from tests.plugins.file_exchange.x12.oracle import parsed

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(900)]


class Pair:
    """A shop and a partner, joined by a daemon; it sells two SKUs."""

    def __init__(self, daemon: Daemon, shop: MedusaShop, account: Account, kept: Path) -> None:
        self.daemon = daemon
        self.shop = shop
        self.partner = EdiPartner(account, kept)
        self.tee, self.cap = f"{shop.code}-TEE", f"{shop.code}-CAP"
        shop.add_products({self.tee: 0, self.cap: 0})
        add_partner(daemon, account)
        add_medusa(daemon, shop)
        daemon.start()
        daemon.enable(
            "acme", "sales_orders", "shipments", "inventory", "products", "returns", "purchase_orders"
        )
        daemon.run("acme", "sales_orders.import")
        self.partner.report({self.tee: (4, 4), self.cap: (9, 9)})
        assert daemon.run("acme", "inventory.full")["pushed"] == 2

    def agreed(self) -> None:
        """Another parser finds no fault in what the partner was sent."""
        for file in self.partner.received:
            assert parsed(file.content)["BOTSID"] == "ST"


@pytest.fixture
def pair(daemon: Daemon, medusa_shop: MedusaShop, account: Account, tmp_path: Path) -> Pair:
    return Pair(daemon, medusa_shop, account, tmp_path / "taken")


@pytest.mark.cell(
    "medusa",
    "x12",
    "sales_orders.import",
    "shipments.export",
    "inventory.full",
    "inventory.smart",
    "products.update",
    "returns.sync",
)
def test_an_order_ships_and_comes_back(pair: Pair) -> None:
    daemon, shop, partner, tee, cap = pair.daemon, pair.shop, pair.partner, pair.tee, pair.cap
    assert (shop.sellable(tee), shop.sellable(cap)) == (4, 9)
    daemon.run("acme", "products.update")
    known = daemon.ask("GET", f"/connections/acme/skus/{tee}")["products"]
    assert [each["product"]["sku"] for each in known] == [tee]

    order = shop.place_order({tee: 3, cap: 1})
    reference = f"{shop.code}-{shop.order(order).display_id}"
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 1
    (file,) = partner.take()
    assert (file.reference, file.units) == (reference, {tee: 3, cap: 1})
    partner.acknowledge(file)
    partner.advise(reference, "S1", {tee: 3, cap: 1}, tracking="1Z1")
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    assert shipped(shop.order(order)) == {tee: 3, cap: 1}

    shop.ask_return(order, {line_of(shop.order(order), tee): 2})
    assert daemon.run("acme", "returns.sync")["accepted"] == 1
    (expected,) = partner.take("943")
    assert (expected.at("W06", 1), expected.units) == ("C", {tee: 2})
    partner.acknowledge(expected)
    partner.receive(expected.at("W06", 2), "RC1", [Came(sku=tee, received=2, conditions={"01": 1})])
    assert daemon.run("acme", "returns.sync")["accepted"] == 1
    (received,) = shop.returns(order)
    assert received.status == "received"

    partner.report({tee: (2, 3), cap: (8, 8)})
    daemon.run("acme", "inventory.smart")
    assert (shop.sellable(tee), shop.sellable(cap)) == (2, 8)
    daemon.run("acme", "sales_orders.import")
    nothing_waits(daemon)
    pair.agreed()


@pytest.mark.cell("medusa", "x12", "purchase_orders.import", "purchase_orders.status")
def test_what_is_on_its_way_is_announced_received_and_shown(pair: Pair) -> None:
    """Ten are on their way, four arrive, then seven: the store's incoming units follow."""
    daemon, shop, partner, tee = pair.daemon, pair.shop, pair.partner, pair.tee
    entered = {"number": "PO-1", "lines": [{"sku": tee, "quantity": 10}], "expected_on": "2026-12-24"}
    path = "/connections/acme/purchase-orders"
    assert daemon.ask("POST", path, {"purchases": [entered]})["new"] == 1
    daemon.run("acme", "purchase_orders.import")
    (file,) = partner.take("943")
    assert (file.at("W06", 6), file.units) == ("PO-1", {tee: 10})
    assert file.at("G62", 2) == "20261224"
    assert incoming(shop, tee) == 10
    assert daemon.ask("POST", path, {"purchases": [entered]})["same"] == 1
    daemon.run("acme", "purchase_orders.import")
    assert partner.take("943") == []

    partner.acknowledge(file)
    reference = file.at("W06", 2)
    partner.receive(reference, "RC1", [Came(sku=tee, received=4)])
    assert daemon.run("acme", "purchase_orders.status")["accepted"] == 1
    assert incoming(shop, tee) == 6
    partner.receive(reference, "RC2", [Came(sku=tee, received=7, conditions={"01": 1, "03": 1})])
    assert daemon.run("acme", "purchase_orders.status")["accepted"] == 1
    assert incoming(shop, tee) == 0
    (task,) = daemon.ask("GET", "/connections/acme/tasks")["tasks"]
    assert (task["channel"], task["kind"]) == ("stock_notices", "received-otherwise")
    assert "11 of 10 came, 1 damaged" in task["detail"]
    pair.agreed()
