"""The answers of Medusa's Admin API on products and stock."""

from datetime import datetime
from decimal import Decimal

import msgspec

from dropstream_medusa.wire import Identified, VariantFacts, Wire


class LocationLevel(Wire, frozen=True, kw_only=True):
    location_id: str
    stocked_quantity: Decimal = Decimal(0)
    reserved_quantity: Decimal = Decimal(0)
    incoming_quantity: Decimal = Decimal(0)


class InventoryItem(Wire, frozen=True, kw_only=True):
    id: str
    location_levels: tuple[LocationLevel, ...] = ()

    def level(self, location: str) -> LocationLevel | None:
        return next((each for each in self.location_levels if each.location_id == location), None)


class Component(Wire, frozen=True, kw_only=True):
    """An inventory item of a variant, and how many units of it one unit of the variant takes."""

    required_quantity: int = 1
    inventory: InventoryItem | None = None


class StockVariant(Wire, frozen=True, kw_only=True):
    id: str
    sku: str
    manage_inventory: bool
    allow_backorder: bool = False
    inventory_items: tuple[Component, ...] = ()

    def sellable(self, location: str) -> int | None:
        """Units there that may be sold; None where there is no level, or none that alone decides."""
        if not self.manage_inventory or len(self.inventory_items) != 1:
            return None
        (part,) = self.inventory_items
        level = None if part.inventory is None else part.inventory.level(location)
        if level is None or part.required_quantity < 1:
            return None
        return int(level.stocked_quantity - level.reserved_quantity) // part.required_quantity


class Skud(Wire, frozen=True, kw_only=True):
    """So much of a variant as tells which it is."""

    sku: str


class SetLevel(Wire, frozen=True, kw_only=True):
    inventory_item_id: str
    reserved_quantity: Decimal = Decimal(0)


class SetLevels(Wire, frozen=True, kw_only=True):
    created: tuple[SetLevel, ...] = ()
    updated: tuple[SetLevel, ...] = ()


class TrackedItem(InventoryItem, frozen=True, kw_only=True):
    sku: str
    metadata: dict[str, msgspec.Raw] | None = None


class InventoryItems(Wire, frozen=True, kw_only=True):
    inventory_items: tuple[TrackedItem, ...]


class ProductOfVariant(Wire, frozen=True, kw_only=True):
    title: str
    status: str
    updated_at: datetime
    sales_channels: tuple[Identified, ...] = ()


class Variant(VariantFacts, frozen=True, kw_only=True):
    id: str
    title: str
    updated_at: datetime
    product: ProductOfVariant
    sku: str | None = None
    manage_inventory: bool = True


class Sku(Wire, frozen=True, kw_only=True):
    id: str
    sku: str | None = None
    manage_inventory: bool = True
    allow_backorder: bool = False


class Skus(Wire, frozen=True, kw_only=True):
    variants: tuple[Sku, ...]
    count: int


class CreatedProduct(Wire, frozen=True, kw_only=True):
    variants: tuple[Sku, ...]


class CreatedProducts(Wire, frozen=True, kw_only=True):
    created: tuple[CreatedProduct, ...] = ()
