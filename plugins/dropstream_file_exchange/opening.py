"""Opens an account in the format that its settings name."""

from contextlib import AbstractAsyncContextManager

from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.warehouse import open_warehouse
from dropstream_file_exchange.x12.warehouse import open_partner
from dropstreamd.platform.contract import Host, Warehouse


def open_account(settings: Settings, host: Host) -> AbstractAsyncContextManager[Warehouse]:
    """A session over CSV or over X12 files."""
    return open_partner(settings, host) if settings.format == "x12" else open_warehouse(settings, host)
