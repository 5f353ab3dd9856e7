"""Products: everything that is sold under a SKU, listed whole; and drafts of what the shop lacks."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import trio

from dropstream_woocommerce import wire
from dropstream_woocommerce.client import TOO_MANY, Api, Offers, Refusal
from dropstream_woocommerce.goods import SkuFinder, grams, grams_per_unit
from dropstream_woocommerce.listing import Listing, bad_row, too_long
from dropstream_woocommerce.settings import MOST_AT_ONCE
from dropstream_woocommerce.translate import amount, instant
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
from dropstreamd.platform.rows import UNREADABLE

DRAFTING = "drafting"
"""Recorded before the call that creates."""

FIELDS = ",".join(
    (
        "id,sku,parent_id,type,name,status,virtual,weight,price,global_unique_id,date_modified_gmt",
        "attributes",
    )
)
SOLD = ("publish", "private")
NOT_STOCKED = ("variable", "grouped", "external")
"""Kinds that are no thing of their own: their variations are, or the products that they group."""

_product = msgspec.json.Decoder(wire.Product)


class Products:
    """A `Source[Product]`: all of them in every run, so that what was deleted is missed. What has no SKU, or
    is not shipped, is no warehouse's."""

    def __init__(self, api: Api, offers: Offers) -> None:
        self._api = api
        self._offers = offers
        self._lists: list[str] = []
        self._list: Listing | None = None
        self._parents: dict[int, wire.Product] = {}
        self._currency = ""
        self._unit = Decimal(0)

    async def page(self, cursor: str | None, taken: Taken) -> Page[Product]:  # noqa: ARG002 - it has neither
        """The next hundred products, then their variations."""
        if self._list is None:
            self._currency = (await self._api.read("data/currencies/current", {}, wire.Currency)).code
            self._unit = await grams_per_unit(self._api)
            self._parents, self._lists = {}, []
            self._list = self._listing("products")
        rows = await self._list.next()
        read = [self._read(row) for row in rows]
        if self._list.done:
            await self._turn_to_next()
        return Page(
            documents=tuple(each for each in read if isinstance(each, Product)),
            bad=tuple(each for each in read if isinstance(each, Bad)),
            more=self._list is not None,
        )

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    def _listing(self, path: str) -> Listing:
        return Listing(self._api, path, {"status": "any", "_fields": FIELDS})

    async def _turn_to_next(self) -> None:
        """To the variations: all at once, or of each product with some."""
        if self._parents and not self._lists:
            if await self._offers.variations():
                self._lists = ["variations", ""]
            else:
                self._lists = [*(f"products/{parent}/variations" for parent in sorted(self._parents)), ""]
        following = self._lists.pop(0) if self._lists else ""
        self._list = self._listing(following) if following else None

    def _read(self, row: bytes) -> Product | Bad | None:
        try:
            product = _product.decode(row)
        except UNREADABLE as error:
            return bad_row(row, "product", str(error))
        if product.type == "variable":
            self._parents[product.id] = product
        if product.type in NOT_STOCKED or not product.sku or product.virtual:
            return None
        wrong = too_long(product.sku)
        if wrong:
            return bad_row(row, "product", wrong)
        parent = self._parents.get(product.parent_id)
        if parent is not None and parent.sku == product.sku:
            return None  # it shows its parent's, and has none of its own
        price = amount(str(product.price or ""))
        return Product(
            key=str(product.id),
            sku=product.sku,
            title=(parent.name if parent else product.name) or "",
            option=" / ".join(each.option for each in product.attributes if each.option) if parent else "",
            gtin=product.global_unique_id or "",
            weight_g=grams(product.weight, self._unit),
            price=Money(amount=price, currency=self._currency) if price else None,
            active=product.status in SOLD,
            updated_at=instant(product.date_modified_gmt),
        )


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one draft."""

    key: str
    sku: str
    name: str
    gtin: str = ""
    grams: int = 0


_drafts = msgspec.json.Decoder(tuple[_Draft, ...])


class Drafts:
    """A `Sink[Product]`: each item becomes a simple product in the state draft, with its stock managed.

    WooCommerce keeps a SKU unique, so that a second one cannot be made. Where a product or variation has it
    already, that one is left as it is.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._finder = SkuFinder(api, "id,sku")
        self._unit: Decimal | None = None

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=MOST_AT_ONCE, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[Product]], stamp: Stamp) -> Preparation:
        """One call for up to 100. A SKU that two items have is one product: the second is refused."""
        rejected: list[Rejected] = []
        drafts: dict[str, _Draft] = {}
        for item in items:
            if not item.document.sku:
                rejected.append(Rejected(key=item.key, cause="sku:", reason="it has no SKU"))
            elif item.document.sku in drafts:
                reason = f"another item has the SKU {item.document.sku} too"
                rejected.append(Rejected(key=item.key, cause="sku-duplicate", reason=reason))
            else:
                drafts[item.document.sku] = _drafted(item)
        made = list(drafts.values())
        prepared = [
            Prepared(
                name=f"{stamp.attempt}-{start}",
                keys=tuple(draft.key for draft in made[start : start + MOST_AT_ONCE]),
                payload=msgspec.json.encode(made[start : start + MOST_AT_ONCE]),
            )
            for start in range(0, len(made), MOST_AT_ONCE)
        ]
        return Preparation(prepared=tuple(prepared), rejected=tuple(rejected))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Create them, less those whose SKU the shop has."""
        drafts = _drafts.decode(prepared.payload)
        there = await self._there(drafts)
        wanted = [draft for draft in drafts if draft.key not in there]
        if not wanted:
            return list(there.values())
        if self._unit is None and any(draft.grams for draft in wanted):
            self._unit = await grams_per_unit(self._api)
        try:
            await record(DRAFTING, if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key) for key in prepared.keys]
        body = {"create": [_body(draft, self._unit) for draft in wanted]}
        answer = await self._api.write("products/batch", body, wire.Created)
        if isinstance(answer, Refusal):
            hint = "; it takes fewer at once" if answer.status == TOO_MANY else ""
            return [*there.values(), *(_refused(draft, f"{answer}{hint}") for draft in wanted)]
        told: list[Outcome] = list(there.values())
        for number, draft in enumerate(wanted):
            entry = answer.create[number] if number < len(answer.create) else None
            told.append(_outcome(draft, entry))
        return told

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look them up by their SKUs."""
        drafts = _drafts.decode(prepared.payload)
        there = await self._there(drafts) if step == DRAFTING else {}
        return [there.get(draft.key, Untouched(key=draft.key)) for draft in drafts]

    async def _there(self, drafts: Sequence[_Draft]) -> dict[str, Outcome]:
        found = await self._finder.find(draft.sku for draft in drafts)
        return {
            draft.key: Accepted(key=draft.key, remote=str(found[draft.sku][0].id))
            for draft in drafts
            if draft.sku in found
        }


