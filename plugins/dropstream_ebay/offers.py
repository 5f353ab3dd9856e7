"""Which offers sell a SKU: asked one SKU at a time, since eBay knows no other way, several at once."""

from collections.abc import Iterable, Mapping, Sequence

import trio

from dropstream_ebay import wire
from dropstream_ebay.client import INVENTORY, Api, read
from dropstreamd.errors import DropstreamError

AT_ONCE = 6
"""Calls in flight; the account's budget bounds them all."""

MOST = 25
"""Offers of one SKU ("Offers")."""


class Offers:
    """Looks offers up. Those of one session are looked up once, unless they are `forget`-ten."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, tuple[wire.Offer, ...]] = {}

    async def live(self, skus: Iterable[str]) -> Mapping[str, tuple[wire.Offer, ...]]:
        """The published offers at a fixed price, which are the ones whose quantity can be set."""
        wanted = list(dict.fromkeys(skus))
        await self._look_up([sku for sku in wanted if sku not in self._known])
        return {sku: self._known[sku] for sku in wanted}

    def forget(self, sku: str) -> None:
        self._known.pop(sku, None)

    async def _look_up(self, skus: Sequence[str]) -> None:
        limit = trio.CapacityLimiter(AT_ONCE)
        failed: list[DropstreamError] = []
        async with trio.open_nursery() as nursery:

            async def one(sku: str) -> None:
                try:
                    async with limit:
                        self._known[sku] = await self._of(sku)
                except DropstreamError as error:  # told once, by its own kind: not as a group
                    failed.append(error)
                    nursery.cancel_scope.cancel()

            for sku in skus:
                nursery.start_soon(one, sku)
        if failed:
            raise failed[0]

    async def _of(self, sku: str) -> tuple[wire.Offer, ...]:
        answer = await self._api.get(f"{INVENTORY}/offer", {"sku": sku, "limit": MOST})
        if answer.status == 404:
            return ()
        found = read(answer, wire.Offers).offers
        return tuple(each for each in found if (each.status, each.format) == ("PUBLISHED", "FIXED_PRICE"))
