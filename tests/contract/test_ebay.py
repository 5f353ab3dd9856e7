"""The contract, kept by the plugin for eBay."""

from dropstream_ebay import PLUGIN
from dropstreamd.testing import contract_tests

from .ebay_rigs import ebay_double

test_over_the_double = contract_tests(PLUGIN, ebay_double)
