"""Further boxes of an order of which the warehouse tells no lines.

The first of them is all that was left of the order. What is in which nobody says: the others have no units of
their own, so that none is counted twice. Their tracking numbers are told with the first one's lines where the
store takes a changed fulfillment; elsewhere a person has to add them.
"""

from collections.abc import Mapping

import msgspec

from dropstreamd.channels import references
from dropstreamd.channels.references import Taken, Told
from dropstreamd.channels.run import Scope
from dropstreamd.model.shipments import Fulfillment, Package
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.handover import Nothing, Park, Then
from dropstreamd.store.records import Document, State, Task
from dropstreamd.store.transitions import mixed, noted

ALL_LEFT = "all of it had left in other packages"

_package = msgspec.msgpack.Decoder(Package)
_told = msgspec.msgpack.Decoder(Fulfillment)


def told_with_the_first(
    tx: Reader,
    scope: Scope,
    book: Book,
    package: Package,
    number: str,
    others: Taken,
    now_s: float,
    then: Then,
) -> Nothing | Park | None:
    """What is done with a package of which nothing is left in its order, of that `number`; None where nothing
    has to be told of it. `then` is written in any case."""
    docs = {key: doc for key in others.units if (doc := documents.get(tx, book.flow, key)) is not None}
    known = {each for doc in docs.values() if doc.sent for each in _told.decode(doc.sent).tracking_numbers}
    new = [each for each in package.tracking_numbers if each not in known]
    if package.lines or not new:
        return None
    key = _first(docs, others)
    if key and docs[key].state is State.VOID:
        return None  # of what it replaces the store is told nothing
    if key and docs[key].state is not State.ACCEPTED:
        reason = f"its tracking number goes with package {key}, of which the store was not told yet"
        return Park(cause=f"box:{key}", reason=reason)
    is_amended = bool(key) and documents.able(tx, book, key).amends

    def also(tx: Writer) -> None:
        then(tx)
        if key:
            told = others.told.get(key, Told())
            told = Told(told.kits, tuple(dict.fromkeys((*told.others, package.key))))
            references.allocate(tx, scope.account, package.reference, key, others.units[key], told)
        if is_amended:
            documents.by_hand(tx, book, key, lambda doc: _longer(doc, package.key, now_s), now_s=now_s)
            documents.drop_task(tx, book.flow, f"{package.key} tracking")
        else:
            task = _task(package, key, ", ".join(new), number, now_s)
            documents.open_task(tx, book.flow, f"{package.key} tracking", task)

    return Nothing(why=f"all of it had left with package {key}" if key else ALL_LEFT, then=also)


def _first(docs: Mapping[str, Document], others: Taken) -> str:
    """The newest package without lines that took units of the order; "" for none."""
    took = {key: _package.decode(doc.content) for key, doc in docs.items() if others.units[key]}
    boxes = [(docs[key].first_s, key) for key, one in took.items() if not (one.lines or one.voided)]
    return max(boxes, default=(0.0, ""))[1]


def _longer(doc: Document, box: str, now_s: float) -> Document:
    """A package of which the store is to be told more tracking numbers."""
    return msgspec.structs.replace(
        noted(doc, now_s, "", f"the tracking number of package {box} belongs to it too"),
        digest=mixed(doc.digest, box.encode()),
        revision=doc.revision + 1,
        changed_s=now_s,
    )


def _task(package: Package, first: str, tracking: str, number: str, now_s: float) -> Task:
    where = f"of package {first}, which has its lines" if first else "that its lines are of"
    return Task(
        kind="tracking",
        number=number,
        title=f"{number}: package {package.key} is one more box of what the store was told of",
        detail=f"tracking number {tracking}: add it to the fulfillment {where}",
        since_s=now_s,
    )
