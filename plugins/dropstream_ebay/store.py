"""A session with a seller's account: its parts, its test and its survey."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from dropstream_ebay import wire
from dropstream_ebay.client import FULFILLMENT, INVENTORY, Api, read
from dropstream_ebay.fulfillments import Fulfillments
from dropstream_ebay.levels import Levels
from dropstream_ebay.orders import OPEN, Orders
from dropstream_ebay.products import Products
from dropstream_ebay.settings import Settings
from dropstreamd.errors import Misconfigured
from dropstreamd.platform.contract import Finding, Host, StoreParts, Survey
from dropstreamd.platform.rows import UNREADABLE


class EbayStore(StoreParts):
    """A `Store`."""

    def __init__(self, api: Api, settings: Settings, host: Host) -> None:
        self._api = api
        self._settings = settings
        self.orders: Orders = Orders(api, settings, host.clock)
        self.orders_again: Orders = self.orders
        self.shipments: Fulfillments = Fulfillments(api)
        self.inventory: Levels = Levels(api)
        self.products: Products = Products(api)
        self.levels: Levels = self.inventory

    async def test(self, *, write: bool) -> Sequence[Finding]:  # noqa: ARG002 - nothing harmless can be written
        """One request to each of the two APIs, whose scopes are two. Raises AuthFailed, naming the scope that
        is missing, and Misconfigured where the account is another seller's."""
        answer = await self._api.get(f"{FULFILLMENT}/order", {"limit": 1})
        seller = next((each.seller_id for each in read(answer, wire.Sellers).orders if each.seller_id), "")
        wanted = self._settings.seller
        if seller and seller.casefold() != wanted.casefold():
            raise Misconfigured(
                f"the consent is of the seller {seller}, and `seller` is {wanted}",
                remedy="correct `seller`, or run `dropstreamctl authorize` as the one that is meant",
            )
        items = await self._api.get(f"{INVENTORY}/inventory_item", {"limit": 1})
        total = read(items, wire.Items).total
        return [
            Finding(name="account", ok=True, detail=f"{wanted}, {self._settings.environment}"),
            Finding(name="inventory items", ok=True, detail=f"{total} in the Inventory API"),
        ]

    async def survey(self) -> Survey:
        """Reads every inventory item, and the ship methods of the open orders."""
        findings = list(await self.test(write=False))
        skus: Counter[str] = Counter()
        async for raw in self.products.rows():
            try:
                sku = wire.decoded(raw, wire.Item).sku
            except UNREADABLE:
                continue  # `products` tells of it
            if sku:
                skus[sku] += 1
        answer = await self._api.get(f"{FULFILLMENT}/order", {"filter": OPEN, "limit": 200})
        methods = {method for row in read(answer, wire.Orders).rows() for method in _methods(row)}
        if not skus:
            findings.append(
                Finding(
                    name="inventory items",
                    ok=False,
                    detail="the Inventory API has none: listings that were made elsewhere are not in it",
                    remedy="migrate the listings (see the README), or leave the channel inventory off",
                )
            )
        return Survey(
            findings=tuple(findings),
            skus=frozenset(skus),
            duplicate_skus=frozenset(sku for sku, count in skus.items() if count > 1),
            ship_methods=frozenset(methods),
        )


def _methods(raw: bytes) -> set[str]:
    try:
        order = wire.decoded(raw, wire.Order)
    except UNREADABLE:
        return set()  # `orders` tells of it
    steps = [each.shipping_step for each in order.fulfillment_start_instructions]
    return {step.shipping_service_code for step in steps if step is not None} - {""}


@asynccontextmanager
async def open_store(settings: Settings, host: Host) -> AsyncIterator[EbayStore]:
    """A session for one run; its token is the account's."""
    async with AsyncExitStack() as stack:
        api = Api(settings, host, stack)
        await api.open()
        yield EbayStore(api, settings, host)
