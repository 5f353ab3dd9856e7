"""Several locations of a store, each for a facility of the warehouse: none shows what that does not have."""

import os
import random
from collections import Counter
from contextlib import suppress
from functools import partial

import msgspec
import pytest
from msgspec.structs import replace

from dropstreamd.channels import drift, facilities, inventory, marking, places, promises, snapshot
from dropstreamd.config.schema import Allocation, Breaker, Connection, StockRule
from dropstreamd.errors import Misconfigured, NoLocation, RateLimited
from dropstreamd.model.orders import Order
from dropstreamd.model.shipments import Package
from dropstreamd.store import level_flows, levels, stock
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.plans import PlanItem
from dropstreamd.store.records import Promise
from dropstreamd.store.tables import Table
from tests.channels.plant import ACCOUNT, Plant, connection, order, package
from tests.fakes.points import Killed
from tests.fakes.sinks import Fault

EAST, WEST = "loc-1", "loc-2"
BOTH = {EAST: "E", WEST: "W"}
SEEDS = int(os.environ.get("DROPSTREAMD_LOCATION_SEEDS", "1"))
BUNDLES = {"GIFT": {"TEE": 2, "MUG": 1}}
CALM = replace(
    ACCOUNT, takes_facility=True, breaker=Breaker(lost_share=1.0, zeroed_share=1.0, raised_share=1000.0)
)


def located(name: str = "shop", **changed: object) -> Connection:
    return connection(name, **{"locations": BOTH, "home": EAST, **changed})


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    return Plant(state, located(), account=CALM)


async def synced(plant: Plant, *rows: tuple[str, str, int], name: str = "shop") -> dict[str, Counter[str]]:
    """What each location shows after a snapshot and a Smart Sync."""
    plant.later(minutes=1)
    if rows:
        plant.report_by(*rows)
    await plant.smart(name)
    return shown(plant, name)


def shown(plant: Plant, name: str = "shop") -> dict[str, Counter[str]]:
    return {at or "": Counter(units) for at, units in plant.stores[name].shows_at().items()}


def pushed(plant: Plant, name: str = "shop") -> list[tuple[str | None, str]]:
    """Location and SKU of what the store was told since the last call, in order."""
    sink = plant.stores[name].levels
    told = [(effect.document.location, effect.key) for effect in sink.effects]
    sink.effects = []
    return told


async def test_each_location_shows_its_own_facility(plant: Plant) -> None:
    """What an unmapped facility has is not counted, and a SKU is shown where it was seen."""
    found = await synced(plant, ("E", "A", 5), ("E", "A", 2), ("W", "A", 3), ("W", "B", 1), ("N", "A", 90))
    assert found == {EAST: {"A": 7}, WEST: {"A": 3, "B": 1}}
    assert (await plant.smart()).counts == {}
    figures = plant.state.read(partial(stock.figures, path=("acme", "main")))
    assert figures == {"A": 100, "B": 1}


async def test_smart_pushes_a_sku_where_its_figure_moved(plant: Plant) -> None:
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("W", "B", 1))
    pushed(plant)
    await synced(plant, ("E", "A", 5), ("W", "A", 4), ("W", "B", 1))
    assert pushed(plant) == [(WEST, "A")]
    await plant.full()
    assert sorted(pushed(plant)) == [(EAST, "A"), (WEST, "A"), (WEST, "B")]


async def test_a_facility_without_a_row_of_what_the_snapshot_has_has_none(plant: Plant) -> None:
    """Elsewhere in the same snapshot, a SKU is counted; one that is missing wholly keeps its figures."""
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("E", "B", 4))
    found = await synced(plant, ("W", "A", 3))
    assert found == {EAST: {"A": 0, "B": 4}, WEST: {"A": 3}}


async def test_what_is_missing_is_none_where_that_is_set(state: InlineStore) -> None:
    plant = Plant(state, located(), account=replace(CALM, missing="zero"))
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("E", "B", 4))
    assert await synced(plant, ("W", "A", 3)) == {EAST: {"A": 0, "B": 0}, WEST: {"A": 3}}


