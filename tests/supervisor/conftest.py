"""The clock of whole daemons in virtual time."""

import pytest
from trio.testing import MockClock


@pytest.fixture
def patient_clock() -> MockClock:
    """Virtual time that jumps only once nothing has moved for a moment: threads read the state meanwhile."""
    return MockClock(autojump_threshold=0.02)
