"""The double, and the real server where it is installed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dropstreamd.clock import SystemClock, VirtualClock
from tests.counterparts.vendure.shop import VendureShop
from tests.counterparts.workers import group_of
from tests.fakes.vendure import FakeVendure, fake_vendure
from tests.fakes.vendure_shop import FakeShop
from tests.plugins.host import NOW_S

from .stores import Account, account_at, settings


@pytest.fixture
async def fake() -> AsyncIterator[FakeVendure]:
    async with fake_vendure() as server:
        yield server


@pytest.fixture
def account(fake: FakeVendure) -> Account:
    """The double's account, on virtual wall time."""
    return fake_account(fake)


def fake_account(fake: FakeVendure) -> Account:
    secrets = {"password": fake.user[1], "key": fake.api_key, "wrong": "wrong"}
    return account_at(VirtualClock(NOW_S), secrets, settings(url=fake.url, channel=fake.token))


def real_account(shop: VendureShop) -> Account:
    url, channel = f"{shop.url}/admin-api", shop.channel.token
    chosen = settings(url=url, channel=channel, username="superadmin")
    return account_at(SystemClock(), {"password": "superadmin"}, chosen)


# Pytest cannot know that these use the session's Vendure: by name they join those of this folder that do.
REAL = [pytest.mark.counterpart, pytest.mark.xdist_group(group_of("vendure", Path(__file__).parent))]


@pytest.fixture(params=["double", pytest.param("real", marks=REAL)])
def real_shop(request: pytest.FixtureRequest) -> VendureShop | None:
    """The real server's shop, or None for the double's."""
    return request.getfixturevalue("shop") if request.param == "real" else None


@pytest.fixture
async def either(real_shop: VendureShop | None) -> AsyncIterator[tuple[Account, FakeShop | VendureShop]]:
    """An account with the shop behind it: the double's, then the real server's."""
    if real_shop is not None:
        yield real_account(real_shop), real_shop
        return
    async with fake_vendure() as server:
        yield fake_account(server), server.shop
