"""What goes wrong between us and Amazon is told apart, in words that a person can act on."""

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.model.handover import Accepted
from dropstreamd.platform.secrets import SecretRef
from tests.fakes.amazon import CANADA, HERE, SELLER, FakeAmazon, Fault
from tests.plugins.runs import Listing

from .stores import Account, package, push, push_levels


async def findings(account: Account, **changes: object) -> list[str]:
    async with account.open(**changes) as store:
        return [finding.detail for finding in await store.test(write=True)]


async def test_a_test_asks_for_a_listing_and_an_order(fake: FakeAmazon, account: Account) -> None:
    seller = f"{SELLER}, {HERE} (United States)"
    assert await findings(account) == [seller, "can be asked for; there is none of the last hour"]
    assert fake.asked == ["token", "searchListingsItems", "searchOrders"]
    fake.seller.place({"A": 1})
    assert (await findings(account))[1] == "can be read"


async def test_a_test_does_not_wait_for_the_tiny_search(fake: FakeAmazon, account: Account) -> None:
    for _ in range(20):
        await account.listing()
    fake.asked.clear()
    assert "are used up" in (await findings(account))[1]
    assert fake.asked == ["searchListingsItems"]
    assert not fake.throttled


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("client_secret", r"app amzn1\.app.* no access token: invalid_client.*180 days"),
        ("refresh_token", r"app amzn1\.app.* no access token: invalid_grant.*authorize the app anew"),
    ],
)
async def test_wrong_credentials_are_told_apart(account: Account, setting: str, words: str) -> None:
    with pytest.raises(AuthFailed, match=words):
        await findings(account, **{setting: SecretRef(secret="wrong")})


async def test_a_missing_role_is_named(fake: FakeAmazon, account: Account) -> None:
    fake.roles = {"orders"}
    with pytest.raises(AuthFailed, match=r"searchListingsItems for seller .* role Product Listing"):
        await findings(account)
    fake.roles = {"listings"}
    with pytest.raises(
        AuthFailed, match="role Inventory and Order Tracking, and Direct-to-Consumer Shipping"
    ):
        await findings(account)
    assert fake.asked.count("token") == 3, "once, and once more for every refusal"


@pytest.mark.parametrize(
    "changes", [{"marketplaces": ("A1PA6795UKMFR9",)}, {"seller": "A1ANOTHERSELLER"}], ids=str
)
async def test_another_marketplace_or_seller_is_named(account: Account, changes: dict[str, object]) -> None:
    with pytest.raises(Misconfigured, match=r"does not know seller A1\w+ in marketplace A\w+.*region"):
        await findings(account, **changes)


async def test_each_marketplace_is_tested(fake: FakeAmazon, account: Account) -> None:
    assert "(Canada)" in (await findings(account, marketplaces=(HERE, CANADA)))[0]
    fake.seller.marketplaces.remove(CANADA)
    with pytest.raises(Misconfigured):
        await findings(account, marketplaces=(HERE, CANADA))


async def test_a_token_is_kept_for_the_account_and_renewed_before_its_end(
    fake: FakeAmazon, account: Account, quick_clock: MockClock
) -> None:
    for _ in range(3):
        await findings(account)
    assert fake.asked.count("token") == 1
    await trio.sleep(3600 - 60)
    await findings(account)
    assert fake.asked.count("token") == 2


async def test_a_token_that_is_refused_is_renewed_once(fake: FakeAmazon, account: Account) -> None:
    fake.seller.list_sku("A", 1)
    await findings(account)
    fake.fail("patchListingsItem", "expired")
    async with account.open() as store:
        assert isinstance((await push_levels(store, {"A": 3}))["A"], Accepted)
    assert fake.asked.count("token") == 2
    assert fake.asked.count("patchListingsItem") == 2
    made = fake.seller.place({"A": 1})
    fake.fail("confirmShipment", "expired")
    async with account.open() as store:
        assert isinstance(await push(store, package("P", made, 1, "1Z")), Accepted)
    assert len(made["packages"]) == 1


