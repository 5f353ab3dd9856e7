"""The settings of a ShipHero warehouse. Each is explained in this folder's README."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dropstreamd.platform.contract import Part, SettingProblem
from dropstreamd.platform.http import HttpSettings
from dropstreamd.platform.limiter import Pace
from dropstreamd.platform.secrets import SecretRef

PUBLIC = "https://public-api.shiphero.com"

Hold = Literal["operator", "client", "payment", "fraud", "address"]
HeldBack = Literal["reserve", "non_sellable"]
WeightUnit = Literal["", "g", "kg", "oz", "lb"]

PROVIDED = frozenset(Part) - {Part.STOCK_NOTICES}
"""It knows its own purchases, and is told of none."""

_MOST_LOOK_BACK_DAYS = 365
_MOST_TEXT = 100


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[warehouses.NAME]`. `user` is the email of the developer user whose refresh token it is, and
    `url` stands in for ShipHero's own address."""

    user: str
    refresh_token: SecretRef
    warehouse: str
    customer_account: str = ""
    shop_name: str = "dropstreamd"
    figure: Literal["available", "on_hand"] = "available"
    hold_back: tuple[HeldBack, ...] = ("reserve",)
    holds: tuple[Hold, ...] = ()
    profile: str = ""
    lock_to_warehouse: bool = False
    check_addresses: bool = True
    check_skus: bool = True
    weight_unit: WeightUnit = ""
    return_carrier: str = ""
    return_method: str = ""
    damaged: tuple[str, ...] = ("damaged",)
    look_back_days: int = 60
    url: str = ""
    ca_file: str | None = None
    allow_private_address: bool = False

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(ca_file=self.ca_file, allow_private=self.allow_private_address)

    @property
    def address(self) -> str:
        """Where documents are asked."""
        return f"{(self.url or PUBLIC).rstrip('/')}/graphql"

    @property
    def of_customer(self) -> dict[str, object]:
        """What goes with every document that concerns a client of a 3PL's: nothing for an account's own."""
        return {"customer_account_id": self.customer_account} if self.customer_account else {}


def account_key(settings: Settings) -> str:
    """The user, the client, and the shop that orders are told apart by. Each client of a 3PL's has orders and
    stock of its own. Credits are the user's alone: how much of them others take is learned."""
    own = (settings.user.strip().lower(), settings.customer_account, settings.shop_name)
    return " ".join(part for part in own if part)


def offers(settings: Settings) -> frozenset[Part]:
    """ShipHero wants a carrier and a method for every return."""
    with_returns = bool(settings.return_carrier and settings.return_method)
    return PROVIDED if with_returns else PROVIDED - {Part.RETURNS}


def amends(_settings: Settings) -> frozenset[Part]:
    """Orders of which nothing has left."""
    return frozenset({Part.ORDERS})


def cancels(_settings: Settings) -> frozenset[Part]:
    """Orders of which nothing has left."""
    return frozenset({Part.ORDERS})


def lacks(_settings: Settings) -> tuple[str, ...]:
    """What ShipHero's order has no place for."""
    return (
        "po_number",
        "channel_code",
        "deliver_by",
        "total",
        "hs_code",
        "origin",
        "weight_g",
        "vendor_code",
    )


def pace(_settings: Settings) -> Pace:
    """4,004 credits, of which 60 a second come back ("Throttling & Quotas"); what a user has is learned from
    ShipHero itself. A quarter is kept for orders."""
    return Pace(rate_per_s=60.0, burst=4004.0, at_once=4, kept=0.25)


def check(settings: Settings) -> list[SettingProblem]:
    """What decodes but cannot be right."""
    return [*_texts(settings), *_figures(settings), *_returns(settings), *_address(settings)]


def _texts(settings: Settings) -> Iterator[SettingProblem]:
    if not settings.user.strip() or "@" not in settings.user:
        yield SettingProblem(
            key="user", found="no email address", allowed="the email of the developer user in ShipHero"
        )
    for key in ("warehouse", "shop_name"):
        text: str = getattr(settings, key)
        if not text or text != text.strip() or len(text) > _MOST_TEXT:
            found = "nothing" if not text else "blanks at its ends, or too much text"
            yield SettingProblem(key=key, found=found, allowed="see the plugin's README")
    for key in ("customer_account", "profile"):
        text = getattr(settings, key)
        if text != text.strip() or len(text) > _MOST_TEXT:
            yield SettingProblem(
                key=key, found="blanks at its ends, or too much text", allowed="an id, or name"
            )


def _figures(settings: Settings) -> Iterator[SettingProblem]:
    if not 1 <= settings.look_back_days <= _MOST_LOOK_BACK_DAYS:
        yield SettingProblem(
            key="look_back_days",
            found=str(settings.look_back_days),
            allowed=f"1 to {_MOST_LOOK_BACK_DAYS} days",
        )


def _returns(settings: Settings) -> Iterator[SettingProblem]:
    if bool(settings.return_carrier) != bool(settings.return_method):
        missing = "return_method" if settings.return_carrier else "return_carrier"
        yield SettingProblem(key=missing, found="nothing", allowed="both return_carrier and return_method")


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
