"""Several locations of a store under random figures, orders, rules and maps: none oversells, nor do all."""

import os
import random
from collections import Counter
from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import places, promises
from dropstreamd.config.schema import Allocation, StockRule
from dropstreamd.errors import RateLimited
from dropstreamd.model.orders import Order
from dropstreamd.store import levels, stock
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.located import BUNDLES, CALM, EAST, WEST, located, shown
from tests.channels.plant import Plant, connection, order
from tests.fakes.sinks import Fault

SEEDS = int(os.environ.get("DROPSTREAMD_LOCATION_SEEDS", "1"))


def check_nothing_oversold(plant: Plant, name: str) -> None:
    """No location shows more than its facility can build after what orders may take there, and all
    together not more than all of them have after every order that may be theirs."""
    each, path = plant.connections[name], ("acme", "main")
    siblings = tuple(plant.connections.values())
    unsent = plant.state.read(partial(promises.unsent, account=plant.account, siblings=siblings))
    total: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for location, facility in each.locations.items():
        figures = plant.state.read(partial(stock.figures, path=path, facility=facility))
        taken = unsent.of(facility)
        free = {sku: max(0, units - taken.get(sku, 0)) for sku, units in figures.items()}
        there.update(figures)
        there.subtract(unsent.at.get(facility, {}))
        for sku, level in shown(plant, name).get(location, {}).items():
            for part, units in each.bundles.get(sku, {sku: 1}).items():
                assert level * units <= free.get(part, 0), (location, sku, level, free)
            if sku not in each.bundles:
                total[sku] += level
    for sku, level in total.items():
        assert level <= max(0, there[sku] - unsent.anywhere[sku]), (sku, level, there)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_no_location_and_no_sum_oversells(state: InlineStore, seed: int) -> None:
    """Random figures, orders with and without a location, rules and maps; checked after every run."""
    rng = random.Random(seed)
    skus = ("TEE", "MUG", "CAP")
    plant = Plant(state, located(bundles=BUNDLES), connection("ebay", bundles=BUNDLES), account=CALM)
    figures = {(facility, sku): 20 for facility in "EWN" for sku in skus}
    plant.report_by(*((facility, sku, units) for (facility, sku), units in figures.items()))
    await plant.smart()
    for number in range(120):
        plant.later(minutes=rng.choice((1, 30)))
        what = rng.choice(("figures", "order", "order", "ship", "map", "rules"))
        if what == "figures":
            figures = {key: max(0, units + rng.randint(-8, 7)) for key, units in figures.items()}
            plant.report_by(*((at, sku, units) for (at, sku), units in figures.items()))
        elif what == "order":
            name, sku = rng.choice(("shop", "ebay")), rng.choice(("GIFT", *skus))
            made: Order = order(
                f"{number}",
                (sku, rng.randint(1, 3)),
                placed_s=plant.clock.now_s(),
                method=rng.choice(("Standard", "Later")),
                location=rng.choice(("", EAST, WEST)) if name == "shop" else "",
            )
            plant.place(made, name=name)
            await plant.import_orders(name)
        elif what == "map":
            names = rng.sample(("E", "W", "N"), k=2)
            mapped = dict(zip((EAST, WEST), names, strict=True))
            plant.configure(shop=replace(plant.connections["shop"], locations=mapped))
            plant.report_by(*((at, sku, units) for (at, sku), units in figures.items()))
        elif what == "rules":
            rule = StockRule(safety_units=rng.randint(0, 2), fixed=rng.choice((None, 7)))
            changed = replace(plant.connections["shop"], allocation=Allocation(default=rule))
            plant.configure(shop=changed)
        if rng.random() < 0.1:
            plant.stores["shop"].levels.faults.append(Fault.WAIT)
            with pytest.raises(RateLimited):
                await plant.full()
        await plant.smart()
        check_nothing_oversold(plant, "shop")
    here = plant.connections["shop"]
    flows = [places.flow(here, place) for place in places.wanted(here)]
    assert not any(plant.state.read(partial(levels.has_work, flow=flow)) for flow in flows)
