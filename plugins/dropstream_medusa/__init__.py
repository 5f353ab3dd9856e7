"""Stores that run on Medusa 2.21 or newer, through its Admin REST API."""

from dropstream_medusa.settings import Settings, account_key, check, formerly, located, pace
from dropstream_medusa.store import open_store
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="medusa",
    title="Medusa",
    role=Role.STORE,
    provides=frozenset(
        {
            Part.ORDERS,
            Part.SHIPMENTS,
            Part.INVENTORY,
            Part.PRODUCTS,
            Part.CATALOGUE,
            Part.RETURNS,
            Part.RECEIPTS,
            Part.PURCHASE_ORDERS,
        }
    ),
    settings=Settings,
    account_key=account_key,
    formerly=formerly,
    open=open_store,
    amends=lambda _settings: frozenset({Part.PURCHASE_ORDERS}),
    pace=pace,
    check=check,
    locations=located,
)
