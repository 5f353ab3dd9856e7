"""What goes wrong between us and BigCommerce is told apart, in words that a person can act on."""

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
from dropstreamd.platform.limiter import Priority
from dropstreamd.platform.secrets import SecretRef
from tests.fakes.bigcommerce import FakeBigCommerce, Fault, Quota
from tests.plugins.things import push, push_levels

from .stores import Account, package


async def findings(account: Account, **changes: object) -> list[str]:
    async with account.open(**changes) as store:
        return [finding.detail for finding in await store.test(write=True)]


async def test_a_test_is_one_read_of_each_api(fake: FakeBigCommerce, account: Account) -> None:
    assert await findings(account) == ["abc123xyz9"]
    assert fake.asked == ["getOrders", "getProducts", "get-location-inventory-items"]


async def test_a_wrong_token_is_told(account: Account) -> None:
    with pytest.raises(AuthFailed, match=r"refused the access token for store abc123xyz9.*API account"):
        await findings(account, access_token=SecretRef(secret="wrong"))


async def test_another_store_is_told(account: Account) -> None:
    with pytest.raises(AuthFailed, match=r"store other0hash.*is store_hash that of the account's own"):
        await findings(account, store_hash="other0hash")


async def test_missing_scopes_are_named_all_at_once(fake: FakeBigCommerce, account: Account) -> None:
    fake.scopes -= {"Orders", "Store Inventory"}
    with pytest.raises(AuthFailed, match=r"may not use Orders, Store Inventory of store.*make another"):
        await findings(account)
    with pytest.raises(AuthFailed, match="lacks the OAuth scope Orders: read-only or modify"):
        await account.listing()


async def test_a_scope_to_read_only_is_told_when_it_writes(fake: FakeBigCommerce, account: Account) -> None:
    fake.read_only |= {"Orders", "Store Inventory"}
    fake.shop.add_products({"A": 1})
    made = fake.shop.place({"A": 1})
    async with account.open() as store:
        with pytest.raises(AuthFailed, match="lacks the OAuth scope Orders: modify"):
            await push(store, package("P", made, 1, "1Z"))
        with pytest.raises(AuthFailed, match="lacks the OAuth scope Store Inventory: modify"):
            await push_levels(store, {"A": 2})


async def test_a_location_that_is_not_there_is_told(account: Account) -> None:
    with pytest.raises(Misconfigured, match=r"no location 9.*1 is the store's first"):
        await findings(account, location=9)


FATES: list[tuple[Fault, type[DropstreamError], str]] = [
    ("html", ProtocolMismatch, "web page"),
    ("500", Unreachable, "500"),
    ("503", Unreachable, "503"),
    ("before", Unreachable, "cut short"),
    ("truncated", Unreachable, "cut short"),
    ("429", RateLimited, "429"),
    ("423", ProtocolMismatch, "423"),
]


@pytest.mark.parametrize(("fault", "kind", "words"), FATES)
async def test_each_misbehaviour_of_a_read_has_its_error(
    fake: FakeBigCommerce,
    account: Account,
    patient_clock: MockClock,
    fault: Fault,
    kind: type[DropstreamError],
    words: str,
) -> None:
    fake.shop.place({"A": 1})
    fake.fail("getOrders", *[fault] * 10)
    with pytest.raises(kind, match=words):
        await findings(account)


async def test_a_429_is_waited_out_as_told(
    fake: FakeBigCommerce, account: Account, patient_clock: MockClock
) -> None:
    fake.fail("getOrders", "429")
    began_s = trio.current_time()
    assert await findings(account)
    assert 12 <= trio.current_time() - began_s < 13


async def test_a_write_that_was_turned_away_is_made_again(
    fake: FakeBigCommerce, account: Account, patient_clock: MockClock
) -> None:
    """429 says that nothing was done."""
    fake.shop.add_products({"A": 1})
    fake.fail("put-absolute-adjustment", "429", "429")
    async with account.open() as store:
        await push_levels(store, {"A": 2})
        assert fake.shop.shown("A", settled=True) == 2
        fake.fail("put-absolute-adjustment", "429", "429", "429", "429")
        with pytest.raises(RateLimited):
            await push_levels(store, {"A": 3})


async def test_the_quota_is_used_up_and_never_overdrawn(
    fake: FakeBigCommerce, account: Account, patient_clock: MockClock
) -> None:
    """Several callers at once, and none of them is turned away."""
    fake.shop.add_products({"A": 1})
    fake.quota = Quota(150)
    full = account.at(Priority.FULL)
    async with full.open() as store:
        await store.levels.read(["A"])

        async def caller() -> None:
            for _ in range(100):
                assert await store.levels.read(["A"]) == {"A": 1}

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(caller)
    assert fake.asked.count("get-location-inventory-items") == 401
    assert fake.throttled == 0
    assert len(fake.quota.used) == 2
    assert min(fake.quota.used) > 0.95 * fake.quota.calls, fake.quota.used


async def test_orders_pass_beside_a_full_sync_though_another_app_eats_half(
    fake: FakeBigCommerce, account: Account, patient_clock: MockClock
) -> None:
    made = fake.shop.place({"A": 1})
    fake.shop.add_products({"A": 1})
    fake.quota = Quota(150)
    waits: list[float] = []
    pushed = 0
    full = account.at(Priority.FULL)

    async def another_app() -> None:
        while True:
            for _ in range(3):
                fake.quota.take()
            await trio.sleep(1.2)

    async def full_sync() -> None:
        nonlocal pushed
        async with full.open() as store:
            while True:
                await store.levels.read(["A"])
                pushed += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(another_app)
        nursery.start_soon(full_sync)
        for _ in range(2):
            await trio.sleep(12)
            began_s = trio.current_time()
            assert str(made["id"]) in (await account.listing()).orders
            waits.append(trio.current_time() - began_s)
        nursery.cancel_scope.cancel()
    assert max(waits) < 30, waits
    assert pushed > 50, "and the other goes on"
