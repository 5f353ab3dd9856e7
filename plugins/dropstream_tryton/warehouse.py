"""A session with a Tryton: its parts, its test and its survey."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from dropstream_tryton import wire
from dropstream_tryton.acknowledgements import Acknowledgements
from dropstream_tryton.catalogue import open_catalogue
from dropstream_tryton.client import Api
from dropstream_tryton.lookups import all_carriers, ship_methods
from dropstream_tryton.orders import Orders
from dropstream_tryton.places import House, Places, picked_from
from dropstream_tryton.products import Products
from dropstream_tryton.purchases import open_purchases
from dropstream_tryton.receipts import open_receipts
from dropstream_tryton.returns import Returns
from dropstream_tryton.settings import Settings
from dropstream_tryton.shipments import open_shipments
from dropstream_tryton.source import ChangeSource
from dropstream_tryton.stock import Stock
from dropstreamd.errors import AuthFailed, ProtocolMismatch
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseOrder
from dropstreamd.model.returns import Receipt
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Finding, Host, Sample, Survey, WarehouseParts

SURVEY_PAGE = 1000
MOST_SKUS = 1_000_000
READ = (
    "stock.shipment.out",
    "stock.shipment.out.return",
    "product.product",
    "stock.location",
    "party.address",
)
WRITE = ("stock.shipment.out", "stock.shipment.out.return", "stock.move", "party.address")
MASTER = ("product.template", "product.product")


class TrytonWarehouse(WarehouseParts):
    """A `Warehouse`."""

    def __init__(self, api: Api, settings: Settings, host: Host) -> None:
        self._api = api
        self._settings = settings
        self._places = places = Places(api, settings)
        self.orders: Orders = Orders(api, places)
        self.handed: Orders = self.orders
        self.shipments: ChangeSource[wire.Shipment, Package] = open_shipments(api, places)
        self.inventory: Stock = Stock(api, places, host.clock)
        self.products: Products = Products(api, places)
        self.catalogue: ChangeSource[wire.Item, Product] = open_catalogue(api, places)
        self.returns: Returns = Returns(api, places)
        self.receipts: ChangeSource[wire.Back, Receipt] = open_receipts(api, places)
        self.purchase_orders: ChangeSource[wire.Purchase, PurchaseOrder] = open_purchases(api, places)
        self.acknowledgements: Acknowledgements = Acknowledgements(api, places)

    def sample(self, name: str, content: bytes) -> Sample:  # noqa: ARG002
        """Tryton gives no files."""
        finding = Finding(name="sample", ok=False, detail="a Tryton warehouse exchanges no files")
        return Sample(kind="", findings=(finding,))

    async def test(self, *, write: bool) -> Sequence[Finding]:
        """Signs in and finds the warehouse; with `write`, asks Tryton for the user's rights to write."""
        house = await self._places.house()
        findings = [
            Finding(
                name="warehouse",
                ok=True,
                detail=f"{house.warehouse.name}, in the name of party {self._settings.customer}",
            )
        ]
        rights = await self._rights()
        missing = [model for model in READ if not rights.get(model, _Access()).read]
        if missing:
            raise AuthFailed(
                f"Tryton does not let user {self._settings.username} read {', '.join(missing)}",
                remedy="give the user the group Stock",
            )
        if write:
            findings += _may_write(rights)
        return findings

    async def survey(self) -> Survey:
        """Reads every SKU, the carriers and what modules there are."""
        house = await self._places.house()
        skus = await self._skus(house)
        carriers = await all_carriers(self._api)
        return Survey(
            findings=(
                *await self._modules(),
                *_house(house, self._settings),
                *(() if carriers is None else (ship_methods(carriers),)),
            ),
            skus=frozenset(skus),
            duplicate_skus=frozenset(code for code, count in skus.items() if count > 1),
            ship_methods=None
            if carriers is None
            else frozenset(each.names[0] for each in carriers if each.names),
            carriers=None
            if carriers is None
            else frozenset(each.party.name or "" for each in carriers) - {""},
        )

    async def _rights(self) -> dict[str, "_Access"]:
        models = sorted({*READ, *WRITE, *MASTER})
        return await self._api.read("ir.model.access.get_access", models, into=dict[str, _Access])

    async def _skus(self, house: House) -> Counter[str]:
        skus: Counter[str] = Counter()
        after = 0
        while len(skus) < MOST_SKUS:
            domain = [*house.goods, ["code", "!=", None], ["id", ">", after]]
            found = await self._api.rows(
                "product.product", domain, "code", into=wire.Coded, limit=SURVEY_PAGE
            )
            skus.update(each.code for each in found if each.code)
            if len(found) < SURVEY_PAGE:
                return skus
            after = found[-1].id
        raise ProtocolMismatch(f"Tryton has more than {MOST_SKUS} products")

    async def _modules(self) -> list[Finding]:
        known = await self._api.fields_of("stock.shipment.out")
        wanted = {
            "carrier": ("stock_shipment_cost", "orders bear no ship method, shipments no carrier"),
            "packages": ("stock_package", "each shipment is told as one package"),
            "shipping_reference": ("stock_package_shipping", "there is no tracking number"),
        }
        return [
            Finding(name="modules", ok=False, detail=detail, remedy=f"activate {module} in Tryton")
            for field, (module, detail) in wanted.items()
            if field not in known
        ]


class _Access(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the user's groups allow it, or whether one does."""

    read: int | bool = False
    write: int | bool = False
    create: int | bool = False


def _may_write(rights: dict[str, _Access]) -> list[Finding]:
    findings = []
    for name, models, group in (("write", WRITE, "Stock"), ("item master", MASTER, "Product Administration")):
        lacking = [each for each in models if not (rights[each].write and rights[each].create)]
        remedy = f"give the user the group {group}" if lacking else ""
        if name == "item master" and lacking:
            remedy += ", if products are to be sent to this warehouse"
        detail = (
            f"the user may not write {', '.join(lacking)}" if lacking else f"may write {', '.join(models)}"
        )
        findings.append(Finding(name=name, ok=not lacking, detail=detail, remedy=remedy))
    return findings


def _house(house: House, settings: Settings) -> list[Finding]:
    findings = [
        Finding(name="warehouse", ok=True, detail=f"{each.name}, facility {facility}")
        for facility, each in house.facilities.items()
    ]
    if any(picked_from(each) != each.storage_location for each in house.facilities.values()):
        findings.append(
            Finding(
                name="picking location",
                ok=False,
                detail="shipments are picked from another location than the storage, whose stock is told",
                remedy="let the picking location lie within the storage location",
            )
        )
    if not settings.category:
        findings.append(
            Finding(name="category", ok=True, detail="no category is set: all goods of Tryton are told")
        )
    return findings


@asynccontextmanager
async def open_warehouse(settings: Settings, host: Host) -> AsyncIterator[TrytonWarehouse]:
    """A session for one run; it signs in with the first call."""
    async with AsyncExitStack() as stack:
        yield TrytonWarehouse(Api(settings, host, stack), settings, host)
