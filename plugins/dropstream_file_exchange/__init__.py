"""Warehouses that exchange CSV or X12 files over SFTP or FTPS."""

from dropstream_file_exchange.check import check
from dropstream_file_exchange.opening import open_account
from dropstream_file_exchange.settings import Settings, account_key
from dropstreamd.platform.contract import Part, Plugin, Role

PLUGIN = Plugin(
    name="file-exchange",
    title="File exchange (CSV or X12 over SFTP or FTPS)",
    role=Role.WAREHOUSE,
    provides=frozenset({Part.ORDERS, Part.SHIPMENTS, Part.INVENTORY}),
    settings=Settings,
    account_key=account_key,
    open=open_account,
    check=check,
)
