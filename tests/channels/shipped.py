"""What tests of shipments begin with, and what a store was told."""

from dropstreamd.platform.contract import Part
from tests.channels.plant import Plant, order

AMENDS = frozenset({Part.SHIPMENTS})


async def hand_over(plant: Plant) -> None:
    plant.place(order("1", ("A", 3), ("B", 2)))
    await plant.import_orders()


def told(plant: Plant, name: str = "shop") -> dict[str, dict[str, int]]:
    """Package key → store line → units, as the store was told."""
    return {
        key: {line.order_line: line.quantity for line in fulfillment.lines}
        for key, fulfillment in plant.stores[name].fulfilled.newest().items()
    }
