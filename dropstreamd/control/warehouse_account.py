"""Which warehouse a connection's state is about, and a person's word that it has a new name or address."""

from functools import partial

from dropstreamd.channels import same_warehouse
from dropstreamd.channels.run import Scope
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.setup import SameWarehouse, WarehouseShown
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.store.homes import Home


async def warehouse(desk: Desk, call: Call[Empty, Empty]) -> WarehouseShown:
    """The warehouse that the state is about, and the one that the files name."""
    connection = desk.connection(call.path["c"])
    scope = desk.scope(connection)
    kept = _kept(desk, scope)
    look = partial(same_warehouse.under_way, connection=connection.id)
    half = desk.daemon.state.read(partial(same_warehouse.carried_to, scope=scope))
    rest = "" if half is None else f", in part under {'.'.join(half)} already"
    return WarehouseShown(
        connection=connection.name,
        belongs_to=None if kept is None else f"{kept}{rest}",
        configured=str(same_warehouse.home_of(scope)),
        under_way="" if kept is None else desk.daemon.state.read(partial(look, home=kept)),
    )


async def confirm(desk: Desk, call: Call[Empty, SameWarehouse]) -> Done:
    """Take the warehouse that the files name for the one that the state is about."""
    connection = desk.connection(call.path["c"])
    scope = desk.scope(connection)
    now, kept = same_warehouse.home_of(scope), _kept(desk, scope)
    if call.body.warehouse != str(now):
        refuse("changed", f"the warehouse of {connection.name} is {now} by now", remedy="read it again")
    half = desk.daemon.state.read(partial(same_warehouse.carried_to, scope=scope))
    if kept is None or (kept == now and half is None):
        return Done(text=f"{now} is the warehouse of {connection.name}: nothing was changed")
    _refuse_another(desk, scope, kept, now)
    await same_warehouse.carry(scope)
    text = f"{now} is the same warehouse as {kept}: what was known of it is known of it still"
    await desk.note(connection, "same_warehouse", text, who=call.who)
    for each in scope.siblings:
        desk.daemon.look_again(each.id)
    return Done(text=text)


def _kept(desk: Desk, scope: Scope) -> Home | None:
    return desk.daemon.state.read(partial(same_warehouse.before, scope=scope))


def _refuse_another(desk: Desk, scope: Scope, kept: Home, now: Home) -> None:
    """What two warehouses are known by must not be put together."""
    if kept.path == now.path:
        return
    old = desk.daemon.config.merchants.get(kept.merchant)
    if old is not None and kept.warehouse in old.warehouses:
        what = f"{kept.merchant}.{kept.warehouse} is a warehouse of its own still"
        refuse("not possible", what, remedy="if it has another name now, take the old one out of its file")
    if desk.daemon.state.read(partial(same_warehouse.is_of_others, scope=scope)):
        what = f"{now} is another warehouse: other connections have used it before"
        refuse("not possible", what, remedy="for another warehouse write a connection with an id of its own")


ROUTES = (
    Route(
        method="GET",
        path="/v1/connections/{c}/warehouse",
        name="warehouse",
        summary="Which warehouse the connection's state is about",
        handle=warehouse,
        query=Empty,
        body=Empty,
        answer=WarehouseShown,
    ),
    Route(
        method="POST",
        path="/v1/connections/{c}/warehouse",
        name="same_warehouse",
        summary="Say that the warehouse of the files is the same as before, with a new name or address",
        handle=confirm,
        query=Empty,
        body=SameWarehouse,
        answer=Done,
    ),
)
