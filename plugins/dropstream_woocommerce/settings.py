"""The settings of a WooCommerce store. Each is explained in this folder's README."""

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dropstreamd.platform.contract import Part, SettingProblem
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.http_address import server_formerly, server_of
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.secrets import SecretRef

MOST_AT_ONCE = 100
"""The most entries of a page or a batch ("REST API": `per_page`, `woocommerce_rest_batch_items_limit`)."""

ENDED = ("completed", "cancelled", "refunded", "failed", "trash")
"""Statuses of WooCommerce's own that nothing is shipped in."""

_KEY = re.compile(r"ck_[0-9a-zA-Z]{20,80}")
_STATUS = re.compile(r"[a-z0-9_-]{1,40}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[store]`. Statuses are written without their `wc-`; `tell_by` says how a shop is told of
    packages, `complete_as` what an order becomes once all of it has left (empty: it is left as it is)."""

    url: str
    consumer_key: str
    consumer_secret: SecretRef
    ship_statuses: tuple[str, ...] = ("processing",)
    closed_statuses: tuple[str, ...] = ("completed",)
    cancelled_statuses: tuple[str, ...] = ("cancelled", "refunded", "failed")
    complete_as: str = "completed"
    skip_methods: tuple[str, ...] = ("local_pickup", "pickup_location")
    ship_method: Literal["name", "method"] = "name"
    channel_code: str = ""
    gift_meta: str = ""
    po_meta: str = ""
    tell_by: Literal["auto", "fulfillments", "tracking", "note"] = "auto"
    notify_customer: bool = True
    receipts: Literal["note", "none"] = "note"
    levels_at_once: int = MOST_AT_ONCE
    calls_per_s: float = 5.0
    permalinks: Literal["pretty", "plain"] = "pretty"
    ca_file: str | None = None
    allow_private_address: bool = False

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(ca_file=self.ca_file, allow_private=self.allow_private_address)

    @property
    def base(self) -> str:
        """The shop's own address."""
        return self.url.rstrip("/")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


def account_key(settings: Settings) -> str:
    """Host, port and path: a shop has orders, stock and a server of its own."""
    return f"{server_of(settings.url)}{_path(settings)}"


def formerly(settings: Settings) -> tuple[str, ...]:
    """Keys that told a port that goes without saying."""
    return tuple(f"{server}{_path(settings)}" for server in server_formerly(settings.url))


def _path(settings: Settings) -> str:
    return urlsplit(settings.url).path.rstrip("/")


def amends(_settings: Settings) -> frozenset[Part]:
    """Shipments: their tracking can be changed."""
    return frozenset({Part.SHIPMENTS})


def offers(settings: Settings) -> frozenset[Part]:
    """All but the receipts, where those are not wanted."""
    told = {Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY, Part.PRODUCTS, Part.CATALOGUE}
    return frozenset(told | ({Part.RECEIPTS} if settings.receipts == "note" else set()))


def pace(settings: Settings) -> Pace:
    """WooCommerce itself limits nothing; what its server bears is the merchant's to say."""
    rate = max(0.01, settings.calls_per_s)
    return Pace(rate_per_s=rate, burst=max(2.0, 2 * rate), at_once=2, kept=0.3)


def check(settings: Settings) -> list[SettingProblem]:
    """What decodes but cannot be right."""
    return [*_address(settings), *_statuses(settings), *_numbers(settings)]


def _address(settings: Settings) -> Iterator[SettingProblem]:
    try:
        address = urlsplit(settings.url)
        usable = address.scheme in ("https", "http") and address.hostname and address.port != 0
    except ValueError:
        yield SettingProblem(key="url", found="no https:// address", allowed="as https://shop.example")
        return
    if not usable or address.query or address.fragment:
        yield SettingProblem(key="url", found="no https:// address", allowed="as https://shop.example")
    elif "wp-json" in address.path or address.path.rstrip("/").endswith(("/wp-admin", "/shop")):
        yield SettingProblem(
            key="url",
            found=f"an address that ends with {address.path[-40:]}",
            allowed="the site's own address",
        )
    if not _KEY.fullmatch(settings.consumer_key):
        yield SettingProblem(
            key="consumer_key", found="no consumer key", allowed="what WooCommerce showed, beginning with ck_"
        )


def _statuses(settings: Settings) -> Iterator[SettingProblem]:
    kinds = ("ship_statuses", "closed_statuses", "cancelled_statuses")
    taken: dict[str, str] = {}
    for kind in kinds:
        for status in getattr(settings, kind):
            if not _STATUS.fullmatch(status) or status.startswith("wc-"):
                allowed = "a status as WooCommerce's API writes it, as processing (without wc-)"
                yield SettingProblem(key=kind, found=repr(status[:60]), allowed=allowed)
            elif status in taken:
                found = f"{status!r}, which stands in {taken[status]} too"
                yield SettingProblem(key=kind, found=found, allowed="a status in one of the three")
            taken.setdefault(status, kind)
    if not settings.ship_statuses:
        yield SettingProblem(key="ship_statuses", found="none", allowed="at least one, as processing")
    for status in settings.ship_statuses:
        if status in ENDED:
            found, allowed = repr(status), "a status in which goods have not left"
            yield SettingProblem(key="ship_statuses", found=found, allowed=allowed)
    if settings.complete_as and settings.complete_as not in settings.closed_statuses:
        allowed = "one of closed_statuses, or nothing: an order is left as it is then"
        yield SettingProblem(key="complete_as", found=repr(settings.complete_as[:60]), allowed=allowed)


def _numbers(settings: Settings) -> Iterator[SettingProblem]:
    if not 1 <= settings.levels_at_once <= MOST_AT_ONCE:
        allowed = f"1 to {MOST_AT_ONCE}"
        yield SettingProblem(key="levels_at_once", found=str(settings.levels_at_once), allowed=allowed)
    if not 0.05 <= settings.calls_per_s <= 100:
        yield SettingProblem(key="calls_per_s", found=str(settings.calls_per_s), allowed="0.05 to 100")
