"""An order's life with an EDI partner, over OpenSSH and over vsftpd: 940, 945, 846 and 997, both ways.

The store is a Vendure; the partner reads and writes X12 with code of its own, and what we write is read by an
independent parser too.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.counterparts.edi_partner import Came, EdiPartner, Received, Short
from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder, Placed
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.vsftpd import FtpAccount
from tests.e2e.daemon import Daemon
from tests.e2e.setting import add_partner, add_store, known, sellable
from tests.plugins.file_exchange.x12.oracle import parsed

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(900)]

STOCK = {"TEE": 100, "CAP": 100, "MUG": 100, "WAIT": 100}
HOLD = """
[[rules]]
name = "wait"
when = "'WAIT' in order.skus"
then = { hold = true, reason = "is it in stock?" }
"""


class World:
    """A shop and a partner, joined by a daemon."""

    def __init__(self, daemon: Daemon, shop: VendureShop, account: Account | FtpAccount, kept: Path) -> None:
        self.daemon = daemon
        self.shop = shop
        self.account = account
        self.partner = EdiPartner(account, kept)

    def configure(self, *, hours: float = 24, figure: str = "available", adjustments: bool = False) -> None:
        """The merchant's file as it is, or is again."""
        add_partner(self.daemon, self.account, hours=hours, figure=figure, adjustments=adjustments)

    def begin(self) -> None:
        self.shop.add_products(STOCK)
        self.configure()
        add_store(self.daemon, self.shop, "acme", more=HOLD)
        self.daemon.start()
        self.daemon.enable("acme", "sales_orders", "shipments", "inventory", "products")
        self.import_orders()

    # ---- what the daemon does and shows

    def import_orders(self) -> int:
        return self.daemon.run("acme", "sales_orders.import")["accepted"]

    def export(self) -> int:
        return self.daemon.run("acme", "shipments.export")["accepted"]

    def order(self, placed: Placed) -> dict[str, Any]:
        found: dict[str, Any] = self.daemon.ask("GET", f"/connections/acme/orders/{placed.code}")
        return found

    def life(self, placed: Placed) -> str:
        said: str = self.order(placed)["life"]
        return said

    def tasks(self) -> list[tuple[str, str]]:
        found = self.daemon.ask("GET", "/connections/acme/tasks")["tasks"]
        return sorted((each["number"], each["kind"]) for each in found)

    # ---- what people and the partner do

    def buy(self, *carts: dict[str, int]) -> list[Placed]:
        return self.shop.place_orders([NewOrder(units=units) for units in carts], clients=1)

    def state(self, placed: Placed) -> tuple[str, list[str]]:
        found = self.shop.order(placed.id)
        return found.state, sorted(each.tracking_code or "" for each in found.fulfillments or [])

    def hand_over(self, *placed: Placed) -> list[Received]:
        """Let them go to the partner, each in a file of its own."""
        assert self.import_orders() == len(placed)
        files = {file.reference: file for file in self.partner.take()}
        assert files.keys() == {f"SH{each.code}" for each in placed}
        return [files[f"SH{each.code}"] for each in placed]

    def stock(self, levels: dict[str, tuple[int, int]]) -> None:
        """An inventory advice: available, on hand. Servers tell a file's time in whole seconds, and this one
        is newer than what was handed over and shipped before."""
        time.sleep(1.1)
        self.partner.report(levels)

    def agreed(self) -> None:
        """What holds at the end of every exchange with the partner."""
        self.partner.take()
        wanted = [kind for kind in self.partner.left if kind != "997"]
        assert sorted(self.partner.acknowledged().elements()) == sorted(wanted)
        controls = [file.control for file in self.partner.received]
        assert len(controls) == len(set(controls)), "a control number came twice"
        for file in self.partner.received:
            assert parsed(file.content)["BOTSID"] == "ST"
        assert not [path for path in self.account.outbox.iterdir() if path.is_file()]


LONG = (
    "test_a_rejected_order_waits_for_a_person",
    "test_what_is_on_its_way_is_announced_and_received",
    "test_adjustments_count_once_where_the_partner_sends_no_snapshot",
    "test_no_control_number_comes_twice",
)
"""How a file travels makes no difference to these."""


