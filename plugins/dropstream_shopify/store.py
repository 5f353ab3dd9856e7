"""A session with a shop: its parts, its test and its survey."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from dropstream_shopify import documents, wire
from dropstream_shopify.client import Api
from dropstream_shopify.fulfillments import Fulfillments
from dropstream_shopify.levels import Levels
from dropstream_shopify.orders import Orders
from dropstream_shopify.products import Drafts, Products
from dropstream_shopify.receipts import Receipts
from dropstream_shopify.returns import Returns
from dropstream_shopify.settings import VERSION, Settings
from dropstreamd.errors import AuthFailed, Misconfigured, ProtocolMismatch
from dropstreamd.platform.contract import Finding, Host, StoreParts, Survey

MOST_PAGES = 4000

SCOPES = {
    "read_orders": "orders",
    "read_merchant_managed_fulfillment_orders": "orders",
    "write_merchant_managed_fulfillment_orders": "shipments",
    "read_products": "inventory and products",
    "read_inventory": "inventory",
    "write_inventory": "inventory",
    "read_locations": "all of them",
}
"""What nothing works without. A scope to write gives the one to read."""

MORE_SCOPES = {
    "read_returns": "returns",
    "write_returns": "what came back",
    "write_products": "drafts of products that the shop lacks",
    "read_all_orders": "orders older than 60 days",
}
"""What some channels need."""


class ShopifyStore(StoreParts):
    """A `Store`."""

    def __init__(self, api: Api, settings: Settings, host: Host) -> None:
        self._api = api
        self._settings = settings
        self.orders: Orders = Orders(api, settings, host.clock)
        self.orders_again: Orders = self.orders
        self.shipments: Fulfillments = Fulfillments(api, settings)
        self.inventory: Levels = Levels(api, settings)
        self.levels: Levels = self.inventory
        self.located_levels: Levels = self.inventory
        self.products: Products = Products(api)
        self.catalogue: Drafts = Drafts(api)
        self.returns: Returns = Returns(api, settings)
        self.receipts: Receipts = Receipts(api, settings)

    async def test(self, *, write: bool) -> Sequence[Finding]:  # noqa: ARG002 - scopes tell
        """One query. Raises AuthFailed, naming the missing scopes, Misconfigured for another shop."""
        seen = await self._api.query(documents.READABLE, {}, wire.Readable)
        if seen.shop.myshopify_domain != self._settings.shop:
            raise Misconfigured(
                f"this app was answered by {seen.shop.myshopify_domain}, and `shop` is {self._settings.shop}",
                remedy="set `shop` to the domain of the shop that is meant",
            )
        has = _granted(seen)
        missing = sorted(SCOPES.keys() - has)
        if missing:
            raise AuthFailed(
                f"the app lacks the access scopes {', '.join(missing)}",
                remedy="add them to the app in the Dev Dashboard, release that version, and have the shop's "
                "owner accept it",
            )
        return [
            Finding(name="shop", ok=True, detail=f"{seen.shop.name}, {seen.shop.myshopify_domain}"),
            *self._version(),
        ]

    async def survey(self) -> Survey:
        """Reads every SKU, the locations, the app's scopes, and the ship methods of the last orders."""
        seen = await self._api.query(documents.READABLE, {}, wire.Readable)
        locations = await self._locations()
        skus, untracked = await self._skus()
        methods = await self._api.query(documents.SHIP_METHODS, {}, wire.ShipMethods)
        findings = [
            *self._version(),
            *_scopes(_granted(seen)),
            *self._mapped(locations),
            *_untracked(untracked),
        ]
        return Survey(
            findings=tuple(findings),
            skus=frozenset(skus),
            duplicate_skus=frozenset(sku for sku, count in skus.items() if count > 1),
            ship_methods=self._methods(methods),
        )

    def _version(self) -> Iterator[Finding]:
        if self._api.version != VERSION:
            yield Finding(
                name="API version",
                ok=False,
                detail=f"Shopify answers as of {self._api.version}: {VERSION} is over",
                remedy="install a newer dropstreamd",
            )

    async def _locations(self) -> list[wire.Location]:
        found: list[wire.Location] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            page = (await self._api.query(documents.LOCATIONS, {"after": after}, wire.Locations)).locations
            found += page.nodes
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                return found
        raise ProtocolMismatch(f"Shopify lists more than {len(found)} locations")

    async def _skus(self) -> tuple[Counter[str], list[str]]:
        """How often each SKU of what is shipped is sold, and those whose quantity is not tracked."""
        skus: Counter[str] = Counter()
        untracked: list[str] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            page = (await self._api.query(documents.SKUS, {"after": after}, wire.Skus)).product_variants
            for variant in page.nodes:
                if variant.sku and variant.inventory_item.requires_shipping:
                    skus[variant.sku] += 1
                    if not variant.inventory_item.tracked:
                        untracked.append(variant.sku)
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                return skus, untracked
        raise ProtocolMismatch(f"Shopify lists more than {MOST_PAGES} pages of variants")

    def _methods(self, answer: wire.ShipMethods) -> frozenset[str]:
        lines = [order.shipping_line for order in answer.orders.nodes if order.shipping_line is not None]
        by_code = self._settings.ship_method == "code"
        names = {(line.code or "") if by_code else line.title for line in lines}
        return frozenset(names - {""})

    def _mapped(self, locations: Sequence[wire.Location]) -> Iterator[Finding]:
        by_id = {each.id: each for each in locations}
        others = ", ".join(
            f"{each.name} ({each.id})" for each in locations if each.id not in self._settings.location_ids
        )
        for wanted in self._settings.location_ids:
            location = by_id.get(wanted)
            if location is None:
                detail, remedy = f"the shop has no location {wanted}", f"there are: {others}"
            elif not location.is_active:
                detail, remedy = f"{location.name} is deactivated", "activate it in Shopify"
            elif location.is_fulfillment_service:
                detail = f"{location.name} belongs to another app's fulfillment service"
                remedy = "map a location of the shop's own: that app ships the orders of this one"
            elif not location.fulfills_online_orders:
                detail = f"{location.name} does not fulfill online orders"
                remedy = "let it fulfill them: Settings → Locations in Shopify"
            else:
                yield Finding(name="location", ok=True, detail=location.name)
                continue
            yield Finding(name="location", ok=False, detail=detail, remedy=remedy)
        if others:
            yield Finding(name="location", ok=True, detail=f"not of this connection: {others}")


def _granted(seen: wire.Readable) -> set[str]:
    """The app's scopes; one to write gives the one to read."""
    has = {each.handle for each in seen.current_app_installation.access_scopes}
    return has | {f"read_{each.removeprefix('write_')}" for each in has if each.startswith("write_")}


def _scopes(has: set[str]) -> Iterator[Finding]:
    for scope, use in {**SCOPES, **MORE_SCOPES}.items():
        if scope not in has:
            yield Finding(
                name="access scope",
                ok=False,
                detail=f"the app lacks {scope}, for {use}",
                remedy="add it to the app, release that version, and have the shop accept it",
            )


def _untracked(skus: Sequence[str]) -> Iterator[Finding]:
    if skus:
        some = ", ".join(skus[:5])
        yield Finding(
            name="untracked",
            ok=False,
            detail=f"{len(skus)} SKUs are sold without limit, since their quantity is not tracked: {some}",
            remedy="track their quantity in Shopify",
        )


@asynccontextmanager
async def open_store(settings: Settings, host: Host) -> AsyncIterator[ShopifyStore]:
    """A session for one run; it gets its token with the first call."""
    async with AsyncExitStack() as stack:
        yield ShopifyStore(Api(settings, host, stack), settings, host)
