"""Which store account a connection's state is about: an id of one shop means nothing in another."""

from functools import partial

from dropstreamd.config.schema import Connection
from dropstreamd.errors import Misconfigured
from dropstreamd.store import cursors
from dropstreamd.store.base import Store


async def hold_to_one_store(state: Store, connection: Connection) -> None:
    """Remember the account of the first run; raises Misconfigured where `[store]` leads to another one
    since: orders of both that share an id would be taken for one, and levels told to the one believed of
    the other."""
    kept = state.read(partial(cursors.store_account, connection=connection.id))
    now = connection.store.account_key
    if kept is None or kept in connection.store.former_keys:
        await state.write(partial(cursors.keep_store_account, connection=connection.id, account=now))
    elif kept != now:
        raise Misconfigured(
            f"[store] of {connection.name} leads to {now}, and what is known of this connection is of {kept}",
            remedy="for another shop write a connection with an id of its own; if it is the same shop at a "
            f"new address, say so: dropstreamctl same-store {connection.name}",
        )
