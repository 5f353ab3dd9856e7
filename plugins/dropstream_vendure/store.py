"""A session with a Vendure: its parts, its test and its survey."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from dropstream_vendure import documents, wire, wire_goods, wire_stock
from dropstream_vendure.catalogue import Catalogue
from dropstream_vendure.client import Api
from dropstream_vendure.fulfillments import Fulfillments
from dropstream_vendure.levels import Levels, choose_location
from dropstream_vendure.orders import Orders, unclosed
from dropstream_vendure.products import Products
from dropstream_vendure.settings import CANCELLED, Settings
from dropstreamd.clock import utc
from dropstreamd.errors import AuthFailed, Misconfigured, ProtocolMismatch
from dropstreamd.platform.contract import Finding, Host, StoreParts, Survey
from dropstreamd.platform.locations import location_findings

SURVEY_PAGE = 500
MOST_SKUS = 1_000_000
NEEDED = ("ReadOrder", "UpdateOrder", "ReadCatalog", "UpdateCatalog", "ReadStockLocation")
_ENOUGH = {"ReadCatalog": "ReadProduct", "UpdateCatalog": "UpdateProduct", "ReadStockLocation": "ReadCatalog"}
_CARTS = ("Created", "Draft", "AddingItems", "ArrangingPayment")
_IN_FLUX = ("PaymentAuthorized", "Modifying", "ArrangingAdditionalPayment")


class VendureStore(StoreParts):
    """A `Store`."""

    def __init__(self, api: Api, settings: Settings, host: Host) -> None:
        self._api = api
        self._settings = settings
        self._host = host
        self.orders: Orders = Orders(api, settings, host.clock)
        self.orders_again: Orders = self.orders
        self.shipments: Fulfillments = Fulfillments(api, settings)
        self.inventory: Levels = Levels(api, settings)
        self.levels: Levels = self.inventory
        self.located_levels: Levels = self.inventory
        self.products: Products = Products(api, settings)
        self.catalogue: Catalogue = Catalogue(api)

    async def test(self, *, write: bool) -> Sequence[Finding]:
        """Reads one order, variant and location. With `write`, two mutations that are about nothing
        prove the rights to write. Raises AuthFailed, naming the permission that is missing."""
        seen = await self._api.query(documents.READABLE, {}, wire.Readable)
        findings = [
            Finding(
                name="channel",
                ok=True,
                detail=f"{seen.active_channel.code}: {seen.orders.total_items} orders, "
                f"{seen.product_variants.total_items} variants",
            )
        ]
        missing = await self._missing()
        if missing:
            raise AuthFailed(
                f"Vendure: user {self._settings.username} lacks {', '.join(missing)}",
                remedy="give its role these permissions in this channel",
            )
        if write:
            nothing = {"lines": [], "handler": {"code": self._settings.fulfillment_handler, "arguments": []}}
            await self._api.ask(documents.FULFILL, {"input": nothing}, wire.Fulfill, write=True)
            await self._api.ask(documents.SET_LEVELS, {"changes": []}, wire_stock.SetLevels, write=True)
            findings.append(Finding(name="write", ok=True, detail="it may fulfill orders and set levels"))
        return findings

    async def survey(self) -> Survey:
        """Reads every SKU, the ship methods and the settings that matter."""
        shop = await self._api.shop()
        skus = await self._skus()
        methods, method_findings = await self._methods()
        findings = [
            *await self._location(),
            *_settings(shop, self._settings),
            *method_findings,
            *await self._too_old(),
            *await self._drafts(),
        ]
        return Survey(
            findings=tuple(findings),
            skus=frozenset(skus),
            duplicate_skus=frozenset(sku for sku, count in skus.items() if count > 1),
            ship_methods=methods,
        )

    async def _missing(self) -> list[str]:
        """Permissions that the user lacks; none of an API key, of which this cannot be asked."""
        has = await self._api.permissions()
        if has is None or "SuperAdmin" in has:
            return []
        return [each for each in NEEDED if each not in has and _ENOUGH.get(each) not in has]

    async def _drafts(self) -> list[Finding]:
        """A permission that only those need who let a warehouse's items become drafts; of an API key it
        cannot be asked."""
        has = await self._api.permissions()
        if has is None or has & {"SuperAdmin", "CreateCatalog", "CreateProduct"}:
            return []
        detail = (
            f"none can be made: user {self._settings.username} lacks CreateCatalog, which catalogs alone need"
        )
        return [Finding(name="draft products", ok=True, detail=detail)]

    async def _skus(self) -> Counter[str]:
        skus: Counter[str] = Counter()
        for skip in range(0, MOST_SKUS, SURVEY_PAGE):
            variables = {"skip": skip, "take": SURVEY_PAGE}
            page = (await self._api.query(documents.SKUS, variables, wire_goods.Skus)).product_variants
            skus.update(each.sku for each in page.items)
            if len(page.items) < SURVEY_PAGE:
                return skus
        raise ProtocolMismatch(f"Vendure has more than {MOST_SKUS} variants")

    async def _methods(self) -> tuple[frozenset[str] | None, list[Finding]]:
        """What an order's ship method may be; None where the role may not read them."""
        try:
            answer = await self._api.query(
                documents.SHIP_METHODS, {"skip": 0, "take": SURVEY_PAGE}, wire.ShipMethods
            )
        except AuthFailed as error:
            return None, [
                Finding(
                    name="ship methods",
                    ok=False,
                    detail="they cannot be listed",
                    remedy=f"{error.remedy}, only so that they can be shown here",
                )
            ]
        items = answer.shipping_methods.items
        by_code = self._settings.ship_method == "code"
        return frozenset(each.code if by_code else each.name for each in items), []

    async def _location(self) -> list[Finding]:
        locations = (
            await self._api.query(documents.LOCATIONS, {}, wire_stock.Locations)
        ).stock_locations.items
        if self._settings.mapped:
            there = {each.id: each.name for each in locations}
            return list(location_findings(there, self._settings.mapped, store="Vendure"))
        try:
            chosen = choose_location(locations, self._settings.stock_location)
        except Misconfigured as error:
            return [Finding(name="stock location", ok=False, detail=error.message, remedy=error.remedy)]
        if len(locations) == 1:
            return [Finding(name="stock location", ok=True, detail=chosen.name)]
        return [
            Finding(
                name="stock location",
                ok=False,
                detail=f"{chosen.name} is set, and the channel sells from {len(locations)} locations: "
                "Vendure may take a fulfillment's units from another one",
                remedy="give this channel one stock location",
            )
        ]

    async def _too_old(self) -> list[Finding]:
        since = utc(self._host.clock.now_s()) - timedelta(days=self._settings.lookback_days)
        wanted = unclosed(self._settings, since)
        placed = wanted.pop("orderPlacedAt")
        everything = {**wanted, "orderPlacedAt": {"isNull": False}}
        ages = [
            (
                await self._api.query(documents.ORDER_COUNT, {"filter": each}, wire.OrderCount)
            ).orders.total_items
            for each in ({**wanted, "orderPlacedAt": placed}, everything)
        ]
        days = self._settings.lookback_days
        detail = f"{ages[0]} orders of the last {days} days are open"
        if ages[1] <= ages[0]:
            return [Finding(name="open orders", ok=True, detail=detail)]
        return [
            Finding(
                name="open orders",
                ok=False,
                detail=f"{detail}; {ages[1] - ages[0]} older ones are not looked at",
                remedy="close them in Vendure, or raise lookback_days",
            )
        ]


