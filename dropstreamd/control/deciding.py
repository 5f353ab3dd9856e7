"""What a person decides: release, what became of a document in doubt, a task that is done, a snapshot."""

import shlex
from functools import partial
from itertools import islice
from typing import NoReturn

import msgspec

from dropstreamd.channels import inventory, orders
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import Done, Release, Released, Resolve, ResolveTask
from dropstreamd.control.messages.setup import Approve, Approved
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.model.handover import Accepted, Outcome, Untouched
from dropstreamd.store import documents, handover, level_flows, levels, settling, stock
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.keys import stored_part
from dropstreamd.store.records import Document, Flow, Standing, State
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import BEFORE_START, BY_HAND, OLDER, RULE, UNDECODABLE, may_come_back

RELEASED_AT_ONCE = 2_000
"""Documents released in one transaction; the client asks again for the rest."""

LEVELS_AT_ONCE = 20_000
"""SKUs marked in one transaction."""

_document = msgspec.msgpack.Decoder(Document)


# ---- release


async def release(desk: Desk, call: Call[Empty, Release]) -> Released:
    """Let parked or held documents try again with the next run; of what the warehouse sent and nobody
    could read, forget that it was there."""
    connection = desk.connection(call.path["c"])
    asked = call.body
    channel = desk.flow(asked.channel)
    account = desk.account_of(connection)
    if bool(asked.cause) == bool(asked.key):
        refuse("bad request", "name either a cause or a key")
    desk.key(asked.cause or asked.key)
    if asked.cause == UNDECODABLE:
        flow = Flow("/".join((account.merchant, account.name)), channel)
        forget = partial(documents.forget_bad, flow=flow, limit=RELEASED_AT_ONCE)
        count = await desk.daemon.state.write(forget)
        released = Released(released=count, more=count == RELEASED_AT_ONCE)
    elif level_flows.location_of(channel)[0] == inventory.CHANNEL:
        released = await desk.daemon.state.write(
            partial(_release_levels, flow=Flow(connection.id, channel), asked=asked)
        )
    else:
        released = await _release_documents(desk, connection, channel, asked, call.who)
    if not released.released:
        refuse("not found", f"nothing of {channel} waits for {asked.cause or asked.key!r}")
    what = f"cause {asked.cause}" if asked.cause else asked.key
    text = f"released {released.released} of {channel}: {what}"
    await desk.note(connection, "released", text, who=call.who, channel=channel)
    return released


async def _release_documents(
    desk: Desk, connection: Connection, channel: str, asked: Release, who: str
) -> Released:
    book = desk.book(connection, channel)
    if asked.cause == BEFORE_START and channel == orders.CHANNEL:
        refuse(
            "not possible",
            "older orders are released by a run that says since when",
            remedy=f"dropstreamctl run {connection.name} {orders.CHANNEL} --since …",
        )
    voided: list[str] = []
    if asked.cause.startswith(RULE):
        voided = await desk.scan(partial(_voided, flow=book.flow, cause=asked.cause))
    write = partial(
        _release,
        book=book,
        asked=asked,
        voided=voided,
        name=connection.name,
        now_s=desk.now_s(),
        why=f"by {who}",
    )
    return await desk.daemon.state.write(write)


def _release(
    tx: Writer, book: Book, asked: Release, voided: list[str], name: str, now_s: float, why: str
) -> Released:
    if asked.key:
        doc = documents.get(tx, book.flow, asked.key)
        if doc is not None:
            _refuse_what_may_not_go(doc, name)
        done = documents.release(tx, book, asked.key, now_s=now_s, run="", why=why)
        return Released(released=int(done))
    keys = _of_cause(tx, book.flow, asked.cause, limit=RELEASED_AT_ONCE + 1) + voided
    some = keys[:RELEASED_AT_ONCE]
    count = sum(documents.release(tx, book, key, now_s=now_s, run="", why=why) for key in some)
    return Released(released=count, more=len(keys) > RELEASED_AT_ONCE)


