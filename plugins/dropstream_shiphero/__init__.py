"""Warehouses that run on ShipHero, over its Public GraphQL API."""

from dropstream_shiphero.settings import (
    PROVIDED,
    Settings,
    account_key,
    amends,
    cancels,
    check,
    lacks,
    offers,
    pace,
)
from dropstream_shiphero.warehouse import open_warehouse
from dropstreamd.platform.contract import Plugin, Role

PLUGIN = Plugin(
    name="shiphero",
    title="ShipHero",
    role=Role.WAREHOUSE,
    provides=PROVIDED,
    settings=Settings,
    account_key=account_key,
    open=open_warehouse,
    amends=amends,
    cancels=cancels,
    pace=pace,
    check=check,
    offers=offers,
    lacks=lacks,
)
