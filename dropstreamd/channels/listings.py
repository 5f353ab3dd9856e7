"""A store's SKUs for a warehouse's."""

from dropstreamd.config.schema import Connection


class Listings:
    """A connection's listings the other way round. Made once for a run: there may be a million."""

    def __init__(self, connection: Connection) -> None:
        self._listings = connection.listings
        self._listed: dict[str, list[str]] = {}
        for channel_sku, warehouse_sku in connection.listings.items():
            self._listed.setdefault(warehouse_sku, []).append(channel_sku)

    def channel_skus(self, sku: str) -> list[str]:
        """The channel SKUs of a warehouse SKU: those listed for it in order, then itself unless it is
        listed as something else. Empty where it is only the name of something else."""
        listed = sorted(self._listed.get(sku, ()))
        own = self._listings.get(sku, sku) == sku and sku not in listed
        return [*listed, sku] if own else listed
