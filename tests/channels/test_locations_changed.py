"""A store's locations are mapped, unmapped and mapped otherwise while it is at work."""

from contextlib import suppress
from functools import partial

import pytest

from dropstreamd.channels import inventory
from dropstreamd.errors import Incomplete, NoLocation, RateLimited
from dropstreamd.store import level_flows, stock
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.tables import Table
from tests.channels.located import CALM, EAST, WEST, located, pushed, shown, synced
from tests.channels.plant import Plant, connection
from tests.fakes.points import Killed
from tests.fakes.sinks import Fault


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    return Plant(state, located(), account=CALM)


async def test_mapping_a_running_connection(state: InlineStore) -> None:
    """Until a snapshot is counted by facility it goes on as before, and says so. Then nothing rises before
    what was shown of the sum has fallen, and what home's facility does not have is 0 there."""
    plant = Plant(state, connection(), account=CALM)
    await synced(plant, ("E", "A", 5), ("W", "A", 3), ("W", "B", 4))
    assert shown(plant) == {"": {"A": 8, "B": 4}}
    plant.configure(shop=located())
    pushed(plant)
    with pytest.raises(Incomplete, match="counted yet at E, W"):
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
    with pytest.raises(Incomplete, match="counted yet at N"):
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
