"""The contract, kept by the plugin for Tryton."""

import os

import pytest

from dropstream_tryton import PLUGIN
from dropstreamd.testing import contract_tests

from .tryton_rigs import tryton_real

LONG = "DROPSTREAMD_TRYTON_LONG"
OFTEN = ("orders", "plugin")
"""The others stand on the same code: it is cut apart with these every time."""
CUT_APART = ("a-push-that-is-cut", "a-push-that-is-cancelled", "a-push-that-dies", "a-cut-run")


@pytest.fixture(autouse=True)
def _short(request: pytest.FixtureRequest) -> None:
    part, _, rule = request.node.callspec.id.partition("-")
    if part not in OFTEN and rule.startswith(CUT_APART) and not os.environ.get(LONG):
        pytest.skip(f"takes minutes: set {LONG}=1")


test_over_tryton = pytest.mark.counterpart(
    contract_tests(
        PLUGIN,
        tryton_real,
        faster=5,
        waivers={
            "inventory-snapshots-come-oldest-first": "Tryton knows its present state alone",
            "inventory-a-snapshot-keeps-its-name": "read again, it is another snapshot, of another instant",
        },
    )
)
