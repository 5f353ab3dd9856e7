"""What goes wrong between us and eBay is told apart, in words that a person can act on."""

from urllib.parse import parse_qs, urlsplit

import pytest
import trio
from trio.testing import MockClock

from dropstream_ebay import PLUGIN
from dropstream_ebay.consent import CONSENT
from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.secrets import SecretRef
from tests.fakes.ebay import CLIENT, LIFE_S, RU_NAME, FakeEbay, Fault
from tests.fakes.ebay_shop import EbayShop

from .stores import Account


async def findings(account: Account, **changes: object) -> list[str]:
    async with account.open(**changes) as store:
        return [finding.detail for finding in await store.test(write=True)]


async def test_a_test_is_a_look_at_both_apis(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    shop.add_item("TEE", 1)
    assert await findings(account) == ["acme-store, production", "1 in the Inventory API"]
    assert fake.asked == ["token", "orders", "items"]
    await findings(account)
    assert fake.asked.count("token") == 1, "the token is the account's, and lives on"


async def test_another_seller_is_named(account: Account, shop: EbayShop) -> None:
    shop.place({"TEE": 1})
    with pytest.raises(Misconfigured, match="of the seller acme-store, and `seller` is other"):
        await findings(account, seller="other")
    assert await findings(account, seller="ACME-store")


async def test_wrong_credentials_are_told_from_a_consent_that_is_over(
    fake: FakeEbay, account: Account
) -> None:
    with pytest.raises(AuthFailed, match=r"the app Acme-drop-PRD.* was refused.*same app and environment"):
        await findings(account, client_secret=SecretRef(secret="wrong"))
    with pytest.raises(AuthFailed, match=r"the refresh token was refused.*dropstreamctl authorize"):
        await findings(account, refresh_token=SecretRef(secret="wrong"))
    with pytest.raises(AuthFailed, match=r"there is no consent yet.*dropstreamctl authorize"):
        await findings(account, refresh_token=SecretRef(secret="none"))
    fake.refresh_tokens.clear()
    with pytest.raises(AuthFailed, match="consent has expired or was withdrawn"):
        await findings(account)


@pytest.mark.parametrize("scope", ["sell.fulfillment", "sell.inventory"])
async def test_a_missing_scope_is_named(fake: FakeEbay, account: Account, scope: str) -> None:
    fake.scopes.discard(scope)
    with pytest.raises(AuthFailed, match=rf"answered 403.*api_scope/{scope}.*dropstreamctl authorize"):
        await findings(account)


async def test_a_fresh_token_that_is_refused_tells_of_keyset_and_environment(
    fake: FakeEbay, account: Account
) -> None:
    fake.fail("orders", "401", "401")
    with pytest.raises(AuthFailed, match=r"refused a fresh access token.*keyset enabled.*production"):
        await findings(account)
    assert fake.asked.count("token") == 2


async def test_a_token_that_ended_is_renewed_once(fake: FakeEbay, account: Account) -> None:
    await findings(account)
    fake.access.clear()
    await findings(account)
    assert fake.asked.count("token") == 2
    fake.fail("orders", "403")  # so it says of one that has ended, too
    await findings(account)
    assert fake.asked.count("token") == 3


async def test_a_token_is_renewed_before_its_end(
    fake: FakeEbay, account: Account, patient_clock: MockClock
) -> None:
    await findings(account)
    await trio.sleep(LIFE_S - 200)
    await findings(account)
    assert fake.asked.count("token") == 2
    assert fake.asked.count("orders") == 2, "none was refused"


@pytest.mark.parametrize(
    ("fault", "times", "kind", "words"),
    [
        ("429", 9, RateLimited, "answered 429"),
        ("day", 9, RateLimited, "the day's calls are used up"),
        ("500", 9, Unreachable, "answered 500"),
        ("503", 9, Unreachable, "answered 503"),
        ("system", 9, Unreachable, "answered 500"),
        ("html", 1, ProtocolMismatch, "a web page"),
        ("before", 9, Unreachable, "cut short|broke"),
        ("truncated", 9, Unreachable, "broke|cut short"),
    ],
)
async def test_each_misbehaviour_has_its_error(
    fake: FakeEbay,
    account: Account,
    patient_clock: MockClock,
    fault: Fault,
    times: int,
    kind: type[DropstreamError],
    words: str,
) -> None:
    fake.fail("orders", *[fault] * times)
    with pytest.raises(kind, match=words):
        await findings(account)


@pytest.mark.parametrize("fault", ["429", "503", "after", "slow"])
async def test_what_passes_is_waited_for(
    fake: FakeEbay, account: Account, patient_clock: MockClock, fault: Fault
) -> None:
    fake.fail("orders", fault)
    assert await findings(account)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("503", Unreachable), ("after", Unreachable), ("truncated", Unreachable), ("html", ProtocolMismatch)],
)
async def test_trouble_with_the_token_is_no_doubt_about_a_write(
    fake: FakeEbay, account: Account, fault: Fault, kind: type[DropstreamError]
) -> None:
    fake.fail("token", fault)
    with pytest.raises(kind):
        await findings(account)


async def test_a_consent_asks_for_both_scopes_and_is_exchanged(fake: FakeEbay, account: Account) -> None:
    address = urlsplit(CONSENT.address(account.settings, "st&te"))
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert address.netloc == "auth.ebay.com"
    assert (asked["client_id"], asked["redirect_uri"], asked["state"]) == (CLIENT[0], RU_NAME, "st&te")
    assert asked["scope"].count("api_scope/sell.") == 2
    fake.codes["v^1.1#code"] = True
    grant = await CONSENT.exchange(account.settings, account.host, "v^1.1#code")
    assert grant.refresh_token is not None
    assert grant.refresh_token.reveal() in fake.refresh_tokens
    assert grant.access_token.reveal() not in repr(grant)
    with pytest.raises(AuthFailed, match="expired, was used before"):
        await CONSENT.exchange(account.settings, account.host, "v^1.1#code")
    assert PLUGIN.consent is CONSENT


async def test_a_survey_tells_skus_and_ship_methods(account: Account, shop: EbayShop) -> None:
    shop.place({"TEE": 1})
    async with account.open() as store:
        empty = await store.survey()
        assert [each.name for each in empty.findings if not each.ok] == ["inventory items"]
        for number in range(205):
            shop.add_item(f"S-{number}", 1)
        shop.add_item("X" * 150, 1)
        found = await store.survey()
        page = await store.products.page(None, lambda _mark: False)
    assert all(each.ok for each in found.findings)
    assert found.skus is not None
    assert len(found.skus) == 206
    assert found.ship_methods == frozenset({"USPSPriority"})
    assert page.documents[0].weight_g == 907
    assert (page.documents[0].vendor, page.documents[0].gtin) == ("Acme", "012345678905")
