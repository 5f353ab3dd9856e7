"""Sellers on eBay, through its Sell Fulfillment API v1 and Sell Inventory API v1."""

from dropstream_ebay.consent import CONSENT
from dropstream_ebay.settings import Settings, account_key, check, pace
from dropstream_ebay.store import open_store
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="ebay",
    title="eBay",
    role=Role.STORE,
    provides=frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY, Part.PRODUCTS}),
    settings=Settings,
    account_key=account_key,
    open=open_store,
    pace=pace,
    check=check,
    consent=CONSENT,
)
