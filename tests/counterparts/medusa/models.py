"""One product and three orders, made as people make them, of which shops get copies."""

from functools import cached_property

from .server import MedusaServer
from .shop import MedusaShop

UNITS = 3


class Models:
    """Made once on a server, when they are first needed; nobody may change them."""

    def __init__(self, server: MedusaServer) -> None:
        self._shop = MedusaShop(server, code="model")
        self._sku = "model"

    def close(self) -> None:
        self._shop.close()

    @cached_property
    def variant(self) -> str:
        self._shop.add_products({self._sku: 1000})
        return self._shop.variants([self._sku])[0].id

    @cached_property
    def order(self) -> str:
        """An order of three units."""
        assert self.variant
        return self._shop.place_order({self._sku: UNITS})

    @cached_property
    def shipped(self) -> str:
        """Another one, all of it shipped."""
        assert self.variant
        order = self._shop.place_order({self._sku: UNITS})
        self._shop.fulfill(order, {self._shop.order(order).items[0].id: UNITS}, tracking="1Z1")
        return order

    @cached_property
    def returned(self) -> str:
        """Another one, shipped; of two units the buyer has asked for a return."""
        assert self.variant
        order = self._shop.place_order({self._sku: UNITS})
        line = self._shop.order(order).items[0].id
        self._shop.fulfill(order, {line: UNITS}, tracking="1Z2")
        self._shop.ask_return(order, {line: 2})
        return order
