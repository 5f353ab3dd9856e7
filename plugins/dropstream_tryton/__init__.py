"""Warehouses that run on Tryton 8.2, over its JSON-RPC."""

from dropstream_tryton.settings import Settings, account_key, check, formerly, pace
from dropstream_tryton.warehouse import open_warehouse
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="tryton",
    title="Tryton",
    role=Role.WAREHOUSE,
    provides=frozenset(Part) - {Part.STOCK_NOTICES},  # it knows its own purchases
    settings=Settings,
    account_key=account_key,
    formerly=formerly,
    open=open_warehouse,
    cancels=lambda _settings: frozenset({Part.ORDERS, Part.RETURNS}),
    pace=pace,
    check=check,
    routes=lambda _settings: True,
)
