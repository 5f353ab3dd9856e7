"""A shop on the real server, and the account that the plugin has there."""

import pytest

from tests.counterparts.medusa.models import Models
from tests.counterparts.medusa.shop import MedusaShop

from .stores import Account, account_of


class Stocked:
    """A shop that sells one thing, `sku`, of which it has 100 units."""

    def __init__(self, shop: MedusaShop, models: Models) -> None:
        self.shop = shop
        self.models = models
        self.sku = f"{shop.code}-A"
        self.account: Account = account_of(shop)
        self.add(A=100)

    def add(self, **stock: int) -> None:
        """More things to sell: units by the end of the SKU."""
        self.shop.copies.products(
            self.models.variant, {f"{self.shop.code}-{end}": units for end, units in stock.items()}
        )

    def order(self, model: str | None = None) -> tuple[str, str]:
        """An order of three units, and its line's id."""
        (order,) = self.shop.copies.orders(model or self.models.order, self.sku, 1)
        return order, self.shop.order(order).items[0].id

    def stock(self) -> tuple[int, int, int]:
        """Stocked, reserved and incoming."""
        (level,) = self.shop.items([self.sku])[self.sku].location_levels
        return level.stocked_quantity, level.reserved_quantity, level.incoming_quantity


@pytest.fixture
async def stocked(medusa_shop: MedusaShop, medusa_models: Models) -> Stocked:
    return Stocked(medusa_shop, medusa_models)
