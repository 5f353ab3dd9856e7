"""Products become products of ShipHero's, found again by their SKU. The newest name wins."""

from collections.abc import Sequence

import msgspec

from dropstream_shiphero import answers, documents_goods, values
from dropstream_shiphero.catalogue import Item, weight
from dropstream_shiphero.client import Api, Refusal, after
from dropstream_shiphero.documents import Document
from dropstream_shiphero.settings import Settings
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model import handover
from dropstreamd.model.handover import (
    Accepted,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Writes,
)
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone

VISIBLE_AFTER_S = 180.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one product."""

    sku: str
    name: str
    barcode: str
    tariff_code: str
    country_of_manufacture: str
    weight: str


class _InWarehouse(msgspec.Struct, frozen=True):
    warehouse_id: str | None


class _There(Item, frozen=True, kw_only=True):
    warehouse_products: tuple[_InWarehouse | None, ...] | None


_wanted = msgspec.json.Decoder(Wanted)


class Products:
    """A `Sink[Product]`. An accepted one's `remote` is the product's id."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=VISIBLE_AFTER_S)

    def prepare(self, items: Sequence[handover.Item[Product]], stamp: Stamp) -> Preparation:
        """One attempt for each."""
        return each_alone(items, stamp, self._frozen)

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Make it where it is missing; of one that is there bring the name up to date."""
        key, product = prepared.keys[0], _wanted.decode(prepared.payload)
        there = await self._there(product.sku)
        if there is None:
            return [await self._make(key, product)]
        renamed = (there.name or "") != product.name
        if renamed:
            data: dict[str, object] = {"sku": product.sku, "name": product.name}
            told = await self._write(documents_goods.UPDATE_PRODUCT, data)
            if isinstance(told, Refusal):
                return [_refused(key, product, told)]
        if not self._is_in_warehouse(there):
            data = {"sku": product.sku, "warehouse_id": self._settings.warehouse, "on_hand": 0}
            with after(renamed, "its name was changed"):
                told = await self._write(documents_goods.ADD_TO_WAREHOUSE, data)
            if isinstance(told, Refusal):
                return [_refused(key, product, told)]
        return [Accepted(key=key, remote=there.id)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """One that is there under its name, and in the warehouse, has been written."""
        key, product = prepared.keys[0], _wanted.decode(prepared.payload)
        there = await self._there(product.sku)
        done = there is not None and there.name == product.name and self._is_in_warehouse(there)
        return [Accepted(key=key, remote=there.id) if done and there is not None else Untouched(key=key)]

    def _frozen(self, item: handover.Item[Product]) -> Wanted | Rejected:
        product = item.document
        sku = product.sku
        if not sku or sku != sku.strip() or len(sku.encode()) > values.MOST_BYTES:
            reason = f"a SKU has 1 to {values.MOST_BYTES} bytes, and no blank at its ends"
            return Rejected(key=item.key, cause="sku", reason=reason)
        name = " – ".join(part for part in (product.title.strip(), product.option.strip()) if part)
        return Wanted(
            sku=product.sku,
            name=name or product.sku,
            barcode=product.gtin.strip(),
            tariff_code=product.hs_code.strip(),
            country_of_manufacture=product.origin.strip(),
            weight=weight(product.weight_g, self._settings.weight_unit),
        )

    async def _there(self, sku: str) -> _There | None:
        variables = {"sku": sku, **self._settings.of_customer}
        told = await self._api.ask(
            documents_goods.PRODUCT, variables, dict[str, answers.Listed[_There] | None], write=False
        )
        if isinstance(told, Refusal):
            if told.not_found:
                return None
            raise ProtocolMismatch(
                f"ShipHero refused to look a product up (code {told.code}): {told.message}"
            )
        listed = told.get("products")
        if listed is None or listed.data is None:
            raise ProtocolMismatch("ShipHero answered the look-up of a product with no rows and no error")
        return next((each for each in listed.data if each.sku == sku), None)

    def _is_in_warehouse(self, there: _There) -> bool:
        return any(
            each is not None and each.warehouse_id == self._settings.warehouse
            for each in there.warehouse_products or ()
        )

    async def _make(self, key: str, product: Wanted) -> Outcome:
        given = msgspec.structs.asdict(product)
        heavy = given.pop("weight")
        data: dict[str, object] = {name: text for name, text in given.items() if text}
        if heavy:
            data["dimensions"] = {"weight": heavy}
        data["warehouse_products"] = [{"warehouse_id": self._settings.warehouse, "on_hand": 0}]
        told = await self._write(documents_goods.CREATE_PRODUCT, data)
        if isinstance(told, Refusal):
            there = await self._there(product.sku)
            return _refused(key, product, told) if there is None else Accepted(key=key, remote=there.id)
        made = await self._there(product.sku) if not told else None
        return Accepted(key=key, remote=told or ("" if made is None else made.id))

    async def _write(self, document: Document, data: dict[str, object]) -> str | Refusal:
        """The id of what was written, where the answer tells it."""
        given = {**self._settings.of_customer, **data}
        told = await self._api.ask(document, {"data": given}, dict[str, _Written | None], write=True)
        if isinstance(told, Refusal):
            return told
        written = next(iter(told.values()), None)
        return written.product.id if written is not None and written.product is not None else ""


class _Written(msgspec.Struct, frozen=True):
    product: answers.Id | None = None


def _refused(key: str, product: Wanted, refusal: Refusal) -> Rejected:
    reason = f"ShipHero refuses {product.sku} (code {refusal.code}): {refusal.message}"
    return Rejected(key=key, cause=f"code-{refusal.code}", reason=reason)
