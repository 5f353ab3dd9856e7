"""Acme's warehouse, over its REST API: a made-up platform, for authors of plugins to start from."""

from dropstream_acme_wms.settings import Settings, account_key, check, lacks
from dropstream_acme_wms.warehouse import open_warehouse
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="acme-wms",
    title="Acme WMS",
    role=Role.WAREHOUSE,
    provides=frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY}),
    settings=Settings,
    account_key=account_key,
    check=check,
    lacks=lacks,
    open=open_warehouse,
)
