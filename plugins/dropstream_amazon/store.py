"""A session with a seller's account: its parts, its test and its survey."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from dropstream_amazon import translate, wire, wire_listings
from dropstream_amazon.again import OrdersAgain
from dropstream_amazon.carriers import CODES
from dropstream_amazon.client import Api
from dropstream_amazon.levels import Levels, LevelsShown
from dropstream_amazon.operations import ADDRESS_ROLE, SEARCH_LISTINGS, SEARCH_ORDERS
from dropstream_amazon.orders import PATIENCE_S, Orders
from dropstream_amazon.products import Products
from dropstream_amazon.returns import Returns
from dropstream_amazon.settings import MARKETPLACES, Settings
from dropstream_amazon.shipments import Shipments
from dropstreamd.platform.contract import Finding, Host, StoreParts, Survey

USED_UP = "not asked for: Amazon allows a search in three minutes, and the last ones are used up"


class AmazonStore(StoreParts):
    """A `Store`."""

    def __init__(self, api: Api, settings: Settings, host: Host) -> None:
        self._api = api
        self._settings = settings
        self.orders: Orders = Orders(api, settings, host.clock)
        self.orders_again: OrdersAgain = OrdersAgain(api, settings)
        self.shipments: Shipments = Shipments(api, settings)
        self.inventory: Levels = Levels(api, settings)
        self.products: Products = Products(api, settings)
        self.levels: LevelsShown = LevelsShown(api, settings)
        self.returns: Returns = Returns(api, settings, host.clock)

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
            return [seller, Finding(name="orders", ok=True, detail=USED_UP)]
        count = await self.orders.look()
        detail = "can be read" if count else "can be asked for; there is none of the last hour"
        return [seller, Finding(name="orders", ok=True, detail=detail)]

    async def survey(self) -> Survey:
        """Reads every listing that the merchant ships, and a page of the last month's orders."""
        skus: set[str] = set()
        source = Products(self._api, self._settings)
        more = True
        while more:
            page = await source.page(None, lambda _mark: False)
            skus |= {each.sku for each in page.documents}
            more = page.more
        methods: frozenset[str] | None = None
        findings: list[Finding] = []
        if self._api.budget(SEARCH_ORDERS).ready_in_s() <= PATIENCE_S:
            orders = await self.orders.recent()
            methods = frozenset(
                each.fulfillment.fulfillment_service_level
                for each in orders
                if each.fulfillment is not None and each.fulfillment.fulfillment_service_level
            )
            findings += _seen(orders, self._settings)
        else:
            findings.append(Finding(name="orders", ok=True, detail=USED_UP))
        return Survey(
            findings=tuple(findings),
            skus=frozenset(skus),
            ship_methods=methods,
            carriers=frozenset(CODES),
        )


def _seen(orders: Sequence[wire.Order], settings: Settings) -> Iterator[Finding]:
    """What orders show of what is to come."""
    labelled = [each for each in orders if translate.LABELS & set(each.programs)]
    if labelled and not settings.amazon_labels:
        programs = sorted({name for each in labelled for name in translate.LABELS & set(each.programs)})
        yield Finding(
            name="labels",
            ok=False,
            detail=f"{len(labelled)} of the last {len(orders)} orders go under labels bought from Amazon "
            f"({', '.join(programs)}): they wait",
            remedy="set amazon_labels if the warehouse buys those labels; else ship these orders by hand",
        )
    if any(translate.lacks_address(each, settings) for each in orders):
        yield Finding(
            name="addresses",
            ok=False,
            detail="Amazon tells no addresses of orders that may be shipped",
            remedy=f"the app needs the role {ADDRESS_ROLE}; then authorize it anew",
        )


def _named(marketplace: str) -> str:
    _, country = MARKETPLACES.get(marketplace, ("", ""))
    return f"{marketplace} ({country})" if country else marketplace


@asynccontextmanager
async def open_store(settings: Settings, host: Host) -> AsyncIterator[AmazonStore]:
    """A session for one run; it gets a token with the first call, where the account has none."""
    async with AsyncExitStack() as stack:
        yield AmazonStore(Api(settings, host, stack), settings, host)
