"""Each platform's double and a warehouse, the real daemon between them, from the two documented files on."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from dropstreamd.clock import SystemClock
from tests.e2e import documented, shops
from tests.e2e.commands import check, ctl
from tests.e2e.daemon import Daemon, new_daemon
from tests.e2e.houses import Files, House, OnShipHero
from tests.e2e.sandbox import Sandbox
from tests.e2e.served import Served, served
from tests.e2e.shops import Shop
from tests.fakes.shiphero import fake_shiphero

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("platforms")]


class Pair:
    """A store and a warehouse, and the connection between them: of `name`, as its merchant."""

    def __init__(self, daemon: Daemon, name: str, store: Served[Shop], warehouse: House) -> None:
        self.name = name
        self._daemon = daemon
        self._store = store
        self._warehouse = warehouse
        self._merchant = daemon.conf / "merchants.d" / f"{name}.toml"
        self._connection = daemon.conf / "connections.d" / f"{name}.toml"

    def open_shop(self) -> str:
        """Goods on both sides, and an order from before; its number."""

        def begin(shop: Shop) -> str:
            for sku in ("TEE", "CAP"):
                shop.stock(sku, 100)
            return shop.place({"TEE": 1}, earlier=True)

        self._warehouse.count({"TEE": 40, "CAP": 7})
        return self._store.act(begin)

    def connect(self, plugin: str) -> None:
        """What the README says, from the two files to the switch."""
        shop, warehouse = self._store.double, self._warehouse
        own = {
            **{key: f'"{value}"' for key, value in {"id": f"c-{self.name}", "merchant": self.name}.items()},
            **shop.own,
            "allow_private_address": "true",
            "methods": f'{{ "{shop.method}" = "UPS_GND" }}',
        }
        self._file(
            self._merchant, warehouse.configured(documented.sample(warehouse.plugin)), warehouse.secrets
        )
        text = documented.connection(documented.sample(plugin))
        self._file(self._connection, documented.with_own(text, own), shop.secrets)
        status, said = check(self._daemon)
        consent = shop.consent
        asks = consent is not None
        assert (status, f"dropstreamctl authorize {self.name}" in said) == (int(asks), asks)
        said = ctl(self._daemon, "reload", ends=int(asks))  # it is taken over, and says what is missing
        assert (f"dropstreamctl authorize {self.name}" in said) is asks
        if consent is not None:
            agree = partial(self._agree, consent)
            ctl(self._daemon, "authorize", self.name, answer=agree)
            assert check(self._daemon)[0] == 0
        ctl(self._daemon, "test", self.name, "--write")
        ctl(self._daemon, "preflight", self.name)
        ctl(self._daemon, "enable", self.name)

    def _file(self, path: Path, text: str, given: Mapping[str, str]) -> None:
        path.write_text(text)
        for key, secret in documented.secrets(text).items():
            if key in given:
                ctl(self._daemon, "secret", "set", secret, stdin=given[key])

    def _agree(self, consent: Callable[[str], str], url: str) -> str:
        return self._store.act(lambda _: consent(url))

    def _run(self, job: str, *more: str) -> str:
        return ctl(self._daemon, "run", self.name, job, *more, "--wait", "--timeout", "60")

    def levels_follow(self) -> None:
        """In full, then what changed."""

        def shown(shop: Shop) -> list[int | None]:
            return [shop.shown("TEE"), shop.shown("CAP")]

        ctl(self._daemon, "enable", self.name, "inventory")
        self._run("inventory.full")
        assert self._store.act(shown) == [40, 7]
        self._warehouse.count({"TEE": 40, "CAP": 5})
        assert "2 pushed" not in self._run("inventory.smart")
        assert self._store.act(shown) == [40, 5]

    def orders_go_and_tracking_comes(self, older: str, *since: str) -> None:
        """Three orders; with `since`, the platform tells none that are young, so that all are older ones."""
        for channel in ("shipments", "sales_orders"):
            ctl(self._daemon, "enable", self.name, channel)
        self._run("sales_orders.import")
        numbers = self._store.act(lambda shop: [shop.place({"TEE": 2}) for _ in range(3)])
        for more in ((), since):
            self._run("sales_orders.import", *more)
        sent = [*numbers, older] if since else numbers
        references = {number: f"SH{number.lstrip('#')}" for number in sent}
        assert Counter(self._warehouse.arrived()) == dict.fromkeys(references.values(), 1)

        for place, number in enumerate(numbers[:2]):
            self._warehouse.ship(references[number], f"1Z0{place}")
        for _ in range(2):
            self._run("shipments.export")
        told = self._store.act(lambda shop: [shop.tracking(number) for number in numbers])
        assert told == [["1Z00"], ["1Z01"], []]
        said = ctl(self._daemon, "status", self.name)
        assert ("1 held" in said) is not bool(since)
        assert not [word for word in ("parked", "in doubt", "failed", "to do") if word in said]

    def part(self) -> None:
        """The files go, and with them the connection."""
        self._connection.unlink(missing_ok=True)
        self._merchant.unlink(missing_ok=True)
        ctl(self._daemon, "reload")


def join(pair: Pair, plugin: str) -> None:
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    since = ("--since", yesterday, "--yes") if plugin == "amazon" else ()
    try:
        older = pair.open_shop()
        pair.connect(plugin)
        pair.levels_follow()
        pair.orders_go_and_tracking_comes(older, *since)
    finally:
        pair.part()


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """One for all of them, started with nothing to do, as it is after its installation."""
    with new_daemon() as one:
        one.start()
        yield one


@pytest.mark.parametrize(
    ("plugin", "on_platform"),
    [
        ("shopify", shops.on_shopify),
        ("amazon", shops.on_amazon),
        ("ebay", shops.on_ebay),
        ("bigcommerce", shops.on_bigcommerce),
        ("woocommerce", shops.on_woocommerce),
    ],
)
def test_two_files_join_a_platform_to_files(
    plugin: str,
    on_platform: Callable[[], AbstractAsyncContextManager[Shop]],
    daemon: Daemon,
    sandbox: Sandbox,
) -> None:
    with served(on_platform) as store:
        join(Pair(daemon, plugin, store, Files(sandbox)), plugin)


def test_two_files_join_a_platform_to_shiphero(daemon: Daemon) -> None:
    on_shiphero = partial(fake_shiphero, SystemClock().now_s())
    with served(shops.on_woocommerce) as store, served(on_shiphero) as house:
        join(Pair(daemon, "woocommerce-shiphero", store, OnShipHero(house)), "woocommerce")
