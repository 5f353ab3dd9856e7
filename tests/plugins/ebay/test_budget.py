"""The account's budget is used, and what others leave of the account's pool is enough."""

import os

import pytest
import trio
from trio.testing import MockClock

from dropstream_ebay.settings import pace
from dropstreamd.errors import RateLimited
from dropstreamd.model.handover import Accepted, Outcome
from dropstreamd.platform.again import TRIES
from dropstreamd.platform.limiter import Priority
from tests.fakes.ebay import FakeEbay, Fault
from tests.fakes.ebay_shop import EbayShop
from tests.fakes.pool import Pool

from .stores import Account, account_at, push_levels

LEVELS = int(os.environ.get("DROPSTREAMD_EBAY_LEVELS", "2500"))


def sides(account: Account) -> tuple[Account, Account]:
    """A Full Sync's and the orders' sight of one account, at the pace that the plugin keeps."""
    host, allows = account.host, pace(account.settings)
    orders = account_at(host.clock, host.secrets, account.settings, allows)
    return orders.at(Priority.FULL), orders


def listed(shop: EbayShop, count: int) -> dict[str, Outcome]:
    """So many SKUs, as they were accepted by a Full Sync before."""
    skus = [shop.add_item(f"S-{number}", 1, offer=1)["sku"] for number in range(count)]
    return {sku: Accepted(key=sku, remote=shop.offers_of(sku)[0]["offerId"]) for sku in skus}


async def test_many_in_the_fewest_calls_at_the_full_rate(
    fake: FakeEbay, account: Account, shop: EbayShop, quick_clock: MockClock
) -> None:
    before = listed(shop, LEVELS)
    full, _ = sides(account)
    allows = pace(account.settings)
    async with full.open() as store:
        await store.levels.read([])
        fake.pool = Pool(allows.rate_per_s, allows.burst)
        began_s = trio.current_time()
        outcomes = await push_levels(store, dict.fromkeys(before, 5), before)
    allowed = allows.burst * (1 - allows.kept) + allows.rate_per_s * (trio.current_time() - began_s)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert all(shop.shown(sku) == 5 for sku in before)
    batches = -(-LEVELS // 25)
    assert (fake.asked.count("items_of"), fake.asked.count("set")) == (batches, batches)
    assert fake.asked.count("offers") == 0
    assert fake.pool.refused == 0
    assert 2 * batches >= 0.95 * allowed


async def test_a_write_that_is_refused_for_its_number_is_made_again(
    fake: FakeEbay, account: Account, shop: EbayShop, quick_clock: MockClock
) -> None:
    before = listed(shop, 1)
    async with account.open() as store:
        fake.fail("set", "429", "429", "429")
        assert isinstance((await push_levels(store, {"S-0": 5}, before))["S-0"], Accepted)
        fake.asked.clear()
        always: list[Fault] = ["429"] * TRIES
        fake.fail("set", *always)
        with pytest.raises(RateLimited):
            await push_levels(store, {"S-0": 6}, before)
        fake.fail("set", "day")
        with pytest.raises(RateLimited, match="the day's calls are used up"):
            await push_levels(store, {"S-0": 6}, before)
    assert fake.asked.count("set") == TRIES + 1, "a day is not waited for"
    assert shop.shown("S-0") == 5


async def test_half_of_the_pool_is_enough(
    fake: FakeEbay, account: Account, shop: EbayShop, quick_clock: MockClock
) -> None:
    """Another app eats the other half: no push fails, what is left is used, and orders pass at once."""
    before = listed(shop, 100)
    made = shop.place({"S-1": 1})
    full, orders = sides(account)
    fake.pool = pool = Pool(10.0, 50.0)
    delays_s: list[float] = []
    pushed: list[Outcome] = []

    async def full_sync() -> None:
        async with full.open() as store:
            for units in range(5, 10**6):
                pushed.extend((await push_levels(store, dict.fromkeys(before, units), before)).values())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pool.eaten_by_half)
        nursery.start_soon(full_sync)
        await trio.sleep(30)
        passed, began_s = pool.passed, trio.current_time()
        for _ in range(10):
            await trio.sleep(7)
            asked_s = trio.current_time()
            assert made["orderId"] in (await orders.listing()).orders
            delays_s.append(trio.current_time() - asked_s)
        ours_per_s = (pool.passed - passed) / (trio.current_time() - began_s)
        nursery.cancel_scope.cancel()
    assert all(isinstance(each, Accepted) for each in pushed)
    assert ours_per_s > 0.9 * 5.0
    assert pool.refused < 15
    assert max(delays_s) < 10, delays_s
