"""The settings of a BigCommerce store. Each is explained in this folder's README."""

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dropstreamd.platform.contract import Part, SettingProblem
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.secrets import SecretRef

Shippable = Literal[
    "Awaiting Fulfillment",
    "Awaiting Shipment",
    "Partially Shipped",
    "Partially Refunded",
    "Pending",
    "Awaiting Payment",
    "Awaiting Pickup",
    "Manual Verification Required",
]

STATUS_IDS: dict[Shippable, int] = {
    "Pending": 1,
    "Partially Shipped": 3,
    "Awaiting Payment": 7,
    "Awaiting Pickup": 8,
    "Awaiting Shipment": 9,
    "Awaiting Fulfillment": 11,
    "Manual Verification Required": 12,
    "Partially Refunded": 14,
}
"""By the names that BigCommerce gives them itself ("Orders V2": order status); a store may show others."""

AT_ONCE = 3
WINDOW_S = 30.0
QUOTA = 150
MOST_LOCATION = 2**31

_HASH = re.compile(r"[a-z0-9]{4,40}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[store]`. `url` stands in for the API's own address."""

    store_hash: str
    access_token: SecretRef
    location: int = 1
    channels: tuple[int, ...] = ()
    ship_when: tuple[Shippable, ...] = ("Awaiting Fulfillment", "Partially Shipped", "Partially Refunded")
    currency: str = ""
    weight_unit: Literal["", "g", "kg", "oz", "lb"] = ""
    channel_code: str = ""
    draft_categories: tuple[int, ...] = ()
    url: str = "https://api.bigcommerce.com"
    ca_file: str | None = None
    allow_private_address: bool = False

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(ca_file=self.ca_file, allow_private=self.allow_private_address)

    @property
    def address(self) -> str:
        """Of the store's APIs; the version comes behind it."""
        return f"{self.url.rstrip('/')}/stores/{self.store_hash}"

    @property
    def shippable(self) -> frozenset[int]:
        """The ids of the statuses that let an order go."""
        return frozenset(STATUS_IDS[name] for name in self.ship_when)


def account_key(settings: Settings) -> str:
    """The store: it has orders, stock and a quota of calls of its own."""
    return f"bigcommerce:{settings.store_hash}"


def amends(_settings: Settings) -> frozenset[Part]:
    """Shipments: their tracking can be changed."""
    return frozenset({Part.SHIPMENTS})


def pace(_settings: Settings) -> Pace:
    """The smallest quota of any plan, 150 calls in 30 s ("API rate limits"); what a store has is learned
    from its answers. A tenth of it is kept for orders and shipments."""
    return Pace(rate_per_s=QUOTA / WINDOW_S, burst=float(QUOTA), at_once=AT_ONCE, kept=0.1)


def check(settings: Settings) -> list[SettingProblem]:
    """What decodes but cannot be right."""
    return [*_address(settings), *_rest(settings)]


def _address(settings: Settings) -> Iterator[SettingProblem]:
    if not _HASH.fullmatch(settings.store_hash):
        allowed = "the part behind stores/ in the API account's path, as abc123xyz9"
        yield SettingProblem(key="store_hash", found=repr(settings.store_hash[:60]), allowed=allowed)
    try:
        address = urlsplit(settings.url)
        usable = address.scheme in ("https", "http") and address.hostname and address.port != 0
    except ValueError:
        usable = False
    if not usable:
        yield SettingProblem(key="url", found="no https:// address", allowed="nothing, or https://…")


def _rest(settings: Settings) -> Iterator[SettingProblem]:
    if not 0 < settings.location < MOST_LOCATION:
        yield SettingProblem(key="location", found=str(settings.location), allowed="the id of a location")
    if not settings.ship_when:
        yield SettingProblem(key="ship_when", found="none", allowed="at least one order status")
    if settings.currency and not re.fullmatch(r"[A-Z]{3}", settings.currency):
        yield SettingProblem(key="currency", found=repr(settings.currency[:20]), allowed="nothing, or as USD")
