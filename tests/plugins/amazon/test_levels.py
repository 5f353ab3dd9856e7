"""Levels reach what the merchant ships, never what Amazon does; few by patches, many by a feed."""

import gzip
import json
import os

import pytest
import trio
from trio.testing import MockClock

from dropstream_amazon.levels import LINGERS_S
from dropstreamd.errors import Misconfigured, OutcomeUnknown, ProtocolMismatch, RateLimited, Unreachable
from dropstreamd.model.handover import Accepted, InDoubt, Untouched
from dropstreamd.platform.again import TRIES
from tests.fakes.amazon import CANADA, HERE, FakeAmazon, Fault
from tests.fakes.amazon_seller import AmazonSeller
from tests.plugins.things import refused

from .stores import MANY, Account, push_levels, stocked


async def test_few_are_patched_and_handling_times_stay(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    levels = stocked(seller, 3)
    async with account.open() as store:
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert {sku: seller.shown(sku) for sku in levels} == levels
    assert all(row["handling_days"] == 3 for row in seller.listings.values())
    assert fake.asked == ["token", "searchListingsItems", *["patchListingsItem"] * 3]


@pytest.mark.parametrize("count", [5, MANY])
async def test_what_amazon_fulfills_is_never_told_a_quantity(
    account: Account, seller: AmazonSeller, count: int, quick_clock: MockClock
) -> None:
    levels = stocked(seller, count)
    seller.list_sku("FBA", None, channel="AMAZON_NA")
    seller.list_sku("FBA-EU", 4, channel="AMAZON_EU")
    seller.list_sku("BOTH", 4)["channels"]["AMAZON_NA"] = None
    seller.list_sku("NONE", None, channel="")
    before = {sku: dict(seller.listings[sku]["channels"]) for sku in ("FBA", "FBA-EU", "BOTH", "NONE")}
    async with account.open() as store:
        outcomes = await push_levels(store, {**levels, **dict.fromkeys(before, 7)})
        shown = await store.levels.read(["S-0", "FBA", "BOTH", "NONE", "NOT-SOLD", "X" * 41])
    assert {sku: refused(outcomes[sku]) for sku in before} == {
        "FBA": "fulfilled-by-amazon",
        "FBA-EU": "fulfilled-by-amazon",
        "BOTH": "fulfilled-by-amazon",
        "NONE": "no-channel",
    }
    assert {sku: seller.listings[sku]["channels"] for sku in before} == before
    assert not seller.converted
    assert shown == {"S-0": 5}
    assert all(isinstance(outcomes[sku], Accepted) for sku in levels)


async def test_one_that_is_refused_sinks_no_other(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    for count in (4, MANY):
        levels = stocked(seller, count)
        seller.invalid = {"S-1", "S-3"}
        unfit = {"X" * 41: 1, "S-0-MINUS": -1, "NOT-SOLD": 1}
        async with account.open() as store:
            outcomes = await push_levels(store, {**levels, **unfit})
        assert {sku: refused(outcomes[sku]) for sku in ("S-1", "S-3", *unfit)} == {
            "S-1": "refused",
            "S-3": "refused",
            "X" * 41: f"sku:{'X' * 41}",
            "S-0-MINUS": "quantity",
            "NOT-SOLD": "sku:NOT-SOLD",
        }
        assert "90220" in str(outcomes["S-1"])
        taken = levels.keys() - seller.invalid
        assert all(isinstance(outcomes[sku], Accepted) for sku in taken)
        assert {sku: seller.shown(sku) for sku in taken} == {sku: levels[sku] for sku in taken}


async def test_skus_are_found_as_they_are_written(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    odd = ["3/4 PIPE", "a,b", "#1", "50%", "ä ö", "q?x=1&y", "plus+plus", "back\\slash", "~.-_", "tab\tbed"]
    for sku in (*odd, "tee"):
        seller.list_sku(sku, 1)
    async with account.open() as store:
        outcomes = await push_levels(store, {**dict.fromkeys(odd, 3), "TEE": 3})
    assert refused(outcomes.pop("TEE")) == "sku:TEE"
    assert refused(outcomes.pop("tab\tbed")) == "sku:tab\tbed", "Amazon cannot read it, and its neighbours go"
    assert all(isinstance(each, Accepted) for each in outcomes.values()), outcomes
    assert {seller.shown(sku) for sku in odd[:-1]} == {3}


def _times(fault: Fault, count: int) -> list[Fault]:
    return [fault] * count


# ---- feeds


async def test_many_go_in_one_feed(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    levels = stocked(seller, MANY)
    started_s = trio.current_time()
    async with account.open() as store:
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert {sku: seller.shown(sku) for sku in levels} == levels
    assert all(row["handling_days"] == 3 for row in seller.listings.values())
    once = ["createFeedDocument", "upload", "createFeed", "getFeedDocument", "download"]
    assert [fake.asked.count(name) for name in once] == [1] * 5
    assert fake.asked.count("getFeed") < 10
    assert trio.current_time() - started_s < seller.feed_s + 60
    assert not fake.throttled


@pytest.mark.parametrize(
    ("name", "fault", "error"),
    [
        ("createFeedDocument", "400", ProtocolMismatch),
        ("upload", "400", ProtocolMismatch),
        ("upload", "403", Unreachable),
        ("createFeed", "400", ProtocolMismatch),
        ("createFeed", "429", RateLimited),
        ("createFeed", "after", OutcomeUnknown),
        ("createFeed", "500", OutcomeUnknown),
        ("getFeed", "400", OutcomeUnknown),
        ("getFeedDocument", "400", OutcomeUnknown),
        ("download", "400", OutcomeUnknown),
        ("download", "403", OutcomeUnknown),
        ("download", "html", OutcomeUnknown),
    ],
)
async def test_until_a_feed_is_created_nothing_has_an_effect(
    fake: FakeAmazon,
    account: Account,
    seller: AmazonSeller,
    name: str,
    fault: Fault,
    error: type[Exception],
    quick_clock: MockClock,
) -> None:
    """And from then on nobody knows, until its report was read."""
    levels = stocked(seller, MANY)
    fake.fail(name, *_times(fault, TRIES if fault == "429" else 1))
    async with account.open() as store:
        with pytest.raises(error):
            await push_levels(store, levels)
        if error is not OutcomeUnknown:
            assert not seller.feeds
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())


async def test_a_feed_is_watched_through_an_outage(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    levels = stocked(seller, MANY)
    outage: list[Fault] = ["503", "503", "503", "503", "before", "before", "before", "before", "429"]
    fake.fail("getFeed", *outage)
    async with account.open() as store:
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert fake.asked.count("createFeed") == 1


async def test_a_feed_that_amazon_gives_up_on_is_unknown(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    levels = stocked(seller, MANY)
    seller.fate = "FATAL"
    async with account.open() as store:
        with pytest.raises(OutcomeUnknown, match=r"gave up on feed \d+ \(FATAL\)"):
            await push_levels(store, levels)
        seller.fate = "CANCELLED"
        outcomes = await push_levels(store, levels)
    assert set(map(type, outcomes.values())) == {Untouched}


async def test_a_feed_that_waits_too_long_is_cancelled(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    levels = stocked(seller, MANY)
    seller.feed_s = 3 * 3600.0  # it does not leave the queue while it is waited for
    async with account.open() as store:
        outcomes = await push_levels(store, levels)
        assert set(map(type, outcomes.values())) == {Untouched}
        assert fake.asked.count("cancelFeed") == 1
        fake.fail("cancelFeed", "html")
        with pytest.raises(OutcomeUnknown, match="can no longer be cancelled"):
            await push_levels(store, levels)
        await trio.sleep(4 * 3600)
        first = next(iter(seller.feeds.values()))
        assert first["processingStatus"] == "CANCELLED", "it never acts"
        seller.feed_s = 4_500.0  # and this one is being worked at by then
        with pytest.raises(
            OutcomeUnknown, match="not through after 40 minutes, and can no longer be cancelled"
        ):
            await push_levels(store, levels)
        assert store.inventory.writes.visible_after_s == LINGERS_S > seller.feed_s


async def test_a_feed_that_is_refused_whole_is_told(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    levels = stocked(seller, MANY)
    seller.general = ["4000001"]
    async with account.open() as store:
        with pytest.raises(ProtocolMismatch, match=r"Amazon refused feed \d+ as a whole: 4000001"):
            await push_levels(store, levels)


async def test_a_report_that_does_not_add_up_says_nothing(
    account: Account, seller: AmazonSeller, quick_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = stocked(seller, MANY)
    process = seller.process

    def shorten(key: str) -> None:
        process(key)
        told = seller.documents[seller.feeds[key]["resultFeedDocumentId"]]
        report = json.loads(gzip.decompress(told["content"]))
        report["summary"]["messagesAccepted"] -= 1
        told["content"] = gzip.compress(json.dumps(report).encode())

    def without(key: str) -> None:
        process(key)
        del seller.feeds[key]["resultFeedDocumentId"]

    async with account.open() as store:
        monkeypatch.setattr(seller, "process", shorten)
        with pytest.raises(
            OutcomeUnknown, match=f"does not add up: {MANY} messages were sent, {MANY - 1} are"
        ):
            await push_levels(store, levels)
        monkeypatch.setattr(seller, "process", without)
        with pytest.raises(OutcomeUnknown, match="is through and has no report"):
            await push_levels(store, levels)


async def test_a_second_feed_that_fails_leaves_the_first_as_it_is_known(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    levels = stocked(seller, MANY)
    seller.listings["S-0"]["marketplace"] = CANADA
    async with account.open(marketplaces=(HERE, CANADA)) as store:
        fake.fail("download", "slow", "400")
        outcomes = await push_levels(store, levels)
    assert isinstance(outcomes["S-0"], Accepted)
    assert {type(outcomes[f"S-{number}"]) for number in range(1, MANY)} == {InDoubt}


async def test_patches_that_fail_leave_the_others_as_they_are_known(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    levels = stocked(seller, 40)
    async with account.open() as store:
        mixed: list[Fault] = [*_times("slow", 10), "after"]
        fake.fail("patchListingsItem", *mixed)
        outcomes = await push_levels(store, levels)
        kinds = [type(each) for each in outcomes.values()]
        assert kinds.count(InDoubt) == 1
        assert kinds.count(Untouched) > 20
        assert kinds.count(Accepted) >= 10
        fake.fail("patchListingsItem", *_times("after", 4))
        with pytest.raises(OutcomeUnknown):
            await push_levels(store, levels)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("before", OutcomeUnknown),
        ("after", OutcomeUnknown),
        ("truncated", OutcomeUnknown),
        ("lost", OutcomeUnknown),
        ("500", OutcomeUnknown),
        ("html", OutcomeUnknown),
        ("429", RateLimited),
    ],
)
async def test_every_misbehaviour_of_a_patch_has_its_error(
    fake: FakeAmazon,
    account: Account,
    seller: AmazonSeller,
    fault: Fault,
    error: type[Exception],
    quick_clock: MockClock,
) -> None:
    seller.list_sku("A", 1)
    fake.fail("patchListingsItem", *_times(fault, TRIES if fault == "429" else 1))
    async with account.open() as store:
        with pytest.raises(error):
            await push_levels(store, {"A": 4})
        assert isinstance((await push_levels(store, {"A": 4}))["A"], Accepted)
    assert seller.shown("A") == 4


async def test_another_seller_is_told_at_once(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    levels = stocked(seller, 20)
    async with account.open(seller="A1ANOTHERSELLER") as store:
        with pytest.raises(Misconfigured, match="does not know seller A1ANOTHERSELLER in marketplace ATV"):
            await push_levels(store, levels)
    assert fake.asked.count("searchListingsItems") == 1


# ---- at scale


async def test_ten_thousand_levels_take_the_fewest_calls(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """Two thousand by default; a look-up for every twenty, at the pace that Amazon allows, and one feed."""
    count = int(os.environ.get("DROPSTREAMD_AMAZON_LEVELS", "2000"))
    levels = stocked(seller, count)
    async with account.open() as store:
        assert store.inventory.writes.batch >= 10_000
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert {sku: seller.shown(sku) for sku in levels} == levels
    lookups = fake.asked.count("searchListingsItems")
    assert lookups == count // 20
    assert fake.asked.count("createFeed") == 1
    assert not fake.throttled
    assert not seller.converted
    times = fake.asked_s["searchListingsItems"]
    assert (lookups - 5) / 5 / (times[-1] - times[0]) >= 0.95, "the budget is used"


@pytest.mark.parametrize("count", [40, MANY])
async def test_a_call_that_is_refused_for_its_number_is_made_again(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, count: int, quick_clock: MockClock
) -> None:
    levels = stocked(seller, count)
    for name in ("searchListingsItems", "patchListingsItem", "createFeedDocument", "createFeed"):
        fake.fail(name, "429", "429")
    async with account.open() as store:
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert {sku: seller.shown(sku) for sku in levels} == levels
