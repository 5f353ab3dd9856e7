"""Watching runs: server-sent events, merged so that nobody is flooded."""

from collections.abc import AsyncGenerator, Sequence

import trio

from dropstreamd.control.desk import Desk
from dropstreamd.control.events import Watcher
from dropstreamd.control.messages.runs import (
    Began,
    Counting,
    Ended,
    EventsQuery,
    Gone,
    Missed,
    RunShown,
    StreamEvent,
)
from dropstreamd.control.route import Call, Empty, Route, Stream
from dropstreamd.control.running import find_run

HEARTBEAT_S = 10.0
"""A watcher hears at least so often."""

PACE_S = 0.1
"""A watcher hears at most so often: counts are merged meanwhile."""

NEVER = "it never began: a switch was turned off meanwhile, or there is no such run"


async def events(desk: Desk, call: Call[EventsQuery, Empty]) -> Stream:
    """What runs do, from now on."""
    return Stream(events=_one(desk, call.query.run) if call.query.run else _all(desk))


async def _all(desk: Desk) -> AsyncGenerator[StreamEvent | None, None]:
    with desk.events.watching() as watcher:
        if watcher is None:
            yield Missed(why="too many watch already")
            return
        while True:
            for event in await _heard(watcher):
                yield event
                if isinstance(event, Missed):
                    return
            await trio.sleep(PACE_S)


async def _one(desk: Desk, asked: str) -> AsyncGenerator[StreamEvent | None, None]:
    """One run until its end. `asked` may be the id of one that is merged into another later."""
    with desk.events.watching() as watcher:
        if watcher is None:
            yield Missed(why="too many watch already")
            return
        told: list[StreamEvent | None]
        run = _anywhere(desk, asked)
        told = [Gone(run=asked, why=NEVER)] if run is None else _present(run)
        while True:
            for event in told:
                yield event
                if isinstance(event, Ended | Missed | Gone):
                    return
            await trio.sleep(PACE_S)
            heard = await _heard(watcher)
            told = [one for event in heard for one in _of_one(desk, asked, run, event)]


def _present(run: RunShown) -> list[StreamEvent | None]:
    """How a run stands, for one who begins to watch it."""
    if run.ended_s:
        return [Ended(run=run)]
    return [None] if run.result == "waiting" else [Began(run=run)]


def _of_one(
    desk: Desk, asked: str, first: RunShown | None, event: StreamEvent | None
) -> list[StreamEvent | None]:
    """What one who watches a single run is told when `event` happens to any; a heartbeat looks again."""
    if isinstance(event, Missed | Gone):
        return [event]
    connection = None if first is None else desk.daemon.config.connections.get(first.connection)
    run = None if connection is None else find_run(desk, connection, asked)
    if run is None:
        return [Gone(run=asked, why=NEVER)]
    if event is None:
        return [Ended(run=run)] if run.ended_s else [None]
    about = event.run if isinstance(event, Counting) else event.run.id
    return [event] if about == run.id else []


async def _heard(watcher: Watcher) -> Sequence[StreamEvent | None]:
    with trio.move_on_after(HEARTBEAT_S):
        return await watcher.take()
    return [None]


def _anywhere(desk: Desk, run: str) -> RunShown | None:
    for connection in desk.daemon.config.connections.values():
        found = find_run(desk, connection, run)
        if found is not None:
            return found
    return None


ROUTES = (
    Route(
        method="GET",
        path="/v1/events",
        name="events",
        summary="What runs do, as server-sent events",
        handle=events,
        query=EventsQuery,
        body=Empty,
        answer=StreamEvent,
    ),
)
