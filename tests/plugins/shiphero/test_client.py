"""Tokens, credits, and what ShipHero's errors mean."""

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import (
    AuthFailed,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.model.handover import Accepted
from dropstreamd.platform.secrets import SecretRef
from tests.fakes.pool import Bucket
from tests.fakes.shiphero import FakeShipHero
from tests.fakes.shiphero_house import WAREHOUSE, House

from .houses import Account, item, order, push

CLIENT = "QWNjb3VudDoy"


async def test_the_test_is_one_query(fake: FakeShipHero, account: Account) -> None:
    async with account.open() as session:
        (finding,) = await session.test(write=True)
    assert fake.asked == ["refresh", "Account"]
    assert finding.ok
    assert "Primary" in finding.detail


async def test_a_wrong_refresh_token(fake: FakeShipHero, account: Account) -> None:
    async with account.open(refresh_token=SecretRef(secret="wrong")) as session:
        with pytest.raises(AuthFailed, match=r"refresh token of dropstream@acme\.example") as caught:
            await session.test(write=False)
    assert "Developer Users" in caught.value.remedy
    assert fake.asked == ["refresh"]


async def test_another_users_token(fake: FakeShipHero, account: Account) -> None:
    fake.user = "someone@else.example"
    async with account.open() as session:
        with pytest.raises(Misconfigured, match=r"someone@else\.example's"):
            await session.test(write=False)


@pytest.mark.parametrize("warehouse", ["V2FyZWhvdXNlOjk5", "nonsense"])
async def test_another_warehouse(account: Account, warehouse: str) -> None:
    async with account.open(warehouse=warehouse) as session:
        with pytest.raises(Misconfigured, match=warehouse) as caught:
            await session.test(write=False)
    assert f"{WAREHOUSE} (Primary)" in caught.value.remedy


@pytest.mark.parametrize("field", ["me", "account"])
async def test_an_account_that_is_not_told(fake: FakeShipHero, account: Account, field: str) -> None:
    fake.refusals[field] = ("The account is suspended", 9)
    async with account.open() as session:
        with pytest.raises(Misconfigured, match="The account is suspended") as caught:
            await session.test(write=False)
    assert "active" in caught.value.remedy


async def test_stock_that_is_refused(fake: FakeShipHero, account: Account) -> None:
    fake.refusals["warehouse_products"] = ("Name a customer account", 3)
    async with account.open() as session:
        with pytest.raises(Misconfigured, match="Name a customer account") as caught:
            await session.test(write=False)
    assert "customer_account" in caught.value.remedy


async def test_a_client_of_a_3pl(fake: FakeShipHero, account: Account) -> None:
    async with account.open(customer_account=CLIENT) as session:
        with pytest.raises(Misconfigured, match=f"client {CLIENT}") as caught:
            await session.test(write=False)
        assert "customer_account" in caught.value.remedy
        fake.customers.add(CLIENT)
        (finding,) = await session.test(write=False)
    assert CLIENT in finding.detail


async def test_an_expired_token_is_replaced_once(fake: FakeShipHero, account: Account) -> None:
    async with account.open() as session:
        await session.test(write=False)
        fake.fail("CreateOrder", "expired")
        assert isinstance(await push(session, item(order())), Accepted)
    assert fake.asked.count("refresh") == 2
    assert len(fake.house.orders) == 1


async def test_a_new_token_that_is_refused(fake: FakeShipHero, account: Account) -> None:
    fake.fail("Account", "403", "403")
    async with account.open() as session:
        with pytest.raises(AuthFailed, match="refused a new access token") as caught:
            await session.test(write=False)
    assert "firewall" in caught.value.remedy


async def test_a_missing_permission(fake: FakeShipHero, account: Account) -> None:
    fake.refusals["shipments"] = ("You don't have permission to do this", 4)
    async with account.open() as session:
        with pytest.raises(AuthFailed, match="Shipments: You don't have permission"):
            await session.shipments.page(None, lambda _mark: False)


async def test_a_warning_of_scopes_is_no_error(fake: FakeShipHero, house: House, account: Account) -> None:
    house.ship(house.order("SH1", {"TEE": 1}), None, "1Z1")
    fake.faults["Shipments"] = ["scope"] * 9
    told = await account.read("shipments")
    assert len(told.documents) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("internal", Unreachable),
        ("unknown", ProtocolMismatch),
        ("html", ProtocolMismatch),
    ],
)
async def test_a_query_that_fails(
    fake: FakeShipHero, account: Account, fault: str, error: type[Exception]
) -> None:
    fake.faults["Stock"] = [fault]  # type: ignore[list-item]
    async with account.open() as session:
        with pytest.raises(error, match=r"Stock|graphql"):
            await session.inventory.page(lambda _mark: False)


