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
LONG = (
    "products-what-changes-while-paging-comes",
    "catalogue-a-push-that-is-cancelled-has-its-effect-once",
    "catalogue-a-push-that-dies-has-its-effect-once",
)


@pytest.fixture
def not_too_long(request: pytest.FixtureRequest) -> None:
    """Skips the rules that are only tried on demand."""
    if request.node.callspec.params["rule"].name in LONG and not ALL:
        pytest.skip("long: DROPSTREAMD_VENDURE=all turns it on")


test_over_the_double = contract_tests(PLUGIN, vendure_double)
test_over_vendure = pytest.mark.usefixtures("not_too_long")(
    pytest.mark.counterpart(contract_tests(PLUGIN, vendure_real, faster=5))
)
