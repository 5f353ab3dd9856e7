"""What a level is set on, by SKU: the product as a whole, or one of its variants, as the store tracks it.

V3 finds products by several of their own SKUs at once, but variants by one only, and counts a product by
the one or the other. So few SKUs are looked up; for many the catalogue is listed, once for a session, by
id, so that nothing slips when a product is removed meanwhile.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from dropstream_bigcommerce import wire
from dropstream_bigcommerce.client import Api, Query, joined
from dropstream_bigcommerce.translate import row_key
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.rows import UNREADABLE

PAGE = 250
"""The most products of a page ("Get All Products")."""

FEW = 100
"""Up to so many SKUs are looked up before the catalogue is listed."""

MOST_LETTERS = 3000
"""Of a list of SKUs in an address."""

MOST_PAGES = 8000

FIELDS: Query = {"include": "variants", "include_fields": ["sku", "inventory_tracking"], "limit": PAGE}

_product = msgspec.json.Decoder(wire.StockProduct)
_variant = msgspec.json.Decoder(wire.Variant)


class Stocked(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that has a SKU. `variant` is None for a product as a whole; `shared`: it is one of several
    variants that the store counts together. `tracking` is the product's."""

    product: int
    variant: int | None
    tracking: str
    shared: bool = False


class StockFinder:
    """Finds them; what was found stays known for the session. `unreadable` are products and variants that
    were met and are not as described, and why: which SKUs they have is not known."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.unreadable: dict[str, str] = {}
        self._known: dict[str, list[Stocked]] = {}
        self._whole = False

    async def find(self, skus: Sequence[str]) -> dict[str, list[Stocked]]:
        """By each SKU, exactly so written, what has it; a SKU that the store lacks is left out."""
        missing = [sku for sku in skus if sku not in self._known]
        if missing and not self._whole:
            await self._look(missing)
        return {sku: self._known[sku] for sku in skus if sku in self._known}

    async def _look(self, skus: Sequence[str]) -> None:
        if len(skus) <= FEW:
            for group in _groups(skus):
                await self._page({**FIELDS, "sku:in": group})
            skus = [sku for sku in skus if sku not in self._known]
        if skus:
            await self._list(skus)

    async def _list(self, skus: Sequence[str]) -> None:
        """The whole catalogue, unless so few are missing that a call for each is cheaper."""
        after = 0
        for number in range(MOST_PAGES):
            query: Query = {**FIELDS, "sort": "id", "direction": "asc", "id:greater": after}
            rows = await self._page(query)
            if not rows.full:
                self._whole = True
                return
            if number == 0 and rows.meta.pagination.total_pages - 1 > len(skus):
                for sku in [each for each in skus if each not in self._known]:
                    await self._variant(sku)
                return
            last = last_id(rows)
            if last <= after:
                raise ProtocolMismatch("BigCommerce lists products that are not behind the last one")
            after = last
        raise ProtocolMismatch(f"BigCommerce lists more than {MOST_PAGES} pages of products")

    async def _variant(self, sku: str) -> None:
        """A variant by its SKU, and then its product."""
        rows = await self._api.rows(
            "v3/catalog/variants", {"sku": sku, "include_fields": ["sku", "product_id"], "limit": PAGE}
        )
        ids: list[int] = []
        for row in rows.data:
            try:
                ids.append(_variant.decode(row).product_id)
            except UNREADABLE as error:
                self.unreadable[f"variant {row_key(bytes(row))}"] = str(error)
        if ids:
            await self._page({**FIELDS, "id:in": sorted(set(ids))})

    async def _page(self, query: Query) -> wire.Rows:
        rows = await self._api.rows("v3/catalog/products", query)
        for row in rows.data:
            try:
                product = _product.decode(row)
            except UNREADABLE as error:
                self.unreadable[f"product {row_key(bytes(row))}"] = str(error)
                continue
            for sku, stocked in _things(product):
                known = self._known.setdefault(sku, [])
                if stocked not in known:
                    known.append(stocked)
        return rows


def last_id(rows: wire.Rows) -> int:
    """The greatest id of a page, as far as ids can be read."""
    keys = (row_key(bytes(row)) for row in rows.data)
    return max((int(key) for key in keys if key.isdecimal()), default=0)


def _things(product: wire.StockProduct) -> Iterator[tuple[str, Stocked]]:
    """What of a product has a SKU. A simple product has one variant of the same SKU: they are one thing."""
    several = len(product.variants) > 1
    tracking = product.inventory_tracking
    for variant in product.variants:
        if variant.sku:
            whole = tracking == "product" and not several
            yield (
                variant.sku,
                Stocked(
                    product=product.id,
                    variant=None if whole else variant.id,
                    tracking=tracking,
                    shared=several and tracking == "product",
                ),
            )
    if product.sku and product.sku not in {each.sku for each in product.variants}:
        yield product.sku, Stocked(product=product.id, variant=None, tracking=tracking)


def _groups(skus: Iterable[str]) -> Iterator[list[str]]:
    """Lists that an address can hold. A SKU with a comma cannot stand in one."""
    group: list[str] = []
    letters = 0
    for sku in skus:
        if "," in sku:
            continue
        length = len(joined([sku])) + 1
        if group and letters + length > MOST_LETTERS:
            yield group
            group, letters = [], 0
        group.append(sku)
        letters += length
    if group:
        yield group
