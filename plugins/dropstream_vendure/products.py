"""Vendure's variants, each a product: the whole list of the channel in every run.

A variant's time of change moves with every level that is set, and not with its product's name or state, so
that it cannot be followed; what comes again unchanged is nothing new to the daemon.
"""

from collections.abc import Sequence

import msgspec
import trio

from dropstream_vendure import documents, translate, wire, wire_goods
from dropstream_vendure.client import Api, Refusal
from dropstream_vendure.settings import Settings
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.overlap import Overlap
from dropstreamd.platform.rows import UNREADABLE

PAGE = 500
LEAST_PAGE = 50
MOST_FAILING = 25
"""Variants that Vendure may fail to tell, before it is taken for a fault of the whole."""

_variant = msgspec.json.Decoder(wire_goods.Variant)


class Products:
    """A `Source[Product]`; `Product.key` is the variant's id."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._unshipped = frozenset(settings.unshipped_skus)
        self._take = PAGE
        self._failing = 0
        self._listing: Overlap | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Product]:  # noqa: ARG002 - no cursor, no marks
        """The next 500 variants. Those without a SKU, and those that need no shipping, are left out."""
        shop = await self._api.shop()
        listing = self._listing = self._listing or Overlap()
        rows = await self._rows(listing.skip)
        keys = [_key(row) for row in rows]
        read = [_read(row, shop) for row in listing.fresh(rows, keys, self._take)]
        if listing.done:
            self._listing = None
        return Page(
            documents=tuple(
                each
                for each in read
                if isinstance(each, Product) and each.sku.strip() and each.sku not in self._unshipped
            ),
            bad=tuple(each for each in read if isinstance(each, Bad)),
            more=not listing.done,
        )

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def _rows(self, skip: int) -> list[bytes | Bad | wire_goods.Sku]:
        """A page of variants as they came; one that was removed meanwhile is its id and SKU. Where the
        server lists fewer at once, pages are smaller from then on."""
        while True:
            answer = await self._ask({}, skip=skip, take=self._take)
            if not isinstance(answer, Refusal):
                return list(answer)
            if answer.code != "USER_INPUT_ERROR":
                variables = {"skip": skip, "take": self._take}
                known = await self._api.query(documents.SKUS, variables, wire_goods.Skus)
                return await self._each(known.product_variants.items)
            self._take //= 2
            if self._take < LEAST_PAGE:
                raise ProtocolMismatch(
                    f"Vendure refused to list {LEAST_PAGE} variants",
                    remedy=f"its apiOptions.adminListQueryLimit must be at least {LEAST_PAGE}",
                )

    async def _each(self, known: Sequence[wire_goods.Sku]) -> list[bytes | Bad | wire_goods.Sku]:
        """These variants, where the server fails over one of them: in halves, until it stands alone."""
        if not known:
            return []
        wanted: dict[str, object] = {"id": {"in": [each.id for each in known]}}
        answer = await self._ask(wanted, skip=0, take=len(known))
        if not isinstance(answer, Refusal):
            told = {translate.row_key(row): row for row in answer}
            return [told.get(each.id, each) for each in known]
        if len(known) > 1:
            half = len(known) // 2
            return [*await self._each(known[:half]), *await self._each(known[half:])]
        self._failing += 1
        if self._failing > MOST_FAILING:
            raise ProtocolMismatch(
                f"Vendure fails to tell more than {MOST_FAILING} variants", remedy="its own log says why"
            )
        reason = f"the store fails to tell it ({answer}): its own log says why"
        return [Bad(key=known[0].id, place=f"variant id {known[0].id}", reason=reason, raw=b"")]

    async def _ask(self, wanted: dict[str, object], *, skip: int, take: int) -> list[bytes] | Refusal:
        variables = {"skip": skip, "take": take, "filter": wanted}
        answer = await self._api.ask(documents.PRODUCTS, variables, wire_goods.Products, write=False)
        if isinstance(answer, Refusal):
            return answer
        return [bytes(item) for item in answer.product_variants.items]


def _key(row: bytes | Bad | wire_goods.Sku) -> str:
    if isinstance(row, bytes):
        return translate.row_key(row)
    return row.key if isinstance(row, Bad) else row.id


def _read(row: bytes | Bad | wire_goods.Sku, shop: wire.Shop) -> Product | Bad | None:
    """None for one that was removed."""
    if isinstance(row, bytes):
        return read_product(row, shop)
    return row if isinstance(row, Bad) else None


def read_product(raw: bytes, shop: wire.Shop) -> Product | Bad:
    """The variant as a product, or what is wrong with it."""
    key = translate.row_key(raw)[: translate.MOST_KEY_BYTES]
    try:
        variant = _variant.decode(raw)
    except UNREADABLE as error:
        return Bad(key=key, place=f"variant id {key[:40]}", reason=str(error), raw=raw)
    wrong = translate.too_long(variant.id, variant.sku)
    if wrong:
        return Bad(key=key, place=f"variant id {key[:40]}", reason=wrong, raw=raw)
    return Product(
        key=variant.id,
        sku=variant.sku,
        title=variant.product.name,
        option=_option(variant.name, variant.product.name),
        price=translate.money(variant.price, variant.currency_code, shop),
        active=variant.enabled and variant.product.enabled,
    )


def _option(name: str, product: str) -> str:
    """What a variant's name says beside its product's: Vendure makes it of that and of the options. To ask
    for the options themselves would take Vendure four times as long."""
    if not name.startswith(product):
        return name
    rest = name[len(product) :]
    return rest.strip() if not rest or rest[0].isspace() else name
