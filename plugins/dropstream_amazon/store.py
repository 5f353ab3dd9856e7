"""A session with a seller's account: its parts, its test and its survey."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from dropstream_amazon import wire_listings
from dropstream_amazon.carriers import CODES
from dropstream_amazon.client import Api
from dropstream_amazon.levels import Levels, LevelsShown
from dropstream_amazon.operations import SEARCH_LISTINGS, SEARCH_ORDERS
from dropstream_amazon.orders import PATIENCE_S, Orders
from dropstream_amazon.products import Products
from dropstream_amazon.settings import MARKETPLACES, Settings
from dropstream_amazon.shipments import Shipments
from dropstreamd.platform.contract import Finding, Host, StoreParts, Survey


class AmazonStore(StoreParts):
    """A `Store`."""

    def __init__(self, api: Api, settings: Settings, host: Host) -> None:
        self._api = api
        self._settings = settings
        self.orders: Orders = Orders(api, settings, host.clock)
        self.shipments: Shipments = Shipments(api, settings)
        self.inventory: Levels = Levels(api, settings)
        self.products: Products = Products(api, settings)
        self.levels: LevelsShown = LevelsShown(api, settings)

    async def test(self, *, write: bool) -> Sequence[Finding]:  # noqa: ARG002 - nothing is written
        """One listing and one order are asked for, since their roles differ. Raises AuthFailed, naming the
        role that is missing, Misconfigured for another seller or marketplace."""
        for marketplace in self._settings.marketplaces:
            await self._api.get(
                SEARCH_LISTINGS,
                wire_listings.Found,
                query={"marketplaceIds": marketplace, "pageSize": 1},
            )
        where = ", ".join(_named(each) for each in self._settings.marketplaces)
        seller = Finding(name="seller", ok=True, detail=f"{self._settings.seller}, {where}")
        if self._api.budget(SEARCH_ORDERS).ready_in_s() > PATIENCE_S:
            detail = "not asked for: Amazon allows a search in three minutes, and the last ones are used up"
            return [seller, Finding(name="orders", ok=True, detail=detail)]
        count = await self.orders.look()
        detail = "can be read" if count else "can be asked for; there is none of the last hour"
        return [seller, Finding(name="orders", ok=True, detail=detail)]

    async def survey(self) -> Survey:
        """Reads every listing that the merchant ships, and the ship methods of the last month's orders."""
        skus: set[str] = set()
        source = Products(self._api, self._settings)
        more = True
        while more:
            page = await source.page(None, lambda _mark: False)
            skus |= {each.sku for each in page.documents}
            more = page.more
        methods = None
        if self._api.budget(SEARCH_ORDERS).ready_in_s() <= PATIENCE_S:
            methods = await self.orders.ship_methods()
        return Survey(skus=frozenset(skus), ship_methods=methods, carriers=frozenset(CODES))


def _named(marketplace: str) -> str:
    _, country = MARKETPLACES.get(marketplace, ("", ""))
    return f"{marketplace} ({country})" if country else marketplace


@asynccontextmanager
async def open_store(settings: Settings, host: Host) -> AsyncIterator[AmazonStore]:
    """A session for one run; it gets a token with the first call, where the account has none."""
    async with AsyncExitStack() as stack:
        yield AmazonStore(Api(settings, host, stack), settings, host)
