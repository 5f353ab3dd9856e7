"""Looking at a connection's log, its tasks and what is in doubt."""

from functools import partial
from itertools import islice

from dropstreamd.channels.jobs import ACTS
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import (
    DoubtShown,
    InDoubtShown,
    Log,
    LogLine,
    LogQuery,
    Tasks,
    TaskShown,
)
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.store import documents, handover, runs
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Attempt, Document, Flow, State, Task
from dropstreamd.store.runs import LINES_KEPT

SHOWN_LIMIT = 500


async def log(desk: Desk, call: Call[LogQuery, Empty]) -> Log:
    """The newest lines of the log."""
    connection = desk.connection(call.path["c"])
    limit = min(max(call.query.limit, 1), LINES_KEPT)
    lines = desk.daemon.state.read(partial(runs.lines, connection=connection.id, limit=limit))
    return Log(
        lines=tuple(
            LogLine(
                at_s=line.at_s,
                event=line.event,
                text=line.text,
                channel=line.channel,
                run=line.run,
                who=line.who,
            )
            for line in lines
        )
    )


async def tasks(desk: Desk, call: Call[Empty, Empty]) -> Tasks:
    """What only a person can do."""
    connection = desk.connection(call.path["c"])

    def look(tx: Reader) -> list[TaskShown]:
        some = islice(documents.tasks(tx, connection.id), SHOWN_LIMIT + 1)
        return [task_shown(channel, key, task) for channel, key, task in some]

    found = desk.daemon.state.read(look)
    return Tasks(tasks=tuple(found[:SHOWN_LIMIT]), more=len(found) > SHOWN_LIMIT)


def task_shown(channel: str, key: str, task: Task) -> TaskShown:
    return TaskShown(
        channel=channel,
        key=key,
        kind=task.kind,
        number=task.number,
        title=task.title,
        detail=task.detail,
        since_s=task.since_s,
        revision=task.revision,
    )


async def in_doubt(desk: Desk, call: Call[Empty, Empty]) -> InDoubtShown:
    """What nobody can tell whether it was handed over."""
    connection = desk.connection(call.path["c"])

    def look(tx: Reader) -> list[DoubtShown]:
        flows = [Flow(connection.id, channel) for channel in ACTS]
        return [one for flow in flows for one in _doubted(tx, flow)]

    found = await desk.scan(look)
    return InDoubtShown(documents=tuple(found[:SHOWN_LIMIT]), more=len(found) > SHOWN_LIMIT)


def _doubted(tx: Reader, flow: Flow) -> list[DoubtShown]:
    attempts = dict(handover.attempts(tx, flow))
    found = []
    for _, key in islice(documents.owned(tx, flow, State.DOUBT), SHOWN_LIMIT + 1):
        doc = documents.get(tx, flow, key)
        if doc is not None:
            found.append(_doubt(flow, key, doc, attempts.get(doc.attempt)))
    return found


def _doubt(flow: Flow, key: str, doc: Document, attempt: Attempt | None) -> DoubtShown:
    return DoubtShown(
        channel=flow.channel,
        key=key,
        number=doc.number,
        reference=doc.reference,
        revision=doc.revision,
        why=f"{_subject(doc, attempt, key)}{doc.reason}",
        name="" if attempt is None else attempt.name,
        run="" if attempt is None else attempt.run,
        opened_s=0.0 if attempt is None else attempt.opened_s,
        step="" if attempt is None else attempt.step,
    )


def _subject(doc: Document, attempt: Attempt | None, key: str) -> str:
    """What of it is in doubt, where that is not its hand-over: the other side has it already."""
    if attempt is None or not doc.accepted:
        return ""
    return "its cancellation: " if attempt.stops(key) else "its change: "


ROUTES = (
    Route(
        method="GET",
        path="/v1/connections/{c}/log",
        name="log",
        summary="The newest lines of a connection's log",
        handle=log,
        query=LogQuery,
        body=Empty,
        answer=Log,
    ),
    Route(
        method="GET",
        path="/v1/connections/{c}/tasks",
        name="tasks",
        summary="What only a person can do",
        handle=tasks,
        query=Empty,
        body=Empty,
        answer=Tasks,
    ),
    Route(
        method="GET",
        path="/v1/connections/{c}/in-doubt",
        name="in_doubt",
        summary="What nobody can tell whether it was handed over",
        handle=in_doubt,
        query=Empty,
        body=Empty,
        answer=InDoubtShown,
    ),
)
