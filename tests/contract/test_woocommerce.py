"""The contract, kept by the plugin for WooCommerce; its shipments in each of the ways that a shop is told."""

import pytest

from dropstream_woocommerce import PLUGIN
from dropstreamd.testing import contract_tests
from dropstreamd.testing.rules import Rule, rules_for
from dropstreamd.testing.stand import NotApplicable
from dropstreamd.testing.suite import OpenRig, check

from .woocommerce_rigs import with_notes, with_tracking, woocommerce_double

SHIPMENTS = [rule for rule in rules_for(PLUGIN) if rule.name.startswith("shipments-")]

test_over_the_double = contract_tests(PLUGIN, woocommerce_double)


@pytest.mark.parametrize(
    "rig", [pytest.param(with_tracking, id="tracking"), pytest.param(with_notes, id="notes")]
)
@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.name) for rule in SHIPMENTS])
def test_shipments(rule: Rule, rig: OpenRig) -> None:
    try:
        check(rule, PLUGIN, rig)
    except NotApplicable as error:
        pytest.skip(str(error))
