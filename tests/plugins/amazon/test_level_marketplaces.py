"""A quantity holds in all marketplaces of a seller: each is looked at before one is told."""

import pytest
from trio.testing import MockClock

from dropstreamd.model.handover import Accepted
from tests.fakes.amazon import CANADA, HERE, FakeAmazon
from tests.fakes.amazon_seller import AmazonSeller
from tests.plugins.things import refused

from .stores import MANY, Account, push_levels, stocked


@pytest.mark.parametrize("count", [5, MANY])
async def test_what_amazon_fulfills_in_another_marketplace_is_never_told_a_quantity(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, count: int, quick_clock: MockClock
) -> None:
    """A SKU's inventory is one in all marketplaces, and each shows only who fulfills it there."""
    levels = stocked(seller, count)
    seller.list_also("S-0", CANADA, 1)
    seller.list_also("S-1", CANADA, None, channel="")
    for sku, here, there in [("FBA-THERE", "DEFAULT", "AMAZON_NA"), ("FBA-HERE", "AMAZON_NA", "DEFAULT")]:
        seller.list_sku(sku, 4 if here == "DEFAULT" else None, channel=here)
        seller.list_also(sku, CANADA, 4 if there == "DEFAULT" else None, channel=there)
    seller.list_sku("a,b", 4)
    seller.list_also("a,b", CANADA, None, channel="AMAZON_NA")
    seller.list_sku("OWN", None, channel="")
    seller.list_also("OWN", CANADA, 4)
    amazons = ["FBA-THERE", "FBA-HERE", "a,b"]
    async with account.open(marketplaces=(HERE, CANADA)) as store:
        outcomes = await push_levels(store, {**levels, **dict.fromkeys([*amazons, "OWN"], 7)})
        shown = await store.levels.read(["S-0", "OWN", *amazons])
    assert {sku: refused(outcomes[sku]) for sku in amazons} == dict.fromkeys(amazons, "fulfilled-by-amazon")
    assert not seller.converted
    assert shown == {"S-0": 5, "OWN": 7}
    assert all(isinstance(outcomes[sku], Accepted) for sku in (*levels, "OWN"))


async def test_each_marketplace_is_asked_once_for_twenty(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    """And no more of what Amazon is known to fulfill."""
    levels = stocked(seller, 20)
    for number in range(20):
        seller.list_sku(f"FBA-{number}", None, channel="AMAZON_NA")
    async with account.open(marketplaces=(HERE, CANADA)) as store:
        await push_levels(store, {**levels, **{f"FBA-{number}": 1 for number in range(20)}})
    assert fake.asked.count("searchListingsItems") == 2 + 1


async def test_a_listing_is_found_in_the_marketplace_where_it_is(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    levels = stocked(seller, MANY)
    for number in range(MANY // 2):
        seller.listings[f"S-{number}"]["marketplace"] = CANADA
    async with account.open(marketplaces=(HERE, CANADA)) as store:
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert {sku: seller.shown(sku) for sku in levels} == levels
    assert sorted(feed["marketplaceIds"] for feed in seller.feeds.values()) == [[CANADA], [HERE]]
