"""Whatever BigCommerce does to a call: nothing is lost, nothing is doubled, and nothing is left in doubt."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import DropstreamError, OutcomeUnknown
from dropstreamd.model.handover import Accepted, Item, Outcome
from dropstreamd.model.products import Product
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Sink
from tests.fakes.bigcommerce import FakeBigCommerce, Fault
from tests.fakes.bigcommerce_shop import BigCommerceShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP

from .stores import Account, package

T = TypeVar("T")

FAULTS: Sequence[Fault] = (
    "401",
    "423",
    "429",
    "500",
    "503",
    "html",
    "before",
    "after",
    "lost",
    "truncated",
    "slow",
)
MAY_BE_APPLIED = {"500", "503", "html", "before", "after", "lost", "truncated"}


async def brought_in(sink: Sink[T], item: Item[T]) -> tuple[Outcome, list[DropstreamError]]:
    """As the daemon does it: pushed, looked up where nobody knows, pushed again where it is not there."""
    errors: list[DropstreamError] = []
    for _ in range(3):
        (one,) = sink.prepare([item], STAMP).prepared
        steps = Steps()
        try:
            (outcome,) = await sink.push(one, steps)
        except OutcomeUnknown as error:
            errors.append(error)
            (outcome,) = await sink.recover(one, steps.taken[-1] if steps.taken else "", steps)
        except DropstreamError as error:
            errors.append(error)
            continue
        if isinstance(outcome, Accepted):
            return outcome, errors
    raise AssertionError(f"it does not come to an end: {errors}")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_shipment_is_made_once(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, patient_clock: MockClock, fault: Fault
) -> None:
    for operation in ("getOrder", "createOrderShipments"):
        made = shop.place({"A": 4})
        fake.fail(operation, fault)
        async with account.open() as store:
            _, errors = await brought_in(store.shipments, package("P", made, 2))
        assert len(shop.shipments_of(made["id"])) == 1
        if operation == "getOrder":
            assert not any(isinstance(error, OutcomeUnknown) for error in errors)
        elif errors:
            assert isinstance(errors[0], OutcomeUnknown) == (fault in MAY_BE_APPLIED), errors
        assert all(error.message for error in errors)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_tracking_is_changed(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, patient_clock: MockClock, fault: Fault
) -> None:
    made = shop.place({"A": 4})
    async with account.open() as store:
        first, _ = await brought_in(store.shipments, package("P", made, 2, "1Z1"))
        assert isinstance(first, Accepted)
        fake.fail("updateOrderShipment", fault)
        again = msgspec.structs.replace(package("P", made, 2, "1Z2"), remote=first.remote)
        await brought_in(store.shipments, again)
    (there,) = shop.shipments_of(made["id"])
    assert there["tracking_number"] == "1Z2"


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_level_is_set(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, patient_clock: MockClock, fault: Fault
) -> None:
    shop.add_products({"A": 1})
    fake.fail("put-absolute-adjustment", fault)
    async with account.open() as store:
        await brought_in(store.inventory, Item(key="A", document=Level(sku="A", available=7)))
    assert shop.shown("A", settled=True) == 7


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_draft_is_made_once(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, patient_clock: MockClock, fault: Fault
) -> None:
    fake.fail("createProduct", fault)
    async with account.open() as store:
        await brought_in(store.catalogue, Item(key="T", document=Product(key="T", sku="TEE", title="Tee")))
    assert len(shop.things("TEE")) == 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_orders_come_in_the_next_run(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, patient_clock: MockClock, fault: Fault
) -> None:
    placed = [shop.place({"A": 1}) for _ in range(3)]
    fake.fail("getOrders", *[fault] * 5)
    errors: list[DropstreamError] = []
    while True:
        try:
            found = await account.listing()
        except DropstreamError as error:
            errors.append(error)
            await trio.sleep(900)
            continue
        break
    assert sorted(found.orders) == sorted(str(made["id"]) for made in placed)
    assert len(errors) <= 5
    assert not any(isinstance(error, OutcomeUnknown) for error in errors)
