"""The contract, kept by the plugin for BigCommerce."""

from dropstream_bigcommerce import PLUGIN
from dropstreamd.testing import contract_tests

from .bigcommerce_rigs import bigcommerce_double

test_over_the_double = contract_tests(PLUGIN, bigcommerce_double)
