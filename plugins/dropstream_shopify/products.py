"""Products: every variant that is shipped, listed whole; and drafts of what the shop lacks."""

import hashlib
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import msgspec
import trio

from dropstream_shopify import documents, documents_goods, wire, wire_goods
from dropstream_shopify.client import Api, Refusal
from dropstream_shopify.search import sku_term
from dropstream_shopify.translate import MOST_KEY_BYTES, grams, row_key
from dropstreamd.model.handover import (
    Accepted,
    Bad,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Withdrawn,
    Writes,
)
from dropstreamd.model.money import Money
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Page, Record, Taken
from dropstreamd.platform.freezing import each_alone
from dropstreamd.platform.rows import UNREADABLE

DRAFTING = "drafting"
"""Recorded before the call that creates."""

ONLY_VARIANT = "Default Title"
SOLD = ("ACTIVE", "UNLISTED")

_variant = msgspec.json.Decoder(wire_goods.Variant)


class Products:
    """A `Source[Product]`: all of them in every run, so that what was deleted is missed. What has no SKU,
    or is not shipped, is no warehouse's."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._after: str | None = None
        self._currency = ""

    async def page(self, cursor: str | None, taken: Taken) -> Page[Product]:  # noqa: ARG002 - it has neither
        """The next 250 variants."""
        if not self._currency:
            readable = await self._api.query(documents.READABLE, {}, wire.Readable)
            self._currency = readable.shop.currency_code
        answer = await self._api.query(documents_goods.PRODUCTS, {"after": self._after}, wire_goods.Products)
        read = [_read(bytes(row), self._currency) for row in answer.product_variants.nodes]
        page = answer.product_variants.page_info
        self._after = page.end_cursor if page.has_next_page else None
        return Page(
            documents=tuple(each for each in read if isinstance(each, Product)),
            bad=tuple(each for each in read if isinstance(each, Bad)),
            more=page.has_next_page,
        )

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()


def _read(raw: bytes, currency: str) -> Product | Bad | None:
    try:
        variant = _variant.decode(raw)
    except UNREADABLE as error:
        return Bad(key=row_key(raw), place=row_key(raw), reason=str(error), raw=raw)
    sku, item = variant.sku or "", variant.inventory_item
    if not sku or not item.requires_shipping:
        return None
    if len(sku.encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in sku:
        reason = f"its SKU has more than {MOST_KEY_BYTES} bytes: {sku[:20]}…"
        return Bad(key=variant.id, place=variant.id, reason=reason, raw=raw)
    return Product(
        key=variant.id,
        sku=sku,
        title=variant.product.title,
        option="" if variant.title == ONLY_VARIANT else variant.title,
        gtin=variant.barcode or "",
        vendor=variant.product.vendor,
        weight_g=grams(item.measurement.weight),
        hs_code=item.harmonized_system_code or "",
        origin=item.country_code_of_origin or "",
        price=_price(variant.price, currency),
        active=variant.product.status in SOLD,
        updated_at=variant.updated_at,
    )


def _price(amount: str, currency: str) -> Money | None:
    try:
        return Money(amount=Decimal(amount), currency=currency)
    except InvalidOperation:
        return None


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one draft."""

    sku: str
    input: dict[str, object]
    handle: str


_draft = msgspec.json.Decoder(_Draft)


class Drafts:
    """A `Sink[Product]`: each item becomes a product of one variant in the state DRAFT, which no buyer sees.

    Its handle is made of the SKU and the item's key, so that a second one cannot be made. Where a
    variant has the SKU already, that product is left as it is.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Product]], stamp: Stamp) -> Preparation:
        """One attempt for each."""
        return each_alone(items, stamp, _drafted)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create it, unless the shop has the SKU."""
        key, draft = prepared.keys[0], _draft.decode(prepared.payload)
        there = await self._there(key, draft)
        if there is not None:
            return [there]
        try:
            await record(DRAFTING, if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        answer = await self._api.ask(
            documents_goods.DRAFT, {"input": draft.input}, wire_goods.Draft, write=True
        )
        if isinstance(answer, Refusal):
            return [_not_drafted(key, answer.code)]
        result = answer.product_set
        if result.product is not None and not result.user_errors:
            return [Accepted(key=key, remote=result.product.id)]
        codes = sorted({error.code or "" for error in result.user_errors})
        return [await self._there(key, draft) or _not_drafted(key, ", ".join(codes))]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look it up by its handle."""
        key, draft = prepared.keys[0], _draft.decode(prepared.payload)
        there = await self._there(key, draft) if step == DRAFTING else None
        return [there or Untouched(key=key)]

    async def _there(self, key: str, draft: _Draft) -> Accepted | None:
        variables = {"handle": draft.handle, "query": sku_term(draft.sku)}
        found = await self._api.query(documents_goods.DRAFTED, variables, wire_goods.Drafted)
        if found.product_by_identifier is not None:
            return Accepted(key=key, remote=found.product_by_identifier.id)
        sold = [each.product.id for each in found.product_variants.nodes if each.sku == draft.sku]
        return Accepted(key=key, remote=sold[0]) if sold else None


def _not_drafted(key: str, code: str) -> Rejected:
    reason = f"Shopify did not create the draft: {code or 'it does not say why'}"
    return Rejected(key=key, cause="refused", reason=reason)


def _drafted(item: Item[Product]) -> _Draft | Rejected:
    product = item.document
    if not product.sku:
        return Rejected(key=item.key, cause="sku:", reason="it has no SKU")
    slug = re.sub(r"[^a-z0-9]+", "-", product.sku.lower()).strip("-")[:60]
    handle = f"{slug or 'sku'}-{hashlib.blake2b(item.key.encode(), digest_size=6).hexdigest()}"
    stocked: dict[str, object] = {"sku": product.sku, "tracked": True, "requiresShipping": True}
    if product.weight_g:
        stocked["measurement"] = {"weight": {"value": float(product.weight_g), "unit": "GRAMS"}}
    if product.hs_code:
        stocked["harmonizedSystemCode"] = product.hs_code
    if product.origin:
        stocked["countryCodeOfOrigin"] = product.origin
    variant: dict[str, object] = {
        "optionValues": [{"optionName": "Title", "name": ONLY_VARIANT}],
        "sku": product.sku,
        "inventoryPolicy": "DENY",
        "inventoryItem": stocked,
    }
    if product.gtin:
        variant["barcode"] = product.gtin
    title = " - ".join(part for part in (product.title, product.option) if part) or product.sku
    made: dict[str, object] = {
        "title": title[:255],
        "handle": handle,
        "status": "DRAFT",
        "productOptions": [{"name": "Title", "values": [{"name": ONLY_VARIANT}]}],
        "variants": [variant],
    }
    if product.vendor:
        made["vendor"] = product.vendor
    return _Draft(sku=product.sku, input=made, handle=handle)
