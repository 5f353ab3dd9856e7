"""The contract, kept by the plugin for Amazon."""

from dropstream_amazon import PLUGIN
from dropstreamd.testing import contract_tests

from .amazon_rigs import amazon_double

test_over_the_double = contract_tests(PLUGIN, amazon_double)
