"""Stores on BigCommerce, through its REST APIs V2 (orders, shipments) and V3 (inventory, catalogue)."""

from dropstream_bigcommerce.settings import Settings, account_key, amends, check, pace
from dropstream_bigcommerce.store import open_store
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="bigcommerce",
    title="BigCommerce",
    role=Role.STORE,
    provides=frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY, Part.PRODUCTS, Part.CATALOGUE}),
    settings=Settings,
    account_key=account_key,
    open=open_store,
    amends=amends,
    pace=pace,
    check=check,
)
