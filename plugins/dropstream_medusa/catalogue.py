"""Products of a warehouse's item master become drafts in Medusa, where it has none with their SKU.

What is there, published or not, is never touched: a product that exists is taken as the one that is
wanted.
"""

import hashlib
import re
from collections.abc import Sequence

from dropstream_medusa import wire, wire_goods
from dropstream_medusa.client import Api, Params, Refusal, begun
from dropstream_medusa.places import Places
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
CREATING = "creating"
OPTION, VALUE = "Default option", "Default option value"


class Catalogue:
    """A `Sink[Product]`. An accepted one's `remote` is the variant's id."""

    def __init__(self, api: Api, places: Places) -> None:
        self._api = api
        self._places = places

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=BATCH, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Product]], stamp: Stamp) -> Preparation:
        """One call for up to 20 products; of those with one SKU the first."""
        return prepare_products(items, stamp, most=BATCH)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create those that are missing; where Medusa refuses them, in halves."""
        wanted = read_products(prepared)
        there = await self._variants(wanted)
        missing = {key: product for key, product in wanted.items() if product.sku not in there}
        outcomes: list[Outcome] = [
            Accepted(key=key, remote=there[product.sku])
            for key, product in wanted.items()
            if product.sku in there
        ]
        if not missing:
            return outcomes
        common = await self._common()
        try:
            await record(CREATING, if_wanted=True)
        except Withdrawn:
            return [*outcomes, *(Untouched(key=key) for key in missing)]
        return [*outcomes, *await self._create(missing, common)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look their SKUs up."""
        wanted = read_products(prepared)
        there = await self._variants(wanted) if step == CREATING else {}
        return [
            Accepted(key=key, remote=there[product.sku]) if product.sku in there else Untouched(key=key)
            for key, product in wanted.items()
        ]

    async def _variants(self, wanted: dict[str, Product]) -> dict[str, str]:
        """The ids of variants by SKU."""
        skus = [product.sku for product in wanted.values()]
        params: Params = {"sku[]": skus, "limit": len(skus), "fields": "id,sku"}
        answer = await self._api.read("product-variants", params, wire_goods.Skus)
        return {variant.sku: variant.id for variant in answer.variants if variant.sku}

    async def _common(self) -> dict[str, object]:
        """What every new product has: the sales channel, and the profile without which it cannot ship."""
        channel = await self._places.channel()
        params: Params = {"limit": 100, "fields": "id,type"}
        profiles = (
            await self._api.read("shipping-profiles", params, wire.ShippingProfiles)
        ).shipping_profiles
        common: dict[str, object] = {"status": "draft"}
        if channel is not None:
            common["sales_channels"] = [{"id": channel.id}]
        default = next((each for each in profiles if each.type == "default"), None)
        if default is not None:
            common["shipping_profile_id"] = default.id
        return common

    async def _create(self, wanted: dict[str, Product], common: dict[str, object]) -> list[Outcome]:
        body = {"create": [{**common, **_input(product)} for product in wanted.values()]}
        answer = await self._api.write("products/batch", body, wire_goods.CreatedProducts)
        if not isinstance(answer, Refusal):
            made = {variant.sku: variant.id for product in answer.created for variant in product.variants}
            return [Accepted(key=key, remote=made.get(product.sku, "")) for key, product in wanted.items()]
        keys = list(wanted)
        if len(keys) == 1:
            reason = f"Medusa did not create {wanted[keys[0]].sku}: {answer}"
            return [Rejected(key=keys[0], cause="refused", reason=reason)]
        half = len(keys) // 2
        first = await self._create({key: wanted[key] for key in keys[:half]}, common)
        with begun("a batch of products"):
            return [*first, *await self._create({key: wanted[key] for key in keys[half:]}, common)]


def _input(product: Product) -> dict[str, object]:
    """A draft with one variant. Its handle is of the SKU, since Medusa makes one of the title that
    must be unique."""
    variant: dict[str, object] = {
        "title": product.option or "Default",
        "sku": product.sku,
        "manage_inventory": True,
        "options": {OPTION: VALUE},
        "prices": [],
    }
    if product.price is not None:
        price = {"currency_code": product.price.currency.lower(), "amount": float(product.price.amount)}
        variant["prices"] = [price]
    if product.gtin:
        variant["upc" if len(product.gtin) == 12 else "ean"] = product.gtin
    if product.weight_g is not None:
        variant["weight"] = product.weight_g
    if product.hs_code:
        variant["hs_code"] = product.hs_code
    if product.origin:
        variant["origin_country"] = product.origin.lower()
    return {
        "title": product.title or product.sku,
        "handle": _handle(product.sku),
        "options": [{"title": OPTION, "values": [VALUE]}],
        "variants": [variant],
        "metadata": {wire.MARK: product.key},
    }


def _handle(sku: str) -> str:
    """Part of a web address, another one for every SKU."""
    words = re.sub(r"[^a-z0-9]+", "-", sku.lower()).strip("-")
    digest = hashlib.blake2b(sku.encode(), digest_size=4).hexdigest()
    return f"{words}-{digest}" if words else digest
