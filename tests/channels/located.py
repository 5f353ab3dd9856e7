"""Stores with several locations, for tests: two, east and west, each for a facility of its own."""

from collections import Counter

from msgspec.structs import replace

from dropstreamd.config.schema import Breaker, Connection
from tests.channels.plant import ACCOUNT, Plant, connection

EAST, WEST = "loc-1", "loc-2"
BOTH = {EAST: "E", WEST: "W"}
BUNDLES = {"GIFT": {"TEE": 2, "MUG": 1}}
CALM = replace(
    ACCOUNT, takes_facility=True, breaker=Breaker(lost_share=1.0, zeroed_share=1.0, raised_share=1000.0)
)


def located(name: str = "shop", **changed: object) -> Connection:
    return connection(name, **{"locations": BOTH, "home": EAST, **changed})


async def synced(plant: Plant, *rows: tuple[str, str, int], name: str = "shop") -> dict[str, Counter[str]]:
    """What each location shows after a snapshot and a Smart Sync."""
    plant.later(minutes=1)
    if rows:
        plant.report_by(*rows)
    await plant.smart(name)
    return shown(plant, name)


def shown(plant: Plant, name: str = "shop") -> dict[str, Counter[str]]:
    return {at or "": Counter(units) for at, units in plant.stores[name].shows_at().items()}


def pushed(plant: Plant, name: str = "shop") -> list[tuple[str | None, str]]:
    """Location and SKU of what the store was told since the last call, in order."""
    sink = plant.stores[name].levels
    told = [(effect.document.location, effect.key) for effect in sink.effects]
    sink.effects = []
    return told
