"""The contract, kept by the plugin for ShipHero."""

from dropstream_shiphero import PLUGIN
from dropstreamd.testing import contract_tests

from .shiphero_rigs import shiphero_double

test_over_the_double = contract_tests(
    PLUGIN,
    shiphero_double,
    waivers={
        "inventory-snapshots-come-oldest-first": "ShipHero knows its present state alone",
        "inventory-a-snapshot-keeps-its-name": "read again, it is another snapshot, of another instant",
    },
)
