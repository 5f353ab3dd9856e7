"""The contract, kept by the plugin for Shopify."""

from dropstream_shopify import PLUGIN
from dropstreamd.testing import contract_tests

from .shopify_rigs import shopify_double

test_over_the_double = contract_tests(PLUGIN, shopify_double)
