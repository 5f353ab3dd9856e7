"""Snapshots that look wrong for what they say of single facilities."""

from functools import partial

import pytest

from dropstreamd.channels import believing, facilities
from dropstreamd.config.schema import Breaker
from dropstreamd.errors import Misconfigured
from dropstreamd.store import stock
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.located import CALM, EAST, WEST, located, synced
from tests.channels.plant import ACCOUNT, Plant


@pytest.fixture
async def plant(state: InlineStore) -> Plant:
    return Plant(state, located(), account=CALM)


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
    look = partial(believing.approve, account=plant.feed.account, now_s=plant.clock.now_s())
    approved = await plant.state.write(look)
    assert approved is not None
    assert await synced(plant) == {EAST: dict.fromkeys("ABC", 0), WEST: dict.fromkeys("ABC", 6)}


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
