"""Where the levels of a connection are shown: over the whole store, or at each of its mapped locations.

A connection whose file has `[locations]` shows at each of them what its facility of the warehouse has. Until
a snapshot that was counted by facility is believed, nobody knows what that is: a connection that showed one
figure before goes on with it until then.
"""

import msgspec

from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.store import level_flows, stock
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Flow

CHANNEL = "inventory"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A location of the store and the facility whose stock it shows; None: the whole of both. It is the
    `number`-th, from 0, of so many (`among`): what is set for a store as a whole is shared out by that."""

    location: str | None = None
    facility: str | None = None
    number: int = 0
    among: int = 1


WHOLE = Place()


def wanted(connection: Connection) -> tuple[Place, ...]:
    """As the connection's file says."""
    if not connection.locations:
        return (WHOLE,)
    return tuple(
        Place(location=location, facility=facility, number=number, among=len(connection.locations))
        for number, (location, facility) in enumerate(connection.locations.items())
    )


def now(tx: Reader, connection: Connection, account: WarehouseAccount) -> tuple[Place, ...]:
    """Those whose levels are shown by what is known of the warehouse's facilities."""
    if not connection.locations:
        return (WHOLE,)
    counted = stock.counted(tx, (account.merchant, account.name))
    if counted.issuperset(connection.locations.values()):
        return wanted(connection)
    return wanted(connection) if level_flows.located(tx, Flow(connection.id, CHANNEL)) else (WHOLE,)


def uncounted(tx: Reader, connection: Connection, account: WarehouseAccount) -> list[str]:
    """Mapped facilities of which no snapshot that is believed was counted."""
    if not connection.locations:
        return []
    counted = stock.counted(tx, (account.merchant, account.name))
    return sorted(set(connection.locations.values()) - counted)


def flow(connection: Connection, place: Place = WHOLE) -> Flow:
    """The levels of a place."""
    return level_flows.flow_at(Flow(connection.id, CHANNEL), place.location)