@pytest.fixture(params=["openssh", "vsftpd"])
def world(request: pytest.FixtureRequest, daemon: Daemon, shop: VendureShop, tmp_path: Path) -> World:
    if (
        request.param == "vsftpd"
        and request.function.__name__ in LONG
        and not os.environ.get("DROPSTREAMD_X12")
    ):
        pytest.skip("over OpenSSH it is tried every time, over FTPS by DROPSTREAMD_X12=1")
    fixture = "account" if request.param == "openssh" else "ftp_account"
    one = World(daemon, shop, request.getfixturevalue(fixture), tmp_path / "taken")
    one.begin()
    return one


@pytest.mark.cell(
    "vendure",
    "x12",
    "sales_orders.import",
    "shipments.export",
    "inventory.full",
    "inventory.smart",
    "products.update",
)
def test_an_order_is_acknowledged_and_ships(world: World) -> None:
    partner = world.partner
    assert world.daemon.run("acme", "products.update")["staged"] == len(STOCK)
    assert known(world.daemon, "TEE") == ["Product TEE"]
    whole, short = world.buy({"TEE": 3, "CAP": 1}, {"TEE": 4})
    files = world.hand_over(whole, short)
    assert [(file.purpose, file.units) for file in files] == [
        ("N", {"TEE": 3, "CAP": 1}),
        ("N", {"TEE": 4}),
    ]
    assert world.life(whole) == "sent"
    for file in files:
        partner.acknowledge(file)
    assert world.import_orders() == 0
    assert world.life(whole) == world.life(short) == "acknowledged"

    # short, and the rest follows
    backordered = Short(ordered=3, shipped=2, status="BO")
    partner.advise(f"SH{whole.code}", "S1", {"TEE": backordered, "CAP": 1}, tracking="1Z1")
    assert world.export() == 1
    assert world.life(whole) == "partially shipped"
    assert world.state(whole) == ("PartiallyShipped", ["1Z1"])
    partner.advise(f"SH{whole.code}", "S2", {"TEE": 1}, tracking="1Z2")
    assert world.export() == 1
    assert world.life(whole) == "shipped"
    assert world.state(whole) == ("Shipped", ["1Z1", "1Z2"])
    assert world.tasks() == []

    # short, and nothing follows
    closed = Short(ordered=4, shipped=3, status="CU")
    partner.advise(f"SH{short.code}", "S3", {"TEE": closed}, tracking="1Z3")
    assert world.export() == 1
    assert world.life(short) == "closed short"
    assert world.state(short) == ("PartiallyShipped", ["1Z3"])
    assert world.tasks() == [(short.code, "short")]

    # levels, by what is available and then by what is on hand
    figures = {"TEE": (40, 45), "CAP": (7, 9), "MUG": (0, 2), "WAIT": (5, 5)}
    world.stock(figures)
    world.daemon.run("acme", "inventory.smart")
    assert sellable(world.shop) == {"TEE": 40, "CAP": 7, "MUG": 0, "WAIT": 5}
    world.configure(figure="on_hand")
    world.daemon.ask("POST", "/reload")
    [open_] = world.buy({"CAP": 2})
    world.hand_over(open_)
    world.stock(figures)
    world.daemon.run("acme", "inventory.smart")
    assert sellable(world.shop) == {"TEE": 45, "CAP": 9 - 2, "MUG": 2, "WAIT": 5}
    assert world.daemon.run("acme", "inventory.full")["pushed"] == 4
    assert sellable(world.shop) == {"TEE": 45, "CAP": 9 - 2, "MUG": 2, "WAIT": 5}
    world.agreed()


