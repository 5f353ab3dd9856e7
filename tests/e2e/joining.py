"""A store and a warehouse that the documentation alone joins: its files, its commands, what then flows."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e import documented, shops
from tests.e2e.commands import check, ctl
from tests.e2e.daemon import Daemon
from tests.e2e.houses import House
from tests.e2e.served import Served, served
from tests.e2e.shops import Shop


class Store(NamedTuple):
    """Whose plugin, and its platform's double."""

    plugin: str
    opened: Callable[[], AbstractAsyncContextManager[Shop]]


STORES = (
    Store("shopify", shops.on_shopify),
    Store("amazon", shops.on_amazon),
    Store("ebay", shops.on_ebay),
    Store("bigcommerce", shops.on_bigcommerce),
    Store("woocommerce", shops.on_woocommerce),
)
EVERY_STORE = tuple(each.plugin for each in STORES)


def stores(*chosen: str) -> pytest.MarkDecorator:
    """The chosen ones, and every one where DROPSTREAMD_PLATFORM_PAIRS=all asks for it."""
    every = os.environ.get("DROPSTREAMD_PLATFORM_PAIRS") == "all"
    wanted = [each for each in STORES if every or each.plugin in chosen]
    return pytest.mark.parametrize("store", wanted, ids=[each.plugin for each in wanted])


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
            "warehouse": f'"{warehouse.account}"',
            "methods": f'{{ "{shop.method}" = "{warehouse.method}" }}',
        }
        if warehouse.carrier != "UPS":
            own["carriers"] = f'{{ "{warehouse.carrier}" = "UPS" }}'
        table = warehouse.configured(documented.sample(warehouse.sample))
        self._file(self._merchant, table, warehouse.secrets)
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
        told = self._store.act(lambda shop: [shop.packages(number) for number in numbers])
        assert told == [["UPS 1Z00"], ["UPS 1Z01"], []]
        said = ctl(self._daemon, "status", self.name)
        assert ("1 held" in said) is not bool(since)
        assert not [word for word in ("parked", "in doubt", "failed", "to do") if word in said]

    def part(self) -> None:
        """The files go, and with them the connection; then what nothing names any more."""
        self._connection.unlink(missing_ok=True)
        self._merchant.unlink(missing_ok=True)
        ctl(self._daemon, "reload")
        for secret in sorted(path.name for path in (self._daemon.state / "secrets").iterdir()):
            ctl(self._daemon, "secret", "delete", secret)


def join(daemon: Daemon, store: Store, warehouse: House) -> None:
    """From the two files to tracking numbers and levels, and away again."""
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    since = ("--since", yesterday, "--yes") if store.plugin == "amazon" else ()
    with served(store.opened) as shop:
        pair = Pair(daemon, f"{store.plugin}-{warehouse.name}", shop, warehouse)
        try:
            older = pair.open_shop()
            pair.connect(store.plugin)
            pair.levels_follow()
            pair.orders_go_and_tracking_comes(older, *since)
        finally:
            pair.part()
