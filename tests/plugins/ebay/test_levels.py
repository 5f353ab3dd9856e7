"""Levels are set on item and offer, 25 at once, and none of them holds up the others."""

import os

import pytest

from dropstreamd.errors import OutcomeUnknown, RateLimited
from dropstreamd.model.handover import Accepted, Item, Untouched
from dropstreamd.model.stock import Level
from tests.fakes.ebay import FakeEbay
from tests.fakes.ebay_shop import REVISIONS_A_DAY, EbayShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, refused

from .stores import Account, push_levels


async def test_both_item_and_offer_are_set(account: Account, shop: EbayShop) -> None:
    shop.add_item("TEE", 100, offer=50)
    shop.add_item("CAP", 3, offer=3)
    async with account.open() as store:
        outcomes = await push_levels(store, {"TEE": 7, "CAP": 90})
        assert all(isinstance(each, Accepted) for each in outcomes.values())
        assert await store.levels.read(["TEE", "CAP", "NOT-SOLD"]) == {"TEE": 7, "CAP": 90}
    assert [(shop.quantity(sku), shop.shown(sku)) for sku in ("TEE", "CAP")] == [(7, 7), (90, 90)]


async def test_what_a_listing_shows_is_the_lower_of_the_two(account: Account, shop: EbayShop) -> None:
    shop.add_item("TEE", 5, offer=9)
    shop.add_item("CAP", 9, offer=5)
    shop.add_item("DRAFT", 4, offer=1, status="UNPUBLISHED")
    async with account.open() as store:
        assert await store.levels.read(["TEE", "CAP", "DRAFT"]) == {"TEE": 5, "CAP": 5, "DRAFT": 4}


async def test_auctions_and_drafts_keep_their_own_quantity(account: Account, shop: EbayShop) -> None:
    shop.add_item("TEE", 10, offer=10)
    auction = shop.add_offer("TEE", 1, form="AUCTION")
    shop.add_item("DRAFT", 10, offer=2, status="UNPUBLISHED")
    async with account.open() as store:
        outcomes = await push_levels(store, {"TEE": 7, "DRAFT": 7})
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert (auction["availableQuantity"], shop.quantity("TEE"), shop.quantity("DRAFT")) == (1, 7, 7)


