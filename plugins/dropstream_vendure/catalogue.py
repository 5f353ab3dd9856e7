"""Products of a warehouse's item master become drafts in Vendure, where the channel has none with their SKU.

A draft is a product that is not enabled, with one variant that is not either: no buyer sees it until a
person has enabled both. It is made in two calls, first the product, then its variant. The product's slug is
made of the SKU; by it a product is found again whose variant is still to be made. What is there, enabled or
not, is never touched.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from dropstream_vendure import documents, wire, wire_goods
from dropstream_vendure.client import Api, Refusal
from dropstreamd.errors import Hold, OutcomeUnknown, ProtocolMismatch, Wait
from dropstreamd.model.handover import (
    Accepted,
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
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import prepare_products, read_products

BATCH = 20
MOST_FOUND = 100
MOST_NAME = 255
MOST_PRICE = 2**31 - 1
CREATING = "creating"
"""Recorded before the first call that creates: without it, nothing was sent."""


class Catalogue:
    """A `Sink[Product]`. An accepted one's `remote` is the variant's id."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def writes(self) -> Writes:
        # A call whose answer was lost may still run in Vendure; then it is found by SKU or slug.
        return Writes(repeat="lookup", batch=BATCH, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Product]], stamp: Stamp) -> Preparation:
        """Up to 20 products at once; of those with one SKU the first."""
        return prepare_products(items, stamp, most=BATCH)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create those that are missing, and the variants of those that were begun."""
        wanted = read_products(prepared)
        accepted, begun = await self._there(wanted)
        missing = {key: product for key, product in wanted.items() if key not in accepted}
        if not missing:
            return list(accepted.values())
        shop = await self._api.shop()
        try:
            await record(CREATING, if_wanted=True)
        except Withdrawn:
            # Of what was begun before, a product without a variant stays behind, which is not enabled.
            return [*accepted.values(), *(Untouched(key=key) for key in missing)]
        rejected: list[Rejected] = []
        try:
            for key, product in missing.items():
                if key not in begun:
                    made = await self._create_product(key, product, shop)
                    if isinstance(made, Rejected):
                        rejected.append(made)
                    else:
                        begun[key] = made
            created = await self._create_variants({key: missing[key] for key in begun}, begun, shop)
        except OutcomeUnknown:
            raise
        except (Wait, Hold) as error:
            if not begun:
                raise
            raise OutcomeUnknown(f"drafts were begun and not finished: {error.message}") from error
        return [*accepted.values(), *rejected, *created]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look them up by SKU; where only the product was made, make its variant."""
        wanted = read_products(prepared)
        if step != CREATING:
            return [Untouched(key=key) for key in wanted]
        accepted, begun = await self._there(wanted)
        created: list[Outcome] = []
        if begun:
            shop = await self._api.shop()
            created = await self._create_variants({key: wanted[key] for key in begun}, begun, shop)
        rest = (key for key in wanted if key not in accepted and key not in begun)
        return [*accepted.values(), *created, *(Untouched(key=key) for key in rest)]

    async def _there(self, wanted: Mapping[str, Product]) -> tuple[dict[str, Outcome], dict[str, str]]:
        """What the channel has already, and the ids of products of ours that lack their variant."""
        by_slug = {slug(product.sku): key for key, product in wanted.items()}
        skus = [product.sku for product in wanted.values()]
        variables = {"skus": skus, "slugs": list(by_slug), "take": MOST_FOUND}
        answer = await self._api.query(documents.DRAFTED, variables, wire_goods.Drafted)
        if max(answer.product_variants.total_items, answer.products.total_items) > MOST_FOUND:
            raise ProtocolMismatch(f"{len(skus)} SKUs have more than {MOST_FOUND} variants in Vendure")
        variants: dict[str, str] = {}
        for variant in answer.product_variants.items:
            variants.setdefault(variant.sku, variant.id)
        accepted: dict[str, Outcome] = {
            key: Accepted(key=key, remote=variants[product.sku])
            for key, product in wanted.items()
            if product.sku in variants
        }
        ours = [(by_slug[each.slug], each) for each in answer.products.items if each.slug in by_slug]
        for key, product in ours:
            if product.variants:  # given another SKU by a person since, or accepted already
                accepted.setdefault(key, Accepted(key=key, remote=product.variants[0].id))
        return accepted, {key: product.id for key, product in ours if key not in accepted}

    async def _create_product(self, key: str, product: Product, shop: wire.Shop) -> str | Rejected:
        """The new product's id."""
        text = {"name": _name(product), "slug": slug(product.sku), "description": ""}
        draft = {"enabled": False, "translations": [{**_language(shop), **text}]}
        answer = await self._api.ask(
            documents.CREATE_PRODUCT, {"input": draft}, wire_goods.CreateProduct, write=True
        )
        if not isinstance(answer, Refusal):
            return answer.create_product.id
        _, begun = await self._there({key: product})  # some refusals come late, with the product made
        return begun.get(key) or _refused(key, f"Vendure did not create {product.sku}: {answer}")

    async def _create_variants(
        self, wanted: Mapping[str, Product], products: Mapping[str, str], shop: wire.Shop
    ) -> list[Outcome]:
        """All at once; where Vendure refuses the whole, in halves until the culprit stands alone."""
        if not wanted:
            return []
        inputs = [_variant(product, products[key], shop) for key, product in wanted.items()]
        answer = await self._api.ask(
            documents.CREATE_VARIANTS, {"variants": inputs}, wire_goods.CreateVariants, write=True
        )
        if not isinstance(answer, Refusal):
            made = {each.sku: each.id for each in answer.create_product_variants if each}
            return [Accepted(key=key, remote=made.get(product.sku, "")) for key, product in wanted.items()]
        accepted, left = await self._there(wanted)  # as above
        removed = (key for key in wanted if key not in accepted and key not in left)
        outcomes = [*accepted.values(), *(Untouched(key=key) for key in removed)]
        if len(left) == 1:
            (key,) = left
            reason = f"Vendure did not create the variant {wanted[key].sku} of product {left[key]}: {answer}"
            return [*outcomes, _refused(key, reason)]
        keys = list(left)
        for some in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            outcomes += await self._create_variants({key: wanted[key] for key in some}, left, shop)
        return outcomes


