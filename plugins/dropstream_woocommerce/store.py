"""A session with a shop: its parts, its test and its survey."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.again import OrdersAgain
from dropstream_woocommerce.client import Api, Offers, Params
from dropstream_woocommerce.goods import Goods
from dropstream_woocommerce.levels import Levels, Shown
from dropstream_woocommerce.listing import Listing
from dropstream_woocommerce.orders import Orders
from dropstream_woocommerce.products import Drafts, Products
from dropstream_woocommerce.reading import OrderReader
from dropstream_woocommerce.receipts import Receipts
from dropstream_woocommerce.settings import MOST_AT_ONCE, Settings
from dropstream_woocommerce.shipments import Shipments, best_way
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.contract import Finding, Host, StoreParts, Survey
from dropstreamd.platform.rows import UNREADABLE

MOST_PAGES = 5000
SHOWN = 5
FIELDS = "id,sku,parent_id,type,virtual,manage_stock,backorders"

_product = msgspec.json.Decoder(wire.Product)

WAYS = {
    "fulfillments": "as WooCommerce's own fulfillments",
    "tracking": "by the Shipment Tracking extension",
    "note": "by notes on the orders: there is no fulfillments API and no Shipment Tracking extension",
}


class WooCommerceStore(StoreParts):
    """A `Store`."""

    def __init__(self, api: Api, settings: Settings, host: Host) -> None:
        self._api = api
        self._settings = settings
        self._offers = Offers(api)
        goods = Goods(api)
        reader = OrderReader(api, self._offers, goods, settings)
        self.orders: Orders = Orders(api, reader, settings, host.clock)
        self.orders_again: OrdersAgain = OrdersAgain(api, reader)
        self.shipments: Shipments = Shipments(api, self._offers, goods, settings)
        self.inventory: Levels = Levels(api, settings)
        self.levels: Shown = Shown(api)
        self.products: Products = Products(api, self._offers)
        self.catalogue: Drafts = Drafts(api)
        self.receipts: Receipts | None = Receipts(api) if settings.receipts == "note" else None

    async def test(self, *, write: bool) -> Sequence[Finding]:
        """One order is read. Whether the key may write is asked by an empty batch, which changes nothing;
        with `write`, of products too."""
        params: Params = {"per_page": 1, "_fields": "id"}
        await self._api.rows("orders", params, wire.Row)
        await self._api.may_write("orders")
        if write:
            await self._api.rows("products", params, wire.Row)
            await self._api.may_write("products")
        return [Finding(name="shop", ok=True, detail=f"WooCommerce at {self._settings.host}")]

    async def survey(self) -> Survey:
        """Reads every SKU, what the shop offers, and the ship methods of the last orders."""
        goods = [each async for each in self._goods()]
        skus = Counter(each.sku for each in goods if each.sku)
        return Survey(
            findings=(*await self._told_by(), *_untracked(goods), *_without(goods)),
            skus=frozenset(skus),
            duplicate_skus=frozenset(sku for sku, count in skus.items() if count > 1),
            ship_methods=await self._methods(),
        )

    async def _told_by(self) -> Sequence[Finding]:
        best = await best_way(self._offers)
        chosen = best if self._settings.tell_by == "auto" else self._settings.tell_by
        found = [Finding(name="shipments", ok=True, detail=f"told {WAYS[chosen]}")]
        if chosen == "fulfillments" and not await self._offers.fulfillments():
            detail = 'tell_by is "fulfillments", and the shop has no fulfillments API'
            remedy = (
                "switch it on (WooCommerce 10.1 or newer: Settings → Advanced → Features), or set tell_by"
            )
            found = [Finding(name="shipments", ok=False, detail=detail, remedy=remedy)]
        if chosen == "tracking" and not await self._offers.tracking():
            detail = 'tell_by is "tracking", and the shop has no Shipment Tracking extension'
            remedy = "install it, or set tell_by"
            found = [Finding(name="shipments", ok=False, detail=detail, remedy=remedy)]
        return found

    async def _goods(self) -> AsyncIterator[wire.Product]:
        """What has stock of its own: products, and variations of those that have some."""
        parents: dict[int, str | None] = {}
        async for product in self._listed("products"):
            if product.type == "variable":
                parents[product.id] = product.sku
            if product.type not in ("variable", "grouped", "external") and not product.virtual:
                yield product
        if not parents:
            return
        lists = [f"products/{parent}/variations" for parent in parents]
        for path in ["variations"] if await self._offers.variations() else lists:
            async for product in self._listed(path):
                if product.virtual:
                    continue
                inherited = bool(product.sku) and parents.get(product.parent_id) == product.sku
                yield msgspec.structs.replace(product, sku="") if inherited else product

    async def _listed(self, path: str) -> AsyncIterator[wire.Product]:
        listing = Listing(self._api, path, {"status": "any", "_fields": FIELDS})
        for _ in range(MOST_PAGES):
            for row in await listing.next():
                try:
                    yield _product.decode(row)
                except UNREADABLE:
                    continue  # the run that reads products tells of it
            if listing.done:
                return
        raise ProtocolMismatch(f"WooCommerce lists more than {MOST_PAGES} pages of {path}")

    async def _methods(self) -> frozenset[str]:
        params: Params = {"per_page": MOST_AT_ONCE, "_fields": "id,shipping_lines"}
        answer = await self._api.rows("orders", params, _Shipped)
        lines = [line for order in answer.rows for line in order.shipping_lines]
        skipped = self._settings.skip_methods
        by_method = self._settings.ship_method == "method"
        names = [
            line.method_id if by_method else line.method_title
            for line in lines
            if line.method_id not in skipped
        ]
        return frozenset(name for name in names if name)


class _Shipped(msgspec.Struct, frozen=True, kw_only=True):
    shipping_lines: tuple[wire.ShippingLine, ...] = ()


def _untracked(goods: Sequence[wire.Product]) -> Iterator[Finding]:
    loose = [each.sku or "" for each in goods if each.sku and each.manage_stock is not True]
    if loose:
        yield Finding(
            name="untracked",
            ok=False,
            detail=f"WooCommerce does not manage the stock of {len(loose)} SKUs, or of their product alone: "
            f"{', '.join(loose[:SHOWN])}",
            remedy="let it manage the stock of each product and variation (Inventory)",
        )
    beyond = [each.sku or "" for each in goods if each.sku and each.backorders in ("yes", "notify")]
    if beyond:
        detail = f"{len(beyond)} SKUs are sold beyond their stock: {', '.join(beyond[:SHOWN])}"
        yield Finding(name="backorders", ok=True, detail=detail)


def _without(goods: Sequence[wire.Product]) -> Iterator[Finding]:
    without = [each.id for each in goods if not each.sku]
    if without:
        yield Finding(
            name="SKUs",
            ok=False,
            detail=f"{len(without)} products or variations that are shipped have no SKU of their own: "
            f"{', '.join(map(str, without[:SHOWN]))}",
            remedy="give them SKUs in WooCommerce: an order of one cannot be shipped",
        )


@asynccontextmanager
async def open_store(settings: Settings, host: Host) -> AsyncIterator[WooCommerceStore]:
    """A session for one run; nothing is asked before the first call."""
    async with AsyncExitStack() as stack:
        yield WooCommerceStore(Api(settings, host, stack), settings, host)
