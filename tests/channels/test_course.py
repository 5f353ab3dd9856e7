"""What falls is pushed before what rises, over all stores of a warehouse, and nobody waits for ever."""

import os
import random
from collections import Counter
from functools import partial

import pytest
from msgspec.structs import replace
from trio.testing import MockClock

from dropstreamd.channels import deriving, inventory, promises
from dropstreamd.channels.run import Run
from dropstreamd.config.schema import WHOLE_PPM, Allocation, Breaker, Connection, StockRule
from dropstreamd.errors import OutcomeUnknown, RateLimited
from dropstreamd.store import levels, stock, switches
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.switches import CONNECTION, Followed
from tests.channels.plant import ACCOUNT, Plant, connection, order, package
from tests.fakes.sinks import Fault

BUNDLES = {"GIFT": {"TEE": 2, "MUG": 1}, "3PACK": {"TEE": 3}}


def seller(name: str, share: float, **changed: object) -> Connection:
    allocation = Allocation(share_ppm=round(share * WHOLE_PPM))
    return connection(name, allocation=allocation, **changed)


async def alive(plant: Plant, name: str, *, on: bool = True) -> None:
    """The connection's inventory is on, and succeeded now."""
    found, now_s = plant.connections[name].id, plant.clock.now_s()

    def write(tx: Writer) -> None:
        for channel in (CONNECTION, inventory.CHANNEL):
            switches.turn(tx, found, channel, on=on, now_s=now_s, who="ann")
        switches.follow(tx, found, inventory.CHANNEL, "smart", Followed(last_success_s=now_s))

    await plant.state.write(write)


async def two_stores(state: InlineStore) -> Plant:
    """Ten pieces, 60% of them in `shop` and 40% in `ebay`; then it is to be 80% and 20%."""
    plant = Plant(state, seller("shop", 0.6), seller("ebay", 0.4))
    for name in ("shop", "ebay"):
        await alive(plant, name)
    plant.report({"A": 10})
    await plant.smart("shop")
    await plant.smart("ebay")
    assert shown(plant) == {"shop": {"A": 6}, "ebay": {"A": 4}}
    plant.configure(shop=seller("shop", 0.8), ebay=seller("ebay", 0.2))
    return plant


def shown(plant: Plant) -> dict[str, dict[str, int]]:
    return {name: store.shows() for name, store in plant.stores.items()}


async def waited(plant: Plant, name: str = "shop") -> int:
    run: Run = await plant.smart(name)
    return run.counts["waiting"]


async def test_in_one_run_what_falls_goes_first(plant: Plant) -> None:
    plant.report({f"S{number}": 10 for number in range(9)})
    await plant.smart()
    sink = plant.stores["shop"].levels
    sink.effects = []
    plant.later(minutes=5)
    plant.report({f"S{number}": 20 if number < 6 else 5 for number in range(9)} | {"NEW": 1})
    await plant.smart()
    assert [effect.key for effect in sink.effects][:3] == ["S6", "S7", "S8"]
    assert len(sink.effects) == 10


async def test_what_falls_fills_whole_batches(plant: Plant) -> None:
    """However many levels lie between: a platform that takes many at once is called seldom."""
    sink = plant.stores["shop"].levels
    sink.writes, sink.whole_file = replace(sink.writes, batch=1000), True
    plant.report({f"S{number:04}": 10 for number in range(1600)})
    await plant.smart()
    sink.effects, sink.pushed = [], []
    plant.later(minutes=5)
    plant.report({f"S{number:04}": 5 if number % 2 else 20 for number in range(1600)})
    await plant.smart()
    assert len(sink.pushed) == 2
    assert [effect.document.available for effect in sink.effects] == [5] * 800 + [20] * 800


