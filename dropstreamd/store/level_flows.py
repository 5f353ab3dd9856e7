"""Where levels are kept: those that name no location in the channel's own flow, those of each location in one
that is named by it."""

from collections.abc import Iterable, Iterator

import msgspec

from dropstreamd.store.base import Reader
from dropstreamd.store.records import Attempt, Flow
from dropstreamd.store.tables import Table

_attempt = msgspec.msgpack.Decoder(Attempt)

_AT = "@"
"""Between the channel and the location in a flow's name. It sorts before what any location begins with."""

_BEYOND = "\x01"
"""After a flow's name: sorts after all that stands under it, and before every other name."""


def flow_at(flow: Flow, location: str | None) -> Flow:
    """The flow of a location's levels; `flow` itself is that of levels without one."""
    return flow if location is None else Flow(flow.connection, f"{flow.channel}{_AT}{location}")


def location_of(channel: str) -> tuple[str, str | None]:
    """The channel and the location that a flow is named by."""
    name, at, location = channel.partition(_AT)
    return name, location if at else None


def located(
    tx: Reader, flow: Flow, tables: Iterable[Table] = (Table.DOCUMENTS, Table.PENDING, Table.ATTEMPTS)
) -> list[str]:
    """The locations that have a row in one of these tables, beside the flow without one."""
    found: set[str] = set()
    first = f"{flow.channel}{_AT}"
    for table in tables:
        after = first
        while rows := list(tx.scan(table, (flow.connection,), after=(flow.connection, after), limit=1)):
            [(path, _)] = rows
            if not path[1].startswith(first):
                break
            found.add(path[1].removeprefix(first))
            after = path[1] + _BEYOND
    return sorted(found)


def under_way(tx: Reader, flow: Flow) -> Iterator[tuple[str, bytes]]:
    """The pushes of levels that are not settled, by id: each may have its effect already."""
    for path, raw in tx.scan(Table.ATTEMPTS, tuple(flow)):
        yield path[-1], raw


def levels_of(attempt: bytes) -> dict[str, int]:
    """The levels by SKU in a push that is under way."""
    return {tried.key: tried.revision for tried in _attempt.decode(attempt).keys}
