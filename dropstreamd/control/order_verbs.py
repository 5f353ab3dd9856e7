"""What a person does to an order by hand: send it again, hold it, let it go, cancel it.

Each is one transaction: it is done, in the order's history and in the log, or it is refused and nothing is.
"""

from functools import partial

import msgspec

from dropstreamd.channels import orders, told_orders
from dropstreamd.control import taken_back
from dropstreamd.control.by_hand import (
    Spot,
    done_by_hand,
    key_of,
    reason_of,
    refuse_never_handed,
    refuse_under_way,
    refuse_unseen,
    refuse_what_is_over,
    verb,
)
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import Done, PackageShown
from dropstreamd.control.messages.verbs import ByHand, Confirmed
from dropstreamd.control.order_known import known, said_of
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty
from dropstreamd.control.whereabouts import Look, look
from dropstreamd.model.orders import Order
from dropstreamd.store import by_hand, documents, transitions
from dropstreamd.store.base import Writer
from dropstreamd.store.records import Document, Flow, Standing, State
from dropstreamd.store.transitions import BY_HAND

CHANGE_TASKS = ("", " rejected", " refused", " stopped", " not-stopped", " short", " first", " held")
"""What ends the keys of an order's tasks that are about a hand-over: pointless once it goes anew."""

_order = msgspec.msgpack.Decoder(Order)


def refuse_no_resend(spot: Spot, doc: Document, sent: list[PackageShown]) -> None:
    """What is not sent again, whoever confirms it; `sent` are its packages that are known."""
    refuse_under_way(spot, doc)
    refuse_never_handed(spot, doc)
    status = _order.decode(doc.content).status
    if doc.standing is Standing.OVER and status != "cancelled":
        refuse(
            "not possible",
            f"{doc.number} is {status} in the store",
            remedy=spot.command("replace --lines SKU=UNITS", doc),
        )
    refuse_what_is_over(doc)
    if doc.owes_stop or (doc.stay == "withdrawn" and doc.stopping == "sent"):
        refuse(
            "not possible",
            f"{doc.number} was cancelled by hand, and the warehouse has yet to stop it",
            remedy="wait for its answer, or see to the task",
        )
    if sent:
        left = "; ".join(said_of(each) for each in sent[:5])
        refuse(
            "not possible",
            f"part of {doc.number} has left: sent again, it would be sent twice ({left})",
            remedy=spot.command("replace --lines SKU=UNITS", doc),
        )


def resend_now(tx: Writer, spot: Spot) -> Document:
    """Hand it over anew; what was to be done about the earlier hand-over is done with. That it has left in
    another way, as was said, is not told any more."""
    taken_back.withdraw(tx, spot, spot.doc(tx))
    for end in CHANGE_TASKS:
        documents.drop_task(tx, spot.book.flow, spot.key + end)
    return spot.change(tx, lambda doc: by_hand.resend(doc, spot.now_s, spot.said))


def refuse_what_lies_there(spot: Spot, doc: Document, seen: Look | None) -> None:
    """What the warehouse has not taken yet, or has and means to ship, is not sent beside itself."""
    hinders = "" if seen is None else seen.hinders(doc)
    if hinders:
        refuse(
            "not possible",
            f"{doc.number}: {hinders}",
            remedy=f"wait until it is taken, or take it away there; or {spot.command('cancel', doc)}",
        )


def _resend(tx: Writer, spot: Spot, asked: Confirmed, *, seen: Look | None) -> str:
    doc = spot.doc(tx)
    sent = taken_back.other_packages(tx, spot, doc)
    refuse_no_resend(spot, doc, sent)
    refuse_what_lies_there(spot, doc, seen)
    said = known(tx, spot.scope, doc, sent)
    said = said if seen is None else (*said, seen.found.detail)
    if taken_back.said_package(tx, spot, doc) is not None:
        said = (*said, "it was marked as shipped by hand, which the store is not told then")
    refuse_unseen(asked, f"the warehouse had {doc.number} once; if it still has it, it ships twice", said)
    resend_now(tx, spot)
    return f"{doc.number} goes again with the next run, under its reference {doc.reference}"


def _hold(tx: Writer, spot: Spot, _asked: ByHand) -> str:
    doc = spot.doc(tx)
    refuse_under_way(spot, doc)
    if doc.accepted:
        refuse(
            "not possible",
            f"the warehouse has {doc.number}: it cannot be held here",
            remedy=f"call the warehouse, or {spot.command('cancel', doc)}",
        )
    if doc.stay or doc.state is State.VOID:
        refuse("not possible", f"{doc.number} does not go: {doc.reason or doc.state}")
    spot.change(tx, lambda doc: by_hand.hold(doc, spot.now_s, spot.said))
    return f"{doc.number} is held until it is released"


