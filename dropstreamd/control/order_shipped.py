"""A person says that an order has left: outside of the warehouse, or from it though it was cancelled by hand.

Nothing is handed over by it, nor taken back: what was asked of the warehouse before stays asked.
"""

from functools import partial

from dropstreamd.channels import acknowledged, late, orders, shipments, traces
from dropstreamd.channels.traces import Trace
from dropstreamd.clock import utc
from dropstreamd.control import taken_back
from dropstreamd.control.by_hand import (
    Spot,
    done_by_hand,
    refuse_under_way,
    refuse_unseen,
    refuse_what_is_over,
    verb,
)
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import Done, PackageShown
from dropstreamd.control.messages.verbs import Shipped
from dropstreamd.control.order_known import known, said_of
from dropstreamd.control.order_shown import packages
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty
from dropstreamd.control.shipped_by_hand import sends_it_too
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Part
from dropstreamd.store import by_hand, documents, handover, transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.records import Document, Standing, State


def _mark_shipped(tx: Writer, spot: Spot, asked: Shipped) -> str:
    doc = spot.doc(tx)
    refuse_under_way(spot, doc)
    if doc.standing is Standing.OVER:
        refuse_what_is_over(doc)
    tell = asked.tell or bool(asked.carrier or asked.tracking)
    if tell and Part.SHIPMENTS not in spot.scope.store_offers:
        refuse("not supported", f"the store of {spot.connection.name} takes no fulfillments")
    known_packages = packages(tx, spot.connection, spot.scope.account, doc.reference)
    untold = _untold(tx, spot, known_packages)
    if untold:
        return _tell_of_late(tx, spot, asked, doc, untold)
    _refuse_ended(tx, spot, doc, tell=tell)
    if doc.accepted and doc.sent and not acknowledged.left(tx, spot.scope.account, doc):
        refuse("not possible", f"all of {doc.number} has left the warehouse already")
    if doc.accepted and not transitions.sent_back(doc):
        what = f"the warehouse has {doc.number}, and sends it too unless it is stopped there"
        refuse_unseen(asked, what, known(tx, spot.scope, doc, known_packages))
    if tell:
        _foresee(tx, spot, doc)
    for end in ("", " rejected", " short", " not-stopped", " held"):
        documents.drop_task(tx, spot.book.flow, spot.key + end)
    closed = spot.change(tx, lambda doc: by_hand.shipped(doc, spot.now_s, spot.said))
    beside = "; the warehouse sends it too unless it is stopped there" if sends_it_too(closed) else ""
    if not tell:
        return f"{doc.number} is closed as shipped; neither the warehouse nor the store was told{beside}"
    _stage_package(tx, spot, asked)
    return f"{doc.number} is closed as shipped; the store is told with the next run of shipments{beside}"


def _refuse_ended(tx: Reader, spot: Spot, doc: Document, *, tell: bool) -> None:
    """A cancellation by hand that has yet to go to the warehouse is not taken back by this: the warehouse
    might ship it then. What was closed without a word to the store may still be told."""
    if doc.state is State.PENDING and doc.owes_stop:
        refuse(
            "not possible",
            f"{doc.number} was cancelled by hand, and the next run asks the warehouse to stop it",
            remedy="ask again once it was asked",
        )
    if doc.stay != "shipped":
        return
    if not tell or taken_back.said_package(tx, spot, doc) is not None:
        refuse("not possible", f"{doc.number} was marked as shipped by hand already")


def _untold(tx: Reader, spot: Spot, known_packages: list[PackageShown]) -> list[PackageShown]:
    """Those of which the store was told nothing, since the order had ended by hand."""
    flow = shipments.book_of(spot.scope).flow
    docs = [(each, documents.get(tx, flow, each.key)) for each in known_packages]
    return [each for each, doc in docs if doc is not None and late.is_untold(doc)]


def _tell_of_late(tx: Writer, spot: Spot, asked: Shipped, doc: Document, untold: list[PackageShown]) -> str:
    """The store is told of what the warehouse sent though the order had ended by hand."""
    if not asked.tell or asked.carrier or asked.tracking:
        refuse(
            "not possible",
            f"the warehouse has shipped {doc.number} itself: {'; '.join(map(said_of, untold))}",
            remedy=f"{spot.command('mark-shipped --tell', doc)} tells the store of that, as it is",
        )
    what = f"the store would be told that {doc.number} has left after all"
    refuse_unseen(asked, what, tuple(map(said_of, untold)))
    spot.change(tx, lambda doc: by_hand.left_after_all(doc, spot.now_s, spot.said))
    book = shipments.book_of(spot.scope)
    for each in untold:
        again = partial(late.told_after_all, now_s=spot.now_s, why=spot.said)
        documents.by_hand(tx, book, each.key, again, now_s=spot.now_s)
        documents.drop_task(tx, spot.book.flow, late.task_key(spot.key, each.key))
    return f"the store is told with the next run of shipments what left of {doc.number} after all"


def _foresee(tx: Writer, spot: Spot, doc: Document) -> None:
    """Have the order in the form that packages refer to, though it is not handed over."""
    if doc.sent:
        return
    resolve = partial(orders.resolve, spot.scope)
    handover.foresee(tx, spot.book, spot.key, resolve)
    if not spot.doc(tx).sent:
        found = resolve(tx, spot.key, doc)
        why = found.reason if isinstance(found, handover.Park) else "nothing of it is left to ship"
        refuse("not possible", f"the store cannot be told: {why}", remedy="leave the tracking away")


def _stage_package(tx: Writer, spot: Spot, asked: Shipped) -> None:
    reference = spot.doc(tx).reference
    package = Package(
        key=shipments.by_hand_key(reference),
        reference=reference,
        lines=(),
        carrier=asked.carrier,
        tracking_numbers=asked.tracking,
        shipped_at=utc(spot.now_s),
    )
    trace = Trace(spot.connection.id, spot.key)
    traces.keep_parcel(tx, spot.scope.account, asked.tracking, trace)
    book = shipments.book_of(spot.scope)
    documents.stage(tx, book, [shipments.incoming(package)], now_s=spot.now_s, run="")


async def mark_shipped(desk: Desk, call: Call[Empty, Shipped]) -> Done:
    """Close an order that left outside of the warehouse, or from it after it was cancelled by hand."""
    return await done_by_hand(desk, call, "marked shipped", _mark_shipped)


ROUTES = (verb("mark-shipped", "Close an order that left all the same", mark_shipped, Shipped),)
