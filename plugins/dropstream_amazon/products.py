"""A seller's listings as products. Of those that Amazon alone fulfills nothing is told: no warehouse of the
merchant's ships them.

A search brings a thousand listings at most ("searchListingsItems"). So they are read by the time at which
they were created, and where a thousand are through, another search begins at the last one's.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import msgspec
import trio

from dropstream_amazon import wire, wire_listings
from dropstream_amazon.client import Api
from dropstream_amazon.listings import DEFAULT
from dropstream_amazon.operations import SEARCH_LISTINGS
from dropstream_amazon.settings import Settings
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.money import Money
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.rows import UNREADABLE, unreadable_key

PAGE = 20
MOST_FOUND = 1000
MOST_SKU_BYTES = 100

_DATA = ["summaries", "attributes", "offers", "fulfillmentAvailability"]
_GRAMS = {
    "grams": Decimal(1),
    "kilograms": Decimal(1000),
    "milligrams": Decimal("0.001"),
    "ounces": Decimal("28.349523125"),
    "pounds": Decimal("453.59237"),
}
_GTINS = ("ean", "gtin", "upc")


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run is: in which marketplace, from when on, at which page, and how many came since then."""

    marketplace: int = 0
    since: datetime | None = None
    token: str = ""
    count: int = 0
    last: datetime | None = None


class Products:
    """A `Source[Product]`. Every run reads all of them."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._marketplaces = settings.marketplaces
        self._place = _Place()
        self._told: set[str] = set()

    async def page(self, cursor: str | None, taken: Taken) -> Page[Product]:  # noqa: ARG002 - read whole
        """The next listings."""
        place = self._place
        marketplace = self._marketplaces[place.marketplace]
        query: dict[str, str | int | Sequence[str]] = {
            "marketplaceIds": marketplace,
            "includedData": _DATA,
            "sortBy": "createdDate",
            "sortOrder": "ASC",
            "pageSize": PAGE,
        }
        if place.since is not None:
            query["createdAfter"] = place.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if place.token:
            query["pageToken"] = place.token
        found = await self._api.get(SEARCH_LISTINGS, wire_listings.Found, query=query)
        products, bad, last = self._read(found, marketplace)
        self._place = self._next(place, found, last)
        more = self._place.marketplace < len(self._marketplaces)
        if not more:
            self._place, self._told = _Place(), set()
        return Page(documents=tuple(products), bad=tuple(bad), more=more)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    def _read(
        self, found: wire_listings.Found, marketplace: str
    ) -> tuple[list[Product], list[Bad], datetime | None]:
        products: list[Product] = []
        bad: list[Bad] = []
        last: datetime | None = None
        for raw in found.items:
            listing = _listing(bytes(raw))
            if isinstance(listing, Bad):
                bad.append(listing)
                continue
            summary = _summary(listing, marketplace)
            last = summary.created_date or last
            if listing.sku in self._told:
                continue
            channels = {each.fulfillment_channel_code for each in listing.fulfillment_availability}
            if not channels or DEFAULT in channels:
                self._told.add(listing.sku)
                products.append(_product(listing, summary))
        return products, bad, last

    def _next(self, place: _Place, found: wire_listings.Found, last: datetime | None) -> _Place:
        """The next page; after a thousand, a search from the last one on; then the next marketplace."""
        count, last = place.count + len(found.items), last or place.last
        token = found.next_token
        if token and count < MOST_FOUND:
            return msgspec.structs.replace(place, token=token, count=count, last=last)
        if found.number_of_results <= count:
            return _Place(marketplace=place.marketplace + 1)
        if last is None or last == place.since:
            raise ProtocolMismatch(
                f"more than {MOST_FOUND} listings were created at one instant, {place.since}: Amazon tells "
                "no more of them"
            )
        return _Place(marketplace=place.marketplace, since=last)


def _listing(raw: bytes) -> wire_listings.Listing | Bad:
    try:
        listing = wire.read(raw, wire_listings.Listing)
    except UNREADABLE as error:
        return Bad(key=_digest(raw), place="a listing", reason=str(error), raw=raw)
    if not 0 < len(listing.sku.encode("utf-8", "replace")) <= MOST_SKU_BYTES or "\0" in listing.sku:
        reason = f"its SKU is empty, or has more than {MOST_SKU_BYTES} bytes"
        return Bad(key=_digest(raw), place="a listing", reason=reason, raw=raw)
    return listing


def _digest(raw: bytes) -> str:
    return unreadable_key(raw)


def _summary(listing: wire_listings.Listing, marketplace: str) -> wire_listings.Summary:
    return next(
        (each for each in listing.summaries if each.marketplace_id == marketplace),
        wire_listings.Summary(marketplace_id=marketplace),
    )


def _product(listing: wire_listings.Listing, summary: wire_listings.Summary) -> Product:
    attributes = listing.attributes
    prices = [
        each.price
        for each in listing.offers
        if each.marketplace_id == summary.marketplace_id and each.offer_type == "B2C"
    ]
    return Product(
        key=listing.sku,
        sku=listing.sku,
        title=summary.item_name,
        gtin=next(_gtins(attributes), ""),
        vendor_code=summary.asin,
        vendor=_first(attributes.brand),
        weight_g=_grams(attributes.item_weight),
        origin=_first(attributes.country_of_origin),
        price=_money(prices[0]) if prices else None,
        active="BUYABLE" in summary.status or not summary.status,
        updated_at=summary.last_updated_date,
    )


def _gtins(attributes: wire_listings.Attributes) -> Iterator[str]:
    for each in attributes.externally_assigned_product_identifier:
        if each.type.casefold() in _GTINS and isinstance(each.value, str):
            yield each.value


def _first(values: Sequence[wire_listings.Attribute]) -> str:
    return next((each.value for each in values if isinstance(each.value, str)), "")


def _grams(values: Sequence[wire_listings.Attribute]) -> int | None:
    for each in values:
        unit = _GRAMS.get(each.unit.casefold())
        if unit is not None and isinstance(each.value, int | float) and 0 < each.value < 10**9:
            return round(Decimal(str(each.value)) * unit)
    return None


def _money(found: wire.Money) -> Money | None:
    try:
        amount = Decimal(found.amount)
    except InvalidOperation:
        return None
    return Money(amount=amount, currency=found.currency_code) if amount.is_finite() else None
