"""The settings of a Medusa store. Each is explained in this folder's README."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dropstreamd.platform.contract import Locations, SettingProblem
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.http_address import server_formerly, server_of
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.secrets import SecretRef

PAYMENT_STATUSES = (
    "not_paid",
    "awaiting",
    "authorized",
    "partially_authorized",
    "captured",
    "partially_captured",
    "partially_refunded",
    "refunded",
    "canceled",
    "requires_action",
)
MOST_LOOKBACK_DAYS = 3650


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[store]`. `sales_channel` and `stock_location` are ids or names; `mapped` is
    `[locations]`."""

    url: str
    api_key: SecretRef
    sales_channel: str = ""
    channel_code: str = ""
    stock_location: str = ""
    mapped: dict[str, str] = {}
    ship_method: Literal["name", "option"] = "name"
    open_payments: tuple[str, ...] = ("authorized", "captured", "partially_captured", "partially_refunded")
    lookback_days: int = 90
    notify_buyers: bool = True
    ca_file: str | None = None
    allow_private_address: bool = False

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(ca_file=self.ca_file, allow_private=self.allow_private_address)


def account_key(settings: Settings) -> str:
    """Host, port and sales channel: what has orders of its own."""
    return f"{server_of(settings.url)}{_path(settings)}/{settings.sales_channel}"


def formerly(settings: Settings) -> tuple[str, ...]:
    """Keys that told a port that goes without saying."""
    return tuple(
        f"{server}{_path(settings)}/{settings.sales_channel}" for server in server_formerly(settings.url)
    )


def _path(settings: Settings) -> str:
    return urlsplit(settings.url).path.rstrip("/")


def located(settings: Settings) -> Locations:
    """Levels are by stock location; orders are the sales channel's, not a location's."""
    return Locations(home=settings.stock_location)


def pace(_settings: Settings) -> Pace:
    """One call at a time: of fulfillments of the same units that are created at once, Medusa accepts
    more than one."""
    return Pace(rate_per_s=20.0, burst=20.0, at_once=1)


def check(settings: Settings) -> list[SettingProblem]:
    """What decodes but cannot be right."""
    return [*_address(settings), *_orders(settings)]


def _address(settings: Settings) -> Iterator[SettingProblem]:
    try:
        address = urlsplit(settings.url)
        usable = address.scheme in ("https", "http") and address.hostname and address.port != 0
    except ValueError:
        usable = False
    if not usable:
        yield SettingProblem(key="url", found="no https:// address", allowed="as https://shop.example")
    elif address.path.rstrip("/").endswith("/admin"):
        yield SettingProblem(
            key="url", found="an address that ends with /admin", allowed="the server's own address"
        )


def _orders(settings: Settings) -> Iterator[SettingProblem]:
    allowed = f"some of {', '.join(PAYMENT_STATUSES)}"
    unknown = [each for each in settings.open_payments if each not in PAYMENT_STATUSES]
    if not settings.open_payments or unknown:
        yield SettingProblem(key="open_payments", found=", ".join(unknown) or "none", allowed=allowed)
    if not 1 <= settings.lookback_days <= MOST_LOOKBACK_DAYS:
        yield SettingProblem(
            key="lookback_days", found=str(settings.lookback_days), allowed=f"1 to {MOST_LOOKBACK_DAYS}"
        )
