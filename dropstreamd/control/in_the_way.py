"""What keeps work that is pending from going: how the jobs that carry it ended last."""

from collections.abc import Collection, Iterator

from dropstreamd.clock import utc
from dropstreamd.config.schema import Connection
from dropstreamd.control.desk import Desk


def in_the_way(desk: Desk, connection: Connection, channel: str, said: Collection[str] = ()) -> Iterator[str]:
    """A sentence for each job of the channel that did not succeed last, with its cause and when it is tried
    again; none for a cause that was `said` already."""
    supervisor = desk.daemon.connections.get(connection.id)
    actor = None if supervisor is None else supervisor.actors.get(channel)
    if actor is None:
        return
    for job, trouble in actor.trouble.items():
        if any(trouble.error in each for each in said):
            continue
        next_s = actor.agendas[job].look(desk.now_s())[1]
        again = utc(trouble.tried_s(next_s)).astimezone(connection.timezone)
        held = "needs somebody to act" if trouble.held else "failed"
        held = "is unfinished" if trouble.unfinished else held
        yield f"{channel}.{job} {held}: {trouble.error}; it is tried again at {again:%Y-%m-%d %H:%M:%S %Z}"
        if trouble.remedy:
            yield f"what to do about it: {trouble.remedy}"
