"""Where orders are that a person wants to send once more: looked up at the warehouse before anything is."""

from collections.abc import Mapping, Sequence

import msgspec
import trio

from dropstreamd.config.schema import Connection
from dropstreamd.control.desk import Desk
from dropstreamd.control.refused import refuse
from dropstreamd.control.side_tests import known_error
from dropstreamd.errors import DropstreamError
from dropstreamd.platform.contract import Handed, Warehouse, Whereabouts
from dropstreamd.platform.limiter import Priority
from dropstreamd.store.records import Document

DEADLINE_S = 45.0
STILL_THERE = ("waiting", "there")
"""Sent again, what is so would be there twice."""

CANNOT = Whereabouts(
    where="unknown", detail="whether the warehouse has taken it cannot be looked up with this platform"
)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of an order; `remote` is what it was handed over as when it was looked for."""

    remote: str
    found: Whereabouts

    def hinders(self, doc: Document) -> str:
        """Why the order is not sent again; "" where nothing stands in the way."""
        if doc.remote != self.remote:
            return "it was handed over anew meanwhile"
        if self.found.where in STILL_THERE:
            return f"{self.found.detail}; sent again, it would be there twice"
        return ""


async def look(desk: Desk, connection: Connection, docs: Mapping[str, Document]) -> dict[str, Look]:
    """One look for all of them, by their keys; what was never handed over is left out. It waits for no run.
    Refused, or one of our errors, where the warehouse cannot be asked: then nothing could be sent either."""
    handed = {
        key: Handed(reference=doc.reference, remote=doc.remote) for key, doc in docs.items() if doc.accepted
    }
    if not handed:
        return {}
    found: Sequence[Whereabouts] | None = None
    with trio.move_on_after(DEADLINE_S):
        found = await _ask(desk, connection, list(handed.values()))
    if found is None:
        refuse(
            "unreachable",
            f"the warehouse did not tell within {DEADLINE_S:.0f} s where the order is",
            remedy=f"dropstreamctl test {connection.name}; then ask again",
        )
    return {
        key: Look(remote=one.remote, found=seen)
        for (key, one), seen in zip(handed.items(), found, strict=True)
    }


async def _ask(desk: Desk, connection: Connection, handed: Sequence[Handed]) -> Sequence[Whereabouts]:
    account = desk.account_of(connection)
    try:
        async with desk.daemon.accounts.open_warehouse(account, Priority.ORDERS) as warehouse:
            return await _look(warehouse, handed)
    except BaseExceptionGroup as group:
        error: DropstreamError = known_error(group)
        raise error from group


async def _look(warehouse: Warehouse, handed: Sequence[Handed]) -> Sequence[Whereabouts]:
    if warehouse.handed is None:
        return [CANNOT for _ in handed]
    return await warehouse.handed.look(handed)
