"""Runs: asking for one, and those there were."""

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import partial

from dropstreamd.channels import older, orders
from dropstreamd.channels.jobs import CHANNELS
from dropstreamd.channels.older import Agreed
from dropstreamd.config.schema import Connection
from dropstreamd.control.desk import Desk
from dropstreamd.control.events import run_shown
from dropstreamd.control.messages.runs import (
    AskRun,
    Backlog,
    BacklogQuery,
    RunAsked,
    Runs,
    RunShown,
    RunsQuery,
)
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.model.orders import Order
from dropstreamd.store import runs, switches
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Flow
from dropstreamd.store.runs import RUNS_KEPT
from dropstreamd.store.switches import CONNECTION

BACKLOG_NUMBERS = 50


async def ask_run(desk: Desk, call: Call[Empty, AskRun]) -> RunAsked:
    """Ask for a run now. With `since`, only once a person has seen what it lets go: that, and no more."""
    connection = desk.connection(call.path["c"])
    channel, job = call.path["channel"], call.path["job"]
    found = desk.job(channel, job)
    if job not in desk.actor(connection, channel).agendas:
        why = desk.unsupported(connection, found)
        refuse("not supported", f"{connection.name} has no {channel}.{job}: {why}")
    _refuse_where_off(desk, connection, channel)
    agreed = None
    text = f"{channel}.{job} was asked for"
    if call.body.since:
        since = instant(call.body.since, connection, desk.now_s())
        agreed = await _agreed(desk, connection, channel, job, since, shown=call.body.backlog)
        text += f", with {len(agreed.keys)} older orders since {since.isoformat()}"
    run = desk.daemon.ask(connection.id, channel, job, who=call.who, agreed=agreed)
    await desk.note(connection, "run asked for", text, who=call.who, channel=channel)
    return RunAsked(run=run)


def _refuse_where_off(desk: Desk, connection: Connection, channel: str) -> None:
    for name, words in ((CONNECTION, connection.name), (channel, f"{connection.name} {channel}")):
        if not desk.daemon.state.read(partial(switches.get, connection=connection.id, channel=name)).on:
            refuse("disabled", f"{words} is disabled", remedy=f"dropstreamctl enable {words}")


def instant(text: str, connection: Connection, now_s: float) -> datetime:
    """An ISO 8601 instant, or a day; in the connection's timezone where it names none. Refused where it
    is neither, or is to come."""
    try:
        if len(text) == len("2026-11-01"):
            at = datetime.combine(date.fromisoformat(text), time(), connection.timezone)
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=connection.timezone)
        at_s = at.timestamp()
    except (ValueError, OverflowError):
        refuse("bad request", f"since: {text[:40]!r} is no day (2026-11-01) and no instant of ISO 8601")
    if at_s > now_s:
        refuse("bad request", f"since: {text} is in the future")
    return at


async def _agreed(
    desk: Desk, connection: Connection, channel: str, job: str, since: datetime, *, shown: str
) -> Agreed:
    """The older orders that the run may let go. Refused unless these, and no others, are those of the
    list that a person was `shown`."""
    if channel != orders.CHANNEL:
        refuse("bad request", f"since: only {orders.CHANNEL} has older documents to let go")
    agenda = desk.actor(connection, channel).agendas[job]
    if not agenda.followed().last_success_s:
        refuse(
            "not possible",
            f"{connection.name} {channel} has yet to run to its end: its older orders are not counted",
            remedy=f"dropstreamctl run {connection.name} {channel}",
        )
    look = partial(older.backlog, flow=Flow(connection.id, channel), since_s=since.timestamp())
    found = await desk.scan(look)
    held = _listed(found)
    if shown != held.id:
        others = ", others than were shown" if shown else ""
        detail = f"{held.count} older orders would be let go, to be shipped by the warehouse{others}"
        refuse("unconfirmed", detail, remedy="were they not shipped before? then confirm", backlog=held)
    return Agreed(since=since, keys=frozenset(key for key, _ in found))


async def backlog(desk: Desk, call: Call[BacklogQuery, Empty]) -> Backlog:
    """The orders that `since` would let go."""
    connection = desk.connection(call.path["c"])
    since_s = 0.0
    if call.query.since:
        since_s = instant(call.query.since, connection, desk.now_s()).timestamp()
    return await desk.scan(partial(held_orders, connection=connection.id, since_s=since_s))


