"""The answers of Vendure's Admin API on stock and where it lies."""

from dropstream_vendure.wire import Wire


class Location(Wire, frozen=True, kw_only=True):
    id: str
    name: str


class LocationItems(Wire, frozen=True, kw_only=True):
    total_items: int
    items: tuple[Location, ...]


class Locations(Wire, frozen=True, kw_only=True):
    stock_locations: LocationItems


class StockLevel(Wire, frozen=True, kw_only=True):
    stock_location_id: str
    stock_allocated: int
    stock_on_hand: int = 0  # asked for only where levels are read back


class Stocked(Wire, frozen=True, kw_only=True):
    """A variant, with its levels at the locations of the channel."""

    id: str
    stock_levels: tuple[StockLevel, ...]

    def allocated(self, location: str) -> int:
        """Units there that belong to orders not fulfilled; 0 where there is no level yet."""
        return sum(each.stock_allocated for each in self.stock_levels if each.stock_location_id == location)

    def available(self, location: str) -> int | None:
        """Units there that may be sold; None where there is no level yet."""
        here = [each for each in self.stock_levels if each.stock_location_id == location]
        return sum(each.stock_on_hand - each.stock_allocated for each in here) if here else None


class StockVariant(Stocked, frozen=True, kw_only=True):
    sku: str
    track_inventory: str


class VariantItems(Wire, frozen=True, kw_only=True):
    total_items: int
    items: tuple[StockVariant, ...]


class Variants(Wire, frozen=True, kw_only=True):
    product_variants: VariantItems


class SetLevels(Wire, frozen=True, kw_only=True):
    update_product_variants: tuple[Stocked | None, ...]
