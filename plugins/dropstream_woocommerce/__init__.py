"""Shops on WooCommerce, through its REST API v3."""

from dropstream_woocommerce.settings import Settings, account_key, amends, check, formerly, offers, pace
from dropstream_woocommerce.store import open_store
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="woocommerce",
    title="WooCommerce",
    role=Role.STORE,
    provides=frozenset(
        {
            Part.ORDERS,
            Part.SHIPMENTS,
            Part.INVENTORY,
            Part.PRODUCTS,
            Part.CATALOGUE,
            Part.RECEIPTS,
        }
    ),
    settings=Settings,
    account_key=account_key,
    formerly=formerly,
    open=open_store,
    amends=amends,
    pace=pace,
    check=check,
    offers=offers,
)