async def test_a_bundle_is_built_within_a_facility(state: InlineStore) -> None:
    plant = Plant(state, located(bundles=BUNDLES, listings={"SET": "GIFT"}), account=CALM)
    found = await synced(plant, ("E", "TEE", 9), ("E", "MUG", 1), ("W", "TEE", 1), ("W", "MUG", 8))
    assert found == {EAST: {"TEE": 9, "MUG": 1, "SET": 1}, WEST: {"TEE": 1, "MUG": 8, "SET": 0}}


async def test_rules_of_a_store_are_shared_out_over_its_locations(state: InlineStore) -> None:
    """Safety stock and the minimum hold at each, fixed and maximum for the sum of them."""
    rules = {
        "FIX": StockRule(fixed=5),
        "MAX": StockRule(maximum=7),
        "SAFE": StockRule(safety_units=2),
        "MIN": StockRule(minimum=4),
    }
    plant = Plant(state, located(allocation=Allocation(overrides=rules)), account=CALM)
    rows = [(facility, sku, units) for sku in rules for facility, units in (("E", 10), ("W", 3))]
    found = await synced(plant, *rows)
    assert found == {
        EAST: {"FIX": 3, "MAX": 4, "SAFE": 8, "MIN": 10},
        WEST: {"FIX": 2, "MAX": 3, "SAFE": 1, "MIN": 0},
    }


async def test_orders_that_may_leave_from_anywhere_are_deducted_everywhere(plant: Plant) -> None:
    plant.place(order("1", ("A", 2), method="Later"), order("2", ("A", 1), method="Later", location=WEST))
    await plant.import_orders()
    assert await synced(plant, ("E", "A", 5), ("W", "A", 4)) == {EAST: {"A": 3}, WEST: {"A": 1}}
    unsent = plant.state.read(
        partial(promises.unsent, account=CALM, siblings=tuple(plant.connections.values()))
    )
    assert (dict(unsent.of(None)), dict(unsent.of("E")), dict(unsent.of("W"))) == (
        {"A": 3},
        {"A": 2},
        {"A": 3},
    )


async def test_an_order_goes_to_the_facility_of_its_location(plant: Plant) -> None:
    """And takes its units from there alone, also once it was handed over."""
    plant.place(order("1", ("A", 2), location=WEST), order("2", ("A", 1)))
    await plant.import_orders()
    sent = plant.warehouse.taken.newest()
    assert [sent[key].facility for key in ("o1", "o2")] == ["W", ""]
    plant.report_by(("E", "A", 5), ("W", "A", 5), age_s=60.0)  # it does not know of the orders
    await plant.smart()
    assert shown(plant) == {EAST: {"A": 4}, WEST: {"A": 2}}
    plant.later(minutes=5)
    plant.ship(package("P1", "SH1", ("A", 2)), replace(package("P2", "SH2", ("A", 1)), facility="E"))
    await plant.export()
    told = plant.stores["shop"].fulfilled.newest()
    assert [told[key].location for key in ("P1", "P2")] == [WEST, EAST]


async def test_a_warehouse_that_is_told_no_facility_may_ship_from_any(state: InlineStore) -> None:
    plant = Plant(state, located(), account=replace(CALM, takes_facility=False))
    plant.place(order("1", ("A", 2), location=WEST, method="Later"), order("2", ("A", 1), location=EAST))
    await plant.import_orders()
    assert plant.warehouse.taken.newest()["o2"].facility == ""
    assert await synced(plant, ("E", "A", 9), ("W", "A", 9)) == {EAST: {"A": 7}, WEST: {"A": 7}}


async def test_an_order_that_moves_to_another_location_changes(state: InlineStore) -> None:
    """Told to the warehouse where it takes changes, a task where it does not; mapping it alone is none."""
    plant = Plant(state, connection(), account=CALM)
    plant.place(order("1", ("A", 1), location=EAST), order("2", ("A", 1), location=EAST))
    await plant.import_orders()
    plant.configure(shop=located())
    plant.place(order("1", ("A", 1), location=EAST), order("2", ("A", 1), location=WEST))
    await plant.import_orders()
    assert {key for _, key in plant.tasks()} == {"o2"}
    assert "location loc-2" in next(iter(plant.tasks().values())).detail


# ---- switching on, off and over


