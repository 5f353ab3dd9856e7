"""Enable and disable."""

from functools import partial

from dropstreamd.channels import orders
from dropstreamd.channels.jobs import CHANNELS, of_channel
from dropstreamd.config.schema import Connection
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.runs import Switch, Switched
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.store import switches
from dropstreamd.store.switches import CONNECTION

SwitchCall = Call[Empty, Switch]


async def enable(desk: Desk, call: SwitchCall) -> Switched:
    """Turn a switch on, and say what that does not do yet."""
    connection = desk.connection(call.path["c"])
    channel = desk.channel(call.body.channel) if call.body.channel else CONNECTION
    if channel != CONNECTION:
        desk.actor(connection, channel)
    desk.supervisor(connection)
    first = _is_first(desk, connection, channel)
    await desk.daemon.switch(connection.id, channel, on=True, who=call.who)
    desk.tell("enabled", call.who, connection=connection.name, channel=channel)
    note = _note(desk, connection, channel, first=first)
    return Switched(connection=connection.name, channel=call.body.channel, on=True, note=note)


async def disable(desk: Desk, call: SwitchCall) -> Switched:
    """Turn a switch off; a run in hand ends at its next settled point."""
    connection = desk.connection(call.path["c"])
    channel = desk.channel(call.body.channel) if call.body.channel else CONNECTION
    supervisor = desk.supervisor(connection)
    await desk.daemon.switch(connection.id, channel, on=False, who=call.who)
    desk.tell("disabled", call.who, connection=connection.name, channel=channel)
    running = [
        name
        for name, actor in supervisor.actors.items()
        if channel in (CONNECTION, name) and actor.running is not None
    ]
    note = f"the run of {', '.join(running)} ends at its next settled point" if running else ""
    return Switched(connection=connection.name, channel=call.body.channel, on=False, note=note)


def _is_first(desk: Desk, connection: Connection, channel: str) -> bool:
    switch = desk.daemon.state.read(partial(switches.get, connection=connection.id, channel=channel))
    return switch.first_on_s is None


def _note(desk: Desk, connection: Connection, channel: str, *, first: bool) -> str:
    notes = []
    if channel == orders.CHANNEL and first:
        notes.append(
            "orders placed before now are not sent: the first run counts and holds them, and "
            f"`dropstreamctl run {connection.name} {channel} --since …` lets them go"
        )
    off = _still_off(desk, connection)
    if channel == CONNECTION and off:
        notes.append(f"still off: {', '.join(off)}")
    elif channel != CONNECTION and CONNECTION in off:
        notes.append(f"{connection.name} itself is still off: `dropstreamctl enable {connection.name}`")
    return "; ".join(notes)


def _still_off(desk: Desk, connection: Connection) -> list[str]:
    """The switches that are off, of what the connection supports."""
    supported = [
        channel
        for channel in CHANNELS
        if any(not desk.unsupported(connection, job) for job in of_channel(channel))
    ]
    return [
        name
        for name in (CONNECTION, *supported)
        if not desk.daemon.state.read(partial(switches.get, connection=connection.id, channel=name)).on
    ]


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/enable",
        name="enable",
        summary="Turn a connection, or one of its channels, on",
        handle=enable,
        query=Empty,
        body=Switch,
        answer=Switched,
    ),
    Route(
        method="POST",
        path="/v1/connections/{c}/disable",
        name="disable",
        summary="Turn a connection, or one of its channels, off",
        handle=disable,
        query=Empty,
        body=Switch,
        answer=Switched,
    ),
)