@pytest.mark.parametrize("fault", ["late-internal", "after", "500", "truncated", "html"])
async def test_a_write_whose_answer_is_lost(fake: FakeShipHero, account: Account, fault: str) -> None:
    fake.faults["CreateOrder"] = [fault]  # type: ignore[list-item]
    async with account.open() as session:
        with pytest.raises(OutcomeUnknown):
            await push(session, item(order()))


async def test_a_document_that_is_not_known_any_more_had_no_effect(
    fake: FakeShipHero, account: Account
) -> None:
    fake.fail("CreateOrder", "unknown")
    async with account.open() as session:
        with pytest.raises(ProtocolMismatch, match="does not know CreateOrder"):
            await push(session, item(order()))


# ---- credits


async def test_without_credits_enough_it_waits_as_long_as_it_is_told(
    fake: FakeShipHero, account: Account, patient_clock: MockClock
) -> None:
    fake.credits = Bucket(4004, 60.0)
    async with account.open() as session:
        await session.test(write=False)
        fake.fail("CreateOrder", "throttled", "throttled")
        assert isinstance(await push(session, item(order())), Accepted)
    assert fake.asked.count("CreateOrder") == 3
    assert len(fake.house.orders) == 1


async def test_another_app_that_takes_all_credits_is_waited_for(
    fake: FakeShipHero, house: House, account: Account, patient_clock: MockClock
) -> None:
    fake.credits = Bucket(4004, 60.0)
    house.count({f"SKU-{number}": 1 for number in range(250)})
    async with account.open() as session:
        await session.inventory.page(lambda _mark: False)
        fake.credits.take(3800)  # between two of ours
        await session.inventory.page(lambda _mark: False)
        await session.inventory.page(lambda _mark: False)
    assert fake.throttled <= 1


async def test_what_the_user_has_is_learned_first(
    fake: FakeShipHero, house: House, account: Account, patient_clock: MockClock
) -> None:
    fake.credits = Bucket(300, 10.0)
    house.count({f"SKU-{number}": 1 for number in range(500)})
    assert len(await account.stock()) == 500
    assert fake.asked.count("Quota") >= 1
    assert fake.throttled == 0


async def test_with_another_app_that_takes_half_the_other_half_is_ours(
    fake: FakeShipHero, house: House, account: Account, patient_clock: MockClock
) -> None:
    """No run fails, and few calls are refused until it is known how fast credits come back to us."""
    fake.credits = Bucket(1000, 60.0)
    for number in range(2_500):
        house.add_product(f"SKU-{number}", on_hand=1)
    began_s = trio.current_time()
    async with trio.open_nursery() as nursery:

        async def eat() -> None:
            while True:
                await trio.sleep(1)
                fake.credits.take(30)

        nursery.start_soon(eat)
        rows = await account.stock()
        nursery.cancel_scope.cancel()
    assert len(rows) == 2_500
    assert fake.throttled <= 6
    ours_s = (2_500 * 1.06 - 1000) / 30
    assert trio.current_time() - began_s <= ours_s * 1.25


async def test_credits_that_never_suffice(
    fake: FakeShipHero, account: Account, patient_clock: MockClock
) -> None:
    fake.faults["Stock"] = ["throttled"] * 6
    async with account.open() as session:
        with pytest.raises(RateLimited, match="6 times in a row"):
            await session.inventory.page(lambda _mark: False)
