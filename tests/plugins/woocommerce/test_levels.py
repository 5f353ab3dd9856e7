"""Levels are set a hundred at once, and none of them holds up the others."""

import os

import pytest
import trio
from trio.testing import MockClock

from dropstream_woocommerce.settings import Settings, pace
from dropstreamd.errors import AuthFailed, OutcomeUnknown, RateLimited, Unreachable
from dropstreamd.model.handover import Accepted, Item, Outcome, Untouched
from dropstreamd.model.stock import Level
from dropstreamd.platform.limiter import Priority
from tests.fakes.woocommerce import FakeWooCommerce
from tests.fakes.woocommerce_shop import WooShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, push_levels, refused

from .stores import Account, account_at, settings

LEVELS = int(os.environ.get("DROPSTREAMD_WOOCOMMERCE_LEVELS", "2500"))
FIND, SET = "GET wc/v3/products", "POST wc/v3/products/batch"
SET_SOME = "POST wc/v3/products/*/variations/batch"


def paced(account: Account, chosen: Settings) -> Account:
    """The account as it is chosen, at the pace that the plugin keeps."""
    host = account.host
    return account_at(host.clock, host.secrets, chosen, pace(chosen))


async def test_a_refused_one_does_not_sink_its_100(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    for number in range(60):
        shop.add_product(f"S-{number}")
    shop.add_variable("V", [f"V-{number}" for number in range(30)])
    shop.add_product("TWICE")
    shop.add_variable("W", ["TWICE"])
    shop.add_product("LOOSE", None)
    shop.add_variable("SHARED", ["SHARED-M"], manage_stock="parent")
    shop.add_product("Case")
    shop.add_product("GOES")
    levels = {f"S-{number}": number for number in range(60)} | {f"V-{number}": number for number in range(30)}
    odd = ("TWICE", "LOOSE", "SHARED-M", "NOT-SOLD", "CASE", "GOES", "MANY")
    shop.add_product("MANY")
    fake.before[SET] = lambda: shop.product("GOES").update(status="trash")
    async with account.open() as store:
        outcomes = await push_levels(store, {**levels, **dict.fromkeys(odd, 7), "MANY": 2**40})
    assert {key: refused(outcomes[key]) for key in odd} == {
        "TWICE": "sku-duplicate",
        "LOOSE": "untracked",
        "SHARED-M": "untracked",
        "NOT-SOLD": "sku:NOT-SOLD",
        "CASE": "sku:CASE",
        "GOES": "refused",
        "MANY": "quantity",
    }
    for sku, units in levels.items():
        assert isinstance(outcomes[sku], Accepted)
        assert shop.product(sku)["stock_quantity"] == units
    assert fake.asked == [FIND, SET, SET_SOME]


async def test_what_is_not_managed_any_more_is_not_taken_for_set(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    """WooCommerce answers as if it were."""
    shop.add_product("A")
    fake.before[SET] = lambda: shop.product("A").update(manage_stock=False)
    async with account.open() as store:
        assert refused((await push_levels(store, {"A": 3}))["A"]) == "untracked"


async def test_skus_are_found_as_they_are_written(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    odd = ["0", "A,B", "A", "ü ß", "50%", "a/b?c&d=e", "x" * 90]
    for sku in odd:
        shop.add_product(sku)
    async with account.open() as store:
        assert all(
            isinstance(each, Accepted) for each in (await push_levels(store, dict.fromkeys(odd, 3))).values()
        )
        assert all(isinstance(each, Accepted) for each in (await push_levels(store, {"0": 4})).values())
        assert await store.levels.read(odd) == {**dict.fromkeys(odd, 3), "0": 4}
    long = {f"{'ü' * 40}{number}": number for number in range(100)}
    for sku in long:
        shop.add_product(sku)
    async with account.open() as store:
        assert all(isinstance(each, Accepted) for each in (await push_levels(store, long)).values())
    assert max(len(str(query.get("sku", ""))) for query in fake.queries) < 2000


async def test_a_shop_that_takes_fewer_at_once(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.most_in_batch = 30
    levels = {f"S-{number}": number for number in range(100)}
    for sku in levels:
        shop.add_product(sku)
    async with account.open() as store:
        assert all(isinstance(each, Accepted) for each in (await push_levels(store, levels)).values())
        fake.asked.clear()
    async with account.open(levels_at_once=25) as store:
        await push_levels(store, levels)
    assert fake.asked == [FIND, *[SET] * 4]


async def test_they_are_read_back(account: Account, shop: WooShop) -> None:
    shop.add_product("A", 5)
    shop.add_product("NONE", None)
    shop.add_product("LESS", -2)
    shop.add_variable("V", ["V-1"], stock_quantity=8, manage_stock=True)
    shop.add_product("TWICE", 1)
    shop.add_product("TWICE", 1)
    async with account.open() as store:
        shown = await store.levels.read(["A", "NONE", "LESS", "V-1", "TWICE", "NOT-SOLD"])
    assert shown == {"A": 5, "LESS": -2, "V-1": 8}


async def test_a_part_that_fails_leaves_the_outcome_unknown(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.add_product("A")
    shop.add_variable("V", ["V-1"])
    levels = {"A": 1, "V-1": 1}
    async with account.open() as store:
        fake.fail(SET_SOME, "401")
        with pytest.raises(OutcomeUnknown, match="some of these levels"):
            await push_levels(store, levels)
        fake.fail(SET, "401")
        with pytest.raises(AuthFailed, match="refused the consumer key"):
            await push_levels(store, levels)
        fake.fail(FIND, "500", "500", "500", "500")
        with pytest.raises(Unreachable):
            await push_levels(store, levels)
        fake.fail(SET, "after")
        with pytest.raises(OutcomeUnknown):
            await push_levels(store, levels)
        (prepared,) = store.inventory.prepare(
            [Item(key="A", document=Level(sku="A", available=1))], STAMP
        ).prepared
        assert await store.inventory.recover(prepared, "", Steps()) == [Untouched(key="A")]


async def test_half_of_a_batch_that_was_set_leaves_the_outcome_unknown(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    """No error means that nothing was set."""
    shop.most_in_batch = 30
    levels = {f"S-{number}": 7 for number in range(40)}
    for sku in levels:
        shop.add_product(sku, 1)
    fake.before[SET] = lambda: fake.before.update({SET: lambda: fake.fail(SET, "401")})
    async with account.open() as store:
        with pytest.raises(OutcomeUnknown, match="some of these levels"):
            await push_levels(store, levels)
    assert (shop.product("S-0")["stock_quantity"], shop.product("S-39")["stock_quantity"]) == (7, 1)


async def test_a_full_sync_in_the_fewest_calls_within_the_budget(
    fake: FakeWooCommerce, quick_clock: MockClock, account: Account, shop: WooShop
) -> None:
    """What a host allows is used, and not overstepped: a look-up and a batch for each hundred."""
    levels = {f"S-{number:05}": number for number in range(LEVELS)}
    for sku in levels:
        shop.add_product(sku, 1)
    chosen = settings(fake.url, calls_per_s=5.0)
    burst, calls = pace(chosen).burst, LEVELS // 50
    fake.limit(burst=burst, rate_per_s=5.0)
    began_s = trio.current_time()
    async with paced(account, chosen).open() as store:
        outcomes = await push_levels(store, levels)
    took_s = trio.current_time() - began_s
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert (fake.calls(FIND), fake.calls(SET), len(fake.asked)) == (calls / 2, calls / 2, calls)
    assert fake.throttled == 0
    assert calls >= 0.95 * (burst + took_s * 5.0), "the budget was not used"


async def test_orders_pass_at_once_beside_a_full_sync(
    fake: FakeWooCommerce, patient_clock: MockClock, account: Account, shop: WooShop
) -> None:
    levels = {f"S-{number}": 1 for number in range(500)}
    for sku in levels:
        shop.add_product(sku, 0)
    shop.place({"S-1": 1})
    chosen = settings(fake.url, calls_per_s=1.0)
    orders, delays_s = paced(account, chosen), []
    full = orders.at(Priority.FULL)
    async with full.open() as store, trio.open_nursery() as nursery:
        nursery.start_soon(push_levels, store, levels)
        for _ in range(3):
            await trio.sleep(2.5)
            began_s = trio.current_time()
            async with orders.open() as other:
                await other.orders.page(None, lambda _mark: False)
            delays_s.append(trio.current_time() - began_s)
    assert all(shop.product(sku)["stock_quantity"] == 1 for sku in levels)
    assert max(delays_s) < 3.5, "two or three calls, at one a second"


async def test_a_host_that_allows_less_is_obeyed(
    fake: FakeWooCommerce, patient_clock: MockClock, account: Account, shop: WooShop
) -> None:
    """Another app eats of what the host allows: nothing fails, and the pace settles at the rest."""
    levels = {f"S-{number}": 1 for number in range(300)}
    for sku in levels:
        shop.add_product(sku, 0)
    chosen = settings(fake.url, calls_per_s=5.0)
    fake.limit(burst=2, rate_per_s=0.5)
    async with paced(account, chosen).open() as store:
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert (len(fake.asked) - fake.throttled, fake.throttled <= 8) == (6, True)


async def test_half_of_what_a_host_allows_is_enough(
    fake: FakeWooCommerce, account: Account, shop: WooShop, quick_clock: MockClock
) -> None:
    """Another app eats the other half: no push fails, what is left is used, and orders pass at once."""
    skus = [f"S-{number}" for number in range(20)]
    for sku in skus:
        shop.add_product(sku, 0)
    made = shop.place({"S-1": 1})
    chosen = settings(fake.url, calls_per_s=5.0)
    orders, delays_s = paced(account, chosen), []
    full = orders.at(Priority.FULL)
    pool = fake.limit(burst=10, rate_per_s=5.0)
    pushed: list[Outcome] = []

    async def full_sync() -> None:
        async with full.open() as store:
            for units in range(10**6):
                pushed.extend((await push_levels(store, dict.fromkeys(skus, units))).values())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pool.eaten_by_half)
        nursery.start_soon(full_sync)
        await trio.sleep(30)
        passed, began_s = pool.passed, trio.current_time()
        for _ in range(10):
            await trio.sleep(13)
            asked_s = trio.current_time()
            assert str(made["id"]) in (await orders.listing()).orders
            delays_s.append(trio.current_time() - asked_s)
        ours_per_s = (pool.passed - passed) / (trio.current_time() - began_s)
        nursery.cancel_scope.cancel()
    assert all(isinstance(each, Accepted) for each in pushed)
    assert ours_per_s > 0.9 * 2.5
    assert pool.refused < 15
    assert max(delays_s) < 10, delays_s


async def test_a_host_that_wants_to_rest_is_told_of(
    fake: FakeWooCommerce, patient_clock: MockClock, account: Account, shop: WooShop
) -> None:
    """429 says that nothing was set: it is told as such, and the rest it asks for is kept."""
    shop.add_product("A")
    fake.fail(SET, "429", "429", "429", "429")
    async with account.open() as store:
        with pytest.raises(RateLimited) as caught:
            await push_levels(store, {"A": 3})
        assert caught.value.retry_after_s == 3
        began_s = trio.current_time()
        assert isinstance((await push_levels(store, {"A": 3}))["A"], Accepted)
    assert trio.current_time() - began_s >= 3