def _settings(shop: wire.Shop, settings: Settings) -> list[Finding]:
    findings = []
    names = {state.name for state in shop.global_settings.server_config.order_process}
    known = {*settings.open_states, *settings.closed_states, CANCELLED, *_CARTS, *_IN_FLUX}
    if others := sorted(names - known):
        findings.append(
            Finding(
                name="order states",
                ok=False,
                detail=f"orders wait while they are in: {', '.join(others)}",
                remedy="add those that may be shipped to open_states, those that are over to closed_states",
            )
        )
    if wrong := sorted({*settings.open_states, *settings.closed_states} - names):
        findings.append(
            Finding(
                name="order states",
                ok=False,
                detail=f"this Vendure has no order state {', '.join(wrong)}",
                remedy="correct open_states and closed_states",
            )
        )
    threshold = shop.global_settings.out_of_stock_threshold
    if threshold:
        findings.append(
            Finding(
                name="out of stock threshold",
                ok=True,
                detail=f"Vendure sells {abs(threshold)} units "
                + ("fewer than it is told" if threshold > 0 else "more than it is told"),
            )
        )
    if not settings.channel:
        findings.append(
            Finding(
                name="channel",
                ok=True,
                detail="no channel is set: the default channel has the products and orders of all channels",
            )
        )
    return findings


@asynccontextmanager
async def open_store(settings: Settings, host: Host) -> AsyncIterator[VendureStore]:
    """A session for one run; it signs in with the first call."""
    async with AsyncExitStack() as stack:
        yield VendureStore(Api(settings, host, stack), settings, host)