async def test_a_rise_waits_for_the_fall_of_another_store(state: InlineStore) -> None:
    plant = await two_stores(state)
    assert await waited(plant) == 1
    assert shown(plant) == {"shop": {"A": 6}, "ebay": {"A": 4}}
    await plant.smart("ebay")
    assert shown(plant) == {"shop": {"A": 6}, "ebay": {"A": 2}}
    assert await waited(plant) == 0
    assert shown(plant) == {"shop": {"A": 8}, "ebay": {"A": 2}}


async def test_a_rise_waits_for_a_push_that_was_cut(state: InlineStore, autojump_clock: MockClock) -> None:
    """It may have had its effect: until the store's next run nobody knows."""
    plant = Plant(state, seller("shop", 0.6), seller("ebay", 0.4))
    for name in ("shop", "ebay"):
        await alive(plant, name)
    plant.report({"A": 10})
    await plant.smart("shop")
    await plant.smart("ebay")
    plant.stores["shop"].levels.faults.append(Fault.HANG)
    plant.later(minutes=5)
    plant.report({"A": 20})
    with pytest.raises(OutcomeUnknown):
        await plant.smart("shop")
    assert shown(plant) == {"shop": {"A": 12}, "ebay": {"A": 4}}
    plant.later(minutes=5)
    plant.report({"A": 15})
    assert await waited(plant, "ebay") == 1
    for _ in range(2):  # the second time, what was cut cannot act any more
        await plant.smart("shop")
        plant.later(minutes=30)
    assert await waited(plant, "ebay") == 0
    assert shown(plant) == {"shop": {"A": 9}, "ebay": {"A": 6}}


async def test_full_sync_waits_too_and_stays_full(state: InlineStore) -> None:
    plant = await two_stores(state)
    for _ in range(2):
        run = await plant.full()
        assert (run.counts["waiting"], run.counts["pushed"]) == (1, 0)
    await plant.smart("ebay")
    await plant.smart()
    assert shown(plant)["shop"] == {"A": 8}


async def test_a_rise_waits_for_bundles_of_the_same_stock(state: InlineStore) -> None:
    plant = Plant(state, seller("shop", 0.5), seller("ebay", 0.5, bundles={"PAIR": {"A": 2}}))
    for name in ("shop", "ebay"):
        await alive(plant, name)
    plant.report({"A": 20})
    await plant.smart()
    plant.stores["ebay"].levels.refuse = {"A": "sku"}
    await plant.smart("ebay")
    assert shown(plant) == {"shop": {"A": 10}, "ebay": {"PAIR": 5}}
    plant.configure(shop=seller("shop", 0.8), ebay=seller("ebay", 0.2, bundles={"PAIR": {"A": 2}}))
    assert await waited(plant) == 1
    await plant.smart("ebay")
    assert await waited(plant) == 0
    assert shown(plant) == {"shop": {"A": 16}, "ebay": {"PAIR": 2}}


@pytest.mark.parametrize("why", ["off", "silent", "refuses"])
async def test_nobody_waits_for_a_store_that_will_not_fall(state: InlineStore, why: str) -> None:
    plant = await two_stores(state)
    if why == "off":
        await alive(plant, "ebay", on=False)
    elif why == "silent":
        plant.later(hours=25)
        plant.report({"A": 10})
        await alive(plant, "shop")
    else:
        plant.stores["ebay"].levels.refuse = {"A": "sku"}
        await plant.smart("ebay")
    assert await waited(plant) == 0
    assert shown(plant)["shop"] == {"A": 8}


async def test_a_rise_waits_for_two_hours_at_most(state: InlineStore) -> None:
    plant = await two_stores(state)
    for minutes in (60, 59):
        plant.stores["ebay"].levels.faults.append(Fault.WAIT)
        with pytest.raises(RateLimited):
            await plant.smart("ebay")
        assert await waited(plant) == 1
        plant.later(minutes=minutes)
    assert await waited(plant) == 1
    plant.later(minutes=1)
    assert await waited(plant) == 0
    assert shown(plant) == {"shop": {"A": 8}, "ebay": {"A": 4}}


