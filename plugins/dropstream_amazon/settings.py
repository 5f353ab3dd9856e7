"""The settings of an Amazon store. Each is explained in this folder's README."""

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dropstreamd.platform.contract import Part, SettingProblem
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.secrets import SecretRef

Region = Literal["na", "eu", "fe"]

ENDPOINTS = {
    "na": "https://sellingpartnerapi-na.amazon.com",
    "eu": "https://sellingpartnerapi-eu.amazon.com",
    "fe": "https://sellingpartnerapi-fe.amazon.com",
}
"""By region ("SP-API Endpoints")."""

LOGIN = "https://api.amazon.com/auth/o2/token"
"""Where access tokens are given ("Connect to the SP-API")."""

MARKETPLACES: dict[str, tuple[Region, str]] = {
    "A2EUQ1WTGCTBG2": ("na", "Canada"),
    "ATVPDKIKX0DER": ("na", "United States"),
    "A1AM78C64UM0Y8": ("na", "Mexico"),
    "A2Q3Y263D00KWC": ("na", "Brazil"),
    "A28R8C7NBKEWEA": ("eu", "Ireland"),
    "A1RKKUPIHCS9HS": ("eu", "Spain"),
    "A1F83G8C2ARO7P": ("eu", "United Kingdom"),
    "A13V1IB3VIYZZH": ("eu", "France"),
    "AMEN7PMS3EDWL": ("eu", "Belgium"),
    "A1805IZSGTT6HS": ("eu", "Netherlands"),
    "A1PA6795UKMFR9": ("eu", "Germany"),
    "APJ6JRA9NG5V4": ("eu", "Italy"),
    "A2NODRKZP88ZB9": ("eu", "Sweden"),
    "AE08WJ6YKNBMC": ("eu", "South Africa"),
    "A1C3SOZRARQ6R3": ("eu", "Poland"),
    "ARBP9OOSHTCHU": ("eu", "Egypt"),
    "A33AVAJ2PDY3EV": ("eu", "Turkey"),
    "A17E79C6D8DWNP": ("eu", "Saudi Arabia"),
    "A2VIGQ35RCS4UG": ("eu", "United Arab Emirates"),
    "A21TJRUUN4KGV": ("eu", "India"),
    "A19VAU5U5O7RUS": ("fe", "Singapore"),
    "A39IBJ37TRP1C6": ("fe", "Australia"),
    "A1VC38T7YXB528": ("fe", "Japan"),
}
"""Region and country of each ("Marketplace IDs"). One that is not here may be newer."""

_MARKETPLACE = re.compile(r"A[A-Z0-9]{9,15}")
_SELLER = re.compile(r"[A-Z0-9]{8,20}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[store]`. `seller` is the merchant token; `amazon_labels` says that the warehouse ships
    under labels bought from Amazon; `url` and `login_url` stand in for Amazon's own addresses."""

    region: Region
    seller: str
    marketplaces: tuple[str, ...]
    client_id: str
    client_secret: SecretRef
    refresh_token: SecretRef
    amazon_labels: bool = False
    buyer_data: bool = False
    channel_code: str = ""
    url: str = ""
    login_url: str = ""
    ca_file: str | None = None
    allow_private_address: bool = False

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(ca_file=self.ca_file, allow_private=self.allow_private_address)

    @property
    def address(self) -> str:
        """Of the region's API."""
        return (self.url or ENDPOINTS[self.region]).rstrip("/")

    @property
    def login(self) -> str:
        """Where tokens are given."""
        return self.login_url or LOGIN


def account_key(settings: Settings) -> str:
    """The seller in a region: orders, listings and budgets are its own."""
    return f"{settings.seller}-{settings.region}"


def amends(_settings: Settings) -> frozenset[Part]:
    """Shipments: what was confirmed can be confirmed anew."""
    return frozenset({Part.SHIPMENTS})


def needs(_settings: Settings) -> frozenset[str]:
    """Of every package that is confirmed."""
    return frozenset({"carrier", "tracking_numbers"})


def pace(_settings: Settings) -> Pace:
    """Of what no operation of the API is: documents on their way to Amazon's storage and back. Each
    operation has a budget of its own."""
    return Pace(rate_per_s=5.0, burst=10.0, at_once=4)


def check(settings: Settings) -> list[SettingProblem]:
    """What decodes but cannot be right."""
    return [*_account(settings), *_marketplaces(settings), *_addresses(settings)]


def _account(settings: Settings) -> Iterator[SettingProblem]:
    if not _SELLER.fullmatch(settings.seller):
        yield SettingProblem(
            key="seller",
            found=repr(settings.seller[:40]),
            allowed="the merchant token: Seller Central → Settings → Account Info → Merchant Token",
        )
    if not settings.client_id.strip() or not settings.client_id.isprintable():
        yield SettingProblem(
            key="client_id",
            found="nothing" if not settings.client_id.strip() else repr(settings.client_id[:40]),
            allowed="the app's LWA client identifier, as amzn1.application-oa2-client.…",
        )


def _marketplaces(settings: Settings) -> Iterator[SettingProblem]:
    if not settings.marketplaces:
        yield SettingProblem(key="marketplaces", found="none", allowed="at least one marketplace id")
    if len(set(settings.marketplaces)) < len(settings.marketplaces):
        yield SettingProblem(key="marketplaces", found="one twice", allowed="each marketplace once")
    for each in settings.marketplaces:
        region, country = MARKETPLACES.get(each, (settings.region, ""))
        if not _MARKETPLACE.fullmatch(each):
            yield SettingProblem(
                key="marketplaces", found=repr(each[:40]), allowed="an id, as ATVPDKIKX0DER (amazon.com)"
            )
        elif region != settings.region:
            yield SettingProblem(
                key="marketplaces",
                found=f"{each}, which is {country} and belongs to region {region}",
                allowed=f"marketplaces of region {settings.region}; another region is another connection",
            )


def _addresses(settings: Settings) -> Iterator[SettingProblem]:
    for key, text in (("url", settings.url), ("login_url", settings.login_url)):
        if not text:
            continue
        try:
            address = urlsplit(text)
            usable = address.scheme in ("https", "http") and address.hostname and address.port != 0
        except ValueError:
            usable = False
        if not usable:
            yield SettingProblem(key=key, found="no https:// address", allowed="nothing, or https://…")
