"""Which store account a connection's state is about: an id of one shop means nothing in another."""

from functools import partial

from dropstreamd.config.schema import Connection
from dropstreamd.errors import Misconfigured
from dropstreamd.store import cursors
from dropstreamd.store.base import Reader, Store, Writer


async def hold_to_one_store(state: Store, connection: Connection) -> None:
    """Remember the account of the first run; raises Misconfigured where `[store]` leads to another one
    since: orders of both that share an id would be taken for one, and levels told to the one believed of
    the other."""
    kept, another = state.read(partial(_look, connection=connection))
    if another is not None:
        raise another
    now = connection.store.account_key
    if kept != now or connection.id not in state.read(partial(cursors.connections_of, account=now)):
        await state.write(partial(_keep, connection=connection.id, account=now))


def _keep(tx: Writer, *, connection: str, account: str) -> None:
    # Of those that ran under an earlier version, and have not since, the others must know all the same.
    cursors.note_all_connections(tx)
    cursors.keep_store_account(tx, connection, account)


def another_store(tx: Reader, connection: Connection) -> Misconfigured | None:
    """Why its runs are held, where `[store]` leads to another account than before."""
    return _look(tx, connection)[1]


def _look(tx: Reader, connection: Connection) -> tuple[str | None, Misconfigured | None]:
    kept, now = cursors.store_account(tx, connection.id), connection.store.account_key
    if kept is None or kept == now or kept in connection.store.former_keys:
        return kept, None
    return kept, Misconfigured(
        f"[store] of {connection.name} leads to {now}, and what is known of this connection is of {kept}",
        remedy="for another shop write a connection with an id of its own; if it is the same shop at a "
        f"new address, say so: dropstreamctl same-store {connection.name}",
    )
