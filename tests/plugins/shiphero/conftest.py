"""The double, and an account on it."""

from collections.abc import AsyncIterator

import pytest
from trio.testing import MockClock

from dropstreamd.clock import VirtualClock
from tests.fakes.shiphero import FakeShipHero, fake_shiphero
from tests.fakes.shiphero_house import House
from tests.plugins.host import NOW_S
from tests.virtual_time import jumping_after

from .houses import Account, account_at, settings


@pytest.fixture
def patient_clock() -> MockClock:
    """Virtual time that jumps only once the double's sockets have been quiet for a moment."""
    return jumping_after(0.01)


@pytest.fixture
async def fake() -> AsyncIterator[FakeShipHero]:
    async with fake_shiphero(NOW_S) as server:
        yield server


@pytest.fixture
def house(fake: FakeShipHero) -> House:
    return fake.house


@pytest.fixture
def account(fake: FakeShipHero) -> Account:
    secrets = {"wms": fake.refresh_token, "wrong": "wrong"}
    return account_at(VirtualClock(NOW_S), secrets, settings(url=fake.url))
