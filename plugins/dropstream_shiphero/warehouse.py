"""A session with ShipHero: its parts, its test and its survey."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from dropstream_shiphero import documents, documents_goods, wire
from dropstream_shiphero.acknowledgements import open_acknowledgements
from dropstream_shiphero.catalogue import Item, open_catalogue
from dropstream_shiphero.client import Api, Refusal
from dropstream_shiphero.listing import Listing
from dropstream_shiphero.orders import Orders
from dropstream_shiphero.products import Products
from dropstream_shiphero.purchases import Purchase, open_purchases
from dropstream_shiphero.receipts import Back, open_receipts
from dropstream_shiphero.returns import Returns
from dropstream_shiphero.settings import Settings, offers
from dropstream_shiphero.shipments import open_shipments
from dropstream_shiphero.source import FollowedSource
from dropstream_shiphero.stock import Stock
from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseOrder
from dropstreamd.model.returns import Receipt
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Finding, Host, Part, Sample, Survey, WarehouseParts
from dropstreamd.platform.rows import UNREADABLE

_sku = msgspec.json.Decoder(dict[str, object])


class ShipHeroWarehouse(WarehouseParts):
    """A `Warehouse`."""

    def __init__(self, api: Api, settings: Settings, host: Host, offered: frozenset[Part]) -> None:
        self._api = api
        self._settings = settings
        clock = host.clock
        self.orders: Orders = Orders(api, settings)
        self.shipments: FollowedSource[wire.Shipment, Package] = open_shipments(api, settings, clock)
        self.inventory: Stock = Stock(api, settings, clock)
        self.products: Products = Products(api, settings)
        self.catalogue: FollowedSource[Item, Product] = open_catalogue(api, settings, clock)
        self.returns: Returns | None = Returns(api, settings) if Part.RETURNS in offered else None
        self.receipts: FollowedSource[Back, Receipt] = open_receipts(api, settings, clock)
        self.purchase_orders: FollowedSource[Purchase, PurchaseOrder] = open_purchases(api, settings, clock)
        self.acknowledgements: FollowedSource[wire.OrderState, Acknowledgement] = open_acknowledgements(
            api, settings, clock
        )

    def sample(self, name: str, content: bytes) -> Sample:  # noqa: ARG002
        """ShipHero gives no files."""
        finding = Finding(name="sample", ok=False, detail="a ShipHero warehouse exchanges no files")
        return Sample(kind="", findings=(finding,))

    async def test(self, *, write: bool) -> Sequence[Finding]:  # noqa: ARG002 - nothing tells what may be written
        """One query. Raises Misconfigured for another user's token, warehouse or client."""
        account = await self._account()
        house = next((each for each in account.warehouses or () if self._is_ours(each)), None)
        named = "" if house is None else f" {house.identifier}"
        client = f", for client {self._settings.customer_account}" if self._settings.customer_account else ""
        detail = f"account {account.email or account.id}, warehouse{named} {self._settings.warehouse}{client}"
        return [Finding(name="warehouse", ok=True, detail=detail)]

    async def survey(self) -> Survey:
        """Reads every SKU of the warehouse: a credit for each."""
        await self._account()
        skus = await self._skus()
        return Survey(
            findings=tuple(self._set_up()),
            skus=frozenset(skus),
            duplicate_skus=frozenset(sku for sku, count in skus.items() if count > 1),
        )

    async def _account(self) -> wire.Account:
        settings = self._settings
        variables = {"warehouse": settings.warehouse, "customer": settings.customer_account or None}
        told = await self._api.ask(documents.ACCOUNT, variables, wire.AccountData, write=False)
        if isinstance(told, Refusal):
            partly = _account_data(told.data)
            if partly.me is None or partly.account is None:
                raise Misconfigured(
                    f"ShipHero does not tell whose token this is (code {told.code}): {told.message}",
                    remedy="is the developer user's account active?",
                )
            self._check_warehouse(self._of(partly))
            raise self._refused(told)
        account = self._of(told)
        self._check_warehouse(account)
        return account

    def _of(self, told: wire.AccountData) -> wire.Account:
        """The account, if the token is of the user that is set."""
        settings = self._settings
        user = None if told.me is None else told.me.data
        if user is None or (user.email or "").strip().lower() != settings.user.strip().lower():
            whose = "another user" if user is None or not user.email else user.email
            raise Misconfigured(
                f"this refresh token is {whose}'s, and `user` is {settings.user}",
                remedy="set `user` to the email of the developer user whose token it is",
            )
        if told.account is None or told.account.data is None:
            raise Misconfigured(
                f"ShipHero tells no account of {settings.user}", remedy="is its account active?"
            )
        return told.account.data

    def _check_warehouse(self, account: wire.Account) -> None:
        """A client of a 3PL's may be told no warehouses: then nothing is known."""
        houses = [each for each in account.warehouses or () if each is not None]
        if houses and not any(self._is_ours(each) for each in houses):
            known = ", ".join(f"{each.id} ({each.identifier})" for each in houses)
            raise Misconfigured(
                f"the account has no warehouse {self._settings.warehouse}",
                remedy=f"set `warehouse` to one of {known}",
            )

    def _refused(self, refusal: Refusal) -> Misconfigured:
        settings = self._settings
        if settings.customer_account:
            return Misconfigured(
                f"ShipHero refuses client {settings.customer_account} (code {refusal.code}): "
                f"{refusal.message}",
                remedy="is `customer_account` the id of a client of this 3PL?",
            )
        return Misconfigured(
            f"ShipHero refuses the stock of {settings.warehouse} (code {refusal.code}): {refusal.message}",
            remedy="set `warehouse` to the id of one of the account's; a 3PL names its client in "
            "`customer_account`",
        )

    def _is_ours(self, house: wire.House | None) -> bool:
        return house is not None and house.id == self._settings.warehouse

    def _set_up(self) -> Iterator[Finding]:
        if not self._settings.return_carrier:
            yield Finding(
                name="returns",
                ok=True,
                detail="no return is announced: ShipHero wants a carrier and a method for it",
                remedy="set return_carrier and return_method, if it should be",
            )
        if self._settings.holds:
            held = ", ".join(self._settings.holds)
            yield Finding(
                name="holds",
                ok=False,
                detail=f"every order is put on hold: {held}",
                remedy="release them in ShipHero",
            )

    async def _skus(self) -> Counter[str]:
        listing = Listing(
            self._api,
            documents_goods.STOCK,
            "warehouse_products",
            {"warehouse_id": self._settings.warehouse, **self._settings.of_customer},
            at_once=documents_goods.STOCK_AT_ONCE,
            overlap=2,
        )
        by_id: dict[object, str] = {}
        ended = False
        while not ended:
            page = await listing.page()
            for raw in page.rows:
                row = _sku.decode(raw)
                if isinstance(row.get("sku"), str) and row["sku"]:
                    by_id[row.get("id")] = str(row["sku"])
            ended = page.ended
        return Counter(by_id.values())


def _account_data(told: bytes) -> wire.AccountData:
    """What came beside a refusal."""
    try:
        return msgspec.json.decode(told, type=wire.AccountData)
    except UNREADABLE as error:
        raise ProtocolMismatch(f"ShipHero told of its account otherwise than described: {error}") from error


@asynccontextmanager
async def open_warehouse(settings: Settings, host: Host) -> AsyncIterator[ShipHeroWarehouse]:
    """A session for one run; it gets its token with the first call."""
    async with AsyncExitStack() as stack:
        yield ShipHeroWarehouse(Api(settings, host, stack), settings, host, offers(settings))
