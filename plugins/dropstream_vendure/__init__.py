"""Stores that run on Vendure 3.7 or newer, through its Admin GraphQL API."""

from dropstream_vendure.settings import Settings, account_key, amends, check, formerly, located, pace
from dropstream_vendure.store import open_store
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="vendure",
    title="Vendure",
    role=Role.STORE,
    provides=frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY, Part.PRODUCTS, Part.CATALOGUE}),
    settings=Settings,
    account_key=account_key,
    formerly=formerly,
    open=open_store,
    amends=amends,
    pace=pace,
    check=check,
    locations=located,
)
