"""The double, and an account on it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from dropstreamd.clock import VirtualClock
from tests.fakes.ebay import CLIENT, FakeEbay, fake_ebay
from tests.fakes.ebay_shop import EbayShop
from tests.plugins.host import NOW_S

from .stores import Account, account_at, settings


@pytest.fixture
async def fake() -> AsyncIterator[FakeEbay]:
    async with fake_ebay(now=datetime.fromtimestamp(NOW_S, UTC)) as server:
        yield server


@pytest.fixture
def shop(fake: FakeEbay) -> EbayShop:
    return fake.shop


@pytest.fixture
def account(fake: FakeEbay) -> Account:
    secrets = {"app": CLIENT[1], "seller": "v^1.1#refresh", "wrong": "wrong"}
    return account_at(VirtualClock(NOW_S), secrets, settings(url=fake.url))
