"""Whatever goes wrong: nothing is lost, nothing doubled, and what is said of it is one of our errors."""

from typing import get_args

import pytest
from trio.testing import MockClock

from dropstreamd.errors import DropstreamError, OutcomeUnknown
from dropstreamd.model.handover import Accepted, InDoubt, Untouched
from tests.fakes.shiphero import FakeShipHero, Fault
from tests.fakes.shiphero_house import House

from .houses import Account, item, order, push, recover

FAULTS: tuple[Fault, ...] = tuple(each for each in get_args(Fault) if each != "lost")
"""`lost` is a time-out: the contract suite tries that at every step."""

READ = {"shipments": "Shipments", "acknowledgements": "Orders", "catalogue": "Products"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", READ)
async def test_a_run_that_goes_wrong_is_made_good_by_the_next(
    fake: FakeShipHero, house: House, account: Account, patient_clock: MockClock, part: str, fault: Fault
) -> None:
    for number in range(60):
        house.ship(house.order(f"SH{number}", {"TEE": 2}), {"TEE": 1}, f"1Z{number}")
        house.add_product(f"SKU-{number}")
    fake.fail(READ[part], *[fault] * 5)
    told, errors = None, list[DropstreamError]()
    while told is None and len(errors) < 6:
        try:
            told = await account.read(part)
        except DropstreamError as error:
            errors.append(error)
    assert told is not None, errors
    assert not any(isinstance(error, OutcomeUnknown) for error in errors)
    assert len(told.documents) == 60
    assert not told.bad


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", ["Standing", "CreateOrder"])
async def test_an_order_arrives_once(
    fake: FakeShipHero,
    house: House,
    account: Account,
    patient_clock: MockClock,
    operation: str,
    fault: Fault,
) -> None:
    """None is in doubt: a lost answer is looked up, and what had no effect is sent again."""
    fake.fail(operation, fault)
    outcome = None
    for _ in range(4):
        async with account.open() as session:
            try:
                outcome = await push(session, item(order()))
            except OutcomeUnknown:
                outcome = await recover(session, item(order()))
            except DropstreamError:
                continue
        assert not isinstance(outcome, InDoubt)
        if not isinstance(outcome, Untouched):
            break
    (row,) = house.orders.values()
    assert outcome == Accepted(key="SH1001", remote=row["id"])
