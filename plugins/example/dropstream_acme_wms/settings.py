"""What a person writes in `[warehouses.NAME]` with `platform = "acme-wms"`."""

from collections.abc import Sequence

import msgspec

from dropstreamd.platform.contract import SettingProblem
from dropstreamd.platform.secrets import SecretRef


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is where Acme's API begins, `account` our number there, `token` its key."""

    url: str
    account: str
    token: SecretRef


def check(settings: Settings) -> Sequence[SettingProblem]:
    """What decodes, but cannot be right."""
    if settings.url.startswith(("https://", "http://")):
        return ()
    return (SettingProblem(key="url", found=repr(settings.url), allowed="an address, https://HOST/PATH"),)


def account_key(settings: Settings) -> str:
    """Names the account at Acme; never from a secret, nor from a secret's name."""
    return f"{settings.url.rstrip('/')} {settings.account}"


def lacks(_settings: Settings) -> tuple[str, ...]:
    """Fields of an order, and of its lines, that Acme has no place for: `dropstreamd check` says so."""
    return (
        "bill_to",
        "po_number",
        "channel_code",
        "total",
        "ship_by",
        "deliver_by",
        "gift_message",
        "delivery_note",
        "incoterm",
        "tax_ids",
        "unit_price",
        "gtin",
        "vendor_code",
        "weight_g",
        "hs_code",
        "origin",
        "declared_value",
    )
