"""The platforms' doubles, each with what a merchant and buyers do there, by the machine's clock."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qs, quote, urlsplit

from dropstreamd.clock import SystemClock
from tests.fakes import amazon, bigcommerce, ebay, shopify, woocommerce
from tests.fakes.shopify_shop import HERE
from tests.fakes.woocommerce_rows import field

Own = Mapping[str, str]


EARLIER = timedelta(minutes=1)


def soon(*, earlier: bool = False) -> datetime:
    """The next whole second, which is what most platforms tell of a time: after whatever was before now.

    `earlier` is before it instead.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    return now - EARLIER if earlier else now + timedelta(seconds=1)


class Dated(Protocol):
    """A shop of a double, which dates what happens by its own clock."""

    now: datetime


@contextmanager
def dated(shop: Dated, *, earlier: bool) -> Iterator[None]:
    """What happens meanwhile is dated `soon`; only meanwhile, where that is earlier."""
    before, shop.now = shop.now, soon(earlier=earlier)
    yield
    if earlier:
        shop.now = before


class Shop(Protocol):
    """`own` are settings, as TOML, `secrets` values, both by the keys of `[store]`; `method` is how its
    orders are to be shipped. Orders go by the numbers that people see. `consent` is what the owner of the
    account does at an address: the one that it ends on."""

    @property
    def own(self) -> Own: ...
    @property
    def secrets(self) -> Own: ...
    @property
    def method(self) -> str: ...
    @property
    def consent(self) -> Callable[[str], str] | None: ...

    def stock(self, sku: str, units: int) -> None: ...

    def shown(self, sku: str) -> int | None: ...

    def place(self, units: Mapping[str, int], *, earlier: bool = False) -> str: ...

    def packages(self, number: str) -> list[str]:
        """Carrier and tracking number of each fulfillment of the order."""
        ...


class OnShopify:
    method = "Standard"
    consent = None

    def __init__(self, fake: shopify.FakeShopify) -> None:
        self._shop, self._made = fake.shop, dict[str, Any]()
        self.own = {
            "client_id": f'"{fake.client[0]}"',
            "locations": f'{{ "{HERE}" = "main" }}',
            "url": f'"{fake.url}"',
        }
        self.secrets = {"client_secret": fake.client[1]}

    def stock(self, sku: str, units: int) -> None:
        self._shop.add_variant(sku, units)

    def shown(self, sku: str) -> int | None:
        return self._shop.stock(sku)

    def place(self, units: Mapping[str, int], *, earlier: bool = False) -> str:
        with dated(self._shop, earlier=earlier):
            made = self._shop.place(units)
        self._made[made["order"]["name"]] = made
        return str(made["order"]["name"])

    def packages(self, number: str) -> list[str]:
        made = self._made[number]["fulfillments"]
        return [
            " ".join(f"{each['company']} {each['number']}" for each in one["trackingInfo"]) for one in made
        ]


class OnAmazon:
    method = "STANDARD"
    consent = None

    def __init__(self, fake: amazon.FakeAmazon) -> None:
        fake.seller.age_s = 300.0  # younger orders are not told
        self._seller = fake.seller
        self.own = {
            "seller": f'"{amazon.SELLER}"',
            "client_id": f'"{fake.client[0]}"',
            "url": f'"{fake.url}"',
            "login_url": f'"{fake.url}{amazon.TOKEN_PATH}"',
        }
        self.secrets = {"client_secret": fake.client[1], "refresh_token": fake.client[2]}

    def stock(self, sku: str, units: int) -> None:
        self._seller.list_sku(sku, units)

    def shown(self, sku: str) -> int | None:
        assert not self._seller.converted
        return self._seller.shown(sku)

    def place(self, units: Mapping[str, int], *, earlier: bool = False) -> str:
        return str(self._seller.place(units)["orderId"])

    def packages(self, number: str) -> list[str]:
        made = self._seller.orders[number]["packages"]
        return [f"{each['carrier']} {each['trackingNumber']}" for each in made]


