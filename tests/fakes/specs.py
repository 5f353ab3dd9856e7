"""The platforms' own published descriptions: test data, and no part of this repository."""

import os
from pathlib import Path

import pytest

VARIABLE = "DROPSTREAMD_SPECS"


def find_spec(*names: str) -> Path | None:
    """A file, or a folder, below the folder that the environment names; None where it is not there."""
    folder = os.environ.get(VARIABLE)
    place = Path(folder or "", *names)
    return place if folder and place.exists() else None


def require_spec(whose: str, *names: str) -> Path:
    """As `find_spec`; skips the test, saying why, where it is not there. `whose`: the platform."""
    place = find_spec(*names)
    if place is None:
        pytest.skip(f"{whose}'s own description is not here: set {VARIABLE}")
    return place
