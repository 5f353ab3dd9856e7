"""The double, and an account on it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from dropstreamd.clock import VirtualClock
from tests.fakes.shopify import FakeShopify, fake_shopify
from tests.fakes.shopify_shop import ShopifyShop
from tests.plugins.host import NOW_S

from .stores import Account, account_at, settings


@pytest.fixture
async def fake() -> AsyncIterator[FakeShopify]:
    async with fake_shopify(now=datetime.fromtimestamp(NOW_S - 86_400, UTC)) as server:
        yield server


@pytest.fixture
def shop(fake: FakeShopify) -> ShopifyShop:
    return fake.shop


@pytest.fixture
def account(fake: FakeShopify) -> Account:
    secrets = {"client": fake.client[1], "token": fake.access_token, "wrong": "wrong"}
    return account_at(VirtualClock(NOW_S), secrets, settings(url=fake.url))