async def test_mapping_a_running_connection(state: InlineStore) -> None:
    """Until a snapshot is counted by facility it goes on as before, and says so. Then nothing rises before
    what was shown of the sum has fallen, and what home's facility does not have is 0 there."""
    plant = Plant(state, connection(), account=CALM)
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("W", "B", 4))
    assert shown(plant) == {"": {"A": 8, "B": 4}}
    plant.configure(shop=located())
    pushed(plant)
    with pytest.raises(Misconfigured, match="counted yet at E, W"):
        await synced(plant)
    assert pushed(plant) == []
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("W", "B", 4))
    assert pushed(plant) == [(EAST, "A"), (EAST, "B"), (WEST, "A"), (WEST, "B")]
    rows = plant.state.read(lambda tx: list(tx.scan(Table.DOCUMENTS, tuple(plant.flow(inventory.CHANNEL)))))
    assert rows == []


async def test_mapping_whose_fall_fails_lets_nothing_rise(state: InlineStore) -> None:
    plant = Plant(state, connection(), account=CALM)
    await synced(plant, ("E", "A", 5), ("W", "A", 3))
    plant.configure(shop=located())
    plant.stores["shop"].levels.faults.append(Fault.WAIT)
    pushed(plant)
    with pytest.raises(RateLimited):
        await synced(plant, ("E", "A", 5), ("W", "A", 3))
    assert pushed(plant) == []
    await plant.smart()
    assert pushed(plant) == [(EAST, "A"), (WEST, "A")]


async def test_unmapping_empties_the_other_locations_first(plant: Plant) -> None:
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("W", "B", 1))
    plant.configure(shop=connection(home=EAST))
    pushed(plant)
    await plant.smart()
    told = [
        (effect.document.location, effect.key, effect.document.available)
        for effect in plant.stores["shop"].levels.effects
    ]
    assert told == [(WEST, "A", 0), (WEST, "B", 0), (None, "A", 8), (None, "B", 1)]
    assert plant.state.read(lambda tx: level_flows.located(tx, plant.flow(inventory.CHANNEL))) == []


async def test_another_home_empties_the_one_before(state: InlineStore) -> None:
    """Without a map, all is shown at the location that the store's settings name: when they name another one,
    the same units are not left on sale at both."""
    plant = Plant(state, connection(home=EAST), account=CALM)
    await synced(plant, ("E", "A", 5), ("W", "A", 3))
    plant.configure(shop=connection(home=WEST))
    sink = plant.stores["shop"].levels
    for expected in ([(EAST, "A", 0), (None, "A", 8)], []):
        sink.effects = []
        plant.later(minutes=1)
        await plant.smart()
        told = [(each.document.location, each.key, each.document.available) for each in sink.effects]
        assert told == expected


async def test_a_location_that_is_another_connections_now_is_left_alone(plant: Plant) -> None:
    await synced(plant, ("E", "A", 5), ("W", "A", 3))
    plant.configure(shop=located(locations={EAST: "E"}, taken=frozenset({WEST})))
    pushed(plant)
    await plant.smart()
    assert pushed(plant) == []


async def test_a_location_that_the_store_has_no_more_is_forgotten(plant: Plant) -> None:
    await synced(plant, ("E", "A", 5), ("W", "A", 3))
    plant.configure(shop=located(locations={EAST: "E"}))
    pushed(plant)

    async def gone(*_: object) -> None:
        raise NoLocation("no location loc-2")

    push, sink = plant.stores["shop"].levels.push, plant.stores["shop"].levels
    sink.push = gone  # type: ignore[assignment, method-assign]
    run = await plant.smart()
    sink.push = push  # type: ignore[method-assign]
    assert run.counts["locations_gone"] == 1
    assert plant.state.read(lambda tx: level_flows.located(tx, plant.flow(inventory.CHANNEL))) == [EAST]


async def test_locations_that_change_their_facilities(plant: Plant) -> None:
    """Each falls before the other rises, whichever comes first in the file."""
    await synced(plant, ("E", "A", 9), ("W", "A", 3))
    plant.configure(shop=located(locations={EAST: "W", WEST: "E"}))
    pushed(plant)
    await plant.smart()
    assert pushed(plant) == [(EAST, "A"), (WEST, "A")]
    plant.configure(shop=located())
    await plant.smart()
    assert pushed(plant) == [(WEST, "A"), (EAST, "A")]
    plant.configure(shop=located(locations={EAST: "W", WEST: "N"}))
    with pytest.raises(Misconfigured, match="counted yet at N"):
        await plant.smart()
    assert shown(plant)[WEST]["A"] == 0  # of N nothing is known
    assert (await synced(plant, ("E", "A", 9), ("W", "A", 3), ("N", "A", 2)))[WEST] == {"A": 2}


