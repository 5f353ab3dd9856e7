"""The contract suite, for authors of plugins: `contract_tests` makes tests of a plugin and a rig."""

from dropstreamd.testing.proxy import Proxy, proxy_to, unused_port
from dropstreamd.testing.rig import (
    AmendBench,
    Effect,
    FragileBench,
    LocatedBench,
    OrderBench,
    Rig,
    SinkBench,
    SourceBench,
    StockBench,
)
from dropstreamd.testing.suite import OpenRig, check, contract_tests

__all__ = [
    "AmendBench",
    "Effect",
    "FragileBench",
    "LocatedBench",
    "OpenRig",
    "OrderBench",
    "Proxy",
    "Rig",
    "SinkBench",
    "SourceBench",
    "StockBench",
    "check",
    "contract_tests",
    "proxy_to",
    "unused_port",
]
