"""What the Inventory API has of some SKUs, asked for at once; each is read by itself."""

from collections.abc import Iterable

from dropstream_ebay import wire
from dropstream_ebay.client import INVENTORY, SYSTEM_ERRORS, Api, read
from dropstreamd.platform.rows import UNREADABLE, OddRow

Told = wire.Item | OddRow | None
"""An item; why it cannot be read; None where eBay says that there is no such item."""


async def items_of(api: Api, skus: Iterable[str]) -> dict[str, Told]:
    """By SKU. What eBay tells nothing of, or stumbled over, is left out."""
    asked = list(skus)
    body = {"requests": [{"sku": sku} for sku in asked]}
    answer = await api.ask(f"{INVENTORY}/bulk_get_inventory_item", body)
    if answer.ok:
        found: dict[str, Told] = {}
        for row in read(answer, wire.ItemsOf).rows():
            found |= _read(row)
        nameless = found.get("")
        if isinstance(nameless, OddRow):  # it is of one of those that were not told
            found = {**dict.fromkeys(asked, nameless), **found}
        return {sku: each for sku, each in found.items() if sku in asked}
    if len(asked) == 1:
        if answer.status in (400, 404):
            return {asked[0]: None}
        read(answer, wire.ItemsOf)
    # Refused whole, for one of them perhaps: each is asked for alone.
    return {sku: item for one in asked for sku, item in (await items_of(api, [one])).items()}


def _read(row: bytes) -> dict[str, Told]:
    """What one row tells: nothing where eBay stumbled; "" where it does not even say of which SKU it is."""
    try:
        told = wire.decoded(row, wire.ItemOf)
    except UNREADABLE as error:
        odd = OddRow(f"what eBay tells of it is not as described: {error}")
    else:
        return {told.sku: told.inventory_item} if _is_told(told) else {}
    try:
        return {wire.decoded(row, wire.Skud).sku: odd}
    except UNREADABLE:
        return {"": odd}


def _is_told(item: wire.ItemOf) -> bool:
    """Whether eBay says that there is one, or that there is none."""
    if item.status_code == 200:
        return item.inventory_item is not None
    stumbled = SYSTEM_ERRORS & {error.error_id for error in item.errors}
    return 400 <= item.status_code < 500 and item.status_code != 429 and not stumbled