async def test_facilities_that_nobody_maps_any_more_are_forgotten(plant: Plant) -> None:
    await synced(plant, ("E", "A", 9), ("W", "A", 3))
    plant.configure(shop=connection(home=EAST))
    await synced(plant, ("E", "A", 9), ("W", "A", 3))
    assert plant.state.read(lambda tx: list(tx.scan(Table.FACILITY_STOCK))) == []
    assert plant.state.read(partial(stock.counted, path=("acme", "main"))) == frozenset()


async def test_facilities_of_a_connection_that_does_not_run_are_counted_all_the_same(
    state: InlineStore,
) -> None:
    """Its file is broken for a while: as soon as it is mended its locations show what is there by then."""
    plant = Plant(state, located(), connection("ebay"), account=CALM)
    await synced(plant, ("E", "A", 9), ("W", "A", 3))
    file = plant.connections.pop("shop")
    plant.broken = True
    plant.configure()
    await synced(plant, ("E", "A", 8), ("W", "A", 2), name="ebay")
    plant.broken = False
    plant.configure(shop=file)
    await plant.full()
    assert shown(plant) == {EAST: {"A": 8}, WEST: {"A": 2}}


async def test_what_left_from_another_facility_stays_so(state: InlineStore) -> None:
    """The store tells its order anew, as it does after each fulfillment: the figures of the facility that
    sent it have its units until its next snapshot."""
    plant = Plant(state, located(), account=replace(CALM, quantity="on_hand"))
    await synced(plant, ("E", "A", 5), ("W", "A", 5))
    plant.place(order("1", ("A", 2), location=EAST))
    await plant.import_orders()
    plant.ship(replace(package("p1", "SH1", ("A", 2)), facility="W"))
    plant.later(minutes=1)
    await plant.export()
    assert await synced(plant) == {EAST: {"A": 3}, WEST: {"A": 3}}
    plant.place(order("1", ("A", 2), location=EAST, note="ring twice"))
    await plant.import_orders()
    assert await synced(plant) == {EAST: {"A": 3}, WEST: {"A": 3}}


# ---- snapshots that look wrong


async def test_a_snapshot_without_mapped_facilities_is_held(plant: Plant) -> None:
    plant.report({"A": 5})
    with pytest.raises(Misconfigured):
        await plant.smart()
    held = plant.state.read(partial(stock.held, path=("acme", "main")))
    assert held is not None
    assert "none of its rows is of a facility" in held.why


async def test_a_facility_that_lost_its_rows_is_held_and_approved(state: InlineStore) -> None:
    """The sum has stock of every SKU; a facility has none any more."""
    plant = Plant(state, located(), account=ACCOUNT)
    rows = [(facility, sku, 5) for sku in "ABC" for facility in "EW"]
    await synced(plant, *rows)
    found = await synced(plant, *(("W", sku, 6) for sku in "ABC"))
    assert found == {EAST: dict.fromkeys("ABC", 5), WEST: dict.fromkeys("ABC", 5)}
    held = plant.state.read(partial(stock.held, path=("acme", "main")))
    assert held is not None
    assert held.why.startswith("3 of 6 SKUs in stock at their facilities became 0")
    look = partial(snapshot.approve, account=plant.feed.account, now_s=plant.clock.now_s())
    approved = await plant.state.write(look)
    assert approved is not None
    assert await synced(plant) == {EAST: dict.fromkeys("ABC", 0), WEST: dict.fromkeys("ABC", 6)}


