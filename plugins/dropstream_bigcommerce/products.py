"""Products: every variant that is shipped, listed whole by the id of its product."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
import trio

from dropstream_bigcommerce import wire
from dropstream_bigcommerce.client import Api, Query
from dropstream_bigcommerce.settings import Settings
from dropstream_bigcommerce.stocked import last_id
from dropstream_bigcommerce.translate import MOST_KEY_BYTES, grams, row_key
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.money import Money
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.rows import UNREADABLE

PAGE = 250
FIELDS: Query = {
    "include": "variants",
    "include_fields": [
        "name",
        "type",
        "sku",
        "upc",
        "mpn",
        "inventory_tracking",
        "is_visible",
        "availability",
        "date_modified",
    ],
    "limit": PAGE,
    "sort": "id",
    "direction": "asc",
}

_product = msgspec.json.Decoder(wire.Product)


class Products:
    """A `Source[Product]`: all of them in every run, so that what was deleted is missed. What has no SKU,
    or is downloaded, is no warehouse's."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._after = 0

    async def page(self, cursor: str | None, taken: Taken) -> Page[Product]:  # noqa: ARG002 - it has neither
        """The variants of the next 250 products."""
        rows = await self._api.rows("v3/catalog/products", {**FIELDS, "id:greater": self._after})
        found: list[Product] = []
        bad: list[Bad] = []
        for row in rows.data:
            for each in self._read(bytes(row)):
                if isinstance(each, Bad):
                    bad.append(each)
                else:
                    found.append(each)
        more = rows.full
        self._after = self._last(rows) if more else 0
        return Page(documents=tuple(found), bad=tuple(bad), more=more)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    def _last(self, rows: wire.Rows) -> int:
        last = last_id(rows)
        if last <= self._after:
            raise ProtocolMismatch("BigCommerce lists products that are not behind the last one")
        return last

    def _read(self, raw: bytes) -> Iterator[Product | Bad]:
        try:
            product = _product.decode(raw)
        except UNREADABLE as error:
            yield Bad(key=row_key(raw), place=f"product {row_key(raw)}", reason=str(error), raw=raw)
            return
        if product.type != "physical":
            return
        for variant in product.variants:
            sku = variant.sku or ""
            if len(sku.encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in sku:
                key = f"variant {variant.id}"
                reason = f"its SKU has more than {MOST_KEY_BYTES} bytes: {sku[:20]}…"
                yield Bad(key=key, place=key, reason=reason, raw=raw)
            elif sku:
                yield self._translated(product, variant, sku)

    def _translated(self, product: wire.Product, variant: wire.Variant, sku: str) -> Product:
        price = variant.calculated_price if variant.price is None else variant.price
        weight = variant.calculated_weight if variant.weight is None else variant.weight
        sold = product.is_visible and product.availability != "disabled"
        return Product(
            key=str(variant.id),
            sku=sku,
            title=product.name,
            option=" / ".join(each.label for each in variant.option_values if each.label),
            gtin=variant.upc or product.upc or "",
            vendor_code=product.mpn or "",
            weight_g=grams(weight, self._settings.weight_unit),
            price=_money(price, self._settings.currency),
            active=sold and not variant.purchasing_disabled,
            updated_at=_instant(product.date_modified),
        )


def _money(amount: Decimal | None, currency: str) -> Money | None:
    if amount is None or not amount.is_finite() or not currency:
        return None
    return Money(amount=amount, currency=currency)


def _instant(text: str | None) -> datetime | None:
    """As V3 tells it (RFC 3339), None for none."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