def held_orders(tx: Reader, connection: str, since_s: float) -> Backlog:
    """What is held because it is older than the channel, placed since then."""
    return _listed(older.backlog(tx, Flow(connection, orders.CHANNEL), since_s))


def _listed(found: Sequence[tuple[str, Order]]) -> Backlog:
    name = older.list_id(key for key, _ in found)
    placed = sorted((order.placed_at.timestamp(), order.number) for _, order in found)
    if not placed:
        return Backlog(count=0, id=name)
    return Backlog(
        count=len(placed),
        numbers=tuple(number for _, number in placed[:BACKLOG_NUMBERS]),
        oldest_s=placed[0][0],
        newest_s=placed[-1][0],
        id=name,
    )


# ---- runs that were, and are


async def list_runs(desk: Desk, call: Call[RunsQuery, Empty]) -> Runs:
    """The newest runs."""
    connection = desk.connection(call.path["c"])
    channels = (desk.channel(call.query.channel),) if call.query.channel else CHANNELS
    limit = min(max(call.query.limit, 1), RUNS_KEPT)
    found = [
        run
        for channel in channels
        for run in desk.daemon.state.read(partial(_newest, desk, connection.id, channel, limit))
    ]
    found.sort(key=lambda run: run.id, reverse=True)
    return Runs(runs=tuple(found[:limit]))


def _newest(desk: Desk, connection: str, channel: str, limit: int, tx: Reader) -> list[RunShown]:
    found = []
    for record in runs.newest(tx, connection, channel, limit=RUNS_KEPT):
        if record.result != "merged":
            found.append(
                run_shown(connection, channel, record, counts=live(desk, connection, channel, record.id))
            )
        if len(found) == limit:
            break
    return found


def live(desk: Desk, connection: str, channel: str, run: str) -> dict[str, int] | None:
    """What a run that goes on has counted so far."""
    supervisor = desk.daemon.connections.get(connection)
    actor = None if supervisor is None else supervisor.actors.get(channel)
    if actor is None or actor.running is None or actor.running.id != run:
        return None
    return dict(actor.running.counts)


async def one_run(desk: Desk, call: Call[Empty, Empty]) -> RunShown:
    """One run; one that was merged into another is answered by that."""
    connection = desk.connection(call.path["c"])
    found = find_run(desk, connection, call.path["run"])
    if found is None:
        refuse("not found", f"{connection.name} has no run {call.path['run'][:40]!r}")
    return found


def find_run(desk: Desk, connection: Connection, run: str) -> RunShown | None:
    """The run of that id, or the one that it was merged into; also one that has not begun."""
    shown = desk.daemon.state.read(partial(_find, desk, connection.id, run))
    if shown is not None:
        return shown
    supervisor = desk.daemon.connections.get(connection.id)
    for channel, actor in ({} if supervisor is None else supervisor.actors).items():
        if actor.awaits(run):
            return RunShown(
                id=run,
                connection=connection.id,
                channel=channel,
                job="",
                trigger="person",
                result="waiting",
                started_s=0.0,
            )
    return None


def _find(desk: Desk, connection: str, run: str, tx: Reader) -> RunShown | None:
    for channel in CHANNELS:
        record = runs.get(tx, connection, channel, run)
        if record is not None and record.into:
            record = runs.get(tx, connection, channel, record.into)
        if record is not None:
            counts = live(desk, connection, channel, record.id)
            return run_shown(connection, channel, record, counts=counts, asked=run)
    return None


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/channels/{channel}/jobs/{job}/run",
        name="ask_run",
        summary="Run a job now",
        handle=ask_run,
        query=Empty,
        body=AskRun,
        answer=RunAsked,
        status=202,
    ),
    Route(
        method="GET",
        path="/v1/connections/{c}/runs",
        name="list_runs",
        summary="The newest runs",
        handle=list_runs,
        query=RunsQuery,
        body=Empty,
        answer=Runs,
    ),
    Route(
        method="GET",
        path="/v1/connections/{c}/runs/{run}",
        name="one_run",
        summary="One run, or the one that it was merged into",
        handle=one_run,
        query=Empty,
        body=Empty,
        answer=RunShown,
    ),
    Route(
        method="GET",
        path="/v1/connections/{c}/backlog",
        name="backlog",
        summary="Orders from before the channel was first enabled",
        handle=backlog,
        query=BacklogQuery,
        body=Empty,
        answer=Backlog,
    ),
)
