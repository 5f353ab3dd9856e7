"""The double, and an account on it."""

from collections.abc import AsyncIterator

import pytest

from dropstreamd.clock import VirtualClock
from tests.fakes.amazon import FakeAmazon, fake_amazon
from tests.fakes.amazon_seller import AmazonSeller
from tests.plugins.host import NOW_S

from .stores import Account, account_at, settings


@pytest.fixture
async def fake() -> AsyncIterator[FakeAmazon]:
    """What happens there happens five minutes ago, unless a test says otherwise."""
    async with fake_amazon(VirtualClock(NOW_S)) as server:
        server.seller.age_s = 300.0
        yield server


@pytest.fixture
def seller(fake: FakeAmazon) -> AmazonSeller:
    return fake.seller


@pytest.fixture
def account(fake: FakeAmazon) -> Account:
    secrets = {"app": fake.client[1], "grant": fake.client[2], "wrong": "wrong"}
    urls = {"url": fake.url, "login_url": f"{fake.url}/auth/o2/token"}
    return account_at(VirtualClock(NOW_S), secrets, settings(**urls))
