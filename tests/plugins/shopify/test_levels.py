"""Levels are set 250 at once, and none of them holds up the others."""

import os

import pytest
import trio
from trio.testing import MockClock

from dropstream_shopify.settings import pace
from dropstreamd.errors import Misconfigured, OutcomeUnknown
from dropstreamd.model.handover import Accepted, Item, Untouched
from dropstreamd.model.stock import Level
from dropstreamd.platform.limiter import Priority
from tests.fakes.pool import Bucket
from tests.fakes.shopify import FakeShopify
from tests.fakes.shopify_shop import ELSEWHERE, HERE, ShopifyShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, push_levels, refused

from .stores import Account

KEYS = {"NOT-SOLD", "TWICE", "UNTRACKED", "BUNDLE", "ELSEWHERE", "TOO-MANY"}


async def test_a_refused_one_does_not_sink_its_250(fake: FakeShopify, account: Account) -> None:
    shop = fake.shop
    shop.add_products({f"S-{number}": 1 for number in range(244)})
    shop.add_products({"TWICE": 1, "BUNDLE": 1, "TOO-MANY": 1})
    shop.add_variant("TWICE", 1)
    shop.add_variant("twice", 1)
    shop.add_variant("UNTRACKED", 1, tracked=False)
    shop.add_variant("ELSEWHERE", None)
    shop.variants("BUNDLE")[0]["inventoryItem"]["bundle"] = True
    levels = {f"S-{number}": number for number in range(244)} | dict.fromkeys(KEYS, 7)
    levels["TOO-MANY"] = 10**9 + 1
    async with account.open() as store:
        outcomes = await push_levels(store, levels)
    assert {key: refused(outcomes[key]) for key in KEYS} == {
        "NOT-SOLD": "sku:NOT-SOLD",
        "TWICE": "sku-duplicate",
        "UNTRACKED": "untracked",
        "BUNDLE": "bundle",
        "ELSEWHERE": "not-stocked",
        "TOO-MANY": "quantity",
    }
    for number in range(244):
        assert isinstance(outcomes[f"S-{number}"], Accepted)
        assert shop.stock(f"S-{number}") == number
    assert fake.asked.count("SetLevels") == 2
    assert len(fake.keys) == 1, "what was refused whole keeps no key"


async def test_new_items_are_stocked_where_that_is_set(account: Account, shop: ShopifyShop) -> None:
    shop.add_variant("NEW", None)
    async with account.open(stock_new_items=True) as store:
        assert isinstance((await push_levels(store, {"NEW": 4}))["NEW"], Accepted)
    assert shop.stock("NEW") == 4


async def test_skus_are_found_as_they_are_written(account: Account, shop: ShopifyShop) -> None:
    odd = ['3/4" PIPE', "back\\slash", "O'Neill", "two words", "a OR b"]
    shop.add_products({**dict.fromkeys(odd, 1), "tee": 1})
    async with account.open() as store:
        outcomes = await push_levels(store, {**dict.fromkeys(odd, 3), "TEE": 3})
    assert refused(outcomes.pop("TEE")) == "sku:TEE"
    assert all(isinstance(each, Accepted) for each in outcomes.values())


async def test_a_search_that_is_cut_short_is_noticed(fake: FakeShopify, account: Account) -> None:
    skus = [f"S-{number}" for number in range(250)]
    fake.shop.add_products(dict.fromkeys(skus, 1))
    fake.most_terms = 60
    async with account.open() as store:
        outcomes = await push_levels(store, dict.fromkeys(skus, 7))
        assert all(isinstance(each, Accepted) for each in outcomes.values())
        fake.asked.clear()
        await push_levels(store, dict.fromkeys(skus, 8))
    assert fake.asked.count("Items") == 10, "small groups from then on"


