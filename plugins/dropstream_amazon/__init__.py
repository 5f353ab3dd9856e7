"""Sellers on Amazon, through the Selling Partner API."""

from dropstream_amazon.settings import Settings, account_key, amends, check, needs, pace
from dropstream_amazon.store import open_store
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="amazon",
    title="Amazon",
    role=Role.STORE,
    provides=frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY, Part.PRODUCTS, Part.RETURNS}),
    settings=Settings,
    account_key=account_key,
    open=open_store,
    amends=amends,
    pace=pace,
    check=check,
    needs=needs,
)
