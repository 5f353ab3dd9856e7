"""eBay's double and a warehouse of files, the real daemon and client between them: from consent to levels."""

import contextlib
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path

import httpx
import pytest

import dropstream_ebay
from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import SHIPMENT_HEADER, Sandbox, ctl, shipment, wait_until
from tests.e2e.served import served
from tests.e2e.shops import OnEbay
from tests.fakes.ebay import CLIENT, RU_NAME, FakeEbay, fake_ebay
from tests.fakes.ebay_shop import SELLER

pytestmark = pytest.mark.timeout(300)

CONNECTION = f"""\
id        = "c-ebay"
merchant  = "acme"
warehouse = "main"
timezone  = "UTC"
reference = "E{{number}}"

[store]
platform      = "ebay"
seller        = "{SELLER}"
client_id     = "{CLIENT[0]}"
client_secret = {{ secret = "ebay-app" }}
redirect_name = "{RU_NAME}"
refresh_token = {{ secret = "ebay-token" }}
url           = "URL"
allow_private_address = true

[channels.sales_orders]
import = []
[channels.shipments]
export = []
[channels.inventory]
smart = []

[shipping]
methods  = {{ "USPSPriority" = "USPS_PRI" }}
carriers = {{ "UPS" = "UPS" }}
"""
WAIT = ("--wait", "--timeout", "120")


@contextmanager
def served_ebay() -> Iterator[FakeEbay]:
    with served(lambda: fake_ebay(now=datetime.now(UTC))) as server:
        yield server.double


def set_up(daemon: Daemon, sandbox: Sandbox, server: FakeEbay) -> None:
    sandbox.add_warehouse(daemon)
    daemon.secret("ebay-app", CLIENT[1])
    daemon.write("connections.d/ebay.toml", CONNECTION.replace("URL", server.url))
    if not [each for each in entry_points(group="dropstreamd.plugins") if each.name == "ebay"]:
        folder = daemon.folder / "plugins"  # it is not installed here
        folder.mkdir()
        (folder / "dropstream_ebay").symlink_to(Path(dropstream_ebay.__file__).parent)
        file = daemon.conf / "dropstreamd.toml"
        file.write_text(f'{file.read_text()}plugin_path = ["{folder}"]\n')


def authorize(daemon: Daemon, server: FakeEbay) -> None:
    asked = daemon.ask("POST", "/connections/ebay/consent")
    given = {"state": asked["state"], "answer": OnEbay(server).consent(asked["url"])}
    daemon.ask("PUT", "/connections/ebay/consent", given)


def test_a_kill_between_exchange_and_storing(daemon: Daemon, sandbox: Sandbox) -> None:
    kept = daemon.state / "secrets" / "ebay-token"
    with served_ebay() as server:
        set_up(daemon, sandbox, server)
        daemon.start()
        told = ctl(daemon, "test", "ebay", "store")
        assert told.status == 1
        assert "there is no consent yet" in told.said
        assert "dropstreamctl authorize" in told.said
        authorize(daemon, server)
        before = kept.read_text()
        asked = daemon.ask("POST", "/connections/ebay/consent")
        given = {"state": asked["state"], "answer": OnEbay(server).consent(asked["url"])}
        server.fail("token", "lost")
        tokens, answered = len(server.refresh_tokens), len(server.asked)

        def give() -> None:
            with contextlib.suppress(httpx.HTTPError):  # the daemon dies meanwhile
                daemon.call("PUT", "/connections/ebay/consent", given)

        giving = threading.Thread(target=give)
        giving.start()
        wait_until(lambda: len(server.refresh_tokens) > tokens and len(server.asked) > answered)
        daemon.kill()
        giving.join()
        daemon.start()
        assert kept.read_text() == before, "what was given is lost; what there was is not"
        assert ctl(daemon, "test", "ebay", "store").status == 0
        authorize(daemon, server)
        assert kept.read_text() in server.refresh_tokens - {before}
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        log = daemon.log.read_text()
        assert not [secret for secret in (*server.refresh_tokens, *server.access, CLIENT[1]) if secret in log]


def test_orders_tracking_and_levels(daemon: Daemon, sandbox: Sandbox) -> None:
    with served_ebay() as server:
        shop = server.shop
        for sku in ("TEE", "CAP"):
            shop.add_item(sku, 100, offer=100)
        set_up(daemon, sandbox, server)
        daemon.start()
        authorize(daemon, server)
        daemon.enable("ebay", "sales_orders", "shipments", "inventory")
        daemon.run("ebay", "sales_orders.import")
        shop.now = datetime.now(UTC)
        orders = [shop.place({"TEE": 2, "CAP": 1}) for _ in range(3)]
        shop.cancel(shop.place({"TEE": 1}))
        daemon.run("ebay", "sales_orders.import")
        daemon.run("ebay", "sales_orders.import")
        references = [f"E{order['orderId']}" for order in orders]
        assert sandbox.arrived() == dict.fromkeys(references, 1)

        rows = shipment(references[0], "1Z-77 01", "TEE", 1) + shipment(references[1], "1Z02", "TEE", 2)
        sandbox.leave("shp_01.csv", SHIPMENT_HEADER + rows)
        daemon.run("ebay", "shipments.export")
        daemon.run("ebay", "shipments.export")
        made = [[each["fulfillmentId"] for each in shop.fulfillments[order["orderId"]]] for order in orders]
        assert made == [["1Z7701"], ["1Z02"], []]
        assert orders[0]["orderFulfillmentStatus"] == "IN_PROGRESS"

        sandbox.leave("inv_01.csv", "sku,quantity\nTEE,40\nCAP,7\n")
        daemon.run("ebay", "inventory.full")
        assert server.shop.shown("CAP") < server.shop.shown("TEE") <= 40
        assert "store (ebay): well" in ctl(daemon, "preflight", "ebay").said

        server.refresh_tokens.clear()
        server.access.clear()
        told = ctl(daemon, "run", "ebay", "sales_orders", *WAIT)
        assert told.status == 1
        assert "dropstreamctl authorize" in ctl(daemon, "status", "ebay").said
        authorize(daemon, server)
        daemon.run("ebay", "sales_orders.import")
        assert sandbox.arrived() == dict.fromkeys(references, 1)
