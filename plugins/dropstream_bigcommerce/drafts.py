"""Drafts of products that the store lacks: invisible ones, for a person to finish.

BigCommerce lets no two products have one SKU, whatever the case of its letters, nor one name ("Create a
Product"): a second one cannot be made, and the SKU tells what became of a lost answer.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import msgspec

from dropstream_bigcommerce import wire
from dropstream_bigcommerce.client import Api
from dropstream_bigcommerce.settings import Settings
from dropstream_bigcommerce.translate import in_unit
from dropstreamd.errors import Unreachable
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
from dropstreamd.platform.freezing import each_alone
from dropstreamd.platform.http import Response, decode
from dropstreamd.platform.rows import UNREADABLE

DRAFTING = "drafting"
"""Recorded before the call that creates."""

MOST_NAME = 250
MOST_UPC = 14
MULTI_STATUS = 207
LOCKED = 423
PATH = "v3/catalog/products"


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one draft."""

    sku: str
    body: dict[str, object]


class _Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A product, or a variant of one."""

    id: int
    sku: str | None = None
    product_id: int | None = None


_thing = msgspec.json.Decoder(_Thing)
_draft = msgspec.json.Decoder(_Draft)


class Drafts:
    """A `Sink[Product]`. Where a product or a variant has the SKU already, it is left as it is."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Product]], stamp: Stamp) -> Preparation:
        """One attempt for each."""
        return each_alone(items, stamp, partial(_drafted, settings=self._settings))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create it, unless the store has the SKU."""
        key, draft = prepared.keys[0], _draft.decode(prepared.payload)
        there = await self._there(key, draft.sku)
        if there is not None:
            return [there]
        try:
            await record(DRAFTING, if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        response = await self._api.write("POST", PATH, draft.body)
        if response.ok and response.status != MULTI_STATUS:
            return [Accepted(key=key, remote=str(decode(response, wire.Created).data.id))]
        if response.status == LOCKED:
            raise Unreachable(f"{response.call}: BigCommerce is working on its catalogue: it is locked")
        return [await self._there(key, draft.sku) or _not_drafted(key, draft, response)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look it up by its SKU."""
        key, draft = prepared.keys[0], _draft.decode(prepared.payload)
        there = await self._there(key, draft.sku) if step == DRAFTING else None
        return [there or Untouched(key=key)]

    async def _there(self, key: str, sku: str) -> Accepted | None:
        """What has the SKU. One that cannot be read is passed over: BigCommerce itself takes no second."""
        for path, fields in ((PATH, ["sku"]), ("v3/catalog/variants", ["sku", "product_id"])):
            rows = await self._api.rows(path, {"sku": sku, "include_fields": fields})
            for row in rows.data:
                try:
                    found = _thing.decode(row)
                except UNREADABLE:
                    continue
                if found.sku == sku:
                    return Accepted(key=key, remote=str(found.product_id or found.id))
        return None


def _drafted(item: Item[Product], settings: Settings) -> _Draft | Rejected:
    product = item.document
    if not product.sku:
        return Rejected(key=item.key, cause="sku:", reason="it has no SKU")
    title = " - ".join(part for part in (product.title, product.option) if part)
    end = f" ({product.sku})" if title else product.sku
    price = product.price.amount if product.price is not None else Decimal(0)
    body: dict[str, object] = {
        "name": f"{title[: max(0, MOST_NAME - len(end))]}{end}"[:MOST_NAME],
        "type": "physical",
        "sku": product.sku,
        "price": float(price),
        "weight": in_unit(product.weight_g, settings.weight_unit),
        "is_visible": False,
        "inventory_tracking": "product",
        "categories": list(settings.draft_categories),
    }
    if product.gtin and len(product.gtin) <= MOST_UPC:
        body["upc"] = product.gtin
    return _Draft(sku=product.sku, body=body)


def _not_drafted(key: str, draft: _Draft, response: Response) -> Rejected:
    if response.status == 409:
        reason = f"BigCommerce has a product of that name, or of the SKU {draft.sku} in other letters"
        return Rejected(key=key, cause="conflict", reason=reason)
    reason = (
        f"BigCommerce did not create the draft (status {response.status}): if its catalogue wants "
        "categories, set draft_categories"
    )
    return Rejected(key=key, cause="refused", reason=reason)
