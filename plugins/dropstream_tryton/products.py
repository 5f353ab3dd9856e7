"""Products become products of the item master, found again by their code. The newest name wins."""

from collections.abc import Sequence

import msgspec

from dropstream_tryton import wire
from dropstream_tryton.client import Api, Refusal
from dropstream_tryton.documents import VISIBLE_AFTER_S
from dropstream_tryton.places import House, Places
from dropstream_tryton.source import MOST_BYTES
from dropstreamd.errors import Misconfigured
from dropstreamd.model.handover import (
    Accepted,
    Item,
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

BATCH = 25


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one product."""

    sku: str
    name: str
    gtin: str
    weight_g: int | None


_wanted = msgspec.json.Decoder(dict[str, Wanted])


class Products:
    """A `Sink[Product]`. An accepted one's `remote` is the product's id."""

    def __init__(self, api: Api, places: Places) -> None:
        self._api = api
        self._places = places

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=BATCH, visible_after_s=VISIBLE_AFTER_S)

    def prepare(self, items: Sequence[Item[Product]], stamp: Stamp) -> Preparation:
        """One call for up to 25 products."""
        wrong = [found for item in items if (found := _wrong(item)) is not None]
        refused = {each.key for each in wrong}
        good = [item for item in items if item.key not in refused]
        prepared = []
        for start in range(0, len(good), BATCH):
            some = good[start : start + BATCH]
            payload = msgspec.json.encode({item.key: _frozen(item.document) for item in some})
            keys = tuple(item.key for item in some)
            prepared.append(Prepared(name=f"{stamp.attempt}-{start}", keys=keys, payload=payload))
        return Preparation(prepared=tuple(prepared), rejected=tuple(wrong))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Create those that are missing at once; where Tryton refuses that, in halves."""
        house = await self._places.house()
        wanted = _wanted.decode(prepared.payload)
        outcomes: list[Outcome] = []
        missing: dict[str, Wanted] = {}
        there = await self._there(wanted)
        for key, product in wanted.items():
            found = there.get(product.sku, [])
            if found and not found[0].active:
                reason = f"Tryton has {product.sku}, and does not use it any more: activate it there"
                outcomes.append(Rejected(key=key, cause="inactive", reason=reason))
            elif found:
                outcomes.append(await self._renamed(key, product, found[0]))
            else:
                missing[key] = product
        return [*outcomes, *await self._create(house, missing)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Those that are there under their name have been written."""
        wanted = _wanted.decode(prepared.payload)
        there = await self._there(wanted)
        outcomes: list[Outcome] = []
        for key, product in wanted.items():
            found = there.get(product.sku, [])
            active = found and found[0].active
            done = active and (found[0].template.name == product.name or not _alone(found[0]))
            outcomes.append(Accepted(key=key, remote=str(found[0].id)) if done else Untouched(key=key))
        return outcomes

    async def _there(self, wanted: dict[str, Wanted]) -> dict[str, list[wire.Item]]:
        """By code the products that have it, the active one first: Tryton lets no two be active."""
        found: dict[str, list[wire.Item]] = {}
        fields = ("last_modified_at", "active", "code", "template.name", "template.products")
        domain = [["code", "in", sorted({each.sku for each in wanted.values()})]]
        for row in await self._api.rows(
            "product.product", domain, *fields, into=wire.Item, context={"active_test": False}
        ):
            of_code = found.setdefault(row.code or "", [])
            of_code.insert(0 if row.active else len(of_code), row)
        return found

    async def _renamed(self, key: str, product: Wanted, there: wire.Item) -> Outcome:
        """A name that several variants share is left alone."""
        if there.template.name != product.name and _alone(there):
            told = await self._api.ask(
                "product.template.write",
                [there.template.id],
                {"name": product.name},
                into=msgspec.Raw,
                write=True,
            )
            if isinstance(told, Refusal):
                return Rejected(key=key, cause="refused", reason=f"Tryton does not rename it: {told}")
        return Accepted(key=key, remote=str(there.id))

    async def _create(self, house: House, missing: dict[str, Wanted]) -> list[Outcome]:
        if not missing:
            return []
        unit = await self._unit()
        gram = await self._gram()
        values = [_values(each, house, unit, gram) for each in missing.values()]
        made = await self._api.ask("product.template.create", values, into=list[int], write=True)
        if not isinstance(made, Refusal):
            there = await self._there(missing)
            return [_made(key, there.get(each.sku, [])) for key, each in missing.items()]
        if len(missing) == 1:
            (key,) = missing
            return [Rejected(key=key, cause="refused", reason=f"Tryton does not create it: {made}")]
        keys = list(missing)
        half = len(keys) // 2
        first = await self._create(house, {key: missing[key] for key in keys[:half]})
        return [*first, *await self._create(house, {key: missing[key] for key in keys[half:]})]

    async def _unit(self) -> int:
        units = await self._api.rows(
            "product.uom", [["category.name", "=", "Units"], ["factor", "=", 1.0]], "name", into=wire.Named
        )
        if not units:
            raise Misconfigured("Tryton has no unit of measure “Unit”, in the category “Units”")
        return units[0].id

    async def _gram(self) -> int | None:
        """The unit that weights are told in; None where products have no weight."""
        if "weight" not in await self._api.fields_of("product.product"):
            return None
        domain = [["symbol", "=", "g"]]
        found = await self._api.rows("product.uom", domain, "name", into=wire.Named)
        return found[0].id if len(found) == 1 else None


def _alone(item: wire.Item) -> bool:
    return len(item.template.products) == 1


def _made(key: str, found: Sequence[wire.Item]) -> Outcome:
    if found and found[0].active:
        return Accepted(key=key, remote=str(found[0].id))
    reason = (
        f"{len(found)} of Tryton's products have its code after it was created: is the code made anew there?"
    )
    return Rejected(key=key, cause="code", reason=reason)


def _values(product: Wanted, house: House, unit: int, gram: int | None) -> dict[str, object]:
    variant: dict[str, object] = {"suffix_code": product.sku}
    if product.gtin:
        kind = "ean" if _is_gtin(product.gtin) else None
        variant["identifiers"] = [["create", [{"type": kind, "code": product.gtin}]]]
    template: dict[str, object] = {
        "name": product.name,
        "type": "goods",
        "default_uom": unit,
        "products": [["create", [variant]]],
    }
    if gram is not None and product.weight_g is not None:
        template |= {"weight": float(product.weight_g), "weight_uom": gram}
    if house.category is not None:
        template["categories"] = [["add", [house.category]]]
    return template


def _is_gtin(text: str) -> bool:
    """Whether it is an EAN of 8 or 13, or a UPC of 12 digits, with the right check digit."""
    if not text.isascii() or not text.isdigit() or len(text) not in (8, 12, 13):
        return False
    weighted = (int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text)))
    return sum(weighted) % 10 == 0


def _frozen(product: Product) -> Wanted:
    name = " – ".join(part for part in (product.title.strip(), product.option.strip()) if part)
    return Wanted(
        sku=product.sku, name=name or product.sku, gtin=product.gtin.strip(), weight_g=product.weight_g
    )


def _wrong(item: Item[Product]) -> Rejected | None:
    sku = item.document.sku
    if not sku or sku != sku.strip() or len(sku.encode()) > MOST_BYTES:
        reason = f"a code in Tryton has 1 to {MOST_BYTES} bytes, and no blank at its ends"
        return Rejected(key=item.key, cause="sku", reason=reason)
    return None
