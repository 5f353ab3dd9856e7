"""The contract, kept by the plugin for Medusa.

To cut every step of every write takes a real Medusa a while. What matters most is always tried; the rest of
these rules by `DROPSTREAMD_MEDUSA=all`.
"""

import os
from functools import partial

import pytest

from dropstream_medusa import PLUGIN
from dropstreamd.testing import check, contract_tests
from dropstreamd.testing.rules import rules_for
from tests.counterparts.medusa.models import Models
from tests.counterparts.medusa.shop import MedusaShop

from .medusa_rigs import medusa_real, medusa_unasked

FASTER = 5.0
ALL = os.environ.get("DROPSTREAMD_MEDUSA") == "all"
CUT = "a-push-that-is-cut-has-its-effect-once"
CANCELLED = "a-push-that-is-cancelled-has-its-effect-once"
DIES = "a-push-that-dies-has-its-effect-once"
LONG = {
    "plugin-a-cancelled-read-leaves-no-connection",
    "purchase_orders-an-amendment-that-is-interrupted-ends-as-one",
    f"shipments-{CANCELLED}",
    *(
        f"{part}-{rule}"
        for part in ("catalogue", "inventory", "purchase_orders", "receipts")
        for rule in (CUT, CANCELLED)
    ),
    *(f"{part}-{DIES}" for part in ("catalogue", "inventory", "purchase_orders")),
}
UNASKED = (f"receipts-{CUT}", f"receipts-{DIES}")


@pytest.fixture
def not_too_long(request: pytest.FixtureRequest) -> None:
    """Skips the rules that are only tried on demand."""
    rule = request.node.callspec.params["rule"]
    if rule.name in LONG and not ALL:
        pytest.skip("long: DROPSTREAMD_MEDUSA=all turns it on")


test_over_medusa = pytest.mark.usefixtures("not_too_long")(
    pytest.mark.counterpart(contract_tests(PLUGIN, medusa_real, faster=FASTER))
)


@pytest.mark.counterpart
@pytest.mark.skipif(not ALL, reason="long: DROPSTREAMD_MEDUSA=all turns it on")
@pytest.mark.parametrize("name", UNASKED)
def test_receipts_of_what_nobody_asked_for(name: str, medusa_shop: MedusaShop, medusa_models: Models) -> None:
    (rule,) = [rule for rule in rules_for(PLUGIN) if rule.name == name]
    check(rule, PLUGIN, partial(medusa_unasked, medusa_shop, medusa_models), faster=FASTER)
