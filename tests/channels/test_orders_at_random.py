"""Orders of a WooCommerce shop, and all that may become of them: what the list tells, what is read by its key
and what the warehouse was told agree in the end."""

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dropstreamd.clock import utc
from dropstreamd.platform.contract import Part, Store
from dropstreamd.platform.limiter import Priority
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import START_S, Plant, connection
from tests.fakes.woocommerce import SECRET, FakeWooCommerce, fake_woocommerce
from tests.fakes.woocommerce_rows import Row
from tests.plugins.woocommerce.stores import Account, account_at, settings

SEEDS = int(os.environ.get("DROPSTREAMD_ORDER_SEEDS", "1"))
STEPS = 30
BOTH = frozenset({Part.ORDERS})
OPEN, WAITING = "processing", "on-hold"
ODD_UNITS = 1.5


class Shop(Plant):
    """A plant whose only store is the double of WooCommerce, and what people do in it."""

    def __init__(self, state: InlineStore, fake: FakeWooCommerce, rng: random.Random) -> None:
        super().__init__(state, connection(methods={"Flat rate": "GND"}), amends=BOTH, cancels=BOTH)
        self.shop = fake.shop
        self.shop.add_product("TEE")
        self.made: list[Row] = []
        self._units: dict[int, int] = {}
        self._rng = rng
        self._woo: Account = account_at(self.clock, {"secret": SECRET}, settings(fake.url))

    @asynccontextmanager
    async def _open_store(self, _name: str, _priority: Priority) -> AsyncIterator[Store]:
        async with self._woo.open() as store:
            yield store

    def pass_time(self, *minutes: int) -> None:
        self.later(minutes=self._rng.choice(minutes))
        self.shop.now = utc(self.clock.now_s()).replace(microsecond=0)

    def act(self) -> None:
        """A few orders are placed, and something becomes of some."""
        for _ in range(self._rng.randint(0, 3)):
            made = self.shop.place({"TEE": self._rng.randint(1, 4)}, number=f"W{len(self.made)}")
            self._units[made["id"]] = made["line_items"][0]["quantity"]
            self.made.append(made)
            if self._rng.random() < 0.3:
                made["line_items"][0]["quantity"] = ODD_UNITS
        for row in self.made:
            if row["id"] in self.shop.orders and self._rng.random() < 0.25:
                self._change(row, self._rng.choice(("odd", "mend", "mend", "end", "edit", "hold", "let")))

    def _change(self, row: Row, what: str) -> None:
        """Whether it can be read may change without a change of the order: the plugin, or its settings."""
        status, line = row["status"], row["line_items"][0]
        if what in ("odd", "mend"):
            line["quantity"] = ODD_UNITS if what == "odd" else self._units[row["id"]]
            if self._rng.random() < 0.2:
                self.shop.touch(row)
        elif what == "end" and status == OPEN and self._rng.random() < 0.6:
            row["status"] = self._rng.choice(("cancelled", "trash", "deleted"))
            self.shop.touch(row)
            if row["status"] == "deleted":
                self.shop.delete(row)
        elif what == "edit" and status == OPEN and line["quantity"] != ODD_UNITS:
            self._units[row["id"]] = line["quantity"] = line["quantity"] + 1
            self.shop.touch(row)
        elif (what, status) in (("hold", OPEN), ("let", WAITING)):
            self.shop.set_status(row, WAITING if what == "hold" else OPEN)

    def settle(self) -> None:
        """All can be read, and what waited may go."""
        for row in self.made:
            row["line_items"][0]["quantity"] = self._units[row["id"]]
            if row["status"] == WAITING:
                self.shop.set_status(row, OPEN)

    def wanted(self) -> dict[str, int]:
        """Units by order."""
        return {str(row["id"]): self._units[row["id"]] for row in self.made if row["status"] == OPEN}

    def sent(self) -> dict[str, int]:
        """The same, as the warehouse has them."""
        taken = self.warehouse.taken
        stopped = taken.stopped()
        return {
            key: sum(line.quantity for line in order.lines)
            for key, order in taken.newest().items()
            if key not in stopped
        }


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
async def test_what_the_warehouse_has_is_what_the_shop_wants(state: InlineStore, seed: int) -> None:
    """Each order once, none that is over, each as it is; where a person is needed there is a task."""
    async with fake_woocommerce(now=utc(START_S)) as fake:
        plant = Shop(state, fake, random.Random(seed))
        for _ in range(STEPS):
            plant.pass_time(1, 5, 15, 60, 600)
            plant.act()
            await plant.import_orders()
        plant.settle()
        for _ in range(4):
            plant.pass_time(15)
            await plant.import_orders()
    assert set(plant.warehouse.taken.created().values()) == {1}
    wanted, sent = plant.wanted(), plant.sent()
    differ = {key for key in wanted.keys() | sent.keys() if wanted.get(key) != sent.get(key)}
    assert differ <= {key for _, key in plant.tasks()}
    assert len(sent) > len(plant.made) / 3
