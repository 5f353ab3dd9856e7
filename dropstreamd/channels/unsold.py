"""SKUs that a store was told levels of, and that nothing sells there any more: their listing or their bundle
was taken out of the files.

Nobody would ever correct what the store shows of them, so that it is told 0; unless another connection has
the same store, or another channel of its server, and may be the one that sells them now. Where they are many
at once, a file may have lost its end: then all of them keep their level, and the run says so.
"""

from collections.abc import Sequence
from functools import partial

from dropstreamd.channels.run import Run
from dropstreamd.config.schema import Connection
from dropstreamd.errors import Incomplete
from dropstreamd.store import cursors
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.records import Flow

FEW = 20
"""So many may go at once, whatever their share of all is."""


def keeps_its_level(tx: Reader, connection: Connection) -> bool:
    """Whether what nothing sells any more is left alone."""
    return connection.shares_store or were_too_many(tx, connection)


def were_too_many(tx: Reader, connection: Connection) -> bool:
    """Whether they were, when all were looked at last."""
    return bool(cursors.get(tx, _kept(connection)))


def judge(tx: Writer, connection: Connection, unsold: Sequence[str], shown: int, most_share: float) -> None:
    """Decide what becomes of them. `shown` are all SKUs of which the store shows some; more than `most_share`
    of those are too many."""
    too_many = len(unsold) > max(FEW, most_share * shown)
    kept = f"{len(unsold)} of {shown}" if too_many else ""
    if (cursors.get(tx, _kept(connection)) or "") != kept:
        cursors.put(tx, _kept(connection), kept)


def assert_few(run: Run) -> None:
    """Raises Incomplete where levels are left alone since they are too many."""
    connection, share = run.scope.connection, run.scope.account.breaker.zeroed_share
    kept = run.state.read(partial(cursors.get, flow=_kept(connection)))
    left_alone_anyway = connection.shares_store and not connection.locations
    if kept and not left_alone_anyway:
        raise Incomplete(
            f"{kept} SKUs that the store shows some of are sold by no listing, no bundle and no SKU of the"
            f" warehouse any more: more than {share:.0%}, so that they keep their level",
            remedy="put the missing listings or bundles back; or, if they are meant to go, set a larger"
            f" zeroed_share in the breaker of warehouse {run.scope.account.name} until the next Full Sync",
        )


def _kept(connection: Connection) -> Flow:
    return Flow(connection.id, "levels of nothing")