@pytest.mark.cell("vendure", "x12", "sales_orders.import", "shipments.export")
def test_cancelled_before_hand_over_and_after(world: World) -> None:
    partner = world.partner
    held, stopped, shipped = world.buy({"WAIT": 1}, {"MUG": 2}, {"MUG": 1})
    files = world.hand_over(stopped, shipped)
    assert world.life(held) == "parked"
    for file in files:
        partner.acknowledge(file)
    for each in (held, stopped, shipped):
        world.shop.cancel(each.id)

    world.import_orders()
    world.import_orders()
    assert world.life(held) == "cancelled"
    ends = {file.reference: file for file in partner.take()}
    assert {reference: file.purpose for reference, file in ends.items()} == {
        f"SH{stopped.code}": "F",
        f"SH{shipped.code}": "F",
    }
    assert len(partner.taken("940")) == 4
    assert world.life(stopped) == world.life(shipped) == "cancel sent"

    # one is stopped in time, the other had left
    for file in ends.values():
        partner.acknowledge(file)
    world.import_orders()
    assert world.life(stopped) == "cancel sent"
    partner.advise(f"SH{stopped.code}", "S1", {"MUG": Short(ordered=2, shipped=0, status="IC")})
    partner.advise(f"SH{shipped.code}", "S2", {"MUG": 1}, tracking="1Z2")
    assert world.export() == 0
    assert world.life(stopped) == "cancelled"
    assert world.life(shipped) == "shipped after cancel"
    assert world.tasks() == [(shipped.code, "late")]
    assert world.import_orders() == 0
    assert partner.take() == []
    world.agreed()


@pytest.mark.cell("vendure", "x12", "sales_orders.import")
def test_a_rejected_order_waits_for_a_person(world: World) -> None:
    partner = world.partner
    rejected, unheard = world.buy({"CAP": 2}, {"CAP": 1})
    file, _ = world.hand_over(rejected, unheard)
    for _ in range(2):  # the partner says it twice
        partner.acknowledge(file, "R", "5")
        assert world.import_orders() == 0
        found = world.order(rejected)
        assert (found["life"], found["cause"]) == ("parked", "sent-back:5")
    assert partner.take() == []
    key = world.order(rejected)["key"]
    asked = {"channel": "sales_orders", "key": key}
    released = world.daemon.ask("POST", "/connections/acme/release", asked)
    assert released["released"] == 1
    assert world.import_orders() == 0
    assert partner.take() == []
    assert world.life(rejected) == "sent"
    assert world.tasks() == []

    # a person has it sent again: the same order in another file, which the first one's refusal leaves alone
    again = {"why": "they have mended their map", "confirmed": True}
    resend = f"/connections/acme/order-resend/{rejected.code}"
    world.daemon.ask("POST", resend, again)
    assert world.import_orders() == 1
    refused = world.daemon.call("POST", resend, again)
    assert (refused.status_code, "still lies in in" in refused.json()["detail"]) == (409, True)
    [second] = partner.take()
    assert (second.purpose, second.units) == ("N", file.units)
    partner.acknowledge(second)
    partner.acknowledge(file, "R", "5")
    world.import_orders()
    assert world.life(rejected) == "acknowledged"

    world.configure(hours=0.0001)
    world.daemon.ask("POST", "/reload")
    world.import_orders()
    assert world.tasks() == [(unheard.code, "unheard")]
    assert world.life(unheard) == "sent"
    world.agreed()


