"""What goes wrong between us and a Vendure is told apart."""

import pytest
from trio.testing import MockClock

from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.secrets import SecretRef
from tests.counterparts.vendure.channel import owner
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure import FakeVendure
from tests.fakes.vendure_shop import FakeShop
from tests.plugins.things import package, push, push_levels

from .conftest import real_account
from .stores import Account

Either = tuple[Account, FakeShop | VendureShop]
CREATE_KEY = """
mutation($role: ID!) {
  createApiKey(input: { roleIds: [$role], translations: [{ languageCode: en, name: "dropstreamd" }] }) {
    apiKey
  }
}
"""
KEY = {"username": "", "password": None, "api_key": SecretRef(secret="key")}


async def test_a_test_says_which_channel_it_reached(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 1})
    async with account.open() as store:
        findings = await store.test(write=True)
    assert [finding.ok for finding in findings] == [True, True]
    assert "1 variants" in findings[0].detail


async def test_a_wrong_channel_is_named(either: Either) -> None:
    account, _ = either
    with pytest.raises(Misconfigured, match="'elsewhere'"):
        async with account.open(channel="elsewhere") as store:
            await store.test(write=False)


async def test_a_wrong_path_is_a_wrong_address(either: Either) -> None:
    account, _ = either
    with pytest.raises(Misconfigured, match="404"):
        async with account.open(url=account.settings.url.replace("admin-api", "amin")) as store:
            await store.test(write=False)


async def test_a_wrong_user_is_refused(either: Either) -> None:
    account, _ = either
    with pytest.raises(AuthFailed, match="nobody"):
        async with account.open(username="nobody") as store:
            await store.test(write=False)


@pytest.mark.counterpart
async def test_the_address_of_the_shop_api_is_noticed(shop: VendureShop) -> None:
    account = real_account(shop)
    with pytest.raises((AuthFailed, ProtocolMismatch), match=r"INVALID_CREDENTIALS|does not know"):
        async with account.open(url=f"{shop.url}/shop-api") as store:
            await store.test(write=False)


@pytest.mark.counterpart
async def test_a_real_servers_api_key_is_used(shop: VendureShop) -> None:
    admin = owner(shop.url, channel_token=shop.channel.token)
    roles = admin.ask("{ roles { items { id } } }", dict[str, dict[str, list[dict[str, str]]]])
    made = admin.ask(CREATE_KEY, dict[str, dict[str, str]], {"role": roles["roles"]["items"][0]["id"]})
    admin.close()
    account = real_account(shop)
    account.host.secrets["key"] = made["createApiKey"]["apiKey"]
    async with account.open(**KEY) as store:
        assert all(finding.ok for finding in await store.test(write=True))
        assert (await store.survey()).skus == frozenset()


@pytest.mark.parametrize("permission", ["ReadOrder", "ReadCatalog", "ReadStockLocation"])
async def test_a_missing_permission_to_read_is_named(
    account: Account, fake: FakeVendure, permission: str
) -> None:
    fake.permissions.discard(permission)
    async with account.open() as store:
        with pytest.raises(AuthFailed) as caught:
            await store.test(write=False)
    assert permission in str(caught.value)
    assert "correct horse" not in str(caught.value)


async def test_a_missing_permission_to_write_is_told_without_writing(
    account: Account, fake: FakeVendure
) -> None:
    fake.permissions -= {"UpdateOrder", "UpdateCatalog"}
    async with account.open() as store:
        with pytest.raises(AuthFailed, match="UpdateOrder, UpdateCatalog"):
            await store.test(write=False)
    assert "Fulfill" not in fake.asked


async def test_an_api_key_is_used_instead_of_a_user(account: Account, fake: FakeVendure) -> None:
    async with account.open(**KEY) as store:
        assert (await store.test(write=True))[0].ok
    assert "Login" not in fake.asked
    fake.permissions.discard("UpdateCatalog")
    async with account.open(**KEY) as store:
        with pytest.raises(AuthFailed, match="updateProductVariants") as caught:
            await store.test(write=True)
    assert "UpdateCatalog" in caught.value.remedy


async def test_a_wrong_api_key_is_refused(account: Account, fake: FakeVendure) -> None:
    async with account.open(**{**KEY, "api_key": SecretRef(secret="wrong")}) as store:
        with pytest.raises(AuthFailed, match="the API key"):
            await store.test(write=False)
    assert fake.asked == ["Readable"]


async def test_a_server_that_keeps_sessions_in_cookies_is_told(account: Account, fake: FakeVendure) -> None:
    fake.bearer = False
    async with account.open() as store:
        with pytest.raises(Misconfigured, match="no session token") as caught:
            await store.test(write=False)
    assert "tokenMethod" in caught.value.remedy


async def test_a_server_without_passwords_is_told(account: Account, fake: FakeVendure) -> None:
    fake.native = False
    async with account.open() as store:
        with pytest.raises(Misconfigured, match="user and password"):
            await store.test(write=False)


async def test_an_expired_session_is_renewed_once(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 9})
    (placed,) = fake.shop.place_orders([NewOrder(units={"A": 2})])
    line = fake.shop.order(placed.id).lines[0].id
    fake.fail("Fulfill", "expired")
    fake.fail("Ship", "expired")
    async with account.open() as store:
        await push(store, package("P1", placed.id, {line: 1}))
    assert [each.state for each in fake.shop.order(placed.id).fulfillments or ()] == ["Shipped"]
    assert fake.asked.count("Login") == 3


@pytest.mark.parametrize("operation", ["Login", "Readable"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("500", Unreachable),
        ("429", RateLimited),
        ("html", ProtocolMismatch),
        ("old", ProtocolMismatch),
        ("before", Unreachable),
        ("truncated", Unreachable),
        ("lost", Unreachable),
    ],
)
async def test_an_outage_is_told_from_a_wrong_address(
    account: Account,
    fake: FakeVendure,
    patient_clock: MockClock,
    operation: str,
    fault: str,
    error: type[DropstreamError],
) -> None:
    fake.fail(operation, *[fault] * 4)  # type: ignore[arg-type] # one of the faults
    async with account.open() as store:
        with pytest.raises(error):
            await store.test(write=False)


async def test_a_passing_fault_of_a_read_is_survived(
    account: Account, fake: FakeVendure, patient_clock: MockClock
) -> None:
    fake.fail("Readable", "500", "before", "truncated")
    async with account.open() as store:
        assert await store.test(write=False)


async def test_a_database_error_at_sign_in_is_an_outage(account: Account, fake: FakeVendure) -> None:
    fake.fail("Login", "database")
    fake.fail("Readable", "database")
    async with account.open() as store:
        with pytest.raises(Unreachable):
            await store.test(write=False)
        with pytest.raises(Unreachable, match="own log"):
            await store.test(write=False)


@pytest.mark.parametrize("fault", ["500", "after", "truncated", "lost", "html"])
async def test_a_lost_answer_of_a_write_is_unknown(
    account: Account, fake: FakeVendure, patient_clock: MockClock, fault: str
) -> None:
    fake.shop.add_products({"A": 9})
    fake.fail("SetLevels", fault)  # type: ignore[arg-type] # one of the faults
    async with account.open() as store:
        with pytest.raises(OutcomeUnknown):
            await push_levels(store, {"A": 4})
    assert fake.asked.count("SetLevels") == 1
