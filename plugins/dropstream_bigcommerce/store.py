"""A session with a store: its parts, its test and its survey."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from dropstream_bigcommerce import wire
from dropstream_bigcommerce.client import Api
from dropstream_bigcommerce.drafts import Drafts
from dropstream_bigcommerce.levels import Levels
from dropstream_bigcommerce.orders import Orders
from dropstream_bigcommerce.products import PAGE, Products
from dropstream_bigcommerce.reading import WITH_LINES
from dropstream_bigcommerce.settings import Settings
from dropstream_bigcommerce.shipments import Shipments
from dropstream_bigcommerce.stocked import last_id
from dropstreamd.errors import AuthFailed, Misconfigured, ProtocolMismatch
from dropstreamd.platform.contract import Finding, Host, StoreParts, Survey
from dropstreamd.platform.http import decode
from dropstreamd.platform.rows import UNREADABLE

MOST_PAGES = 8000
LATEST = 100
"""Orders whose ship methods a survey looks at."""

_product = msgspec.json.Decoder(wire.Product)
_order = msgspec.json.Decoder(wire.Order)


class BigCommerceStore(StoreParts):
    """A `Store`."""

    def __init__(self, api: Api, settings: Settings, host: Host) -> None:
        self._api = api
        self._settings = settings
        levels = Levels(api, settings)
        self.orders: Orders = Orders(api, settings, host.clock)
        self.shipments: Shipments = Shipments(api)
        self.inventory: Levels = levels
        self.products: Products = Products(api, settings)
        self.catalogue: Drafts = Drafts(api, settings)
        self.levels: Levels = levels

    async def test(self, *, write: bool) -> Sequence[Finding]:  # noqa: ARG002 - writing tells no more
        """A read of each API that is used, since an account's scopes can be learned in no other way. Raises
        AuthFailed, naming every scope that is missing, and Misconfigured for a wrong store or location."""
        probes = self._probes()
        missing = [scope for scope, path in probes.items() if not await self._probe(path)]
        if missing:
            raise AuthFailed(
                f"the API account may not use {', '.join(missing)} of store {self._settings.store_hash}",
                remedy="is store_hash that of the account's own store?"
                if len(missing) == len(probes)
                else "an account's scopes cannot be changed: make another that has these, too",
            )
        return [Finding(name="store", ok=True, detail=self._settings.store_hash)]

    async def survey(self) -> Survey:
        """Reads every SKU, how inventory is tracked, and the ship methods of the last orders."""
        skus: Counter[str] = Counter()
        untracked: list[str] = []
        together: list[str] = []
        async for product in self._all_products():
            variants = [each for each in product.variants if each.sku]
            if product.inventory_tracking == "none":
                untracked += [each.sku or "" for each in variants]
            elif product.inventory_tracking == "product" and len(product.variants) > 1:
                together.append(str(product.id))
            skus.update(each.sku or "" for each in variants)
        return Survey(
            findings=(*_untracked(untracked), *_together(together)),
            skus=frozenset(skus),
            duplicate_skus=frozenset(sku for sku, count in skus.items() if count > 1),
            ship_methods=await self._methods(),
        )

    def _probes(self) -> dict[str, str]:
        return {
            "Orders": "v2/orders",
            "Products": "v3/catalog/products",
            "Store Inventory": f"v3/inventory/locations/{self._settings.location}/items",
        }

    async def _probe(self, path: str) -> bool:
        """Whether the account may read there."""
        response = await self._api.probe(path)
        if response is None:
            return False
        if response.status == 404:
            raise Misconfigured(
                f"BigCommerce has no location {self._settings.location}",
                remedy="set `location` to the id of one: 1 is the store's first",
            )
        if path.startswith("v2/"):
            self._api.rows_of(response)
        else:
            decode(response, wire.Rows)
        return True

    async def _all_products(self) -> AsyncIterator[wire.Product]:
        after = 0
        for _ in range(MOST_PAGES):
            rows = await self._api.rows(
                "v3/catalog/products",
                {
                    "include": "variants",
                    "include_fields": ["name", "type", "sku", "inventory_tracking"],
                    "limit": PAGE,
                    "sort": "id",
                    "direction": "asc",
                    "id:greater": after,
                },
            )
            last = last_id(rows)
            if rows.full and last <= after:
                raise ProtocolMismatch("BigCommerce lists products that are not behind the last one")
            after = last
            for row in rows.data:
                try:
                    product = _product.decode(row)
                except UNREADABLE:
                    continue  # `products` tells of it
                if product.type == "physical":
                    yield product
            if not rows.full:
                return
        raise ProtocolMismatch(f"BigCommerce lists more than {MOST_PAGES} pages of products")

    async def _methods(self) -> frozenset[str]:
        rows = await self._api.list("v2/orders", {**WITH_LINES, "sort": "id:desc", "limit": LATEST})
        names: set[str] = set()
        for row in rows or ():
            try:
                order = _order.decode(row)
            except UNREADABLE:
                continue  # `orders` tells of it
            names.update(each.shipping_method or "" for each in order.consignments.shipping)
        return frozenset(names - {""})


def _untracked(skus: Sequence[str]) -> Iterator[Finding]:
    if skus:
        some = ", ".join(skus[:5])
        yield Finding(
            name="untracked",
            ok=False,
            detail=f"{len(skus)} SKUs are sold without limit, since their inventory is not tracked: {some}",
            remedy="track their inventory in BigCommerce, by product or by variant",
        )


def _together(products: Sequence[str]) -> Iterator[Finding]:
    if products:
        some = ", ".join(products[:5])
        yield Finding(
            name="tracked together",
            ok=False,
            detail=f"{len(products)} products have one count for all their variants: {some}",
            remedy="let BigCommerce track their inventory by variant",
        )


@asynccontextmanager
async def open_store(settings: Settings, host: Host) -> AsyncIterator[BigCommerceStore]:
    """A session for one run; it connects with the first call."""
    async with AsyncExitStack() as stack:
        yield BigCommerceStore(Api(settings, host, stack), settings, host)
