"""The double, and an account on it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from dropstreamd.clock import VirtualClock
from tests.fakes.woocommerce import SECRET, FakeWooCommerce, fake_woocommerce
from tests.fakes.woocommerce_shop import WooShop
from tests.plugins.host import NOW_S

from .stores import Account, account_at, settings


@pytest.fixture
async def fake() -> AsyncIterator[FakeWooCommerce]:
    async with fake_woocommerce(now=datetime.fromtimestamp(NOW_S - 86_400, UTC)) as server:
        yield server


@pytest.fixture
def shop(fake: FakeWooCommerce) -> WooShop:
    return fake.shop


@pytest.fixture
def account(fake: FakeWooCommerce) -> Account:
    return account_at(VirtualClock(NOW_S), {"secret": SECRET, "wrong": "cs_wrong"}, settings(fake.url))
