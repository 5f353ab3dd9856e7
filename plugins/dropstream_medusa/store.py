"""A session with a Medusa: its parts, its test and its survey."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from dropstream_medusa import wire, wire_goods
from dropstream_medusa.catalogue import Catalogue
from dropstream_medusa.client import Api, Params, Refusal
from dropstream_medusa.fulfillments import Fulfillments
from dropstream_medusa.levels import Levels
from dropstream_medusa.listing import read_rows
from dropstream_medusa.orders import Orders
from dropstream_medusa.places import Places
from dropstream_medusa.products import Products
from dropstream_medusa.purchases import Purchases
from dropstream_medusa.receipts import Receipts
from dropstream_medusa.returns import Returns
from dropstream_medusa.settings import Settings
from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.platform.contract import Finding, Host, StoreParts, Survey
from dropstreamd.platform.locations import location_findings

SURVEY_PAGE = 1_000
MOST_SKUS = 1_000_000


class MedusaStore(StoreParts):
    """A `Store`."""

    def __init__(self, api: Api, settings: Settings, host: Host) -> None:
        self._api = api
        self._settings = settings
        self._places = Places(api, settings)
        self.orders: Orders = Orders(api, self._places, settings, host.clock)
        self.orders_again: Orders = self.orders
        self.shipments: Fulfillments = Fulfillments(api, self._places, settings)
        self.inventory: Levels = Levels(api, self._places)
        self.levels: Levels = self.inventory
        self.located_levels: Levels = self.inventory
        self.products: Products = Products(api, self._places)
        self.catalogue: Catalogue = Catalogue(api, self._places)
        self.returns: Returns = Returns(api, self._places, settings, host.clock)
        self.receipts: Receipts = Receipts(api, self._places)
        self.purchase_orders: Purchases = Purchases(api, self._places)

    async def test(self, *, write: bool) -> Sequence[Finding]:
        """Reads one order and the places. With `write`, a batch of no levels proves the right to write:
        a secret key may do everything, unless the merchant's own code restricts it."""
        await read_rows(self._api, "orders", {"limit": 1, "fields": "id"}, "orders")
        findings = await self._place_findings()
        if write:
            nothing: dict[str, object] = {"create": [], "update": []}
            answer = await self._api.write("inventory-items/location-levels/batch", nothing, wire.Done)
            refused = isinstance(answer, Refusal)
            findings.append(
                Finding(
                    name="writing",
                    ok=not refused,
                    detail=f"Medusa refuses to set no levels at all: {answer}"
                    if refused
                    else "levels can be set",
                    remedy="is this Medusa 2.21 or newer?" if refused else "",
                )
            )
        return findings

    async def survey(self) -> Survey:
        """Reads every SKU, the ship methods and the places."""
        skus, findings = await self._skus()
        return Survey(
            findings=(*await self._place_findings(), *findings),
            skus=frozenset(skus),
            ship_methods=await self._ship_methods(),
        )

    async def _place_findings(self) -> list[Finding]:
        findings: list[Finding] = []
        try:
            channel = await self._places.channel()
        except Misconfigured as error:
            return [Finding(name="sales channel", ok=False, detail=error.message, remedy=error.remedy)]
        detail = channel.name if channel else "none is set: the orders of all sales channels are taken"
        findings.append(Finding(name="sales channel", ok=True, detail=detail))
        if self._settings.mapped:
            there = {each.id: each.name for each in await self._places.locations()}
            return [*findings, *location_findings(there, self._settings.mapped, store="Medusa")]
        try:
            location = await self._places.location()
            locations = await self._places.locations()
        except Misconfigured as error:
            return [
                *findings,
                Finding(name="stock location", ok=False, detail=error.message, remedy=error.remedy),
            ]
        if channel is None or len(locations) == 1:
            return [*findings, Finding(name="stock location", ok=True, detail=location.name)]
        return [
            *findings,
            Finding(
                name="stock location",
                ok=False,
                detail=f"{location.name} is set, and the channel sells from {len(locations)} locations: "
                "Medusa may reserve an order's units at another one",
                remedy="give this sales channel one stock location",
            ),
        ]

    async def _skus(self) -> tuple[set[str], list[Finding]]:
        """The SKUs of managed variants, and what is odd about the others."""
        skus: set[str] = set()
        without = unmanaged = backorders = 0
        for offset in range(0, MOST_SKUS, SURVEY_PAGE):
            params: Params = {
                "order": "id",
                "limit": SURVEY_PAGE,
                "offset": offset,
                "fields": "id,sku,manage_inventory,allow_backorder",
            }
            page = (await self._api.read("product-variants", params, wire_goods.Skus)).variants
            skus.update(each.sku for each in page if each.sku)
            without += sum(not each.sku for each in page)
            unmanaged += sum(not each.manage_inventory for each in page)
            backorders += sum(each.allow_backorder for each in page)
            if len(page) < SURVEY_PAGE:
                return skus, list(_odd(without, unmanaged, backorders))
        raise ProtocolMismatch(f"Medusa has more than {MOST_SKUS} variants")

    async def _ship_methods(self) -> frozenset[str]:
        params: Params = {"limit": SURVEY_PAGE, "fields": "id,name"}
        answer = await self._api.read("shipping-options", params, wire.ShippingOptions)
        by_name = self._settings.ship_method == "name"
        return frozenset(each.name if by_name else each.id for each in answer.shipping_options)


def _odd(without: int, unmanaged: int, backorders: int) -> Sequence[Finding]:
    findings = []
    if without:
        findings.append(
            Finding(
                name="SKUs",
                ok=False,
                detail=f"{without} variants have no SKU: an order of one cannot be imported",
                remedy="give them SKUs in Medusa",
            )
        )
    if unmanaged:
        findings.append(
            Finding(name="unmanaged", ok=True, detail=f"{unmanaged} variants are sold without limit")
        )
    if backorders:
        findings.append(
            Finding(name="backorders", ok=True, detail=f"{backorders} variants are sold beyond their stock")
        )
    return findings


@asynccontextmanager
async def open_store(settings: Settings, host: Host) -> AsyncIterator[MedusaStore]:
    """A session for one run; nothing is asked before the first call."""
    async with AsyncExitStack() as stack:
        yield MedusaStore(Api(settings, host, stack), settings, host)
