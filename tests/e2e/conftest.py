"""Fixtures of the end-to-end tests."""

from collections.abc import Iterator

import pytest

from tests.e2e.daemon import Daemon, new_daemon


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon with an empty configuration, not yet started."""
    with new_daemon() as one:
        yield one
