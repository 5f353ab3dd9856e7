"""What becomes of a level when nothing in the files sells its SKU any more."""

import pytest
from msgspec.structs import replace

from dropstreamd.channels import unsold
from dropstreamd.errors import Incomplete
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.located import CALM, EAST, WEST, located, shown, synced
from tests.channels.plant import ACCOUNT, Plant, connection

MANY = unsold.FEW + 5


def listed(count: int) -> dict[str, str]:
    return {f"S-{number}": f"W-{number}" for number in range(count)}


async def selling(state: InlineStore, *, shares_store: bool = False) -> Plant:
    """A store that shows some of many listings, and of TEE by its own name."""
    plant = Plant(state, connection(listings=listed(MANY), shares_store=shares_store))
    plant.report({"TEE": 5} | dict.fromkeys(listed(MANY).values(), 7))
    await plant.smart()
    assert plant.stores["shop"].shows() == {"TEE": 5} | dict.fromkeys(listed(MANY), 7)
    return plant


async def test_what_lost_its_listing_is_told_0(state: InlineStore) -> None:
    plant = await selling(state)
    plant.configure(shop=connection(listings=listed(MANY - 1)))
    await plant.smart()
    gone, own = f"S-{MANY - 1}", f"W-{MANY - 1}"
    left = {"TEE": 5} | dict.fromkeys(listed(MANY - 1), 7)
    assert plant.stores["shop"].shows() == left | {gone: 0, own: 7}
    told = plant.stores["shop"].levels
    told.effects = []
    await plant.full()
    assert gone not in {effect.key for effect in told.effects}, "once it shows 0 it is anybody's"
    plant.configure(shop=connection(listings=listed(MANY)))
    await plant.smart()
    assert plant.stores["shop"].shows()[gone] == 7


async def test_what_was_a_bundle_is_told_0(state: InlineStore) -> None:
    plant = Plant(state, connection(bundles={"GIFT": {"TEE": 2}}))
    plant.report({"TEE": 5})
    await plant.smart()
    assert plant.stores["shop"].shows() == {"TEE": 5, "GIFT": 2}
    plant.configure(shop=connection())
    await plant.smart()
    assert plant.stores["shop"].shows() == {"TEE": 5, "GIFT": 0}


async def test_half_a_file_takes_nothing_out_of_the_store(state: InlineStore) -> None:
    """The run pushes what is sold, and says what is wrong, until it is mended."""
    plant = await selling(state)
    plant.configure(shop=connection(listings=listed(2)))
    plant.report({"TEE": 4} | dict.fromkeys(listed(MANY).values(), 8))
    for job in (plant.smart, plant.full):
        with pytest.raises(Incomplete, match=f"{MANY - 2} of .* SKUs") as caught:
            await job()
        assert "zeroed_share in the breaker of warehouse main" in caught.value.remedy
        shown = plant.stores["shop"].shows()
        assert (shown["TEE"], shown["S-1"], shown["S-2"]) == (4, 8, 7)
    plant.configure(shop=connection(listings=listed(MANY)))
    await plant.smart()
    assert plant.stores["shop"].shows()["S-2"] == 8


async def test_many_that_are_meant_to_go_are_told_0(state: InlineStore) -> None:
    plant = await selling(state)
    plant.configure(shop=connection(listings={}))
    with pytest.raises(Incomplete):
        await plant.smart()
    plant.account = replace(ACCOUNT, breaker=replace(ACCOUNT.breaker, zeroed_share=1.0))
    plant.configure()
    await plant.full()
    shown = plant.stores["shop"].shows()
    assert {shown[sku] for sku in listed(MANY)} == {0}


async def test_in_a_store_of_two_connections_the_other_may_sell_it(state: InlineStore) -> None:
    plant = await selling(state, shares_store=True)
    plant.configure(shop=connection(listings={}, shares_store=True))
    await plant.smart()
    await plant.full()
    assert plant.stores["shop"].shows()["S-0"] == 7


async def test_what_the_store_refuses_is_left_alone(state: InlineStore) -> None:
    plant = Plant(state, connection(listings={"S-1": "TEE"}))
    plant.stores["shop"].levels.refuse["S-1"] = "not there"
    plant.report({"TEE": 5})
    await plant.smart()
    plant.configure(shop=connection())
    plant.stores["shop"].levels.refuse.clear()
    await plant.smart()
    assert "S-1" not in plant.stores["shop"].shows()


async def test_what_the_warehouse_has_under_its_new_names_is_sold_again(state: InlineStore) -> None:
    """Listings may lead to the new names before its figures bear them."""
    plant = await selling(state)
    new = {sku: f"NEW-{sku}" for sku in listed(MANY)}
    plant.configure(shop=connection(listings=new))
    with pytest.raises(Incomplete):
        await plant.smart()
    plant.report({"TEE": 5} | dict.fromkeys([*listed(MANY).values(), *new.values()], 6))
    await plant.smart()
    assert {plant.stores["shop"].shows()[sku] for sku in new} == {6}


async def test_few_that_are_left_of_too_many_are_told_0(state: InlineStore) -> None:
    plant = await selling(state)
    new = {sku: f"NEW-{sku}" for sku in listed(MANY)}
    plant.configure(shop=connection(listings=new))
    with pytest.raises(Incomplete):
        await plant.smart()
    plant.report({"TEE": 5} | dict.fromkeys([*listed(MANY).values(), *list(new.values())[1:]], 6))
    await plant.smart()
    assert plant.stores["shop"].shows()["S-0"] == 0
    assert plant.stores["shop"].shows()["S-1"] == 6


async def test_half_a_file_takes_nothing_out_of_a_location(state: InlineStore) -> None:
    everything = located(listings=listed(MANY))
    plant = Plant(state, everything, account=replace(CALM, breaker=ACCOUNT.breaker))
    rows = [(facility, sku, 7) for facility in "EW" for sku in listed(MANY).values()]
    await synced(plant, *rows)
    plant.configure(shop=located(listings=listed(2)))
    with pytest.raises(Incomplete, match=f"{MANY - 2} of {MANY} SKUs"):
        await plant.smart()
    assert {(at, shown(plant)[at]["S-9"]) for at in (EAST, WEST)} == {(EAST, 7), (WEST, 7)}
    plant.configure(shop=everything)
    assert shown(plant)[WEST]["S-24"] == 7
    plant.configure(shop=located(listings=listed(MANY - 1)))
    after = await synced(plant, *rows)
    assert (after[WEST]["S-24"], after[EAST]["S-24"]) == (0, 0)
