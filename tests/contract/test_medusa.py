"""The contract, kept by the plugin for Medusa."""

from functools import partial

import pytest

from dropstream_medusa import PLUGIN
from dropstreamd.testing import check, contract_tests
from dropstreamd.testing.rules import rules_for
from tests.counterparts.medusa.models import Models
from tests.counterparts.medusa.shop import MedusaShop

from .medusa_rigs import medusa_real, medusa_unasked

FASTER = 5.0
UNASKED = (
    "receipts-every-key-has-an-outcome",
    "receipts-a-push-that-is-cut-has-its-effect-once",
    "receipts-a-push-that-dies-has-its-effect-once",
)

test_over_medusa = pytest.mark.counterpart(contract_tests(PLUGIN, medusa_real, faster=FASTER))


@pytest.mark.counterpart
@pytest.mark.parametrize("name", UNASKED)
def test_receipts_of_what_nobody_asked_for(name: str, medusa_shop: MedusaShop, medusa_models: Models) -> None:
    (rule,) = [rule for rule in rules_for(PLUGIN) if rule.name == name]
    check(rule, PLUGIN, partial(medusa_unasked, medusa_shop, medusa_models), faster=FASTER)
