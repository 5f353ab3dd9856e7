"""The configuration of the end-to-end tests, as a person would write it.

The warehouses take an order's file in at once, and are told to be so (`takes_orders_within`): their next
figures know of it, for which nobody wants to wait a quarter of an hour here.
"""

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.vsftpd import FtpAccount
from tests.e2e.daemon import Daemon

SHIPMENTS = (
    "order_number,shipment_id,package_id,line_number,sku,quantity,carrier,service,tracking_number,ship_date\n"
)


def add_warehouse(daemon: Daemon, account: Account, *, more: str = "") -> None:
    """The merchant `acme`, whose warehouse is the account; `more` are further tables of the merchant's."""
    daemon.secret("acme-wms-key", account.key.read_text())
    daemon.write(
        "merchants.d/acme.toml",
        f"""
[warehouses.main]
platform  = "file-exchange"
url       = "{account.url}"
key       = {{ secret = "acme-wms-key" }}
host_key  = "{account.host_key}"
timezone  = "America/Chicago"
quantity  = "available"
settle_s  = 0.05
takes_orders_within = "0s"
{more}
""",
    )


def add_partner(
    daemon: Daemon,
    account: Account | FtpAccount,
    *,
    hours: float = 24,
    figure: str = "available",
    adjustments: bool = False,
) -> None:
    """The merchant `acme`, whose warehouse is an EDI partner: see `tests.counterparts.edi_partner`."""
    if isinstance(account, Account):
        daemon.secret("edi", account.key.read_text())
        login = f'key = {{ secret = "edi" }}\nhost_key = "{account.host_key}"'
    else:
        daemon.secret("edi", account.password)
        login = 'password = { secret = "edi" }\none_step_rename = true'
        login += f'\nca_file = "{account.ca}"'
    daemon.write(
        "merchants.d/acme.toml",
        f"""
[warehouses.main]
platform = "file-exchange"
format   = "x12"
url      = "{account.url}"
timezone = "America/Chicago"
quantity = "{figure}"
settle_s = 0.05
takes_orders_within = "0s"
{login}

[warehouses.main.x12]
sender   = "ACME"
receiver = "WMS3PL"
usage    = "P"
acknowledged_within_hours = {hours}

[warehouses.main.x12.inventory]
figure = "{figure}"

[warehouses.main.x12.adjustments]
apply = {"true" if adjustments else "false"}
""",
    )


def add_store(
    daemon: Daemon, shop: VendureShop, name: str, *, reference: str = "SH{number}", more: str = ""
) -> None:
    """A connection of that name between the shop and the warehouse."""
    daemon.secret("vendure", "superadmin")
    store = f"""\
platform       = "vendure"
url            = "{shop.url}/admin-api"
username       = "superadmin"
password       = {{ secret = "vendure" }}
channel        = "{shop.channel.token}"
stock_location = "{shop.location_id}"
"""
    connect(daemon, name, store, reference=reference, shipping='unmapped = "pass"', more=more)


def connect(daemon: Daemon, name: str, store: str, *, reference: str, shipping: str, more: str) -> None:
    """A connection of that name, of which nothing runs by itself. `store` and `shipping` are what stands in
    these tables, `more` further ones."""
    daemon.write(
        f"connections.d/{name}.toml",
        f"""
id        = "c-{name}"
merchant  = "acme"
warehouse = "main"
timezone  = "America/New_York"
reference = "{reference}"

[store]
{store}
allow_private_address = true

[channels.sales_orders]
import = []
[channels.shipments]
export = []
[channels.inventory]
smart = []
[channels.products]
update = []
[channels.catalogs]
sync = []
[channels.purchase_orders]
import = []
status = []

[shipping]
{shipping}
{more}
""",
    )


def known(daemon: Daemon, sku: str) -> list[str]:
    """Names of the products that our catalogue of the connection `acme` has under the SKU."""
    found = daemon.ask("GET", f"/connections/acme/skus/{sku}")["products"]
    return [each["product"]["title"] for each in found]


def sellable(shop: VendureShop) -> dict[str, int]:
    """What the shop lets be bought, by SKU: units on hand less those allocated to orders.

    Vendure's own count of allocated units goes wrong where several buyers order a SKU at once; a
    level is right all the same if what can be bought is.
    """
    return {
        sku: sum(level.stock_on_hand - level.stock_allocated for level in variant.stock_levels)
        for sku, variant in shop.stock().items()
    }