async def test_an_order_beyond_what_its_facility_has_is_deducted_elsewhere(plant: Plant) -> None:
    plant.place(order("1", ("A", 7), method="Later", location=WEST))
    await plant.import_orders()
    assert await synced(plant, ("E", "A", 9), ("W", "A", 4)) == {EAST: {"A": 6}, WEST: {"A": 0}}


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ({"E": {"A": 5}}, {"E": {"A": 0}}, "1 of 1 SKUs in stock at their facilities became 0"),
        ({"E": {"A": 5}, "W": {}}, {"E": {"A": 5}, "W": {"A": 900}}, ""),
        ({"E": {"A": 5}}, {"E": {"A": 60}}, "the 60 units at mapped facilities are more than 2 times the 5"),
        ({"E": {"A": 5}}, {"E": {"A": 5, "B": 6}}, "the 11 units"),
        ({"E": {}}, {"E": {}}, "none of its rows"),
        ({"E": {"A": 5}}, {"E": {"B": 0}}, ""),
        ({}, {}, ""),
    ],
)
def test_what_is_held_for_single_facilities(
    before: dict[str, dict[str, int]], after: dict[str, dict[str, int]], why: str
) -> None:
    assert facilities.judge(before, after, Breaker()).startswith(why)
    assert bool(why) == bool(facilities.judge(before, after, Breaker()))


# ---- the audit, and all of it at random


async def test_the_drift_audit_reads_each_location(plant: Plant) -> None:
    await synced(plant, ("E", "A", 5), ("W", "A", 3))
    plant.stores["shop"].by_hand = {"A": 4}
    found = await drift.audit(plant.scopes["c-shop"])
    assert (found.looked_at, found.more, found.fewer) == (2, 1, 1)
    assert {(each.location, each.told, each.shows) for each in found.some} == {(EAST, 5, 4), (WEST, 3, 4)}


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


# ---- dying on the way


def at_home(plant: Plant) -> dict[str, dict[str, int]]:
    """What each location shows; what names none is home's."""
    found: dict[str, dict[str, int]] = {}
    for effect in plant.stores["shop"].levels.effects:
        level = effect.document
        found.setdefault(level.location or EAST, {})[level.sku] = level.available
    return found


@pytest.mark.parametrize("fatal", range(0, 40, 3))
@pytest.mark.parametrize("mapping", [True, False])
async def test_a_death_while_the_map_changes(state: InlineStore, mapping: bool, fatal: int) -> None:
    """Whatever write or call was the last: the next runs bring every location to what it is to show, and
    at no moment do both show more than there is."""
    plain, both = connection(home=EAST), located()
    plant = Plant(state, plain if mapping else both, account=CALM)
    rows = [("E", "A", 5), ("W", "A", 3), ("W", "B", 4), ("E", "C", 2)]
    await synced(plant, *rows)
    plant.report_by(*rows)
    plant.configure(shop=both if mapping else plain)
    plant.points.arm(fatal)
    with suppress(Killed):
        await plant.smart()
    plant.points.disarm()
    for _ in range(3):
        shown_now = at_home(plant)
        for sku, there in {"A": 8, "B": 4, "C": 2}.items():
            assert sum(levels.get(sku, 0) for levels in shown_now.values()) <= there
        plant.later(seconds=40)
        plant.configure()
        await plant.smart()
    ends = {EAST: {"A": 5, "B": 0, "C": 2}, WEST: {"A": 3, "B": 4}}
    if not mapping:
        ends = {EAST: {"A": 8, "B": 4, "C": 2}, WEST: {"A": 0, "B": 0}}
    assert at_home(plant) == ends
    assert not plant.state.read(
        lambda tx: [
            table for table in (Table.PENDING, Table.ATTEMPTS) for _ in tx.scan(table, ("c-shop",), limit=1)
        ]
    )


def test_records_of_an_older_program_are_read() -> None:
    promise = msgspec.msgpack.encode([{"A": 1}, 5.0, {"B": 2}, 6.0, {}])
    assert msgspec.msgpack.decode(promise, type=Promise).at == ""
    basis = msgspec.msgpack.decode(msgspec.msgpack.encode([b"x", {"A": 1}]), type=marking.Basis)
    assert (basis.of(None), basis.of("E")) == ({"A": 1}, {})
    item = msgspec.msgpack.encode(["A", "A", "1", "2", b"2"])
    assert msgspec.msgpack.decode(item, type=PlanItem).location == ""
    package = msgspec.msgpack.encode({"key": "P", "reference": "R", "lines": []})
    assert msgspec.msgpack.decode(package, type=Package).facility == ""