def _voided(tx: Reader, flow: Flow, cause: str) -> list[str]:
    """Keys of what a rule rejected or archived; no index has them."""
    every = ((path[-1], _document.decode(raw)) for path, raw in tx.scan(Table.DOCUMENTS, tuple(flow)))
    found = (key for key, doc in every if doc.cause == cause and may_come_back(doc))
    return list(islice(found, RELEASED_AT_ONCE + 1))


def _refuse_what_may_not_go(doc: Document, connection: str) -> None:
    """What the store itself holds is not a person's to send here; with what was marked as shipped, what the
    store was to be told of that is taken back."""
    if doc.cause == BY_HAND["shipped"]:
        refuse(
            "not possible",
            f"{doc.number} was marked as shipped by hand",
            remedy=f"dropstreamctl order release {connection} {shlex.quote(doc.number)} --why …",
        )
    if doc.state is State.HELD and doc.standing is not Standing.READY:
        refuse("not possible", f"{doc.number}: {doc.reason}", remedy="let it go in the store")
    if doc.cause == UNDECODABLE:
        refuse("not possible", f"{doc.number}: {doc.reason}", remedy="mend it in the store")
    if doc.state not in (State.PARKED, State.HELD) and not may_come_back(doc):
        refuse("not possible", f"{doc.number} does not wait: it is {doc.state}")


def _of_cause(tx: Reader, flow: Flow, cause: str, *, limit: int) -> list[str]:
    """Keys of what is parked for this cause; of what is held only what is older than the channel or a
    restore, since the rest is the store's to let go, or one document's."""
    kinds = ("parked", "held") if cause in OLDER else ("parked",)
    return [
        path[-1]
        for kind in kinds
        for path, _ in tx.scan(Table.PARKED, (*flow, kind, stored_part(cause)), limit=limit)
    ]


def _release_levels(tx: Writer, flow: Flow, asked: Release) -> Released:
    """Have levels that the store refused pushed again. They count as refused until it took them."""
    if asked.key:
        record = levels.get(tx, flow, asked.key)
        skus = [asked.key] if record is not None and record.cause else []
    else:
        skus = _of_cause(tx, flow, asked.cause, limit=LEVELS_AT_ONCE + 1)
    levels.mark(tx, flow, skus[:LEVELS_AT_ONCE], forced=True)
    return Released(released=len(skus[:LEVELS_AT_ONCE]), more=len(skus) > LEVELS_AT_ONCE)


# ---- in doubt


async def resolve(desk: Desk, call: Call[Empty, Resolve]) -> Done:
    """Settle a document in doubt by what a person found out."""
    connection = desk.connection(call.path["c"])
    channel = desk.flow(call.path["channel"])
    book, named = desk.book(connection, channel), desk.key(call.path["key"])
    write = partial(
        _resolve,
        book=book,
        key=await desk.scan(partial(_key_of, flow=book.flow, named=named)),
        asked=call.body,
        now_s=desk.now_s(),
    )
    number = await desk.daemon.state.write(write)
    said = "was handed over" if call.body.applied else "was not handed over, and goes with the next run"
    text = f"{number} {said}"
    await desk.note(connection, "resolved", text, who=call.who, channel=channel)
    return Done(text=text)


def _key_of(tx: Reader, flow: Flow, named: str) -> str:
    """The key of the document that has this key, else this number: one in doubt before any other. The name
    itself where there is none."""
    if documents.get(tx, flow, named) is not None:
        return named
    doubts = (key for _, key in documents.owned(tx, flow, State.DOUBT))
    found = [key for key in doubts if (doc := documents.get(tx, flow, key)) and doc.number == named]
    if len(found) > 1:
        keys = ", ".join(found[:10])
        refuse(
            "not possible", f"{len(found)} documents in doubt have this number: {keys}", remedy="name a key"
        )
    if found:
        return found[0]
    every = ((path[-1], _document.decode(raw)) for path, raw in tx.scan(Table.DOCUMENTS, tuple(flow)))
    return next((key for key, doc in every if doc.number == named), named)


