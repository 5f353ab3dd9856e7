"""That an order was marked as shipped, taken back before the store was told of it.

Told of it, the store shows the order as shipped and closes it. That is mended there and not here: released,
the order would be over with the store's next word, and would never go.
"""

import shlex

import msgspec

from dropstreamd.channels import references, shipments, traces
from dropstreamd.channels.traces import Trace
from dropstreamd.control.by_hand import Spot
from dropstreamd.control.messages.look import PackageShown
from dropstreamd.control.order_shown import packages
from dropstreamd.control.refused import refuse
from dropstreamd.model.shipments import Package
from dropstreamd.store import documents, transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.records import Document, State

_ON_ITS_WAY = (State.OPEN, State.DOUBT)

_package = msgspec.msgpack.Decoder(Package)


def said_package(tx: Reader, spot: Spot, doc: Document) -> Document | None:
    """The package that a person says has left of an order, None where the store has nothing of it: it was not
    to be told, or that was taken back, or nothing was left to tell."""
    if doc.stay != "shipped" or not doc.reference:
        return None
    flow = shipments.book_of(spot.scope).flow
    package = documents.get(tx, flow, shipments.by_hand_key(doc.reference))
    return None if package is None or package.state is State.VOID else package


def is_told(tx: Reader, spot: Spot, doc: Document) -> bool:
    """Whether the store was told that an order has left in another way."""
    package = said_package(tx, spot, doc)
    return package is not None and package.accepted > 0


def other_packages(tx: Reader, spot: Spot, doc: Document) -> list[PackageShown]:
    """The packages of an order that are known, without the one that is a person's word alone and that the
    store has not heard of."""
    known = packages(tx, spot.connection, spot.scope.account, doc.reference)
    said = said_package(tx, spot, doc)
    if said is None or said.accepted or said.state in _ON_ITS_WAY:
        return known
    return [each for each in known if each.key != shipments.by_hand_key(doc.reference)]


def refuse_what_is_told(tx: Reader, spot: Spot, doc: Document) -> None:
    """Refuse to take back what the store was told, is being told, or may have been told."""
    said = said_package(tx, spot, doc)
    if said is None:
        return
    if said.accepted:
        remedy = f"to send it all the same: {spot.command('replace', doc)}"
        if doc.accepted:
            remedy = "mend that there; if the warehouse ships it too, that is a task with its tracking number"
        refuse(
            "not possible",
            f"the store was told that {doc.number} has left, and shows it as shipped",
            remedy=remedy,
        )
    if said.state is State.OPEN:
        refuse(
            "not possible",
            f"the store is being told that {doc.number} has left",
            remedy="ask again when that is settled",
        )
    if said.state is State.DOUBT:
        key = shlex.quote(shipments.by_hand_key(doc.reference))
        refuse(
            "not possible",
            f"nobody knows whether the store was told that {doc.number} has left",
            remedy=f"look there, then dropstreamctl resolve {spot.connection.name} {shipments.CHANNEL} {key}"
            " with --sent or --not-sent",
        )


def refuse_what_does_not_go_on(spot: Spot, doc: Document) -> None:
    """Refuse to leave to the warehouse, as before, what it has shipped already or does not ship."""
    if doc.late:
        refuse(
            "not possible",
            f"the warehouse has shipped {doc.number} itself",
            remedy=f"{spot.command('mark-shipped --tell', doc)} tells the store of that, as it is",
        )
    if doc.short or doc.stopped or doc.stopping or doc.word in ("rejected", "cancelled"):
        refuse(
            "not possible",
            f"the warehouse does not ship {doc.number}, or was asked not to",
            remedy=f"to send it after all: {spot.command('resend', doc)}",
        )


def refuse_what_is_yet_to_be_told(tx: Reader, spot: Spot, doc: Document) -> None:
    """A replacement goes beside what has left: first the store is told of that, or it is taken back. Else the
    store would be told of both."""
    said = said_package(tx, spot, doc)
    if said is None or said.accepted or said.state is not State.PENDING:
        return
    refuse(
        "not possible",
        f"the store has yet to be told that {doc.number} has left",
        remedy=f"dropstreamctl run {spot.connection.name} {shipments.CHANNEL} tells it; if it has not left:"
        f" {spot.command('resend', doc)}",
    )


def withdraw(tx: Writer, spot: Spot, doc: Document) -> bool:
    """Have the store not told that an order has left in another way; whether it was to be told. All of its
    units are to leave then. Only of what `refuse_what_is_told` lets pass."""
    said = said_package(tx, spot, doc)
    if said is None:
        return False
    key, account = shipments.by_hand_key(doc.reference), spot.scope.account
    references.free(tx, account, doc.reference, key)
    numbers = _package.decode(said.content).tracking_numbers
    traces.forget_parcel(tx, account, numbers, Trace(spot.connection.id, spot.key))
    book = shipments.book_of(spot.scope)
    documents.by_hand(tx, book, key, lambda package: _taken_back(package, spot), now_s=spot.now_s)
    return True


def _taken_back(package: Document, spot: Spot) -> Document:
    """Without a digest, so that the same may be said once more."""
    noted = transitions.noted(package, spot.now_s, "", f"taken back: {spot.said}")
    return msgspec.structs.replace(transitions.free(noted, State.VOID), digest=b"")
