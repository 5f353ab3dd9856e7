"""The contract, kept by the plugin for Vendure.

Over the double every rule is tried. Over a real Vendure those that take it long, and that the double shows as
well, are tried on demand: `DROPSTREAMD_VENDURE=all`.
"""

import os

import pytest

from dropstream_vendure import PLUGIN
from dropstreamd.testing import contract_tests

from .vendure_rigs import vendure_double, vendure_real

ALL = os.environ.get("DROPSTREAMD_VENDURE") == "all"
OFTEN = ("plugin", "orders", "shipments")
"""The others stand on the same calls: the real ones are cut apart with these every time."""
LONG = (
    "a-cut-run",
    "a-push-that-is-cut",
    "a-push-that-is-cancelled",
    "a-push-that-dies",
    "what-changes-while-paging",
)


@pytest.fixture
def not_too_long(request: pytest.FixtureRequest) -> None:
    """Skips the rules that are only tried on demand."""
    part, _, rule = request.node.callspec.params["rule"].name.partition("-")
    if part not in OFTEN and rule.startswith(LONG) and not ALL:
        pytest.skip("long: DROPSTREAMD_VENDURE=all turns it on")


test_over_the_double = contract_tests(PLUGIN, vendure_double)
test_over_vendure = pytest.mark.usefixtures("not_too_long")(
    pytest.mark.counterpart(contract_tests(PLUGIN, vendure_real, faster=5))
)
