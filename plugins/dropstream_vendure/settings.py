"""The settings of a Vendure store. Each is explained in this folder's README."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dropstreamd.platform.contract import Locations, Part, SettingProblem
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.http_address import server_formerly, server_of
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.secrets import SecretRef

CANCELLED = "Cancelled"
MOST_LOOKBACK_DAYS = 3650


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[store]`. `channel` is the value of the header `vendure-token`: it names a channel and
    is no secret; empty is the server's default channel. `stock_location` is an id or a name; `mapped` is
    `[locations]`."""

    url: str
    username: str = ""
    password: SecretRef | None = None
    api_key: SecretRef | None = None
    channel: str = ""
    channel_code: str = ""
    ship_method: Literal["code", "name"] = "code"
    open_states: tuple[str, ...] = ("PaymentSettled", "PartiallyShipped", "PartiallyDelivered")
    closed_states: tuple[str, ...] = ("Shipped", "Delivered")
    lookback_days: int = 90
    unshipped_skus: tuple[str, ...] = ()
    fulfillment_handler: str = "manual-fulfillment"
    changed_tracking: Literal["replace", "task"] = "replace"
    stock_location: str = ""
    mapped: dict[str, str] = {}
    ca_file: str | None = None
    allow_private_address: bool = False

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(ca_file=self.ca_file, allow_private=self.allow_private_address)


def account_key(settings: Settings) -> str:
    """Host, port and channel: what has stock and orders of its own."""
    return f"{server_of(settings.url)}/{settings.channel}"


def formerly(settings: Settings) -> tuple[str, ...]:
    """Keys that told a port that goes without saying."""
    return tuple(f"{server}/{settings.channel}" for server in server_formerly(settings.url))


def home(settings: Settings) -> str:
    """The stock location of levels that name none; "" for the only one there is."""
    only = next(iter(settings.mapped)) if len(settings.mapped) == 1 else ""
    return settings.stock_location or only


def located(settings: Settings) -> Locations:
    """Stock on hand is by stock location; orders are the channel's, not a location's."""
    return Locations(home=settings.stock_location)


def amends(settings: Settings) -> frozenset[Part]:
    """Shipments, where a fulfillment may be cancelled and made anew."""
    return frozenset({Part.SHIPMENTS} if settings.changed_tracking == "replace" else ())


def pace(_settings: Settings) -> Pace:
    """One call at a time. Vendure reads stock, adds and writes it back without a lock: of two writes
    that run at once one is lost, and two fulfillments of the same units are both accepted."""
    return Pace(rate_per_s=20.0, burst=20.0, at_once=1)


def check(settings: Settings) -> list[SettingProblem]:
    """What decodes but cannot be right."""
    return [*_address(settings), *_credentials(settings), *_states(settings)]


def _address(settings: Settings) -> Iterator[SettingProblem]:
    try:
        address = urlsplit(settings.url)
        usable = address.scheme in ("https", "http") and address.hostname and address.port != 0
    except ValueError:
        usable = False
    if not usable:
        yield SettingProblem(
            key="url", found="no https:// address", allowed="as https://shop.example/admin-api"
        )


def _credentials(settings: Settings) -> Iterator[SettingProblem]:
    allowed = "username and password, or api_key"
    if settings.api_key is not None:
        if settings.username or settings.password is not None:
            yield SettingProblem(key="api_key", found="both a user and an API key", allowed=allowed)
    elif not settings.username:
        yield SettingProblem(key="username", found="nothing", allowed=allowed)
    elif settings.password is None:
        yield SettingProblem(key="password", found="nothing", allowed=allowed)


def _states(settings: Settings) -> Iterator[SettingProblem]:
    if not settings.open_states:
        yield SettingProblem(key="open_states", found="none", allowed="at least one state of an order")
    both = set(settings.open_states) & {*settings.closed_states, CANCELLED}
    if both:
        yield SettingProblem(
            key="open_states", found=f"{', '.join(sorted(both))}, which is closed", allowed="other states"
        )
    if not 1 <= settings.lookback_days <= MOST_LOOKBACK_DAYS:
        yield SettingProblem(
            key="lookback_days", found=str(settings.lookback_days), allowed=f"1 to {MOST_LOOKBACK_DAYS}"
        )
