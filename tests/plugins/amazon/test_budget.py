"""What another client of the same app leaves of a plan is enough."""

import trio
from trio.testing import MockClock

from dropstreamd.model.handover import Accepted, Outcome
from dropstreamd.platform.limiter import Priority
from tests.fakes.amazon import FakeAmazon
from tests.fakes.amazon_seller import AmazonSeller

from .stores import Account, push_levels


async def test_half_of_a_plan_is_enough(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """Another that calls as the same app eats the other half of each plan: no push fails, what is left is
    used, and orders pass at once."""
    levels = {f"S-{number}": 5 for number in range(1500)}
    for sku in levels:
        seller.list_sku(sku, 1)
    seller.feed_s = 1.0
    seller.place({"S-1": 1})
    full = account.at(Priority.FULL)
    pool = fake.pool("searchListingsItems")
    delays_s: list[float] = []
    outcomes: dict[str, Outcome] = {}
    rates: list[float] = []
    ended = trio.Event()

    async def full_sync() -> None:
        async with full.open() as store:
            for _ in range(3):
                passed, began_s = pool.passed, trio.current_time()
                outcomes.update(await push_levels(store, levels))
                times = fake.asked_s["searchListingsItems"]
                rates.append((pool.passed - passed) / (times[-1] - began_s))
        ended.set()

    async with trio.open_nursery() as nursery:
        for name in ("searchListingsItems", "searchOrders", "createFeed"):
            nursery.start_soon(fake.pool(name).eaten_by_half)
        nursery.start_soon(full_sync)
        while not ended.is_set():
            await trio.sleep(60)
            asked_s = trio.current_time()
            assert (await account.listing()).orders
            delays_s.append(trio.current_time() - asked_s)
        nursery.cancel_scope.cancel()
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert min(rates) > 0.8 * 2.5, rates
    assert pool.refused < 15
    assert max(delays_s) < 10, delays_s