async def test_what_a_shop_does_not_sell_is_asked_for_twice_at_most(
    fake: FakeShopify, account: Account
) -> None:
    fake.shop.add_products({"A": 1})
    async with account.open() as store:
        await push_levels(store, {"A": 7, **{f"NOT-SOLD-{number}": 7 for number in range(999)}})
    assert fake.asked.count("Items") == 4 + 4


async def test_a_checked_level_is_read_again_once_and_then_set(fake: FakeShopify, account: Account) -> None:
    fake.shop.add_products({"A": 5, "B": 5})
    sold = fake.shop.variants("A")[0]["inventoryItem"]["levels"]

    def sell() -> None:
        for location in sold:
            sold[location] -= 1

    def sell_twice() -> None:
        sell()
        fake.before["CountedItems"] = lambda: fake.before.update(SetLevels=sell)

    fake.before["SetLevels"] = sell_twice
    async with account.open(check_quantities=True) as store:
        outcomes = await push_levels(store, {"A": 9, "B": 9})
    assert [type(each) for each in outcomes.values()] == [Accepted, Accepted]
    assert (fake.shop.stock("A"), fake.shop.stock("B")) == (9, 9)
    assert fake.asked.count("SetLevels") == 3


async def test_a_location_that_is_gone_is_misconfigured(account: Account, shop: ShopifyShop) -> None:
    shop.add_products({"A": 5})
    gone = "gid://shopify/Location/404"
    with pytest.raises(Misconfigured, match="no location gid://shopify/Location/404"):
        async with account.open(locations={gone: "main"}) as store:
            await push_levels(store, {"A": 9})


async def test_several_locations_set_the_chosen_one(account: Account, shop: ShopifyShop) -> None:
    shop.add_products({"A": 5})
    shop.variants("A")[0]["inventoryItem"]["levels"][ELSEWHERE] = 1
    locations = {**account.settings.locations, ELSEWHERE: "shop"}
    async with account.open(locations=locations, inventory_location=ELSEWHERE) as store:
        await push_levels(store, {"A": 9})
    assert (shop.stock("A"), shop.stock("A", ELSEWHERE)) == (5, 9)


async def test_a_lost_answer_pushes_the_newest_level_again(
    fake: FakeShopify, account: Account, patient_clock: MockClock
) -> None:
    fake.shop.add_products({"A": 5})
    fake.fail("SetLevels", "after")
    async with account.open() as store:
        with pytest.raises(OutcomeUnknown):
            await push_levels(store, {"A": 9})
        (one,) = store.inventory.prepare(
            [Item(key="A", document=Level(sku="A", available=9))], STAMP
        ).prepared
        assert await store.inventory.recover(one, "", Steps()) == [Untouched(key="A")]
        await push_levels(store, {"A": 8})
    assert fake.shop.stock("A") == 8


