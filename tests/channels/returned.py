"""An order that left and may come back, for tests; and what its store was told of that."""

from dropstreamd.model.returns import ReturnedLine
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import (
    Plant,
    order,
    package,
)


async def shipped(state: InlineStore, *lines: tuple[str, int]) -> Plant:
    """An order of these lines that was handed over and left in one package, 1Z1."""
    plant = Plant(state)
    plant.place(order("1", *lines))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", *lines))
    await plant.export()
    return plant


def told(plant: Plant, key: str = "C1", name: str = "shop") -> tuple[ReturnedLine, ...]:
    return plant.stores[name].received.newest()[key].lines
