"""A daemon's office with its socket open, and a client of it; an API that answers what a test says."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.control.fake_api import FakeApi, fake_api
from tests.control.office import Client, Office, open_client, open_office
from tests.control.shown import WELL


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        yield opened


@pytest.fixture
async def client(office: Office) -> AsyncIterator[Client]:
    async with open_client(office) as opened:
        yield opened


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    """It knows one connection, which is well."""
    with fake_api(tmp_path) as api:
        api.answer("GET /v1/status/acme-vendure", WELL)
        yield api
