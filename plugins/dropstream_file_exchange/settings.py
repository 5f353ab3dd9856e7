"""The settings of a warehouse that exchanges files. Each is explained in this folder's README."""

from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec

from dropstream_file_exchange.x12.settings import X12
from dropstreamd.platform.ftp import FtpAddress
from dropstreamd.platform.outbox import PartName
from dropstreamd.platform.secrets import SecretRef
from dropstreamd.platform.sftp import SftpAddress

Column = str | int
"""A header's name, or a position that counts from 1."""


class Folders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"inward": "in"}):
    """Seen from the warehouse: `in` takes our orders, `out` holds its shipments and inventory."""

    inward: str = "in"
    out: str = "out"


class Part(PartName, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an order file is called until it is complete."""


class CancelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that stops an order: its name begins with `prefix`, and its one row has these fields, in which
    {reference} is the order's."""

    prefix: str = "can_"
    row: tuple[str, ...] = ("CANCEL", "{reference}")


class Orders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How order files are written. `positions` are those of the columns `email` and `notes`
    (version 2) and `facility` (version 3) within the Pick Header. `address_max` is the most characters
    that the warehouse takes in each field of an address, 0 for any number; `cancel` how an order is
    stopped by a file, None: it cannot be."""

    version: Literal[1, 2, 3] = 1
    positions: dict[Literal["email", "notes", "facility"], int] = msgspec.field(default_factory=dict)
    facility: str = ""
    sales_channel: str = ""
    payment: str = "P"
    freight_account: str = ""
    per_file: int = 1
    encoding: str = "utf-8"
    newline: Literal["lf", "crlf"] = "lf"
    address_max: int = 0
    cancel: CancelFile | None = None


class CsvForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a CSV file of the warehouse is written."""

    header: bool = True
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8-sig"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    dates: tuple[str, ...] = ("iso",)
    last_newline: bool = True


class ShipmentColumns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where each field of a shipment row stands; None: the file does not have it."""

    reference: Column
    sku: Column
    quantity: Column
    shipment: Column | None = None
    package: Column | None = None
    order_line: Column | None = None
    carrier: Column | None = None
    service: Column | None = None
    tracking: Column | None = None
    tracking_url: Column | None = None
    shipped: Column | None = None
    facility: Column | None = None


class InventoryColumns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where each field of an inventory row stands; None: the file does not have it."""

    sku: Column
    quantity: Column
    status: Column | None = None
    facility: Column | None = None
    as_of: Column | None = None


SHIPMENT_COLUMNS = ShipmentColumns(
    reference="order_number",
    sku="sku",
    quantity="quantity",
    shipment="shipment_id",
    package="package_id",
    order_line="line_number",
    carrier="carrier",
    service="service",
    tracking="tracking_number",
    tracking_url="tracking_url",
    shipped="ship_date",
    facility="facility",
)
INVENTORY_COLUMNS = InventoryColumns(sku="sku", quantity="quantity", status="status", facility="facility")


class Shipments(CsvForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shipment files. Without `columns`, the documented headers are looked for, and only the order
    number, the SKU and the quantity must be there; with it, every column that it names must be."""

    pattern: str = "shp_*.csv"
    columns: ShipmentColumns | None = None
    tracking_separator: str = ";"


class Inventory(CsvForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Inventory files; `columns` as in `Shipments`. `as_of` says where the snapshot's own time is:
    the file's time of last change, its name (then `as_of_name` says where in it) or a column."""

    pattern: str = "inv_*.csv"
    columns: InventoryColumns | None = None
    as_of: Literal["mtime", "name", "column"] = "mtime"
    as_of_name: str = "inv_%Y%m%d%H%M%S.csv"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[warehouses.NAME]`."""

    url: str
    host_key: str | tuple[str, ...] = ()
    key: SecretRef | None = None
    key_passphrase: SecretRef | None = None
    password: SecretRef | None = None
    ca_file: str | None = None
    plain_ftp: str = ""
    one_step_rename: bool = False
    format: Literal["dsfx", "x12"] = "dsfx"
    timezone: str = "UTC"
    folders: Folders = Folders()
    part: Part = Part()
    marker: str = ".dropstreamd"
    done_marker: str | None = None
    settle_s: float = 10.0
    after_reading: Literal["archive", "delete"] = "archive"
    archive: str = "archive"
    quarantine: str = "quarantine"
    limit_mib: int = 64
    orders: Orders = Orders()
    shipments: Shipments = Shipments()
    inventory: Inventory = Inventory()
    x12: X12 = X12()

    @property
    def host_keys(self) -> tuple[str, ...]:
        return (self.host_key,) if isinstance(self.host_key, str) else self.host_key


def scheme(settings: Settings) -> str:
    """How the account is reached: `sftp`, `ftpes` (FTP with explicit TLS) or `ftp`."""
    return settings.url.partition("://")[0]


def sftp_address(settings: Settings) -> SftpAddress:
    """Where `url` leads. `check` has seen that it is well formed."""
    url = urlsplit(settings.url)
    return SftpAddress(
        host=url.hostname or "",
        port=url.port or 22,
        user=unquote(url.username or ""),
        folder=unquote(url.path),
    )


def ftp_address(settings: Settings) -> FtpAddress:
    """As `sftp_address`."""
    url = urlsplit(settings.url)
    return FtpAddress(
        host=url.hostname or "",
        port=url.port or 21,
        user=unquote(url.username or ""),
        folder=unquote(url.path),
    )


def account_key(settings: Settings) -> str:
    """One account is one folder of one login; with FTP, encrypted or not."""
    return _key(settings, _address(settings).host.removesuffix("."))


def formerly(settings: Settings) -> tuple[str, ...]:
    """The key as it was when it had the dot that may end a host."""
    return (_key(settings, _address(settings).host),)


def _address(settings: Settings) -> SftpAddress | FtpAddress:
    return sftp_address(settings) if scheme(settings) == "sftp" else ftp_address(settings)


def _key(settings: Settings, host: str) -> str:
    address = _address(settings)
    kind = "sftp" if scheme(settings) == "sftp" else "ftp"
    return f"{kind}://{address.user}@{host}:{address.port}{address.folder.rstrip('/')}"
