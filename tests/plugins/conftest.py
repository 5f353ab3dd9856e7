"""Clocks of the tests that talk to a double over real sockets, in virtual time."""

import pytest
from trio.testing import MockClock

from tests.virtual_time import jumping_after


@pytest.fixture
def patient_clock() -> MockClock:
    """Virtual time that jumps only once real sockets have been quiet for a moment."""
    return jumping_after(0.1)


@pytest.fixture
def quick_clock() -> MockClock:
    """Virtual time that jumps once sockets have been quiet for a moment."""
    return jumping_after(0.005)
