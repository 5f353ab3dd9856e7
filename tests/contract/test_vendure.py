"""The contract, kept by the plugin for Vendure."""

import pytest

from dropstream_vendure import PLUGIN
from dropstreamd.testing import contract_tests

from .vendure_rigs import vendure_double, vendure_real

test_over_the_double = contract_tests(PLUGIN, vendure_double)
test_over_vendure = pytest.mark.counterpart(contract_tests(PLUGIN, vendure_real, faster=5))
