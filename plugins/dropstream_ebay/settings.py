"""The settings of an eBay store. Each is explained in this folder's README."""

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dropstreamd.platform.contract import SettingProblem
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.secrets import SecretRef

Environment = Literal["production", "sandbox"]

SCOPES = {
    "https://api.ebay.com/oauth/api_scope/sell.fulfillment": "orders and shipments",
    "https://api.ebay.com/oauth/api_scope/sell.inventory": "inventory and products",
}
"""What consent is asked for, and what for ("OAuth scopes")."""

_API: dict[Environment, str] = {
    "production": "https://api.ebay.com",
    "sandbox": "https://api.sandbox.ebay.com",
}
_CONSENT: dict[Environment, str] = {
    "production": "https://auth.ebay.com/oauth2/authorize",
    "sandbox": "https://auth.sandbox.ebay.com/oauth2/authorize",
}
_MARKS: dict[str, Environment] = {"-PRD-": "production", "-SBX-": "sandbox"}
_MARKETPLACE = re.compile(r"EBAY_[A-Z_]{2,20}")
_SELLER = re.compile(r"[^\s/]{1,64}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[store]`. `client_id`, `client_secret` and `redirect_name` are the App ID, the Cert ID and
    the RuName of a keyset; `seller` is the seller's user name. `url` stands in for the API's own address."""

    seller: str
    client_id: str
    client_secret: SecretRef
    redirect_name: str
    refresh_token: SecretRef
    environment: Environment = "production"
    marketplaces: tuple[str, ...] = ()
    ebay_labels: Literal["hold", "ship"] = "hold"
    channel_code: str = ""
    url: str = ""
    ca_file: str | None = None
    allow_private_address: bool = False

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(ca_file=self.ca_file, allow_private=self.allow_private_address)

    @property
    def api(self) -> str:
        """Where its APIs and its tokens are."""
        return (self.url or _API[self.environment]).rstrip("/")

    @property
    def consent_page(self) -> str:
        return _CONSENT[self.environment]


def account_key(settings: Settings) -> str:
    """The seller, in one of the two worlds that eBay has."""
    prefix = "" if settings.environment == "production" else "sandbox:"
    return f"{prefix}{settings.seller.casefold()}"


def pace(_settings: Settings) -> Pace:
    """eBay limits calls by the day ("API Call Limits"), and tells nothing of what is left: this keeps to a
    rate that no keyset's day is too short for."""
    return Pace(rate_per_s=10.0, burst=50.0, at_once=6, kept=0.4)


def check(settings: Settings) -> list[SettingProblem]:
    """What decodes but cannot be right."""
    return [*_names(settings), *_environment(settings), *_address(settings)]


def _names(settings: Settings) -> Iterator[SettingProblem]:
    if not _SELLER.fullmatch(settings.seller):
        yield SettingProblem(
            key="seller", found=repr(settings.seller[:60]), allowed="the user name of the seller on eBay"
        )
    for key, value, what in (
        ("client_id", settings.client_id, "the App ID of a keyset"),
        ("redirect_name", settings.redirect_name, "the RuName of the keyset (no address)"),
    ):
        if not value or "/" in value or any(letter.isspace() for letter in value):
            yield SettingProblem(key=key, found=repr(value[:60]), allowed=what)
    if settings.refresh_token.secret is None:
        yield SettingProblem(
            key="refresh_token",
            found=str(settings.refresh_token),
            allowed="{ secret = … }: `dropstreamctl authorize` writes it",
        )
    for each in settings.marketplaces:
        if not _MARKETPLACE.fullmatch(each):
            yield SettingProblem(key="marketplaces", found=repr(each[:60]), allowed="as EBAY_US")


def _environment(settings: Settings) -> Iterator[SettingProblem]:
    """A keyset's App ID tells which of the two it is for."""
    for mark, environment in _MARKS.items():
        if mark in settings.client_id and environment != settings.environment:
            yield SettingProblem(
                key="client_id",
                found=f"an App ID of the {environment} environment",
                allowed=f"one of {settings.environment}, or environment = {environment!r}",
            )


def _address(settings: Settings) -> Iterator[SettingProblem]:
    if not settings.url:
        return
    try:
        address = urlsplit(settings.url)
        usable = address.scheme in ("https", "http") and address.hostname and address.port != 0
    except ValueError:
        usable = False
    if not usable:
        yield SettingProblem(key="url", found="no https:// address", allowed="nothing, or https://…")