async def test_a_refused_one_does_not_sink_its_25(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    for number in range(22):
        shop.add_item(f"S-{number}", 1, offer=1)
    worn = shop.add_item("WORN", 1, offer=1)["sku"]
    shop.revised[shop.offers_of(worn)[0]["listing"]["listingId"]] = REVISIONS_A_DAY
    shop.add_item("ZERO", 1, offer=1)
    shop.zero_allowed = False
    levels = {f"S-{number}": 2 + number for number in range(22)} | {"WORN": 5, "ZERO": 0, "NOT-SOLD": 3}
    async with account.open() as store:
        outcomes = await push_levels(store, {**levels, "X" * 51: 1, "MANY": 2**31})
    assert {sku: refused(outcomes[sku]) for sku in ("ZERO", "NOT-SOLD", "X" * 51, "MANY")} == {
        "ZERO": "zero",
        "NOT-SOLD": "sku:NOT-SOLD",
        "X" * 51: f"sku:{'X' * 50}",
        "MANY": "quantity",
    }
    assert "not in the Inventory API" in str(outcomes["NOT-SOLD"])
    assert isinstance(outcomes["WORN"], Untouched), "it is pushed again, until the day is over"
    assert [shop.shown(f"S-{number}") for number in range(22)] == [2 + number for number in range(22)]
    assert (fake.asked.count("items_of"), fake.asked.count("set")) == (1, 1)


async def test_one_that_sinks_all_is_found_alone(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    for number in range(3):
        shop.add_item(f"S-{number}", 1, offer=1)
    fake.whole_refusal = {"S-1"}
    async with account.open() as store:
        outcomes = await push_levels(store, {"S-0": 5, "S-1": 5, "S-2": 5})
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert fake.asked.count("set") == 4


async def test_what_is_no_sku_to_ebay_sinks_no_others(
    fake: FakeEbay, account: Account, shop: EbayShop
) -> None:
    shop.add_item("TEE", 1, offer=1)
    fake.never_skus = {"T/E/E"}
    async with account.open() as store:
        outcomes = await push_levels(store, {"TEE": 5, "T/E/E": 5})
        assert await store.levels.read(["TEE", "T/E/E"]) == {"TEE": 5}
    assert isinstance(outcomes["TEE"], Accepted)
    assert refused(outcomes["T/E/E"]) == "sku:T/E/E"


async def test_what_shows_the_figure_already_costs_no_revision(
    fake: FakeEbay, account: Account, shop: EbayShop
) -> None:
    shop.add_item("TEE", 7, offer=7)
    async with account.open() as store:
        assert isinstance((await push_levels(store, {"TEE": 7}))["TEE"], Accepted)
    assert "set" not in fake.asked
    assert shop.revised == {}


async def test_what_was_sold_or_made_anew_since_is_set_again(account: Account, shop: EbayShop) -> None:
    shop.add_item("TEE", 1, offer=1)
    async with account.open() as store:
        before = await push_levels(store, {"TEE": 9})
        shop.offers.clear()
        shop.add_offer("TEE", 4)
        shop.items["TEE"]["availability"]["shipToLocationAvailability"]["quantity"] = 4
        after = await push_levels(store, {"TEE": 9}, before)
    assert shop.shown("TEE") == 9
    assert after != before


async def test_an_offer_that_was_refused_is_not_taken_for_set(account: Account, shop: EbayShop) -> None:
    """Of two offers one was set, and the item with it: that the item shows the figure says nothing then."""
    shop.add_item("TEE", 1, offer=1)
    worn = shop.add_offer("TEE", 1)
    async with account.open() as store:
        before = await push_levels(store, {"TEE": 10})
        shop.revised[worn["listing"]["listingId"]] = REVISIONS_A_DAY
        for _ in range(2):
            assert isinstance((await push_levels(store, {"TEE": 3}, before))["TEE"], Untouched)
        assert (shop.quantity("TEE"), worn["availableQuantity"]) == (3, 10)
        shop.revised.clear()
        assert isinstance((await push_levels(store, {"TEE": 3}, before))["TEE"], Accepted)
    assert worn["availableQuantity"] == 3


async def test_what_was_sold_on_ebay_itself_costs_no_revision(
    fake: FakeEbay, account: Account, shop: EbayShop
) -> None:
    shop.add_item("TEE", 1, offer=1)
    async with account.open() as store:
        before = await push_levels(store, {"TEE": 10})
        shop.items["TEE"]["availability"]["shipToLocationAvailability"]["quantity"] = 9
        shop.offers_of("TEE")[0]["availableQuantity"] = 9
        calls(fake)
        assert isinstance((await push_levels(store, {"TEE": 9}, before))["TEE"], Accepted)
    assert calls(fake) == {"items_of": 1, "offers": 1, "set": 0}


async def test_an_item_that_ebay_stumbled_over_is_pushed_again(
    fake: FakeEbay, account: Account, shop: EbayShop
) -> None:
    for sku in ("TEE", "CAP"):
        shop.add_item(sku, 1, offer=1)
    fake.stumbles = {"CAP"}
    async with account.open() as store:
        outcomes = await push_levels(store, {"TEE": 5, "CAP": 5})
        assert await store.levels.read(["TEE", "CAP"]) == {"TEE": 5}
        assert outcomes["CAP"] == Untouched(key="CAP")
        fake.stumbles = set()
        assert isinstance((await push_levels(store, {"CAP": 5}))["CAP"], Accepted)


async def test_an_offer_that_is_gone_by_then_is_looked_up_again(
    fake: FakeEbay, account: Account, shop: EbayShop
) -> None:
    shop.add_item("TEE", 1, offer=1)

    def made_anew() -> None:
        shop.offers.clear()
        shop.add_offer("TEE", 1)

    fake.before["set"] = made_anew
    async with account.open() as store:
        assert isinstance((await push_levels(store, {"TEE": 9}))["TEE"], Accepted)
    assert shop.shown("TEE") == 9


async def test_what_became_of_it_is_not_looked_up(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    shop.add_item("TEE", 1, offer=1)
    async with account.open() as store:
        (made,) = store.inventory.prepare(
            [Item(key="TEE", document=Level(sku="TEE", available=4))], STAMP
        ).prepared
        fake.fail("set", "after")
        steps = Steps()
        with pytest.raises(OutcomeUnknown):
            await store.inventory.push(made, steps)
        assert await store.inventory.recover(made, steps.taken[-1], steps) == [Untouched(key="TEE")]
        fake.fail("items_of", "day")
        with pytest.raises(RateLimited, match="the day's calls are used up"):
            await store.inventory.push(made, steps)
        steps.wanted = False
        shop.items["TEE"]["availability"]["shipToLocationAvailability"]["quantity"] = 1
        assert await store.inventory.push(made, steps) == [Untouched(key="TEE")]


async def test_a_full_sync_in_the_fewest_calls(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    """Two calls for 25; the first time, one for each SKU's offers, of which eBay tells one by one only."""
    count = int(os.environ.get("DROPSTREAMD_EBAY_LEVELS", "200"))
    for number in range(count):
        shop.add_item(f"S-{number}", 1, offer=1)
    async with account.open() as store:
        outcomes = await push_levels(store, {f"S-{number}": 5 for number in range(count)})
        assert all(isinstance(each, Accepted) for each in outcomes.values())
        batches = -(-count // 25)
        assert calls(fake) == {"items_of": batches, "offers": count, "set": batches}
        outcomes = await push_levels(store, {f"S-{number}": 6 for number in range(count)}, outcomes)
        assert calls(fake) == {"items_of": batches, "offers": 0, "set": batches}
        await push_levels(store, {f"S-{number}": 6 for number in range(count)}, outcomes)
        assert calls(fake) == {"items_of": batches, "offers": 0, "set": 0}
    assert all(shop.shown(f"S-{number}") == 6 for number in range(count))
    assert account.host.calls.throttles == 0


def calls(fake: FakeEbay) -> dict[str, int]:
    """What was asked since the last time."""
    told = {name: fake.asked.count(name) for name in ("items_of", "offers", "set")}
    fake.asked.clear()
    return told