async def test_a_store_that_deducts_no_orders_waits_for_one_that_does(state: InlineStore) -> None:
    """The other one falls by what an order takes."""
    plant = Plant(state, seller("shop", 0.6, deduct_unsent=False), seller("ebay", 0.4))
    for name in ("shop", "ebay"):
        await alive(plant, name)
    plant.report({"A": 10})
    await plant.smart("shop")
    await plant.smart("ebay")
    plant.place(order("1", ("A", 5), method="unmapped"), name="ebay")
    await plant.import_orders("ebay")
    plant.configure(shop=seller("shop", 0.7, deduct_unsent=False))
    assert await waited(plant) == 1
    await plant.smart("ebay")
    assert await waited(plant) == 0
    assert shown(plant) == {"shop": {"A": 7}, "ebay": {"A": 2}}


async def test_a_clock_set_back_begins_the_wait_again(state: InlineStore) -> None:
    plant = await two_stores(state)
    assert await waited(plant) == 1
    plant.later(hours=-3)
    assert await waited(plant) == 1
    plant.later(hours=2)
    assert await waited(plant) == 0


async def test_stores_do_not_wait_for_each_other_in_a_circle(state: InlineStore) -> None:
    """In each one SKU rises and the other falls."""
    plant = Plant(state, seller("shop", 0.5), seller("ebay", 0.5))
    for name in ("shop", "ebay"):
        await alive(plant, name)
    plant.report({"A": 10, "B": 10})
    await plant.smart()
    await plant.smart("ebay")
    rules = {"A": StockRule(maximum=9), "B": StockRule(maximum=1)}
    other = {"A": StockRule(maximum=1), "B": StockRule(maximum=9)}
    plant.configure(
        shop=replace(plant.connections["shop"], allocation=Allocation(overrides=rules)),
        ebay=replace(plant.connections["ebay"], allocation=Allocation(overrides=other)),
    )
    assert await waited(plant) == 1
    assert await waited(plant, "ebay") == 0
    assert await waited(plant) == 0
    assert shown(plant) == {"shop": {"A": 9, "B": 1}, "ebay": {"A": 1, "B": 9}}


# ---- three stores of one merchant

STEPS = int(os.environ.get("DROPSTREAMD_BUNDLE_STEPS", "60"))
SHARES = {"shop": 0.5, "ebay": 0.3, "web": 0.2}
STOCK = ("TEE", "MUG", "CAP")


def merchant(shares: dict[str, float], rule: StockRule = StockRule()) -> dict[str, Connection]:  # noqa: B008 - frozen
    listings = {"ebay": {"E-TEE": "TEE", "E-GIFT": "GIFT"}}
    return {
        name: connection(
            name,
            bundles=BUNDLES,
            listings=listings.get(name, {}),
            methods={"Standard": "GND", "Later": "GND"} if name == "shop" else {"Standard": "GND"},
            allocation=Allocation(default=rule, share_ppm=round(share * WHOLE_PPM)),
        )
        for name, share in shares.items()
    }


def check_nothing_oversold(plant: Plant) -> None:
    """What all stores show together can be built from the figures less what orders take."""
    scope = plant.scopes["c-shop"]
    path = (plant.account.merchant, plant.account.name)
    figures = plant.state.read(partial(stock.figures, path=path))
    unsent = plant.state.read(partial(promises.unsent, account=plant.account, siblings=scope.siblings)).of(
        None
    )
    free = {sku: max(0, units - unsent.get(sku, 0)) for sku, units in figures.items()}
    most: Counter[str] = Counter()
    for name, store in plant.stores.items():
        each = plant.connections[name]
        of_one: Counter[str] = Counter()
        for sku, level in store.shows().items():
            for part, units in deriving.recipe(each, sku).items():
                assert level * units <= free.get(part, 0), (name, sku, level, free)
                of_one[part] = max(of_one[part], level * units)
        most.update(of_one)
    assert all(units <= free.get(part, 0) for part, units in most.items()), (most, free)