@pytest.mark.parametrize(
    ("name", "fault", "error"),
    [
        ("token", "500", Unreachable),
        ("token", "html", ProtocolMismatch),
        ("token", "400", AuthFailed),
        ("token", "429", RateLimited),
        ("token", "before", Unreachable),
        ("searchOrders", "400", ProtocolMismatch),
        ("searchOrders", "403", AuthFailed),
        ("searchOrders", "429", RateLimited),
        ("searchOrders", "500", Unreachable),
        ("searchOrders", "503", Unreachable),
        ("searchOrders", "html", ProtocolMismatch),
        ("searchOrders", "before", Unreachable),
        ("searchOrders", "after", Unreachable),
        ("searchOrders", "truncated", Unreachable),
        ("searchOrders", "lost", Unreachable),
    ],
)
async def test_every_misbehaviour_of_a_read_has_its_error(
    fake: FakeAmazon,
    account: Account,
    name: str,
    fault: Fault,
    error: type[DropstreamError],
    quick_clock: MockClock,
) -> None:
    made = fake.seller.place({"A": 1})
    fake.fail(name, *[fault] * 10)
    with pytest.raises(error) as caught:
        await account.listing()
    assert str(caught.value)
    fake.faults.clear()
    await trio.sleep(3600)
    assert list((await account.listing()).orders) == [made["orderId"]]


async def test_a_slow_answer_is_an_answer(fake: FakeAmazon, account: Account) -> None:
    fake.seller.place({"A": 1})
    fake.fail("token", "slow")
    fake.fail("searchOrders", "slow")
    assert list((await account.listing()).statuses.values()) == ["open"]


async def test_a_demand_for_fewer_calls_slows_down_that_operation_alone(
    fake: FakeAmazon, account: Account, quick_clock: MockClock
) -> None:
    await findings(account)
    fake.plan("searchOrders", 0.0056, 0)
    started_s = trio.current_time()
    with pytest.raises(RateLimited):
        await account.listing()
    assert len(fake.throttled) == 4
    slowed_s = trio.current_time() - started_s
    assert slowed_s >= 90, "each is waited after"
    fake.seller.list_sku("A", 1)
    started_s = trio.current_time()
    async with account.open() as store:
        await push_levels(store, {"A": 2})
    assert trio.current_time() - started_s < 1


async def test_a_rate_that_amazon_tells_is_kept_to(
    fake: FakeAmazon, account: Account, quick_clock: MockClock
) -> None:
    fake.plan("patchListingsItem", 10, 5)
    levels = {f"S-{number}": 3 for number in range(100)}
    for sku in levels:
        fake.seller.list_sku(sku, 1)
    started_s = trio.current_time()
    async with account.open() as store:
        outcomes = await push_levels(store, levels)
    assert all(isinstance(each, Accepted) for each in outcomes.values())
    assert trio.current_time() - started_s < 100 / 9
    assert not fake.throttled


async def test_a_survey_tells_what_the_merchant_ships(fake: FakeAmazon, account: Account) -> None:
    fake.seller.list_sku("A", 1)
    fake.seller.list_sku("FBA", None, channel="AMAZON_NA")
    fake.seller.place({"A": 1})
    async with account.open() as store:
        found = await store.survey()
    assert found.skus == frozenset({"A"})
    assert found.ship_methods == frozenset({"STANDARD"})
    assert found.carriers is not None
    assert "UPS" in found.carriers
    assert not found.findings


async def test_a_survey_tells_what_will_wait(fake: FakeAmazon, account: Account) -> None:
    fake.seller.place({"A": 1})["programs"] = ["PRIME"]
    del fake.seller.place({"A": 1})["recipient"]["deliveryAddress"]["addressLine1"]
    async with account.open() as store:
        found = await store.survey()
    assert [(each.name, each.ok) for each in found.findings] == [("labels", False), ("addresses", False)]
    assert "1 of the last 2 orders go under labels bought from Amazon (PRIME)" in found.findings[0].detail
    async with account.open(amazon_labels=True) as store:
        assert [each.name for each in (await store.survey()).findings] == ["addresses"]
        for _ in range(20):
            await Listing().read(store.orders)
        found = await store.survey()
    assert found.ship_methods is None, "the search is used up"
    assert [(each.name, each.ok) for each in found.findings] == [("orders", True)]
    assert found.findings[0].detail.startswith("not asked for")
