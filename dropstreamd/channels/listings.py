"""A store's SKUs and a warehouse's: which is which, in both directions."""

from collections.abc import Mapping

from dropstreamd.config.schema import Connection


def by_warehouse_sku(connection: Connection) -> Mapping[str, tuple[str, ...]]:
    """The channel SKUs that are listed for each warehouse SKU, in order."""
    found: dict[str, list[str]] = {}
    for channel_sku, warehouse_sku in sorted(connection.listings.items()):
        found.setdefault(warehouse_sku, []).append(channel_sku)
    return {sku: tuple(channel_skus) for sku, channel_skus in found.items()}


def channel_skus(connection: Connection, listed: Mapping[str, tuple[str, ...]], sku: str) -> tuple[str, ...]:
    """The channel SKUs of a warehouse SKU: those listed for it, and itself unless it is listed as
    something else. Empty where it is only the name of something else."""
    plain = () if connection.listings.get(sku, sku) != sku else (sku,)
    return tuple(dict.fromkeys((*listed.get(sku, ()), *plain)))