def _release(tx: Writer, spot: Spot, _asked: ByHand) -> str:
    doc = spot.doc(tx)
    refuse_under_way(spot, doc)
    if doc.state is State.HELD and doc.standing is not Standing.READY:
        refuse("not possible", f"{doc.number}: {doc.reason}", remedy="let it go in the store")
    if doc.state is State.ACCEPTED and doc.stay == "shipped":
        return _unmark(tx, spot, doc)
    untold = ""
    if doc.cause == BY_HAND["shipped"]:
        taken_back.refuse_what_is_told(tx, spot, doc)
        untold = "; the store is not told that it has left" if taken_back.withdraw(tx, spot, doc) else ""
    if not documents.release(tx, spot.book, spot.key, now_s=spot.now_s, run="", why=spot.said):
        refuse("not possible", f"{doc.number} does not wait: it is {doc.state}")
    now = spot.change(tx, lambda doc: doc)
    if now.stay and now.state is State.HELD:  # by a person, besides what held it first
        documents.release(tx, spot.book, spot.key, now_s=spot.now_s, run="", why=spot.said)
        now = spot.change(tx, lambda doc: doc)
    if now.state is State.PENDING:
        return f"{doc.number} goes with the next run{untold}"
    reason = f": {now.reason}" if now.reason else ""
    return f"{doc.number} was released; it is {now.state}{reason}{untold}"


def _unmark(tx: Writer, spot: Spot, doc: Document) -> str:
    """It was marked as shipped while the warehouse has it: nothing is sent, and its packages are told."""
    if doc.standing is Standing.OVER:
        refuse_what_is_over(doc)
    taken_back.refuse_what_is_told(tx, spot, doc)
    taken_back.refuse_what_does_not_go_on(spot, doc)
    untold = "; the store is not told that it has left" if taken_back.withdraw(tx, spot, doc) else ""
    spot.change(tx, lambda doc: by_hand.unmarked(doc, spot.now_s, spot.said))
    return f"{doc.number} is with the warehouse, as before{untold}"


def _cancel(tx: Writer, spot: Spot, _asked: ByHand) -> str:
    doc = spot.doc(tx)
    refuse_under_way(spot, doc)
    if doc.standing is Standing.OVER:
        status = _order.decode(doc.content).status
        refuse("not possible", f"{doc.number} is {status} in the store already")
    if doc.stay in ("withdrawn", "shipped"):
        refuse("not possible", f"{doc.number} does not go: it was {BY_HAND[doc.stay]}")
    if doc.stopped:
        refuse("not possible", f"{doc.number} was stopped at the warehouse already")
    if not doc.accepted:
        spot.change(tx, lambda doc: by_hand.withdraw(doc, spot.now_s, spot.said))
        told_orders.tell_of_the_first(tx, spot.book, spot.key, doc, now_s=spot.now_s)
        return f"{doc.number} is never handed over, unless it is released; the store was not told"
    returned = transitions.sent_back(doc)
    documents.drop_task(tx, spot.book.flow, spot.key)
    now = spot.change(tx, lambda doc: by_hand.withdraw(doc, spot.now_s, spot.said))
    if returned:
        return f"{doc.number} was sent back by the warehouse, and is not sent again"
    if now.state is State.PENDING:
        return f"the warehouse is asked to stop {doc.number} with the next run"
    return (
        f"the warehouse takes no cancellations: tell it by hand to stop {doc.number} (it is among the tasks)"
    )


async def resend(desk: Desk, call: Call[Empty, Confirmed]) -> Done:
    """Hand an order over once more, under its reference, where the warehouse has taken the first one."""
    connection = desk.connection(call.path["c"])
    reason_of(call.body.why)
    key = await key_of(desk, connection, call.path["order"])
    doc = desk.daemon.state.read(partial(documents.get, flow=Flow(connection.id, orders.CHANNEL), key=key))
    looked = {} if doc is None or doc.state is State.OPEN else {key: doc}
    seen = await look(desk, connection, looked)
    return await done_by_hand(desk, call, "resent", partial(_resend, seen=seen.get(key)))


async def hold(desk: Desk, call: Call[Empty, ByHand]) -> Done:
    """Hold an order until it is released."""
    return await done_by_hand(desk, call, "held", _hold)


async def let_go(desk: Desk, call: Call[Empty, ByHand]) -> Done:
    """Let one order go: one that a person held or cancelled, or any that waits."""
    return await done_by_hand(desk, call, "released", _release)


async def cancel(desk: Desk, call: Call[Empty, ByHand]) -> Done:
    """Cancel an order here, and at the warehouse if it has it; the store is not told."""
    return await done_by_hand(desk, call, "cancelled", _cancel)


ROUTES = (
    verb("resend", "Hand an order over once more, under its reference", resend, Confirmed),
    verb("hold", "Hold an order until it is released", hold, ByHand),
    verb("release", "Let one order go that waits or was cancelled by hand", let_go, ByHand),
    verb("cancel", "Cancel an order here, and at the warehouse if it has it", cancel, ByHand),
)
