"""A seller's listings by SKU: who fulfills each, of which product type, and how many are offered.

Twenty SKUs are looked up in one call, and in one marketplace: of several, Amazon answers for the first alone.
A quantity holds for a SKU in all of them (Amazon on "How to modify inventory of different sites in the same
sellersku?"), while a SKU that is the merchant's to ship in one may be Amazon's in another. So each is looked
at in every marketplace, until one says that Amazon fulfills it.
"""

from collections.abc import Sequence

import msgspec

from dropstream_amazon import wire, wire_listings
from dropstream_amazon.client import Api, Query
from dropstream_amazon.operations import GET_LISTING, SEARCH_LISTINGS
from dropstream_amazon.parallel import each_of
from dropstream_amazon.settings import Settings
from dropstreamd.errors import DropstreamError, ProtocolMismatch
from dropstreamd.platform.http import decode
from dropstreamd.platform.rows import UNREADABLE

AT_ONCE = 20
"""The most identifiers of a search ("searchListingsItems")."""

DEFAULT = "DEFAULT"
"""The channel of what the merchant ships."""

GENERIC = "PRODUCT"
"""The product type that stands for any."""

_DATA = ["summaries", "fulfillmentAvailability", "productTypes"]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A listing as far as levels go. `channels` are those that fulfill it in any of the marketplaces that
    were looked at; `marketplace` is one where it can be told its quantity. `odd` is why what Amazon
    told of it cannot be read."""

    sku: str
    marketplace: str
    product_type: str
    channels: frozenset[str]
    quantity: int | None = None
    odd: str = ""

    @property
    def is_merchants(self) -> bool:
        """Whether it is certain that the merchant alone ships it."""
        return self.channels == {DEFAULT} and not self.odd

    @property
    def is_settled(self) -> bool:
        """Whether it is certain that it must not be told, whatever another marketplace says."""
        return bool(self.channels - {DEFAULT}) or bool(self.odd)

    def also(self, there: "Channel") -> "Channel":
        """With what another marketplace says of it."""
        first = self if self.channels or not there.channels else there
        return msgspec.structs.replace(
            first,
            channels=self.channels | there.channels,
            quantity=there.quantity if self.quantity is None else self.quantity,
            odd=self.odd or there.odd,
        )


class Listings:
    """Looks listings up."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._marketplaces = settings.marketplaces

    async def find(self, skus: Sequence[str]) -> dict[str, Channel]:
        """The listings of these SKUs, exactly so written, as far as there are any."""
        found: dict[str, Channel] = {}
        for marketplace in self._marketplaces:
            open_yet = [sku for sku in skus if sku not in found or not found[sku].is_settled]
            for channel in await self._found_in(marketplace, open_yet):
                before = found.get(channel.sku)
                found[channel.sku] = channel if before is None else before.also(channel)
        return found

    async def _found_in(self, marketplace: str, skus: Sequence[str]) -> list[Channel]:
        # Identifiers are set apart by commas: a SKU that has one is asked for by itself.
        plain = [sku for sku in skus if "," not in sku]
        groups = [plain[start : start + AT_ONCE] for start in range(0, len(plain), AT_ONCE)]
        groups += [[sku] for sku in skus if "," in sku]

        async def look(group: list[str]) -> list[Channel]:
            if "," in group[0]:
                return await self._one(marketplace, group[0])
            return await self._search(marketplace, group)

        channels: list[Channel] = []
        for result in await each_of(groups, look):
            if isinstance(result, DropstreamError):
                raise result
            channels += result or ()
        return channels

    async def _search(self, marketplace: str, skus: list[str]) -> list[Channel]:
        query: Query = {
            "marketplaceIds": marketplace,
            "identifiersType": "SKU",
            "identifiers": skus,
            "includedData": _DATA,
            "pageSize": AT_ONCE,
        }
        response = await self._api.call(SEARCH_LISTINGS, query=query)
        if response.status in (400, 404):
            self._api.check_account(SEARCH_LISTINGS, response)
            # One that Amazon cannot read must not hide its neighbours.
            half = len(skus) // 2
            parts = (skus[:half], skus[half:]) if half and response.status == 400 else ()
            return [channel for part in parts for channel in await self._search(marketplace, part)]
        if not response.ok:
            self._api.refuse(SEARCH_LISTINGS, response)
        page = decode(response, wire_listings.Found)
        if page.next_token:
            raise ProtocolMismatch(f"Amazon has more than {len(page.items)} listings for {len(skus)} SKUs")
        found = [_read(bytes(raw), marketplace) for raw in page.items]
        nameless = next((each for each in found if not each.sku), None)
        channels = [each for each in found if each.sku in skus]
        if nameless is None:
            return channels
        # It is one of those that were not told.
        left = set(skus) - {each.sku for each in channels}
        return channels + [msgspec.structs.replace(nameless, sku=sku) for sku in sorted(left)]

    async def _one(self, marketplace: str, sku: str) -> list[Channel]:
        query: Query = {"marketplaceIds": marketplace, "includedData": _DATA}
        response = await self._api.call(GET_LISTING, path={"sku": sku}, query=query)
        if response.status in (400, 404):
            return []
        if not response.ok:
            self._api.refuse(GET_LISTING, response)
        channel = _read(bytes(decode(response, msgspec.Raw)), marketplace)
        if not channel.sku:
            raise ProtocolMismatch(f"Amazon told a listing that is not as described: {channel.odd}")
        return [channel] if channel.sku == sku else []


def _read(raw: bytes, marketplace: str) -> Channel:
    """A listing; without a SKU where not even that can be read."""
    try:
        return _channel(wire.read(raw, wire_listings.Listing), marketplace)
    except UNREADABLE as error:
        odd = str(error)
    try:
        sku = msgspec.json.decode(raw, type=wire_listings.ListingHead).sku
    except UNREADABLE:
        sku = ""
    return Channel(sku=sku, marketplace=marketplace, product_type=GENERIC, channels=frozenset(), odd=odd)


def _channel(listing: wire_listings.Listing, marketplace: str) -> Channel:
    told = [(each.marketplace_id, each.product_type) for each in listing.product_types]
    told += [(each.marketplace_id, each.product_type) for each in listing.summaries]
    types = [kind for where, kind in told if where == marketplace and kind]
    offered = [each for each in listing.fulfillment_availability if each.fulfillment_channel_code == DEFAULT]
    return Channel(
        sku=listing.sku,
        marketplace=marketplace,
        product_type=types[0] if types else GENERIC,
        channels=frozenset(each.fulfillment_channel_code for each in listing.fulfillment_availability),
        quantity=offered[0].quantity if offered else None,
    )
