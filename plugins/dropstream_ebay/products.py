"""Products: every item in the Inventory API, listed whole."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import trio

from dropstream_ebay import wire
from dropstream_ebay.client import INVENTORY, Api, read
from dropstream_ebay.translate import MOST_KEY_BYTES
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.rows import UNREADABLE

PAGE = 200
MOST_PAGES = 10_000

_GRAMS = {
    "GRAM": Decimal(1),
    "KILOGRAM": Decimal(1000),
    "OUNCE": Decimal("28.349523125"),
    "POUND": Decimal("453.59237"),
}


class Products:
    """A `Source[Product]`: all of them in every run, so that what was deleted is missed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._page = 0

    async def page(self, cursor: str | None, taken: Taken) -> Page[Product]:  # noqa: ARG002 - it has neither
        """The next 200."""
        found = await self._read(self._page)
        following = _following(found.next, self._page)
        read_ = [_product(row) for row in found.rows()]
        self._page = following or 0
        return Page(
            documents=tuple(each for each in read_ if isinstance(each, Product)),
            bad=tuple(each for each in read_ if isinstance(each, Bad)),
            more=following is not None,
        )

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def rows(self) -> AsyncIterator[bytes]:
        """Every item as eBay tells it."""
        page: int | None = 0
        while page is not None:
            found = await self._read(page)
            for row in found.rows():
                yield row
            page = _following(found.next, page)

    async def _read(self, page: int) -> wire.Items:
        if page > MOST_PAGES:
            raise ProtocolMismatch(f"eBay lists more than {MOST_PAGES} pages of inventory items")
        answer = await self._api.get(f"{INVENTORY}/inventory_item", {"limit": PAGE, "offset": page})
        return read(answer, wire.Items)


def _following(link: str, page: int) -> int | None:
    """The page that the link leads to; None after the last one. It counts pages, not items."""
    if not link:
        return None
    told = parse_qs(urlsplit(link).query).get("offset", [""])[0]
    following = int(told) if told.isdecimal() else page + 1
    if following <= page:
        raise ProtocolMismatch("eBay's list of inventory items leads back to where it was")
    return following


def _product(row: bytes) -> Product | Bad:
    try:
        item = wire.decoded(row, wire.Item)
    except UNREADABLE as error:
        return _bad(row, str(error))
    if not 0 < len(item.sku.encode("utf-8", "replace")) <= MOST_KEY_BYTES or "\0" in item.sku:
        return _bad(row, f"it has no SKU, or one of more than {MOST_KEY_BYTES} bytes")
    told = item.product
    return Product(
        key=item.sku,
        sku=item.sku,
        title=told.title,
        gtin=next(iter((*told.upc, *told.ean, *told.isbn)), ""),
        vendor_code=told.mpn,
        vendor=told.brand,
        weight_g=_grams(item.package_weight_and_size.weight),
    )


def _bad(row: bytes, reason: str) -> Bad:
    key = f"row-{hashlib.blake2b(row, digest_size=12).hexdigest()}"
    return Bad(key=key, place="an inventory item", reason=reason, raw=row)


def _grams(weight: wire.Weight | None) -> int | None:
    if weight is None or weight.unit not in _GRAMS or not 0 < weight.value < 10**9:
        return None
    return round(Decimal(str(weight.value)) * _GRAMS[weight.unit])
