"""What a connection has of its merchant: the warehouse account; bundles and allocation as it sees them."""

from collections.abc import Mapping, Sequence

import msgspec

from dropstreamd.config.merchants import MERCHANTS, ReadMerchant
from dropstreamd.config.place import Place, meant, shown
from dropstreamd.config.schema import Merchant, WarehouseAccount


def check_account(
    merchant: str | None,
    warehouse: str | None,
    templates: Sequence[tuple[Place, str | None]],
    merchants: Mapping[str, ReadMerchant],
    place: Place,
) -> None:
    """Whether the merchant and its warehouse are there, sound, and take references of that length."""
    if merchant is None:
        return
    if merchant not in merchants:
        allowed = f"a merchant, one of {', '.join(merchants) or 'none (add a file to merchants.d)'}"
        place.at("merchant").wrong(found=shown(merchant), allowed=allowed, hint=meant(merchant, merchants))
        return
    read = merchants[merchant]
    if not read.sound:
        found = f"{shown(merchant)}, which has problems of its own"
        place.at("merchant").wrong(found=found, allowed="a sound merchant", hint=_see(merchant))
        return
    if warehouse is None:
        return
    account = read.merchant.warehouses.get(warehouse)
    if account is None:
        names = sorted(read.warehouse_names)
        broken = warehouse in names
        place.at("warehouse").wrong(
            found=f"{shown(warehouse)}, which has problems of its own" if broken else shown(warehouse),
            allowed=f"a warehouse of {merchant}: {', '.join(names) or 'it has none'}",
            hint=_see(merchant) if broken else meant(warehouse, names),
        )
        return
    longest = account.reference_max_length
    for its_place, template in templates:
        # a number of at least four digits must fit
        if template is not None and len(template.replace("{number}", "0000")) > longest:
            its_place.wrong(found=shown(template), allowed=f"a template for at most {longest} characters")
            return  # a return's is, unless it is set, one character longer than an order's


def _see(merchant: str) -> str:
    return f"see {MERCHANTS}/{merchant}.toml"


def account_of(
    merchant: str | None, warehouse: str | None, merchants: Mapping[str, ReadMerchant]
) -> WarehouseAccount | None:
    """The account of this name; None where there is none, or none that is sound."""
    read = merchants.get(merchant or "")
    return None if read is None else read.merchant.warehouses.get(warehouse or "")


def seller_for(
    name: str, merchant: str | None, merchants: Mapping[str, ReadMerchant], place: Place
) -> Merchant:
    """The merchant as this connection sees it: its allocation has the connection's share."""
    read = merchants.get(merchant or "")
    if read is None:
        return Merchant(name="", warehouses={})
    seller = read.merchant
    if not seller.shares:
        return seller
    share_ppm = seller.shares.get(name)
    if share_ppm is None:
        place.wrong(
            found=f"no share for {name} in [allocation.share] of {MERCHANTS}/{merchant}.toml",
            allowed="a share for every connection of the merchant, once one has a share",
            hint=f'add {name} = "0%" or more there',
        )
        return seller
    return msgspec.structs.replace(
        seller, allocation=msgspec.structs.replace(seller.allocation, share_ppm=share_ppm)
    )
