"""Products and variations by SKU, and what an order's lines do not tell of them.

`products?sku=a,b,c` finds variations too. The whole parameter is taken for a SKU as well, so that one with a
comma is asked for alone; the database compares without regard to case, so that what comes is compared letter
by letter; and it is cleaned as a text field is, which a SKU with `<`, `%41` or two spaces does not survive.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from urllib.parse import quote_plus

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.client import Api, Params, Refusal
from dropstream_woocommerce.settings import MOST_AT_ONCE
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.rows import UNREADABLE, OddRow, read_row, row_id

MOST_QUERY_BYTES = 6000
"""Web servers take some 8,000 bytes for an address."""

MOST_PAGES = 20

_GRAMS = {"g": Decimal(1), "kg": Decimal(1000), "lbs": Decimal("453.59237"), "oz": Decimal("28.349523125")}


class _WithSku(msgspec.Struct, frozen=True):
    sku: str


_with_sku = msgspec.json.Decoder(_WithSku)
_product = msgspec.json.Decoder(wire.Product)


class SkuFinder:
    """Finds the products and variations of SKUs, exactly so written. `odd` are those that came and are not
    as described, and why, by their SKU: "" for one of which not even that can be read. `odd_ids` are theirs,
    likewise."""

    def __init__(self, api: Api, fields: str) -> None:
        self._api = api
        self._fields = fields
        self.odd: dict[str, str] = {}
        self.odd_ids: set[str] = set()

    async def find(self, skus: Iterable[str]) -> dict[str, list[wire.Product]]:
        """A SKU may have several, or none; what is in the trash has none."""
        found: dict[str, list[wire.Product]] = {}
        for some in _groups(skus):
            for product in await self._search(some):
                if product.sku in some:
                    found.setdefault(product.sku or "", []).append(product)
        return found

    async def _search(self, skus: Sequence[str]) -> list[wire.Product]:
        # PHP takes a lone "0" for no filter at all.
        asked = ",".join(skus) if skus != ["0"] else "0,0"
        params: dict[str, str | int] = {
            "sku": asked,
            "per_page": MOST_AT_ONCE,
            "orderby": "id",
            "order": "asc",
            "_fields": self._fields,
        }
        found: list[wire.Product] = []
        count = 0
        for page in range(1, MOST_PAGES + 1):
            answer = await self._api.rows("products", {**params, "page": page}, msgspec.Raw)
            found += self.read(answer.rows)
            count += len(answer.rows)
            short = len(answer.rows) < MOST_AT_ONCE
            ended = answer.total is None or answer.total <= page * MOST_AT_ONCE
            if count == answer.total or (short and ended):
                return found
        raise ProtocolMismatch(f"{len(skus)} SKUs have more than {count} products in WooCommerce")

    def read(self, rows: Iterable[msgspec.Raw]) -> Iterator[wire.Product]:
        """Those that can be read."""
        for row in rows:
            try:
                yield read_row(bytes(row), _product.decode, "product")
            except OddRow as odd:
                self.odd[_sku_of(bytes(row))] = odd.message
                self.odd_ids.add(row_id(bytes(row)))


def _sku_of(row: bytes) -> str:
    try:
        return _with_sku.decode(row).sku
    except UNREADABLE:
        return ""


def _groups(skus: Iterable[str]) -> list[list[str]]:
    """As many as a page can bring and an address can hold; one with a comma by itself."""
    groups: list[list[str]] = []
    group: list[str] = []
    taken = 0
    for sku in dict.fromkeys(skus):
        if "," in sku:
            groups.append([sku])
            continue
        length = len(quote_plus(f"{sku},"))
        if group and (len(group) == MOST_AT_ONCE or taken + length > MOST_QUERY_BYTES):
            groups.append(group)
            group, taken = [], 0
        group.append(sku)
        taken += length
    return [*groups, group] if group else groups


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an order line's product as it is today. `own_sku`: the line's SKU is that of the
    product or variation itself; a variation without one shows its parent's."""

    virtual: bool = False
    downloadable: bool = False
    own_sku: bool = True
    gtin: str = ""
    weight_g: int | None = None


class Goods:
    """Facts on the products of order lines, asked for once in a session."""

    FIELDS = "id,sku,parent_id,type,virtual,downloadable,weight,global_unique_id"

    def __init__(self, api: Api) -> None:
        self._api = api
        self._finder = SkuFinder(api, self.FIELDS)
        self._known: dict[str, list[wire.Product]] = {}
        self._by_id: dict[int, wire.Product | None] = {}
        self._units: Decimal | None = None

    async def learn(self, lines: Iterable[wire.Line]) -> None:
        """Look up what is not known yet of the products of these lines."""
        wanted = list(lines)
        skus = [line.sku for line in wanted if line.sku and line.sku not in self._known]
        found = await self._finder.find(skus) if skus else {}
        self._known |= {sku: found.get(sku, []) for sku in skus}
        ids = {line.product_id for line in wanted if not line.sku and line.product_id} - self._by_id.keys()
        for some in _chunks(sorted(ids)):
            params: Params = {
                "include": ",".join(map(str, some)),
                "per_page": MOST_AT_ONCE,
                "_fields": self.FIELDS,
            }
            rows = (await self._api.rows("products", params, msgspec.Raw)).rows
            self._by_id |= dict.fromkeys(some)
            self._by_id |= {product.id: product for product in self._finder.read(rows)}
        if self._units is None and any(product.weight for each in found.values() for product in each):
            self._units = await grams_per_unit(self._api)

    def facts(self, line: wire.Line) -> Facts:
        """Of a line that was learnt about."""
        if not line.sku:
            product = self._by_id.get(line.product_id)
            return Facts(virtual=product is not None and product.virtual and not line.variation_id)
        sold = line.variation_id or line.product_id
        same = self._known.get(line.sku, [])
        product = next((each for each in same if each.id == sold), None)
        if product is None:
            may_be_parents = {str(line.product_id), ""} & self._finder.odd_ids
            parents = may_be_parents or any(each.id == line.product_id for each in same)
            return Facts(own_sku=not (line.variation_id and parents))
        return Facts(
            virtual=product.virtual,
            downloadable=product.downloadable,
            gtin=product.global_unique_id or "",
            weight_g=grams(product.weight, self._units),
        )


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + MOST_AT_ONCE] for start in range(0, len(ids), MOST_AT_ONCE))


async def grams_per_unit(api: Api) -> Decimal:
    """Grams in the shop's unit of weight; 0 where it tells none that is known."""
    answer = await api.find("settings/products/woocommerce_weight_unit", {}, wire.Setting)
    return Decimal(0) if isinstance(answer, Refusal) else _GRAMS.get(str(answer.value), Decimal(0))


def grams(weight: str | None, unit: Decimal | None) -> int | None:
    """A weight in whole grams; None where there is none, or none that can be."""
    try:
        number = Decimal(weight or "0")
    except InvalidOperation:
        return None
    if not unit or not number.is_finite() or not 0 < number < 10**9:
        return None
    return round(number * unit)
