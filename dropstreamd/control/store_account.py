"""Which store account a connection's state is about, and a person's word that it has a new name."""

from functools import partial

from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.setup import SameStore, StoreShown
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.store import cursors


async def store(desk: Desk, call: Call[Empty, Empty]) -> StoreShown:
    """The account that the state is about, and the one that the file names."""
    connection = desk.connection(call.path["c"])
    return StoreShown(
        connection=connection.name,
        belongs_to=desk.daemon.state.read(partial(cursors.store_account, connection=connection.id)),
        configured=connection.store.account_key,
    )


async def same_store(desk: Desk, call: Call[Empty, SameStore]) -> Done:
    """Take the account that the file names for the one that the state is about."""
    connection = desk.connection(call.path["c"])
    now = connection.store.account_key
    if call.body.account != now:
        refuse("changed", f"[store] of {connection.name} leads to {now} by now", remedy="read it again")
    await desk.daemon.state.write(partial(cursors.keep_store_account, connection=connection.id, account=now))
    text = f"{now} is the shop that this connection has always been of"
    await desk.note(connection, "same_store", text, who=call.who)
    desk.daemon.look_again(connection.id)
    return Done(text=text)


ROUTES = (
    Route(
        method="GET",
        path="/v1/connections/{c}/store",
        name="store",
        summary="Which store account the connection's state is about",
        handle=store,
        query=Empty,
        body=Empty,
        answer=StoreShown,
    ),
    Route(
        method="POST",
        path="/v1/connections/{c}/store",
        name="same_store",
        summary="Say that the store of the file is the same shop as before, at a new address",
        handle=same_store,
        query=Empty,
        body=SameStore,
        answer=Done,
    ),
)
