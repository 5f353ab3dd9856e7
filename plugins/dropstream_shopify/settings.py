"""The settings of a Shopify store. Each is explained in this folder's README."""

import re
from collections.abc import Iterator
from typing import Literal, get_args
from urllib.parse import urlsplit

import msgspec

from dropstreamd.platform.contract import Locations, Part, SettingProblem
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.secrets import SecretRef

VERSION = "2026-07"
LOCATION = "gid://shopify/Location/"

Delivery = Literal["SHIPPING", "PICK_UP", "NONE", "RETAIL", "LOCAL", "PICKUP_POINT"]

_SHOP = re.compile(r"[a-z0-9][a-z0-9-]{0,99}\.myshopify\.com")
_LOCATION = re.compile(rf"({LOCATION})?[0-9]{{1,20}}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[store]`. `locations` are those of Shopify's that this warehouse stands for, each with a
    name of ours; `mapped` is `[locations]`, which takes their place. `url` stands in for the shop's own
    address."""

    shop: str
    locations: dict[str, str] = {}
    mapped: dict[str, str] = {}
    client_id: str = ""
    client_secret: SecretRef | None = None
    access_token: SecretRef | None = None
    inventory_location: str = ""
    ship_when: Literal["paid", "authorized", "any"] = "paid"
    test_orders: bool = False
    ship_again: bool = False
    delivery: tuple[Delivery, ...] = ("SHIPPING",)
    ship_method: Literal["name", "code"] = "name"
    channel_code: str = ""
    gift_attribute: str = ""
    notify_customer: bool = True
    check_quantities: bool = False
    stock_new_items: bool = False
    url: str = ""
    ca_file: str | None = None
    allow_private_address: bool = False

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(ca_file=self.ca_file, allow_private=self.allow_private_address)

    @property
    def address(self) -> str:
        """Of the Admin API, at the version that this plugin speaks."""
        return f"{(self.url or f'https://{self.shop}').rstrip('/')}/admin/api/{VERSION}/graphql.json"

    @property
    def location_ids(self) -> tuple[str, ...]:
        """The mapped locations as Shopify writes their ids."""
        return tuple(location_id(each) for each in self.mapped or self.locations)

    @property
    def stock_location(self) -> str:
        """The location whose quantities are set where a level names none, and of what came back."""
        return location_id(self.inventory_location or next(iter(self.mapped or self.locations)))

    def written(self, location: str) -> str:
        """A mapped location as the settings write it; "" for any other."""
        named = (each for each in self.mapped or self.locations if location_id(each) == location)
        return next(named, "")


def location_id(written: str) -> str:
    """A location's id as Shopify writes it; people may write its number alone."""
    return written if written.startswith(LOCATION) else f"{LOCATION}{written}"


def account_key(settings: Settings) -> str:
    """The shop: it has orders, stock and a budget of calls of its own."""
    return settings.shop


def located(settings: Settings) -> Locations:
    """Quantities are set by location, and fulfillment orders assigned to one."""
    return Locations(home=settings.written(settings.stock_location), owned=frozenset(settings.location_ids))


def amends(_settings: Settings) -> frozenset[Part]:
    """Shipments: their tracking can be changed."""
    return frozenset({Part.SHIPMENTS})


def pace(_settings: Settings) -> Pace:
    """What every shop is allowed at least, in points of calculated query cost ("GraphQL Admin API rate
    limits"); what a shop's plan allows beyond that is learned from its answers. Two thirds of what it
    may spend at once are kept for orders: a page of them asks for as much."""
    return Pace(rate_per_s=50.0, burst=1000.0, at_once=4, kept=0.65)


def check(settings: Settings) -> list[SettingProblem]:
    """What decodes but cannot be right."""
    return [*_address(settings), *_credentials(settings), *_locations(settings), *_deliveries(settings)]


def _address(settings: Settings) -> Iterator[SettingProblem]:
    if not _SHOP.fullmatch(settings.shop):
        yield SettingProblem(
            key="shop", found=repr(settings.shop[:60]), allowed="the shop's own domain, as acme.myshopify.com"
        )
    if not settings.url:
        return
    try:
        address = urlsplit(settings.url)
        usable = address.scheme in ("https", "http") and address.hostname and address.port != 0
    except ValueError:
        usable = False
    if not usable:
        yield SettingProblem(key="url", found="no https:// address", allowed="nothing, or https://…")


def _credentials(settings: Settings) -> Iterator[SettingProblem]:
    allowed = "client_id and client_secret, or access_token"
    if settings.access_token is not None:
        if settings.client_id or settings.client_secret is not None:
            yield SettingProblem(key="access_token", found="both a token and a client", allowed=allowed)
    elif not settings.client_id:
        yield SettingProblem(key="client_id", found="nothing", allowed=allowed)
    elif settings.client_secret is None:
        yield SettingProblem(key="client_secret", found="nothing", allowed=allowed)


def _locations(settings: Settings) -> Iterator[SettingProblem]:
    allowed = f"the id of a location, as {LOCATION}1234567890"
    if not settings.location_ids:
        yield SettingProblem(key="locations", found="none", allowed="at least one location of the shop")
        return
    if settings.mapped and settings.locations:
        found = "locations, and a table [locations]"
        yield SettingProblem(key="locations", found=found, allowed="one of the two")
    for each in settings.mapped or settings.locations:
        if not _LOCATION.fullmatch(each):
            yield SettingProblem(key="locations", found=repr(each[:60]), allowed=allowed)
    if len(set(settings.location_ids)) < len(settings.location_ids):
        yield SettingProblem(key="locations", found="one location twice", allowed="each once")
    chosen = settings.inventory_location
    if chosen and location_id(chosen) not in settings.location_ids:
        yield SettingProblem(
            key="inventory_location", found=repr(chosen[:60]), allowed="one of the mapped locations"
        )
    if not chosen and len(settings.location_ids) > 1:
        yield SettingProblem(
            key="inventory_location", found="nothing", allowed="the one of the mapped locations to set"
        )


def _deliveries(settings: Settings) -> Iterator[SettingProblem]:
    if not settings.delivery:
        yield SettingProblem(
            key="delivery", found="none", allowed=f"at least one of {', '.join(get_args(Delivery))}"
        )
