"""Three shops of one merchant sell the same components, alone and in bundles, from one warehouse."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from tests.counterparts.sshd import Account
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.server import VendureServer
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.wms import Consumer
from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import ctl
from tests.e2e.setting import SHIPMENTS, add_store, add_warehouse, sellable
from tests.e2e.test_kits import lines_in

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(0)]

CHANGES = int(os.environ.get("DROPSTREAMD_SHARED_CHANGES", "12"))
AT_REST_EVERY = 8

STOCK = {"TEE": 200, "MUG": 70, "CAP": 50}
BUNDLES = {"GIFT": {"TEE": 2, "MUG": 1}, "3PACK": {"TEE": 3}, "DUO": {"MUG": 1, "CAP": 2}}
SOLD = {sku: {sku: 1} for sku in STOCK} | BUNDLES
SAFETY = 3
OF_A_SMALL_WAREHOUSE = 'zeroed_share = "100%"\nraised_share = 1000'
"""Of three SKUs all may be sold out, and one delivery may be more than all that is left."""
LISTINGS = {"north": {}, "south": {"S-TEE": "TEE", "S-GIFT": "GIFT"}, "west": {}}
PREFIXES = {"north": "N", "south": "S", "west": "W"}


class Merchant:
    """The shops, the warehouse and the daemon; what happened, as a bookkeeper beside them would note it.

    `free` is what he would let be sold: the warehouse's last figures, less every unit that was ordered and
    is not known to them.
    """

    def __init__(
        self, daemon: Daemon, shops: Mapping[str, VendureShop], account: Account, consumer: Consumer
    ) -> None:
        self.daemon = daemon
        self.shops = shops
        self.rng = random.Random(23)
        self.shares: dict[str, int] = {}
        self._account = account
        self._consumer = consumer
        self._available = Counter(STOCK)
        self._known: set[str] = set()
        self._figures: dict[str, int] = {}
        self._ordered: dict[str, Counter[str]] = {}
        self._to_ship: list[str] = []
        self._files = 0

    # ---- the warehouse

    def take(self) -> None:
        """Allocate every order that has arrived in the warehouse since the last time."""
        for reference, lines in lines_in(self._consumer).items():
            if reference not in self._known:
                self._known.add(reference)
                self._to_ship.append(reference)
                units: Counter[str] = Counter()
                for sku, some in lines:
                    units[sku] += some
                assert units == self._ordered[reference]
                self._available.subtract(units)

    def report(self) -> None:
        """Goods come and go, and a snapshot of what is not allocated is left."""
        self.take()
        for sku in STOCK:
            moved = self.rng.randint(-15, 20)
            self._available[sku] = max(0, self._available[sku] + moved)
        self.leave_figures()

    def leave_figures(self) -> None:
        self._figures = dict(self._available)
        self._reported = set(self._known)
        rows = "".join(f"{sku},{units}\n" for sku, units in self._figures.items())
        self._leave("inv", f"sku,quantity\n{rows}")

    def ship(self) -> None:
        """One order leaves, its lines in random packages."""
        self.take()
        if not self._to_ship:
            return
        reference = self._to_ship.pop(self.rng.randrange(len(self._to_ship)))
        packages: dict[int, Counter[str]] = {}
        for sku in self._ordered[reference].elements():
            packages.setdefault(self.rng.randint(1, 2), Counter())[sku] += 1
        rows = "".join(
            f"{reference},{reference},{number},,{sku},{some},UPS,,1Z{reference}-{number},2026-11-20\n"
            for number, units in packages.items()
            for sku, some in units.items()
        )
        self._leave("shp", SHIPMENTS + rows)
        [seller] = [name for name in self.shops if reference.startswith(PREFIXES[name])]
        for name in (self.rng.choice(sorted(self.shops)), seller):  # any may bring in what is another's
            self.daemon.run(name, "shipments.export")

    def _leave(self, kind: str, text: str) -> None:
        self._files += 1
        self._account.leave(f"{kind}_{self._files:05d}.csv", text.encode())

    # ---- the shops

    def any_order(self) -> list[str]:
        return self.rng.sample(sorted(self.shops), k=len(self.shops))

    def buy(self) -> None:
        """A buyer takes some of what a shop shows."""
        name = self.rng.choice(sorted(self.shops))
        shown = {sku: units for sku, units in sellable(self.shops[name]).items() if units > 0}
        if not shown:
            return
        some = self.rng.sample(sorted(shown), k=min(len(shown), self.rng.randint(1, 2)))
        wanted = {sku: self.rng.randint(1, min(4, shown[sku])) for sku in some}
        [order] = self.shops[name].place_orders([NewOrder(units=wanted)])
        units: Counter[str] = Counter()
        for sku, count in wanted.items():
            units.update({part: each * count for part, each in self.recipe(name, sku).items()})
        self._ordered[f"{PREFIXES[name]}{order.code}"] = units

    def recipe(self, name: str, sku: str) -> dict[str, int]:
        return SOLD[LISTINGS[name].get(sku, sku)]

    def import_orders(self) -> None:
        self.daemon.run(self.rng.choice(sorted(self.shops)), "sales_orders.import")

    # ---- the merchant

    def share_out(self) -> None:
        """Other shares of the shops, at rest from the next runs on."""
        parts = {name: self.rng.randint(1, 4) for name in self.shops}
        self.shares = {name: 100 * part // sum(parts.values()) for name, part in parts.items()}
        self.configure()
        assert ctl(self.daemon, "reload").status == 0

    def configure(self) -> None:
        bundles = "".join(
            f'"{sku}" = {{ {", ".join(f"{part} = {units}" for part, units in made.items())} }}\n'
            for sku, made in BUNDLES.items()
        )
        shares = "".join(f'{name} = "{share}%"\n' for name, share in self.shares.items())
        more = (
            f"[warehouses.main.breaker]\n{OF_A_SMALL_WAREHOUSE}\n"
            f"[bundles]\n{bundles}[allocation]\nsafety_stock = {SAFETY}\n[allocation.share]\n{shares}"
        )
        add_warehouse(self.daemon, self._account, more=more)

    # ---- what must hold

    def rest(self) -> None:
        """Run Smart Syncs until none has anything to do: what rises waits for what falls elsewhere."""
        for _ in range(6):
            runs = [self.daemon.run(name, "inventory.smart") for name in self.any_order()]
            if not any(counts["pushed"] + counts["waiting"] for counts in runs):
                return
        raise AssertionError("the levels do not come to rest")

    def free(self) -> dict[str, int]:
        unknown: Counter[str] = Counter()
        for reference, units in self._ordered.items():
            if reference not in self._reported:
                unknown.update(units)
        return {sku: max(0, self._figures[sku] - unknown[sku]) for sku in STOCK}

    def check(self) -> int:
        """No shop shows more than can be built of what is free, and all of them together do not. The
        units that they show."""
        free, together = self.free(), Counter[str]()
        total = 0
        for name, shop in self.shops.items():
            most: Counter[str] = Counter()
            for sku, units in sellable(shop).items():
                total += units
                for part, each in self.recipe(name, sku).items():
                    assert units * each <= free[part], (name, sku, units, free)
                    most[part] = max(most[part], units * each)
            together.update(most)
        assert all(units <= free[part] for part, units in together.items()), (together, free)
        return total

    def expected(self, name: str, sku: str) -> int:
        """The level of a SKU where nothing is ordered that the figures do not know of."""
        parts = self.recipe(name, sku).items()
        built = min(max(0, self._figures[part] - SAFETY) // each for part, each in parts)
        return built * self.shares[name] // 100

    def not_shipped(self) -> set[str]:
        return set(self._ordered) - (self._known - set(self._to_ship))


@pytest.mark.cell("vendure", "csv-sftp", "sales_orders.import", "shipments.export", "inventory.smart")
def test_no_shop_shows_more_than_can_be_built(
    daemon: Daemon,
    vendure: VendureServer,
    new_shop: Callable[[VendureServer], VendureShop],
    account: Account,
    warehouse: Consumer,
) -> None:
    shops = {name: new_shop(vendure) for name in LISTINGS}
    merchant = Merchant(daemon, shops, account, warehouse)
    merchant.shares = {"north": 50, "south": 30, "west": 20}
    merchant.configure()
    for name, shop in shops.items():
        listed = {sku: name for name, sku in LISTINGS[name].items()}
        shop.add_products({listed.get(sku, sku): 0 for sku in SOLD})
        rows = "".join(f'"{own}" = "{sku}"\n' for own, sku in LISTINGS[name].items())
        add_store(daemon, shop, name, reference=f"{PREFIXES[name]}{{number}}", more=f"[listings]\n{rows}")
    daemon.start()
    for name in shops:
        daemon.enable(name, "sales_orders", "shipments", "inventory")
        daemon.run(name, "sales_orders.import")
    merchant.leave_figures()
    merchant.rest()
    assert merchant.check() > 0

    changes = (merchant.report, merchant.buy, merchant.buy, merchant.import_orders, merchant.ship)
    weights = (4, 6, 6, 4, 4)
    for number in range(1, CHANGES + 1):
        if number % 12 == 0:
            merchant.share_out()
        else:
            [change] = merchant.rng.choices(changes, weights)
            change()
        if number % AT_REST_EVERY == 0:
            merchant.rest()
            print(f"{number} changes, {merchant.check()} units shown")

    # All is handed over, and the figures know it: the levels are exactly those of the figures.
    for name in shops:
        daemon.run(name, "sales_orders.import")
    merchant.take()
    time.sleep(1.1)  # SFTP tells a file's time in whole seconds: this snapshot is newer than the hand-overs
    merchant.leave_figures()
    merchant.rest()
    merchant.check()
    for name, shop in shops.items():
        assert sellable(shop) == {sku: merchant.expected(name, sku) for sku in sellable(shop)}
        assert daemon.ask("GET", f"/connections/{name}/tasks")["tasks"] == []
        assert daemon.ask("GET", f"/connections/{name}/parked")["groups"] == []
        waiting = {PREFIXES[name] + each.code for each in shop.orders().values() if each.state != "Shipped"}
        assert waiting == {each for each in merchant.not_shipped() if each.startswith(PREFIXES[name])}