def slug(sku: str) -> str:
    """Part of a web address, another one for every SKU; as Vendure keeps it."""
    words = re.sub(r"[^a-z0-9]+", "-", sku.lower()).strip("-")[:60].strip("-")
    digest = hashlib.blake2b(sku.encode(), digest_size=6).hexdigest()
    return f"{words or 'sku'}-{digest}"


def _refused(key: str, reason: str) -> Rejected:
    return Rejected(key=key, cause="refused", reason=reason)


def _language(shop: wire.Shop) -> dict[str, str]:
    return {"languageCode": shop.active_channel.default_language_code}


def _name(product: Product) -> str:
    name = " - ".join(part for part in (product.title, product.option) if part) or product.sku
    return name[:MOST_NAME]


def _variant(product: Product, of: str, shop: wire.Shop) -> dict[str, object]:
    """Stock is tracked, so that it sells nothing until it has a level."""
    return {
        "productId": of,
        "sku": product.sku,
        "enabled": False,
        "trackInventory": "TRUE",
        "price": _price(product, shop),
        "translations": [{**_language(shop), "name": _name(product)}],
    }


def _price(product: Product, shop: wire.Shop) -> int:
    """In the units that the server counts money in; 0 for a price that it cannot hold exactly, or that is
    in another currency than the channel's."""
    price = product.price
    if price is None or price.currency != shop.active_channel.default_currency_code:
        return 0
    units = price.amount.scaleb(shop.global_settings.server_config.money_strategy_precision)
    exact = units == units.to_integral_value() and Decimal(0) <= units <= MOST_PRICE
    return int(units) if exact else 0
