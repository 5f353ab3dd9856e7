"""What goes wrong between us and Shopify is told apart, in words that a person can act on."""

import pytest
from trio.testing import MockClock

from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.secrets import SecretRef
from tests.fakes.shopify import FakeShopify, Fault
from tests.plugins.things import push_levels

from .stores import Account

TOKEN = {"client_id": "", "client_secret": None, "access_token": SecretRef(secret="token")}


async def findings(account: Account, **changes: object) -> list[str]:
    async with account.open(**changes) as store:
        return [finding.detail for finding in await store.test(write=True)]


async def test_a_test_is_one_query(fake: FakeShopify, account: Account) -> None:
    assert await findings(account) == ["Acme, acme.myshopify.com"]
    assert fake.asked == ["token", "Readable"]
    fake.asked.clear()
    assert await findings(account, **TOKEN) == ["Acme, acme.myshopify.com"]
    assert fake.asked == ["Readable"]


async def test_a_wrong_secret_is_told_from_a_wrong_token(account: Account) -> None:
    with pytest.raises(AuthFailed, match=r"app client-id no token for acme.*invalid_client.*Dev Dashboard"):
        await findings(account, client_secret=SecretRef(secret="wrong"))
    with pytest.raises(AuthFailed, match=r"refused the access token for acme"):
        await findings(account, **{**TOKEN, "access_token": SecretRef(secret="wrong")})


async def test_another_shop_is_named(account: Account) -> None:
    with pytest.raises(Misconfigured, match=r"answered by acme\.myshopify\.com, and `shop` is other"):
        await findings(account, shop="other.myshopify.com")


async def test_missing_scopes_are_named_all_at_once(fake: FakeShopify, account: Account) -> None:
    fake.scopes -= {"write_inventory", "read_locations"}
    with pytest.raises(AuthFailed, match="read_inventory, read_locations, write_inventory"):
        await findings(account)
    fake.scopes -= {"read_orders"}
    fake.scopes -= {"write_merchant_managed_fulfillment_orders"}
    with pytest.raises(AuthFailed, match="fulfillmentOrders: it needs `read_merchant_managed"):
        await account.listing()


async def test_a_token_that_ends_is_renewed_once(fake: FakeShopify, account: Account) -> None:
    made = fake.shop.add_variant("A", 1)
    fake.fail("SetLevels", "expired")
    async with account.open() as store:
        await store.test(write=False)
        await push_levels(store, {"A": 5})
    assert fake.shop.stock("A") == 5
    assert fake.asked.count("token") == 2
    assert made["sku"] == "A"
    fake.fail("Readable", "expired")
    with pytest.raises(AuthFailed):
        await findings(account, **{**TOKEN, "access_token": SecretRef(secret="wrong")})


FATES: list[tuple[Fault, type[DropstreamError], str]] = [
    ("402", Misconfigured, "frozen.*pay the bill"),
    ("423", Misconfigured, "locked"),
    ("inactive", Misconfigured, "not active"),
    ("html", ProtocolMismatch, "web page"),
    ("500", Unreachable, "500"),
    ("internal", Unreachable, "failed over the query Readable"),
    ("before", Unreachable, "cut short"),
    ("truncated", Unreachable, "cut short"),
    ("429", RateLimited, "429"),
]


@pytest.mark.parametrize(("fault", "error", "words"), FATES)
async def test_each_misbehaviour_of_a_read_has_its_error(
    fake: FakeShopify,
    account: Account,
    patient_clock: MockClock,
    fault: Fault,
    error: type[DropstreamError],
    words: str,
) -> None:
    fake.fail("Readable", *[fault] * 9)
    with pytest.raises(error, match=words):
        await findings(account)


@pytest.mark.parametrize("fault", ["429", "503", "500", "truncated", "slow", "throttled"])
async def test_passing_trouble_is_outlasted(
    fake: FakeShopify, account: Account, patient_clock: MockClock, fault: Fault
) -> None:
    fake.fail("Readable", fault)
    assert await findings(account)


async def test_a_throttle_that_does_not_end_is_rate_limited(
    fake: FakeShopify, account: Account, patient_clock: MockClock
) -> None:
    throttled: list[Fault] = ["throttled"] * 9
    fake.fail("Readable", *throttled)
    with pytest.raises(RateLimited, match="6 times in a row"):
        await findings(account)


async def test_a_version_that_is_over_is_noticed(fake: FakeShopify, account: Account) -> None:
    fake.version = "2026-10"
    assert any("2026-07 is over" in detail for detail in await findings(account))


async def test_a_shop_that_is_not_there_is_misconfigured(fake: FakeShopify, account: Account) -> None:
    fake.gone = True
    with pytest.raises(Misconfigured, match=r"no shop acme.* domain"):
        await findings(account)
    with pytest.raises(Misconfigured, match="404"):
        await findings(account, **TOKEN)
