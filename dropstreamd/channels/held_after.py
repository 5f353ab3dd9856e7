"""Orders that the store holds after their hand-over: set to on hold, checked for fraud, unpaid again.

The warehouse ships them all the same. They may be let go any moment, and what a warehouse was told to stop it
does not take again: so it is for a person to tell it. The task goes away once the store lets the order go, or
it is over; where all of it has left by then, it says so.
"""

from collections.abc import Iterable
from functools import partial

import msgspec

from dropstreamd.channels import promises
from dropstreamd.channels.run import Run, Scope
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.store import cursors, documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.cursors import HeldAfter
from dropstreamd.store.records import Document, Flow, Standing, State, Task
from dropstreamd.store.transitions import sent_back

KIND = "held"
"""The kind of the task, and the end of its key."""

_order = msgspec.msgpack.Decoder(Order)
_sent = msgspec.msgpack.Decoder(OutboundOrder)


def notice(tx: Writer, flow: Flow, told: Iterable[Order]) -> None:
    """These were told by the store just now: remember those that wait and were handed over."""
    known: dict[str, HeldAfter] | None = None
    for order in told:
        doc = documents.get(tx, flow, order.key) if order.status == "waiting" else None
        if doc is None or not (doc.accepted or doc.state in (State.OPEN, State.DOUBT)):
            continue
        known = cursors.held_after(tx, flow) if known is None else known
        if order.key not in known:
            cursors.keep_held_after(tx, flow, order.key, "noticed")


async def show(run: Run, flow: Flow) -> None:
    """Open, renew and take away the tasks of those that are remembered."""
    due = partial(_due, scope=run.scope, flow=flow)
    if run.state.read(due):
        await run.state.write(partial(_show, due=due, flow=flow, now_s=run.now_s()))


def _due(tx: Reader, *, scope: Scope, flow: Flow) -> dict[str, HeldAfter]:
    """What is to be said of each by now, where that is something else; "" for nothing any more."""
    due: dict[str, HeldAfter] = {}
    for key, said in cursors.held_after(tx, flow).items():
        now = _now(tx, scope, documents.get(tx, flow, key), said)
        if now != said:
            due[key] = now
    return due


def _now(tx: Reader, scope: Scope, doc: Document | None, said: HeldAfter) -> HeldAfter:
    if doc is None or doc.standing is not Standing.HELD or _order.decode(doc.content).status != "waiting":
        return ""
    if not doc.accepted:
        return "noticed" if doc.state in (State.OPEN, State.DOUBT) else ""
    if doc.stopped or doc.short or doc.stay in ("withdrawn", "shipped") or sent_back(doc):
        return ""
    if doc.sent and not promises.left(tx, scope.account, _sent.decode(doc.sent)):
        return "left" if said in ("told", "left") else ""
    return "told"


def _show(tx: Writer, *, due: partial[dict[str, HeldAfter]], flow: Flow, now_s: float) -> None:
    for key, now in due(tx).items():
        cursors.keep_held_after(tx, flow, key, now)
        doc = documents.get(tx, flow, key)
        if now in ("told", "left") and doc is not None:
            documents.open_task(tx, flow, f"{key} {KIND}", _task(doc, now_s, left=now == "left"))
        elif not now:
            documents.drop_task(tx, flow, f"{key} {KIND}")


def _task(doc: Document, now_s: float, *, left: bool) -> Task:
    has = "has shipped it" if left else "is to ship it"
    rest = (
        "all of it has left: intercept it, or let it go in the store"
        if left
        else "have the warehouse hold it back, or let it go in the store; this closes by itself then"
    )
    return Task(
        kind=KIND,
        number=doc.number,
        title=f"{doc.number} is held in the store after its hand-over, and the warehouse {has}",
        detail=f"on hold there, not paid any more, or looked into: {rest}",
        since_s=now_s,
        revision=int(left),
    )
