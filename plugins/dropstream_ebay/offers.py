"""Which offers sell a SKU: asked one SKU at a time, since eBay knows no other way, several at once."""

from collections.abc import Iterable, Mapping

import trio

from dropstream_ebay import wire
from dropstream_ebay.client import INVENTORY, Api, read_one
from dropstreamd.errors import DropstreamError
from dropstreamd.platform.rows import OddRow

AT_ONCE = 6
"""Calls in flight; the account's budget bounds them all."""

MOST = 25
"""Offers of one SKU ("Offers")."""


async def live_offers(api: Api, skus: Iterable[str]) -> Mapping[str, tuple[wire.Offer, ...] | OddRow]:
    """The published offers at a fixed price, which are the ones whose quantity can be set; why they cannot be
    read, where one is not as described. What eBay does not take for a SKU is left out."""
    limit = trio.CapacityLimiter(AT_ONCE)
    found: dict[str, tuple[wire.Offer, ...] | OddRow] = {}
    failed: list[DropstreamError] = []
    async with trio.open_nursery() as nursery:

        async def one(sku: str) -> None:
            try:
                async with limit:
                    offers = await _of(api, sku)
                if offers is not None:
                    found[sku] = offers
            except OddRow as odd:
                found[sku] = odd
            except DropstreamError as error:  # told once, by its own kind: not as a group
                failed.append(error)
                nursery.cancel_scope.cancel()

        for sku in skus:
            nursery.start_soon(one, sku)
    if failed:
        raise failed[0]
    return found


async def _of(api: Api, sku: str) -> tuple[wire.Offer, ...] | None:
    answer = await api.get(f"{INVENTORY}/offer", {"sku": sku, "limit": MOST})
    if answer.status == 404:
        return ()
    if answer.status == 400:
        return None
    found = read_one(answer, wire.Offers, "offers").offers
    return tuple(each for each in found if (each.status, each.format) == ("PUBLISHED", "FIXED_PRICE"))