class OnEbay:
    method = "USPSPriority"

    def __init__(self, fake: ebay.FakeEbay) -> None:
        self._fake, self._shop = fake, fake.shop
        self.own = {
            "client_id": f'"{ebay.CLIENT[0]}"',
            "redirect_name": f'"{ebay.RU_NAME}"',
            "url": f'"{fake.url}"',
        }
        self.secrets = {"client_secret": ebay.CLIENT[1]}

    def consent(self, url: str) -> str:
        state = parse_qs(urlsplit(url).query)["state"][0]
        code = f"v^1.1#i^1#{len(self._fake.codes)}"
        self._fake.codes[code] = True
        page = f"https://signin.ebay.com/done?isAuthSuccessful=true&state={state}"
        return f"{page}&code={quote(code)}&expires_in=299"

    def stock(self, sku: str, units: int) -> None:
        self._shop.add_item(sku, units, offer=units)

    def shown(self, sku: str) -> int | None:
        return self._shop.shown(sku)

    def place(self, units: Mapping[str, int], *, earlier: bool = False) -> str:
        with dated(self._shop, earlier=earlier):
            return str(self._shop.place(units)["orderId"])

    def packages(self, number: str) -> list[str]:
        made = self._shop.fulfillments[number]
        return [f"{each['shippingCarrierCode']} {each['shipmentTrackingNumber']}" for each in made]


class OnBigCommerce:
    method = "Ship by Weight"
    consent = None

    def __init__(self, fake: bigcommerce.FakeBigCommerce) -> None:
        self._shop = fake.shop
        self.own = {"url": f'"{fake.url}"'}
        self.secrets = {"access_token": fake.token}

    def stock(self, sku: str, units: int) -> None:
        self._shop.add_product(sku, units)

    def shown(self, sku: str) -> int | None:
        return self._shop.shown(sku, settled=True)

    def place(self, units: Mapping[str, int], *, earlier: bool = False) -> str:
        with dated(self._shop, earlier=earlier):
            return str(self._shop.place(units)["id"])

    def packages(self, number: str) -> list[str]:
        """A provider's name is written small there."""
        made = self._shop.shipments_of(int(number))
        return [f"{each['shipping_provider'].upper()} {each['tracking_number']}" for each in made]


class OnWooCommerce:
    method = "Flat rate"
    consent = None

    def __init__(self, fake: woocommerce.FakeWooCommerce) -> None:
        self._shop = fake.shop
        self.own = {
            "url": f'"{fake.url}"',
            "consumer_key": f'"{woocommerce.KEY}"',
            "calls_per_s": "100.0",  # what this host bears
        }
        self.secrets = {"consumer_secret": woocommerce.SECRET}

    def stock(self, sku: str, units: int) -> None:
        self._shop.add_product(sku, units)

    def shown(self, sku: str) -> int | None:
        units: int | None = self._shop.product(sku)["stock_quantity"]
        return units

    def place(self, units: Mapping[str, int], *, earlier: bool = False) -> str:
        with dated(self._shop, earlier=earlier):
            return str(self._shop.place(units)["number"])

    def packages(self, number: str) -> list[str]:
        (order,) = [each for each in self._shop.orders.values() if each["number"] == number]
        made = self._shop.shipped(order)
        return [f"{field(each, '_shipment_provider')} {field(each, '_tracking_number')}" for each in made]


# ---- one after the other, each up and listening


@asynccontextmanager
async def on_shopify() -> AsyncIterator[OnShopify]:
    async with shopify.fake_shopify(now=datetime.now(UTC)) as fake:
        yield OnShopify(fake)


@asynccontextmanager
async def on_amazon() -> AsyncIterator[OnAmazon]:
    async with amazon.fake_amazon(SystemClock()) as fake:
        yield OnAmazon(fake)


@asynccontextmanager
async def on_ebay() -> AsyncIterator[OnEbay]:
    async with ebay.fake_ebay(now=datetime.now(UTC)) as fake:
        yield OnEbay(fake)


@asynccontextmanager
async def on_bigcommerce() -> AsyncIterator[OnBigCommerce]:
    async with bigcommerce.fake_bigcommerce(now=datetime.now(UTC)) as fake:
        yield OnBigCommerce(fake)


@asynccontextmanager
async def on_woocommerce() -> AsyncIterator[OnWooCommerce]:
    async with woocommerce.fake_woocommerce(now=datetime.now(UTC)) as fake:
        yield OnWooCommerce(fake)
