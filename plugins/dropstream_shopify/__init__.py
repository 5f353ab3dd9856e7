"""Shops on Shopify, through its Admin GraphQL API 2026-07."""

from dropstream_shopify.settings import Settings, account_key, amends, check, located, pace
from dropstream_shopify.store import open_store
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="shopify",
    title="Shopify",
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
        }
    ),
    settings=Settings,
    account_key=account_key,
    open=open_store,
    amends=amends,
    pace=pace,
    check=check,
    locations=located,
)
