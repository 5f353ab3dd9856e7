"""Levels are set 2,000 at once, on what the store counts, and none of them holds up the others."""

import os

import msgspec
import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import Misconfigured, OutcomeUnknown, Unreachable
from dropstreamd.model.handover import Accepted, Item, Untouched
from dropstreamd.model.stock import Level
from tests.fakes.bigcommerce import FakeBigCommerce, Quota
from tests.fakes.bigcommerce_shop import BigCommerceShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, push_levels, refused

from .stores import Account

MANY = int(os.environ.get("DROPSTREAMD_BIGCOMMERCE_LEVELS", "10000"))


async def test_each_is_set_on_what_the_store_counts(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    shop.add_product("SIMPLE", 1)
    shop.add_product("BASE", 1, tracking="variant")
    shop.add_product("TEE", 0, tracking="variant", variants={"TEE-S": 1, "TEE-M": 1})
    shop.add_product("MUG", 3, tracking="product", variants={"MUG-RED": 0, "MUG-BLUE": 0})
    shop.add_product("FREE", 1, tracking="none")
    levels = dict.fromkeys(("SIMPLE", "BASE", "TEE-S", "TEE-M", "MUG"), 7)
    async with account.open() as store:
        outcomes = await push_levels(
            store, {**levels, "TEE": 7, "MUG-RED": 7, "FREE": 7, "simple": 7, "HUGE": 1}
        )
        assert {sku: refused(outcomes.pop(sku)) for sku in ("TEE", "MUG-RED", "FREE", "simple", "HUGE")} == {
            "TEE": "tracked-by-variant",
            "MUG-RED": "tracked-together",
            "FREE": "untracked",
            "simple": "sku:simple",
            "HUGE": "sku:HUGE",
        }
        assert all(isinstance(each, Accepted) for each in outcomes.values())
        shop.carry_out(everything=True)
        read = await store.levels.read([*levels, "TEE", "MUG-RED", "FREE", "HUGE"])
    assert read == levels
    assert fake.asked.count("put-absolute-adjustment") == 1


async def test_what_is_read_at_once_may_be_the_old_figure(
    account: Account, shop: BigCommerceShop, patient_clock: MockClock
) -> None:
    shop.add_products({"A": 5})
    async with account.open() as store:
        assert isinstance((await push_levels(store, {"A": 7}))["A"], Accepted)
        assert await store.levels.read(["A"]) == {"A": 5}
        await trio.sleep(6)
        assert await store.levels.read(["A"]) == {"A": 7}


async def test_a_refused_one_does_not_sink_its_call(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    """What is counted changes between our look and our call."""
    made = shop.add_products({f"S-{number}": 1 for number in range(60)})
    fake.before["put-absolute-adjustment"] = lambda: [
        made[number].update(inventory_tracking="none") for number in (0, 31)
    ]
    async with account.open() as store:
        outcomes = await push_levels(store, {f"S-{number}": 9 for number in range(60)})
    assert [refused(outcomes[f"S-{number}"]) for number in (0, 31)] == ["refused", "refused"]
    others = [outcomes[f"S-{number}"] for number in range(60) if number not in (0, 31)]
    assert all(isinstance(each, Accepted) for each in others)
    assert shop.shown("S-1", settled=True) == 9
    assert fake.asked.count("put-absolute-adjustment") < 25


async def test_too_many_refused_ones_leave_the_rest_for_later(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    made = shop.add_products({f"S-{number}": 1 for number in range(100)})
    fake.before["put-absolute-adjustment"] = lambda: [
        each.update(inventory_tracking="none") for each in made[::2]
    ]
    async with account.open() as store:
        outcomes = await push_levels(store, {f"S-{number}": 9 for number in range(100)})
    assert {type(each) for each in outcomes.values()} > {Untouched}
    assert fake.asked.count("put-absolute-adjustment") == 60


async def test_a_quantity_that_cannot_be_is_refused(account: Account, shop: BigCommerceShop) -> None:
    shop.add_products({"A": 1, "B": 1})
    async with account.open() as store:
        outcomes = await push_levels(store, {"A": 2**31, "B": 2**31 - 1})
    assert refused(outcomes["A"]) == "quantity"
    assert isinstance(outcomes["B"], Accepted)


async def test_skus_are_found_as_they_are_written(account: Account, shop: BigCommerceShop) -> None:
    odd = ['3/4" PIPE', "back\\slash", "O'Neill", "a,b", "ümläut & co", "100%", "tee"]
    shop.add_products(dict.fromkeys(odd, 1))
    async with account.open() as store:
        outcomes = await push_levels(store, {**dict.fromkeys(odd, 3), "TEE": 3})
    assert refused(outcomes.pop("TEE")) == "sku:TEE"
    assert all(isinstance(each, Accepted) for each in outcomes.values())


async def test_few_of_many_are_looked_up_one_by_one(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    """Where listing the catalogue is dearer."""
    shop.add_products({f"S-{number}": 1 for number in range(1200)})
    shop.add_product("TEE", tracking="variant", variants={"TEE-S": 1, "TEE-M": 1})
    async with account.open() as store:
        outcomes = await push_levels(store, {"S-7": 2, "S-1100": 2, "TEE-M": 2, "NOT": 2})
        assert refused(outcomes.pop("NOT")) == "sku:NOT"
        assert all(isinstance(each, Accepted) for each in outcomes.values())
        assert fake.asked == [
            "getProducts",
            "getProducts",
            "getVariants",
            "getProducts",
            "getVariants",
            "put-absolute-adjustment",
        ]
        fake.asked.clear()
        await push_levels(store, {"S-7": 3, "TEE-M": 4})
        assert fake.asked == ["put-absolute-adjustment"], "what was found stays known"


async def test_a_location_that_is_gone_is_misconfigured(account: Account, shop: BigCommerceShop) -> None:
    shop.add_products({"A": 5})
    async with account.open(location=4) as store:
        with pytest.raises(Misconfigured, match="no location 4"):
            await push_levels(store, {"A": 9})
        with pytest.raises(Misconfigured, match="no location 4"):
            await store.levels.read(["A"])


async def test_a_lost_answer_pushes_the_newest_level_again(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    shop.add_products({"A": 5})
    fake.fail("put-absolute-adjustment", "after")
    async with account.open() as store:
        with pytest.raises(OutcomeUnknown):
            await push_levels(store, {"A": 9})
        item = Item(key="A", document=Level(sku="A", available=9))
        (one,) = store.inventory.prepare([item], STAMP).prepared
        assert await store.inventory.recover(one, "", Steps()) == [Untouched(key="A")]
        await push_levels(store, {"A": 8})
    assert shop.shown("A", settled=True) == 8


async def test_trouble_in_the_middle_is_no_certain_failure(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    made = shop.add_products({f"S-{number}": 1 for number in range(4)})
    made[3]["inventory_tracking"] = "product"
    fake.before["put-absolute-adjustment"] = lambda: made[3].update(inventory_tracking="none")
    levels = {f"S-{number}": 9 for number in range(4)}
    fake.fail("put-absolute-adjustment", "no", "no", "423")
    async with account.open() as store:
        with pytest.raises(OutcomeUnknown, match="a part of the levels"):
            await push_levels(store, levels)
        fake.fail("put-absolute-adjustment", "423")
        with pytest.raises(Unreachable, match="locked"):
            await push_levels(store, levels)


async def test_many_go_in_the_fewest_calls_and_none_is_turned_away(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    levels = {f"S-{number}": number % 50 for number in range(MANY)}
    for number, sku in enumerate(levels):
        shop.add_product(sku, 1, tracking="variant" if number % 2 else "product")
    fake.quota = Quota(150)
    async with account.open() as store:
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    shop.carry_out(everything=True)
    assert [shop.shown(sku) for sku in list(levels)[:50]] == list(range(50))
    assert fake.asked.count("put-absolute-adjustment") == MANY // 2000
    assert fake.asked.count("getProducts") == MANY // 250 + 1
    assert fake.throttled == 0
    assert msgspec.json.encode(fake.asked.count("getVariants")) == b"0"
