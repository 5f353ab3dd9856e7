"""The double, and an account on it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from trio.testing import MockClock

from dropstreamd.clock import VirtualClock
from tests.fakes.bigcommerce import FakeBigCommerce, fake_bigcommerce
from tests.fakes.bigcommerce_shop import BigCommerceShop
from tests.plugins.host import NOW_S
from tests.virtual_time import jumping_after

from .stores import Account, account_at, settings


@pytest.fixture
def patient_clock() -> MockClock:
    """Virtual time that jumps only once real sockets have been quiet for a moment."""
    return jumping_after(0.03)


@pytest.fixture
async def fake() -> AsyncIterator[FakeBigCommerce]:
    async with fake_bigcommerce(now=datetime.fromtimestamp(NOW_S - 86_400, UTC)) as server:
        yield server


@pytest.fixture
def shop(fake: FakeBigCommerce) -> BigCommerceShop:
    return fake.shop


@pytest.fixture
def account(fake: FakeBigCommerce) -> Account:
    secrets = {"store": fake.token, "wrong": "wrong"}
    return account_at(VirtualClock(NOW_S), secrets, settings(url=fake.url))