class TestBudget:
    SKUS = int(os.environ.get("DROPSTREAMD_SHOPIFY_LEVELS", "2500"))

    def _many(self, fake: FakeShopify) -> dict[str, int]:
        skus = [f"S-{number}" for number in range(self.SKUS)]
        fake.shop.add_products(dict.fromkeys(skus, 1))
        return dict.fromkeys(skus, 7)

    async def test_many_in_the_fewest_calls_at_the_full_rate(
        self, fake: FakeShopify, account: Account, patient_clock: MockClock
    ) -> None:
        levels = self._many(fake)
        fake.bucket = Bucket(maximum=200, rate_per_s=5)
        full = account.at(Priority.FULL)
        async with full.open() as store:
            await store.test(write=False)  # so that the shop's figures are known
            spent, began_s = fake.bucket.spent, trio.current_time()
            outcomes = await push_levels(store, levels)
        kept = pace(account.settings).kept * fake.bucket.maximum
        allowed = fake.bucket.maximum - kept + fake.bucket.rate_per_s * (trio.current_time() - began_s)
        spent = fake.bucket.spent - spent
        assert all(isinstance(each, Accepted) for each in outcomes.values())
        calls = self.SKUS // 250
        assert (fake.asked.count("Items"), fake.asked.count("SetLevels")) == (calls, calls)
        assert not fake.throttled
        assert spent > 0.95 * allowed

    async def test_orders_pass_at_once_beside_a_full_sync_though_another_eats_half(
        self, fake: FakeShopify, account: Account, patient_clock: MockClock
    ) -> None:
        made = fake.shop.place({"A": 1})
        fake.bucket = Bucket(maximum=2000, rate_per_s=100)
        limiter = account.host.at(Priority.FULL).limiter
        waits: list[float] = []
        spent: list[float] = []

        async def another_app() -> None:
            while True:
                fake.bucket.take(50)
                await trio.sleep(1)

        async def full_sync() -> None:
            while True:
                async with limiter.admit(200):
                    fake.bucket.take(200)
                    spent.append(trio.current_time())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(another_app)
            nursery.start_soon(full_sync)
            for _ in range(6):
                await trio.sleep(5)
                began_s = trio.current_time()
                assert made["id"] in (await account.listing()).orders
                waits.append(trio.current_time() - began_s)
            nursery.cancel_scope.cancel()
        assert max(waits) < 1, waits
        assert len(spent) > 10, "and the other goes on"


MAPPED = {HERE: "EAST", "12": "WEST"}


class TestByLocation:
    async def test_levels_go_where_they_say(
        self, account: Account, shop: ShopifyShop, fake: FakeShopify
    ) -> None:
        shop.add_products({f"S-{number}": 1 for number in range(300)})
        for number in range(299):
            shop.variants(f"S-{number}")[0]["inventoryItem"]["levels"][ELSEWHERE] = 1
        async with account.open(mapped=MAPPED, locations={}, inventory_location=HERE) as store:
            levels = {f"S-{number}": number for number in range(300)}
            outcomes = await push_levels(store, levels, location="12")
            assert refused(outcomes.pop("S-299")) == "not-stocked"
            assert all(isinstance(each, Accepted) for each in outcomes.values())
            assert fake.asked.count("SetLevels") == 3, "250, then 50, and again without the one refused"
            found = await store.located_levels.read_at("12", ["S-7", "S-299"])
            assert found == {"S-7": 7}
            assert await store.levels.read(["S-7"]) == {"S-7": 1}
        assert (shop.stock("S-7"), shop.stock("S-7", ELSEWHERE)) == (1, 7)

    async def test_what_is_new_is_stocked_at_that_location(self, account: Account, shop: ShopifyShop) -> None:
        shop.add_variant("NEW", None)
        async with account.open(stock_new_items=True) as store:
            assert isinstance((await push_levels(store, {"NEW": 4}, location=ELSEWHERE))["NEW"], Accepted)
        assert (shop.stock("NEW"), shop.stock("NEW", ELSEWHERE)) == (None, 4)

    async def test_what_is_compared_is_what_that_location_shows(
        self, account: Account, shop: ShopifyShop
    ) -> None:
        shop.add_products({"A": 5})
        shop.variants("A")[0]["inventoryItem"]["levels"][ELSEWHERE] = 2
        async with account.open(check_quantities=True) as store:
            outcomes = await push_levels(store, {"A": 9}, location=ELSEWHERE)
        assert isinstance(outcomes["A"], Accepted)
        assert shop.stock("A", ELSEWHERE) == 9

    async def test_an_order_says_where_it_is_assigned(self, account: Account, shop: ShopifyShop) -> None:
        shop.add_products({"A": 5})
        shop.place({"A": 1})
        shop.place({"A": 1}, location=ELSEWHERE)
        found = await account.listing(mapped=MAPPED, locations={}, inventory_location=HERE)
        assert sorted(order.location for order in found.orders.values()) == ["12", HERE]
        found = await account.listing()
        assert [order.location for order in found.orders.values()] == [HERE]