def _drafted(item: Item[Product]) -> _Draft:
    product = item.document
    title = " - ".join(part for part in (product.title, product.option) if part) or product.sku
    gtin = product.gtin if product.gtin.replace("-", "").isdecimal() else ""
    return _Draft(key=item.key, sku=product.sku, name=title[:200], gtin=gtin, grams=product.weight_g or 0)


def _body(draft: _Draft, unit: Decimal | None) -> dict[str, object]:
    body: dict[str, object] = {
        "name": draft.name,
        "type": "simple",
        "status": "draft",
        "sku": draft.sku,
        "manage_stock": True,
        "stock_quantity": 0,
    }
    if draft.gtin:
        body["global_unique_id"] = draft.gtin
    if draft.grams and unit:
        body["weight"] = f"{(Decimal(draft.grams) / unit).quantize(Decimal('0.001')):f}"
    return body


def _outcome(draft: _Draft, entry: wire.Entry | None) -> Outcome:
    if entry is None:
        return _refused(draft, "it does not say what became of it")
    if entry.error is not None:
        return _refused(draft, str(entry.error.code) or "it does not say why")
    return Accepted(key=draft.key, remote=str(entry.id))


def _refused(draft: _Draft, why: str) -> Rejected:
    reason = f"WooCommerce did not create the draft of {draft.sku}: {why[:100]}"
    return Rejected(key=draft.key, cause="refused", reason=reason)
