"""Orders that a warehouse was asked to stop and has not said whether it does.

It may still ship them. Where its figures are what is on hand, their units stay taken off until it says so, or
a person does: a task is opened once it has had a day, and closing it is his word that they will not ship.
"""

from functools import partial

import msgspec
import trio

from dropstreamd.channels.run import Run, Scope
from dropstreamd.clock import utc
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import UNSTOPPED
from dropstreamd.store.records import Document, Flow, Promise, Task
from dropstreamd.store.tables import Table

PATIENCE_S = 24 * 3600.0
"""How long a warehouse may take to answer a cancellation, in seconds."""

_promise = msgspec.msgpack.Decoder(Promise)


async def show(run: Run, flow: Flow) -> None:
    """Open a task for each order of the flow that has waited too long; take those away that need none."""
    scope = run.scope
    if scope.account.quantity != "on_hand" or Part.ORDERS not in scope.warehouse_cancels:
        return
    found = await trio.to_thread.run_sync(run.state.read, partial(_unstopped, scope=scope, flow=flow))
    known = run.state.read(partial(_shown, flow=flow))
    late = {key for key, doc in found.items() if run.now_s() - doc.changed_s >= PATIENCE_S}
    if late - known or known - found.keys():
        await run.state.write(partial(_show, flow=flow, late=late - known, over=known - found.keys()))


def _unstopped(tx: Reader, *, scope: Scope, flow: Flow) -> dict[str, Document]:
    found = {}
    for path, raw in tx.scan(Table.PROMISES, (scope.account.merchant, scope.account.name, flow.connection)):
        promise, key = _promise.decode(raw), path[-1]
        doc = documents.get(tx, flow, key) if promise.handed_s and promise.units else None
        if doc is not None and doc.stopping == "sent":
            found[key] = doc
    return found


def _shown(tx: Reader, *, flow: Flow) -> set[str]:
    tasks = documents.tasks(tx, flow.connection)
    return {
        key.removesuffix(f" {UNSTOPPED}")
        for channel, key, task in tasks
        if channel == flow.channel and task.kind == UNSTOPPED
    }


def _show(tx: Writer, *, flow: Flow, late: set[str], over: set[str]) -> None:
    for key in over:
        documents.drop_task(tx, flow, f"{key} {UNSTOPPED}")
    for key in late:
        doc = documents.get(tx, flow, key)
        if doc is not None and doc.stopping == "sent":
            documents.open_task(tx, flow, f"{key} {UNSTOPPED}", _task(doc))


def _task(doc: Document) -> Task:
    since = utc(doc.changed_s).isoformat(timespec="minutes")
    return Task(
        kind=UNSTOPPED,
        number=doc.number,
        title=f"{doc.number} was cancelled, and the warehouse has not said whether it stops it",
        detail=f"it was asked on {since} and may still ship it, so that its units stay taken off the stock; "
        "ask the warehouse, and close this once it is certain that nothing more of it ships",
        since_s=doc.changed_s,
    )
