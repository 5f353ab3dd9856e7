"""Variants by SKU. Shopify's search finds words whatever their case, and may know of a change only later:
what it brings is compared letter by letter. How long a search may be is not written down: until one was seen
whole, some of what it lacks is asked for again in small groups."""

from collections.abc import Sequence

from dropstream_shopify import documents_goods, wire_goods
from dropstream_shopify.client import Api
from dropstreamd.errors import ProtocolMismatch

AT_ONCE = 250
FEW = 25
DOUBTED = 100
MOST_PAGES = 20


class SkuFinder:
    """Finds variants."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._at_once = AT_ONCE
        self._trusted = False
        self._document = documents_goods.ITEMS
        self._with: dict[str, object] = {}

    async def find(
        self, skus: Sequence[str], counted_at: str = ""
    ) -> dict[str, list[wire_goods.StockVariant]]:
        """The variants of each SKU, exactly so written; a SKU may have several, or none. With a location,
        they come with what that shows."""
        self._document = documents_goods.COUNTED_ITEMS if counted_at else documents_goods.ITEMS
        self._with = {"location": counted_at} if counted_at else {}
        found: dict[str, list[wire_goods.StockVariant]] = {}
        await self._look(found, skus, self._at_once)
        missing = [sku for sku in skus if sku not in found]
        if not self._trusted and missing and len(skus) > FEW:
            there = len(found)
            await self._look(found, missing[-DOUBTED:], FEW)
            self._trusted = len(found) == there
            if not self._trusted:
                self._at_once = FEW
                await self._look(found, missing[:-DOUBTED], FEW)
        return found

    async def _look(
        self, found: dict[str, list[wire_goods.StockVariant]], skus: Sequence[str], at_once: int
    ) -> None:
        for start in range(0, len(skus), at_once):
            some = skus[start : start + at_once]
            for variant in await self._search(some):
                if variant.sku is not None and variant.sku in some:
                    found.setdefault(variant.sku, []).append(variant)

    async def _search(self, skus: Sequence[str]) -> list[wire_goods.StockVariant]:
        found: list[wire_goods.StockVariant] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            variables = {**self._with, "after": after, "query": " OR ".join(map(sku_term, skus))}
            page = (await self._api.query(self._document, variables, wire_goods.Items)).product_variants
            found += page.nodes
            if not page.page_info.has_next_page:
                return found
            after = page.page_info.end_cursor
        raise ProtocolMismatch(f"{len(skus)} SKUs have more than {len(found)} variants in Shopify")


def sku_term(sku: str) -> str:
    """A SKU as a search has it ("Shopify API search syntax": quoted, with what ends a quote escaped)."""
    escaped = sku.replace("\\", "\\\\").replace('"', '\\"')
    return f'sku:"{escaped}"'
