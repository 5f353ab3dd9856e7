"""A daemon's office with its socket open, and a client of it."""

from collections.abc import AsyncIterator

import pytest

from tests.control.office import Client, Office, open_client, open_office


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        yield opened


@pytest.fixture
async def client(office: Office) -> AsyncIterator[Client]:
    async with open_client(office) as opened:
        yield opened