async def test_three_stores_show_no_more_than_can_be_built(state: InlineStore) -> None:
    """Random figures, orders, packages and shares; after every course of runs nothing is oversold."""
    rng = random.Random(11)
    calm = Breaker(lost_share=1.0, zeroed_share=1.0, raised_share=1000.0)
    plant = Plant(state, *merchant(SHARES).values(), account=replace(ACCOUNT, breaker=calm))
    plant.report(dict.fromkeys(STOCK, 100))
    figures = dict.fromkeys(STOCK, 100)
    handed: list[tuple[str, str, int]] = []
    sold_kits: dict[str, int] = {}
    for number in range(STEPS):
        plant.later(minutes=rng.choice((1, 30, 90)))
        for name in SHARES:
            await alive(plant, name)
        what = rng.choice(("figures", "figures", "order", "order", "ship", "shares"))
        if what == "figures" or number % 20 == 0:
            figures = {sku: max(0, units + rng.randint(-30, 25)) for sku, units in figures.items()}
            plant.report(figures)
        elif what == "order":
            name, kits = rng.choice(sorted(SHARES)), rng.randint(1, 4)
            sold = rng.choice(("GIFT", "TEE", "3PACK"))
            sku = f"E-{sold}" if name == "ebay" and sold != "3PACK" else sold
            method = rng.choice(("Standard", "Later"))
            made = order(f"{number}", (sku, kits), placed_s=plant.clock.now_s(), method=method)
            plant.place(made, name=name)
            await plant.import_orders(name)
            sent = plant.warehouse.taken.newest().get(f"o{number}")
            if sent is not None:
                for line in sent.lines:
                    figures[line.sku] = max(0, figures[line.sku] - line.quantity)
                handed.append((f"o{number}", name, number))
                sold_kits[f"o{number}"] = kits
        elif what == "ship" and handed:
            key, name, at = handed.pop(rng.randrange(len(handed)))
            sent = plant.warehouse.taken.newest()[key]
            plant.ship(package(f"P{at}", sent.reference, *((line.sku, line.quantity) for line in sent.lines)))
            await plant.export(name)
            [told] = plant.stores[name].fulfilled.newest()[f"P{at}"].lines
            assert told.quantity == sold_kits[key]
        else:
            parts = [rng.randint(1, 5) for _ in SHARES]
            shares = {name: part / (sum(parts) + 1) for name, part in zip(SHARES, parts, strict=True)}
            plant.configure(**merchant(shares, StockRule(safety_units=rng.randint(0, 3))))
        for _ in range(3):  # a rise may wait for a fall, and that for its own run
            for name in rng.sample(sorted(SHARES), k=3):
                await plant.smart(name)
        check_nothing_oversold(plant)
    flows = [plant.flow(inventory.CHANNEL, name) for name in SHARES]
    assert not any(plant.state.read(partial(levels.has_work, flow=flow)) for flow in flows)


async def test_while_shares_change_no_moment_oversells(state: InlineStore) -> None:
    """Whichever store runs first, and if a run fails: after each, all together can be built."""
    rng = random.Random(5)
    plant = Plant(state, *merchant(SHARES).values())
    figures = {"TEE": 61, "MUG": 17, "CAP": 5}
    plant.report(figures)
    for name in SHARES:
        await plant.smart(name)
    for _ in range(40):
        plant.later(minutes=20)
        plant.report(figures)
        for name in SHARES:
            await alive(plant, name)
        parts = [rng.randint(0, 5) for _ in SHARES]
        shares = {name: part / max(1, sum(parts)) for name, part in zip(SHARES, parts, strict=True)}
        plant.configure(**merchant({name: min(share, 0.99) for name, share in shares.items()}))
        for _ in range(5):
            name = rng.choice(sorted(SHARES))
            if rng.random() < 0.2:
                plant.stores[name].levels.faults.append(Fault.WAIT)
            try:
                await plant.smart(name)
            except RateLimited:
                plant.stores[name].levels.faults.clear()
            check_nothing_oversold(plant)
