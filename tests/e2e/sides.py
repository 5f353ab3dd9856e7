"""Stores and warehouses that are reached through their API, as a person would write them down."""

from tests.counterparts.medusa.checkout import METHOD
from tests.counterparts.medusa.shop import MedusaShop
from tests.counterparts.tryton.server import DATABASE, PASSWORD, USER
from tests.counterparts.tryton.warehouse import TrytonWarehouse
from tests.e2e.daemon import Daemon
from tests.e2e.setting import connect


def add_tryton(daemon: Daemon, house: TrytonWarehouse) -> None:
    """The merchant `acme`, whose warehouse runs on Tryton."""
    daemon.secret("acme-wms", PASSWORD)
    daemon.write(
        "merchants.d/acme.toml",
        f"""
[warehouses.main]
platform   = "tryton"
url        = "{house.server.url}"
database   = "{DATABASE}"
username   = "{USER}"
password   = {{ secret = "acme-wms" }}
customer   = "{house.code}"
warehouse  = "{house.code}"
category   = "{house.code}"
quarantine = ["{house.code} quarantine"]
timezone   = "UTC"
quantity   = "available"
allow_private_address = true
""",
    )


def add_medusa(daemon: Daemon, shop: MedusaShop) -> None:
    """The connection `acme` between the shop and the merchant's warehouse; nothing runs by itself."""
    daemon.secret("acme-medusa", shop.server.secret_key)
    store = f"""\
platform       = "medusa"
url            = "{shop.server.url}"
api_key        = {{ secret = "acme-medusa" }}
sales_channel  = "{shop.channel_id}"
"""
    shipping = f'methods = {{ "{METHOD}" = "UPS Ground" }}'
    returns = "[channels.returns]\nsync = []\n"
    reference = f"{shop.code}-{{number}}"
    connect(daemon, "acme", store, reference=reference, shipping=shipping, more=returns)


def more_of_merchant(daemon: Daemon, text: str) -> None:
    """Further tables of the merchant `acme`."""
    with (daemon.conf / "merchants.d" / "acme.toml").open("a") as file:
        file.write(text)
