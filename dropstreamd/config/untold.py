"""What a store needs of every shipment and its warehouse never tells: each would be refused."""

from collections.abc import Iterator

from dropstreamd.config.accounts import Plugins
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.platform.contract import Part


def untold(connection: Connection, account: WarehouseAccount, plugins: Plugins) -> Iterator[str]:
    """A sentence for each such field, with what to do; none where shipments do not go this way."""
    store, warehouse = plugins[connection.store.platform].plugin, plugins[account.platform].plugin
    if store is None or warehouse is None:
        return
    offered = store.parts(connection.store.settings) & warehouse.parts(account.settings)
    if Part.SHIPMENTS not in offered:
        return
    missing = warehouse.untold(account.settings)
    for field in sorted(store.needs(connection.store.settings) & missing.keys()):
        yield (
            f"{store.title} takes no shipment without its {field.replace('_', ' ')},"
            f" and warehouse {account.merchant}.{account.name} tells none: {missing[field]}"
        )
