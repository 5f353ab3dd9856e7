"""The clock of whole daemons in virtual time."""

import pytest
from trio.testing import MockClock

from tests.virtual_time import jumping_after


@pytest.fixture
def patient_clock() -> MockClock:
    """Virtual time that jumps only once nothing has moved for a moment: threads read the state meanwhile."""
    return jumping_after(0.02)