@pytest.mark.cell("vendure", "x12", "purchase_orders.import", "purchase_orders.status")
def test_what_is_on_its_way_is_announced_and_received(world: World) -> None:
    """A store that is told of no purchase orders: they are entered here, and shown."""
    partner, daemon = world.partner, world.daemon
    daemon.enable("acme", "purchase_orders")
    lines = [{"sku": "TEE", "quantity": 48, "unit": "case", "pack": 12}, {"sku": "CAP", "quantity": 5}]
    entered = [{"number": "PO-1", "lines": lines}, {"number": "PO-2", "lines": lines[1:]}]
    daemon.ask("POST", "/connections/acme/purchase-orders", {"purchases": entered})
    daemon.run("acme", "purchase_orders.import")
    first, second = partner.take("943")
    assert (first.at("W06", 2), first.at("W06", 6)) == ("PSHPO-1", "PO-1")
    assert (first.units, first.at("W20", 1)) == ({"TEE": 48, "CAP": 5}, "12")
    partner.acknowledge(first)
    partner.acknowledge(second, "R", "5")
    partner.receive("PSHPO-1", "RC1", [Came(sku="TEE", received=40, conditions={"01": 2, "02": 8})])
    daemon.run("acme", "purchase_orders.status")
    path = "/connections/acme/purchase-orders"
    shown = {each["purchase"]["number"]: each for each in daemon.ask("GET", path)["purchases"]}
    assert {name: (each["purchase"]["status"], each["notice"]) for name, each in shown.items()} == {
        "PO-1": ("partially-received", "accepted"),
        "PO-2": ("open", "parked"),
    }
    partner.receive("PSHPO-1", "RC2", [Came(sku="CAP", received=6)])
    daemon.run("acme", "purchase_orders.status")
    one = daemon.ask("GET", f"{path}/PO-1")["purchase"]
    assert one["status"] == "closed"
    assert [(line["received"], line.get("damaged", 0)) for line in one["lines"]] == [(40, 2), (6, 0)]
    assert world.tasks() == [("PO-1", "received-otherwise")]
    assert partner.take("943") == []
    world.agreed()


@pytest.mark.cell("vendure", "x12", "inventory.smart")
def test_adjustments_count_once_where_the_partner_sends_no_snapshot(world: World) -> None:
    partner, daemon = world.partner, world.daemon
    world.stock({"TEE": (40, 40), "CAP": (7, 7), "MUG": (2, 2), "WAIT": (5, 5)})
    daemon.run("acme", "inventory.smart")
    time.sleep(1.1)  # servers tell a file's time in whole seconds, and these are newer than the figures
    partner.adjust("ADJ-1", {"TEE": -3, "MUG": 4})
    daemon.run("acme", "inventory.smart")
    assert sellable(world.shop)["TEE"] == 40
    world.configure(adjustments=True)
    daemon.ask("POST", "/reload")
    for _ in range(2):
        partner.adjust("ADJ-2", {"TEE": -5, "NEW": 1})
        daemon.run("acme", "inventory.smart")
        assert sellable(world.shop) == {"TEE": 35, "CAP": 7, "MUG": 2, "WAIT": 5}
    (account,) = daemon.ask("GET", "/status/acme")["accounts"]
    assert account["undecodable"]["count"] == 1
    world.stock({"TEE": (35, 35), "CAP": (7, 7), "MUG": (6, 6), "WAIT": (5, 5)})
    assert daemon.run("acme", "inventory.smart")["pushed"] == 1
    assert sellable(world.shop) == {"TEE": 35, "CAP": 7, "MUG": 6, "WAIT": 5}
    world.agreed()


def test_no_control_number_comes_twice(world: World) -> None:
    partner = world.partner
    placed = world.buy(*({"TEE": 1} for _ in range(6)))
    world.daemon.begin("acme", "sales_orders.import")
    deadline_s = time.monotonic() + 60
    while not partner.take():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)  # a process of its own is to be hit while it sends
    world.daemon.kill()
    world.daemon.start()
    _until(lambda: world.import_orders() >= 0 and len(_sent(partner)) == len(placed))
    assert sorted(_sent(partner)) == sorted(f"SH{each.code}" for each in placed)
    for number, each in enumerate(placed):
        partner.advise(f"SH{each.code}", f"S{number}", {"TEE": 1}, tracking=f"1Z{number}")
    world.daemon.begin("acme", "shipments.export")
    time.sleep(0.3)
    world.daemon.kill()
    world.daemon.start()
    _until(lambda: world.export() >= 0 and all(world.state(each)[0] == "Shipped" for each in placed))
    assert [world.state(each)[1] for each in placed] == [[f"1Z{number}"] for number in range(6)]
    world.agreed()


def _sent(partner: EdiPartner) -> list[str]:
    partner.take()
    return [file.reference for file in partner.taken("940")]


def _until(holds: Callable[[], bool]) -> None:
    """A look-up may have to wait until what was sent would be visible."""
    for _ in range(30):
        if holds():
            return
        time.sleep(5)  # real servers: there is no virtual time
    raise AssertionError("it did not settle")
