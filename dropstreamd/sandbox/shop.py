"""A small shop: products with stock at one location, orders, fulfillments. In memory, for the demo."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from dropstreamd.clock import Clock, utc

LOCATION = "1"


class Variant(msgspec.Struct, kw_only=True):
    """A product. `on_hand` less `allocated` (units of orders that have not shipped) can be bought."""

    id: str
    sku: str
    name: str
    on_hand: int
    allocated: int = 0


class Line(msgspec.Struct, kw_only=True):
    """One line of an order."""

    id: str
    variant: Variant
    quantity: int
    fulfilled: int = 0


class Fulfillment(msgspec.Struct, kw_only=True):
    """A package that the shop was told of; `lines` are units by order line."""

    id: str
    method: str
    tracking: str
    lines: dict[str, int]
    state: Literal["Pending", "Shipped", "Cancelled"] = "Pending"


class Order(msgspec.Struct, kw_only=True):
    """An order that is paid."""

    id: str
    code: str
    placed: str
    lines: list[Line]
    fulfillments: list[Fulfillment] = []

    @property
    def state(self) -> str:
        shipped = sum(sum(each.lines.values()) for each in self.fulfillments if each.state == "Shipped")
        if not shipped:
            return "PaymentSettled"
        return "Shipped" if shipped >= sum(line.quantity for line in self.lines) else "PartiallyShipped"


class SandboxShop:
    """The shop's books; `writes` counts the levels that it was told."""

    def __init__(self, clock: Clock, products: Mapping[str, int]) -> None:
        self._clock = clock
        self._next = 100
        self.variants = {
            sku: Variant(id=self.new_id(), sku=sku, name=f"Product {sku}", on_hand=units)
            for sku, units in products.items()
        }
        self.orders: dict[str, Order] = {}
        self.writes = 0

    def new_id(self) -> str:
        self._next += 1
        return str(self._next)

    def buy(self, units: Mapping[str, int]) -> Order:
        """Somebody orders so many units by SKU, and pays."""
        lines = []
        for sku, quantity in units.items():
            self.variants[sku].allocated += quantity
            lines.append(Line(id=self.new_id(), variant=self.variants[sku], quantity=quantity))
        key = self.new_id()
        placed = utc(self._clock.now_s()).isoformat(timespec="milliseconds")
        self.orders[key] = Order(id=key, code=f"DEMO{key}", placed=placed, lines=lines)
        return self.orders[key]

    def fulfill(self, lines: Mapping[str, int], method: str, tracking: str) -> Fulfillment | None:
        """Units by order line left in one package; None where they are more than is open."""
        by_id = {line.id: (order, line) for order in self.orders.values() for line in order.lines}
        found = [(*by_id[line], units) for line, units in lines.items() if line in by_id]
        if not found or any(units > line.quantity - line.fulfilled for _, line, units in found):
            return None
        for _, line, units in found:
            line.fulfilled += units
            line.variant.on_hand -= units
            line.variant.allocated -= units
        made = Fulfillment(id=self.new_id(), method=method, tracking=tracking, lines=dict(lines))
        found[0][0].fulfillments.append(made)
        return made

    def ship(self, fulfillment_id: str) -> Fulfillment | None:
        """The package is on its way; None where nobody knows it."""
        found = self._fulfillment(fulfillment_id)
        if found is not None:
            found.state = "Shipped"
        return found

    def cancel(self, fulfillment_id: str) -> Fulfillment | None:
        """The package's units are back and wanted again; None where nobody knows it."""
        found = self._fulfillment(fulfillment_id)
        if found is not None and found.state != "Cancelled":
            found.state = "Cancelled"
            for line in (line for order in self.orders.values() for line in order.lines):
                units = found.lines.get(line.id, 0)
                line.fulfilled -= units
                line.variant.on_hand += units
                line.variant.allocated += units
        return found

    def _fulfillment(self, key: str) -> Fulfillment | None:
        made = (each for order in self.orders.values() for each in order.fulfillments)
        return next((each for each in made if each.id == key), None)

    def set_on_hand(self, variant_id: str, units: int) -> Variant | None:
        """The merchant's system tells how many there are; None where nobody knows the variant."""
        for variant in self.variants.values():
            if variant.id == variant_id:
                variant.on_hand = units
                self.writes += 1
                return variant
        return None

    def buyable(self) -> dict[str, int]:
        """Units that a buyer may order, by SKU."""
        return {sku: variant.on_hand - variant.allocated for sku, variant in self.variants.items()}
