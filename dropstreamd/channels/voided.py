"""Packages whose label was voided in the warehouse: nothing has left, nor will, under their tracking number.

A store that was not told of one is told nothing. One that was told shows a tracking number that leads
nowhere: whether units, carrier or number are to be others only a person knows, who mends it there. Its units
stay told; what leaves under another label is more than was ordered, and shown as that. Where nobody knows
whether it was told, the order's other packages wait until somebody does.
"""

from collections.abc import Iterator

import msgspec

from dropstreamd.channels import orders, promises, references, too_late
from dropstreamd.channels.references import Taken
from dropstreamd.channels.run import Scope
from dropstreamd.model.shipments import Package
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.handover import Nothing, Park
from dropstreamd.store.records import Document, Flow, State

SHIPMENTS = "shipments"

_UNSURE = (State.OPEN, State.DOUBT)

_decode = msgspec.msgpack.Decoder(Package)


def nothing_to_tell(scope: Scope, package: Package, now_s: float, *, told: bool) -> Nothing:
    """What is done with it; where the store was told, its change is a task (`described`)."""
    if told:
        return Nothing(why="its label was voided after the store was told of it")

    def free_units(tx: Writer) -> None:
        references.allocate(tx, scope.account, package.reference, package.key, ())
        _promise_again(tx, scope, package.reference, now_s)

    return Nothing(why="its label was voided before the store was told of it", then=free_units)


def _promise_again(tx: Writer, scope: Scope, reference: str, now_s: float) -> None:
    """What had left in the package is still to leave."""
    link = references.find(tx, scope.account, reference)
    if link is None or link.connection != scope.connection.id:
        return
    order = documents.get(tx, Flow(link.connection, orders.CHANNEL), link.order)
    if order is not None:
        promises.keeper(scope)(tx, link.order, order)
        too_late.renew(tx, scope, orders.book(scope), link.order, now_s=now_s)


def left_out(tx: Reader, scope: Scope, taken: Taken) -> Taken:
    """What packages of an order took, without those that the store is never told of."""
    for key, doc in _untold(tx, scope, taken):
        if doc.state not in _UNSURE:
            taken = taken.without(key)
    return taken


def unsure(tx: Reader, scope: Scope, taken: Taken) -> Park | None:
    """Why nothing more of an order can be told: the store may have units under a label that was voided since,
    and nobody knows yet. Told under another label, they would leave twice."""
    for key, doc in _untold(tx, scope, taken):
        if doc.state in _UNSURE:
            reason = (
                f"the label of package {key} was voided, and nobody knows whether the store was told of it"
            )
            return Park(cause=f"voided:{key}", reason=reason)
    return None


def _untold(tx: Reader, scope: Scope, taken: Taken) -> Iterator[tuple[str, Document]]:
    """Voided packages of an order that the store was not told of, as far as that is known."""
    flow = Flow(scope.connection.id, SHIPMENTS)
    for key in list(taken.units):
        doc = documents.get(tx, flow, key)
        if doc is not None and not doc.accepted and _decode.decode(doc.content).voided:
            yield key, doc


def described(package: Package) -> str:
    """For the person who mends the store."""
    number = ", ".join(package.tracking_numbers) or "none"
    return (
        f"the label of package {package.key}, tracking number {number}, was voided in the warehouse: mend "
        "the store's fulfillment; what leaves under another label is a package of its own"
    )
