"""What waits after a restore: the figures of a backup are as old as it is, and no level may follow them.

Nor may one follow figures that the warehouse had written before the restore, whenever they are read: an order
that was handed over in between may be neither in them nor in the state. Until there are newer ones each store
goes on with what it shows, less what it sells.
"""

from functools import partial

from dropstreamd.channels.run import Run
from dropstreamd.clock import utc
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.errors import NotYet
from dropstreamd.store import cursors, stock
from dropstreamd.store.base import Reader

REMEDY = (
    "it goes on by itself with the first snapshot that is newer; if one is held, look at it and approve it"
)


def awaits_figures(tx: Reader, connection: Connection, account: WarehouseAccount) -> float:
    """When the state was restored, as long as no snapshot that is believed was both made and taken since; 0
    otherwise."""
    path = (account.merchant, account.name)
    restored_s = max(cursors.restored_s(tx, connection.id), stock.restored_s(tx, path))
    latest = stock.latest(tx, path)
    told_s = 0.0 if latest is None else stock.knows_until_s(latest)
    return restored_s if told_s < restored_s else 0.0


def in_words(restored_s: float) -> str:
    """What is waited for."""
    restored = utc(restored_s).isoformat(timespec="seconds")
    return f"waits for the first stock figures after the restore of {restored}: no level goes out before"


def waits(run: Run) -> float:
    """As `awaits_figures`, for a run."""
    scope = run.scope
    return run.state.read(partial(awaits_figures, connection=scope.connection, account=scope.account))


def hold_levels(run: Run) -> None:
    """Raises NotYet where no level may go out yet."""
    restored_s = waits(run)
    if restored_s:
        raise NotYet(in_words(restored_s), remedy=REMEDY)
