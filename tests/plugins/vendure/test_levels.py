"""Levels: Vendure sells what it is told that it may sell."""

import pytest

from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.model.handover import Accepted, Item, Rejected, Untouched
from dropstreamd.model.stock import Level
from dropstreamd.platform.level_batch import read_batch
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure import FakeVendure
from tests.fakes.vendure_shop import FakeShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, push_levels

from .stores import Account

Either = tuple[Account, FakeShop | VendureShop]


def sellable(shop: FakeShop | VendureShop) -> dict[str, int]:
    """On hand less allocated, by SKU."""
    return {
        sku: sum(level.stock_on_hand - level.stock_allocated for level in variant.stock_levels)
        for sku, variant in shop.stock().items()
    }


def causes(outcomes: object) -> dict[str, str]:
    assert isinstance(outcomes, dict)
    return {key: each.cause for key, each in outcomes.items() if isinstance(each, Rejected)}


async def test_vendure_sells_what_it_was_told(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 50, "B": 50, "C": 50})
    shop.place_orders([NewOrder(units={"A": 3, "B": 2})])
    async with account.open() as store:
        outcomes = await push_levels(store, {"A": 7, "B": 0, "C": 2})
        assert await push_levels(store, {"A": 7, "B": 0, "C": 2}) == outcomes
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert sellable(shop) == {"A": 7, "B": 0, "C": 2}


async def test_the_last_units_can_still_be_fulfilled(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 3})
    (placed,) = shop.place_orders([NewOrder(units={"A": 3})])
    async with account.open() as store:
        await push_levels(store, {"A": 0})
    line = shop.order(placed.id).lines[0].id
    assert shop.fulfill(placed.id, {line: 3}, method="x", tracking="")
    assert sellable(shop) == {"A": 0}


async def test_an_unknown_sku_does_not_hold_the_others_up(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 1})
    async with account.open() as store:
        outcomes = await push_levels(store, {"A": 7, "a": 8, "NONE": 9})
    assert causes(outcomes) == {"a": "sku:a", "NONE": "sku:NONE"}
    assert sellable(shop) == {"A": 7}


async def test_a_location_is_chosen_by_id_or_name(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 1})
    fake.shop.locations.append({"id": "8", "name": "Annex"})
    for wanted, error in {"": "several", "9": "no stock location", "Nowhere": "no stock location"}.items():
        async with account.open(stock_location=wanted) as store:
            with pytest.raises(Misconfigured, match=error) as caught:
                await push_levels(store, {"A": 2})
        assert "Main (id 7), Annex (id 8)" in caught.value.remedy
    for wanted in ("Annex", "8"):
        async with account.open(stock_location=wanted) as store:
            await push_levels(store, {"A": 4})
    levels = {each.stock_location_id: each.stock_on_hand for each in fake.shop.stock()["A"].stock_levels}
    assert levels == {"7": 1, "8": 4}
    fake.shop.locations.append({"id": "9", "name": "Annex"})
    async with account.open(stock_location="Annex") as store:
        with pytest.raises(Misconfigured, match="several"):
            await push_levels(store, {"A": 2})


async def test_a_channel_without_a_location_is_told(account: Account, fake: FakeVendure) -> None:
    fake.shop.locations.clear()
    async with account.open() as store:
        with pytest.raises(Misconfigured, match="has no stock location"):
            await push_levels(store, {"A": 2})


async def test_variants_that_cannot_take_a_level_are_refused(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 1})
    fake.shop.add_products({"A": 1, "FREE": 1, "MUCH": 1, "GOOD": 1})
    next(each for each in fake.shop.variants.values() if each["sku"] == "FREE")["trackInventory"] = "FALSE"
    async with account.open() as store:
        outcomes = await push_levels(store, {"A": 2, "FREE": 2, "MUCH": 2**31, "GOOD": 2})
    assert causes(outcomes) == {"A": "sku-duplicate", "FREE": "untracked", "MUCH": "quantity"}
    assert isinstance(outcomes["GOOD"], Accepted)


async def test_a_variant_that_vendure_refuses_does_not_sink_its_batch(
    account: Account, fake: FakeVendure
) -> None:
    fake.shop.add_products({f"S{number}": 1 for number in range(40)})
    doomed = next(key for key, each in fake.shop.variants.items() if each["sku"] == "S17")
    fake.before["SetLevels"] = lambda: fake.shop.variants.pop(doomed)
    async with account.open() as store:
        outcomes = await push_levels(store, {f"S{number}": 5 for number in range(40)})
    assert causes(outcomes) == {"S17": "refused"}
    assert set(sellable(fake.shop).values()) == {5}
    assert fake.asked.count("SetLevels") <= 13


async def test_a_hundred_go_in_one_call(account: Account, fake: FakeVendure) -> None:
    skus = {f"{'S' * 80}-{number}": 1 for number in range(250)}
    fake.shop.add_products(skus)
    async with account.open() as store:
        outcomes = await push_levels(store, skus)
    assert len(outcomes) == 250
    assert fake.asked.count("SetLevels") == 3
    assert fake.asked.count("Locations") == 1