def _resolve(tx: Writer, book: Book, key: str, asked: Resolve, now_s: float) -> str:
    doc = documents.get(tx, book.flow, key)
    if doc is None:
        refuse("not found", f"{book.flow.channel} has no document {key[:100]!r}")
    if doc.state is not State.DOUBT:
        refuse("changed", f"{doc.number} is not in doubt: it is {doc.state}")
    if asked.revision is not None and asked.revision != doc.revision:
        refuse("changed", f"{doc.number} has revision {doc.revision} by now", remedy="look at it again")
    # Of a cancellation he says that it was sent: whether it is heeded is for the warehouse to tell.
    outcome: Outcome = Accepted(key=key, final=False) if asked.applied else Untouched(key=key)
    attempt = dict(handover.attempts(tx, book.flow)).get(doc.attempt)
    settling.resolve_doubt(tx, book, key, outcome, now_s=now_s, run="")
    stops = attempt is not None and attempt.stops(key)
    return f"the cancellation of {doc.number}" if stops else doc.number


# ---- tasks


async def resolve_task(desk: Desk, call: Call[Empty, ResolveTask]) -> Done:
    """A task is done."""
    connection = desk.connection(call.path["c"])
    book = desk.book(connection, desk.flow(call.path["channel"]))
    key = desk.key(call.path["key"])
    title = await desk.daemon.state.write(
        partial(_close_task, book=book, key=key, revision=call.body.revision)
    )
    await desk.note(connection, "task done", title, who=call.who, channel=book.flow.channel)
    return Done(text=f"done: {title}")


def _close_task(tx: Writer, book: Book, key: str, revision: int) -> str:
    task = documents.get_task(tx, book.flow, key)
    if task is None:
        refuse("not found", f"{book.flow.channel} has no task {key[:100]!r}")
    if not documents.close_task(tx, book, key, revision=revision):
        refuse("changed", f"the task says something else by now: {task.title}", remedy="read it again")
    return task.title


# ---- snapshots


async def approve(desk: Desk, call: Call[Empty, Approve]) -> Approved:
    """Believe a held snapshot: the one that a person has looked at, and no other."""
    account = desk.account(call.path["merchant"], call.path["warehouse"])
    if (account.merchant, account.name) not in desk.daemon.feeds:
        refuse("not found", f"no connection uses warehouse {account.name} of {account.merchant}")
    generation = call.body.generation
    made = await desk.daemon.approve(account.merchant, account.name, generation, who=call.who)
    if made is None:
        _refuse_not_held(desk, account, generation)
    desk.tell("approved", call.who, merchant=account.merchant, warehouse=account.name)
    return Approved(snapshot=made.snapshot, changed=made.changed, why=made.why)


def _refuse_not_held(desk: Desk, account: WarehouseAccount, generation: str) -> NoReturn:
    path = (account.merchant, account.name)
    held = desk.daemon.state.read(partial(stock.held, path=path))
    if held is None:
        refuse("not found", f"no snapshot of {account.merchant} {account.name} is held")
    detail = f"snapshot {held.snapshot} ({held.id}) is held by now, not {generation[:60]!r}: {held.why}"
    refuse("changed", detail, remedy="look at it, then approve it by its id")


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/release",
        name="release",
        summary="Let parked or held documents try again",
        handle=release,
        query=Empty,
        body=Release,
        answer=Released,
    ),
    Route(
        method="POST",
        path="/v1/connections/{c}/in-doubt/{channel}/{key:path}",
        name="resolve",
        summary="Say what became of a document in doubt",
        handle=resolve,
        query=Empty,
        body=Resolve,
        answer=Done,
    ),
    Route(
        method="POST",
        path="/v1/connections/{c}/tasks/{channel}/{key:path}",
        name="resolve_task",
        summary="Say that a task is done",
        handle=resolve_task,
        query=Empty,
        body=ResolveTask,
        answer=Done,
    ),
    Route(
        method="POST",
        path="/v1/warehouses/{merchant}/{warehouse}/approve",
        name="approve",
        summary="Believe a held snapshot",
        handle=approve,
        query=Empty,
        body=Approve,
        answer=Approved,
    ),
)