async def test_a_sku_with_a_crowd_of_variants_is_a_duplicate(
    account: Account, fake: FakeVendure, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(120):
        fake.shop.add_products({"A": 1})
    fake.shop.add_products({"B": 1})
    async with account.open() as store:
        outcomes = await push_levels(store, {"A": 2, "B": 2})
        assert causes(outcomes) == {"A": "sku-duplicate"}
        monkeypatch.setattr("dropstream_vendure.levels.MOST_PAGES", 1)
        with pytest.raises(ProtocolMismatch, match="variants"):
            await push_levels(store, {"A": 2, "B": 2})


async def test_a_fulfillment_in_between_is_made_up_for(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 9, "B": 9})
    (placed,) = fake.shop.place_orders([NewOrder(units={"A": 3})])
    line = fake.shop.order(placed.id).lines[0].id
    fake.before["SetLevels"] = lambda: fake.shop.fulfill(placed.id, {line: 2}, method="x", tracking="")
    async with account.open() as store:
        outcomes = await push_levels(store, {"A": 4, "B": 4})
    assert causes(outcomes) == {}
    assert sellable(fake.shop) == {"A": 4, "B": 4}
    assert fake.asked.count("SetLevels") == 2


async def test_an_order_in_between_lowers_the_level(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 9})
    fake.before["SetLevels"] = lambda: fake.shop.place_orders([NewOrder(units={"A": 3})])
    async with account.open() as store:
        assert causes(await push_levels(store, {"A": 4})) == {}
    assert sellable(fake.shop) == {"A": 1}


async def test_a_level_that_never_holds_still_is_pending_again(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 9})
    (placed,) = fake.shop.place_orders([NewOrder(units={"A": 5})])
    line = fake.shop.order(placed.id).lines[0].id

    def another() -> None:
        fake.shop.cancel(placed.id, {line: 1})
        fake.before["SetLevels"] = another

    fake.before["SetLevels"] = another
    async with account.open() as store:
        assert await push_levels(store, {"A": 4}) == {"A": Untouched(key="A")}


async def test_nothing_that_may_be_set_sets_nothing(account: Account, fake: FakeVendure) -> None:
    async with account.open() as store:
        assert causes(await push_levels(store, {"A": 1})) == {"A": "sku:A"}
    assert "SetLevels" not in fake.asked


async def test_a_level_that_was_cut_off_is_pending_again(account: Account, fake: FakeVendure) -> None:
    async with account.open() as store:
        items = [Item(key="A", document=Level(sku="A", available=3))]
        (frozen,) = store.inventory.prepare(items, STAMP).prepared
        assert read_batch(frozen).levels == {"A": 3}
        assert await store.inventory.recover(frozen, "", Steps()) == [Untouched(key="A")]


async def test_levels_are_read_back_in_the_measure_they_are_set_in(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 50, "B": 50})
    shop.place_orders([NewOrder(units={"A": 3})])
    async with account.open() as store:
        await push_levels(store, {"A": 7, "B": 0})
        assert store.levels is not None
        assert await store.levels.read(["A", "B", "NONE"]) == {"A": 7, "B": 0}
        shop.place_orders([NewOrder(units={"A": 2})])
        assert await store.levels.read(["A"]) == {"A": 5}


async def test_levels_go_to_the_location_that_they_name(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 1})
    fake.shop.locations.append({"id": "8", "name": "Annex"})
    mapped = {"7": "EAST", "Annex": "WEST"}
    async with account.open(stock_location="7", mapped=mapped) as store:
        await push_levels(store, {"A": 4})
        await push_levels(store, {"A": 6}, location="Annex")
        assert await store.located_levels.read_at("Annex", ["A"]) == {"A": 6}
        assert await store.levels.read(["A"]) == {"A": 4}
        found = [(each.ok, each.detail) for each in (await store.survey()).findings]
    levels = {each.stock_location_id: each.stock_on_hand for each in fake.shop.stock()["A"].stock_levels}
    assert levels == {"7": 4, "8": 6}
    assert (True, "Main") in found
    assert (True, "Annex") in found


async def test_two_names_of_one_location_are_told(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 1})
    fake.shop.locations.append({"id": "8", "name": "Annex"})
    async with account.open(stock_location="8", mapped={"8": "EAST", "Annex": "WEST"}) as store:
        with pytest.raises(Misconfigured, match="'Annex' and '8' of \\[locations\\] are one"):
            await push_levels(store, {"A": 6}, location="Annex")
        findings = (await store.survey()).findings
    wrong = [each.detail for each in findings if not each.ok and each.name == "stock location"]
    assert len(wrong) == 3
    assert wrong[2] == "not in [locations], and sold from: Main, Annex"
