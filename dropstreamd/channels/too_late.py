"""Orders that a person is to stop at the warehouse: once all of one has left, its tasks say so.

They stay a person's, under a new revision: who read the old one may have told the warehouse, and has not read
that it was in vain.
"""

import msgspec

from dropstreamd.channels import corrections, references
from dropstreamd.channels.run import Scope
from dropstreamd.clock import utc
from dropstreamd.model.shipments import Package
from dropstreamd.store import documents
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Document, Flow, State
from dropstreamd.store.transitions import noted

SHIPMENTS = "shipments"

_package = msgspec.msgpack.Decoder(Package)


def describe(scope: Scope, tx: Reader, doc: Document) -> str:
    """What to do about an order that was to be stopped, now that all of it has left, or that the warehouse
    has closed it short; "" for any other."""
    said = _to_be_stopped(doc)
    if said is None:
        return ""
    why, remedy = said
    packages = _packages(scope, tx, doc)
    if doc.short:
        has_left = f"what has left ({packages}): {remedy}" if packages else "no package of it is known"
        return f"{why}, and the warehouse has closed it before: nothing more of it leaves; {has_left}"
    return f"{why}, too late to stop it: all of it has left ({packages}): {remedy}"


def _to_be_stopped(doc: Document) -> tuple[str, str] | None:
    """Why it was to be stopped, and what remains to be done once it has left."""
    order = corrections.wanted(doc)
    if order.status == "cancelled":
        return "cancelled in the store", "intercept it, or arrange its return and the refund"
    if doc.stay == "withdrawn":
        return "cancelled by hand", "intercept it, or expect it back"
    if order.cancel_requested:
        return "the buyer asks for it to be cancelled", "decline in the store, or arrange its return"
    return None


def _packages(scope: Scope, tx: Reader, doc: Document) -> str:
    told = []
    for key, units in references.allocations(tx, scope.account, doc.reference).items():
        found = documents.get(tx, Flow(scope.connection.id, SHIPMENTS), key) if units else None
        if found is not None:
            at = _package.decode(found.content).shipped_at or utc(found.first_s)
            told.append(f"package {key} on {at.astimezone(scope.connection.timezone):%Y-%m-%d}")
    return ", ".join(told)


def renew(tx: Writer, scope: Scope, book: Book, key: str, *, now_s: float) -> None:
    """What has left of an order is known anew: have its tasks to stop it say what is true now."""
    not_stopped = f"{key} not-stopped"
    task, other = (documents.get_task(tx, book.flow, each) for each in (key, not_stopped))
    doc = documents.get(tx, book.flow, key) if task or other else None
    if doc is None or not doc.accepted or _to_be_stopped(doc) is None:
        return
    settled = doc.state is State.ACCEPTED
    if task is not None and settled and not task.detail.startswith(book.described(tx, doc)):
        renewed = noted(doc, now_s, "", "what its task says has changed")
        renewed = msgspec.structs.replace(renewed, revision=doc.revision + 1)
        documents.save(tx, book, key, renewed, doc)
        documents.task_of_change(tx, book, key, renewed, now_s)
    detail = describe(scope, tx, doc) if book.ended(tx, doc) else ""
    if other is not None and other.revision and not detail:
        detail = "what was said to have left has not: expect it to ship, or call the warehouse"
    if other is not None and detail not in ("", other.detail):
        revision = other.revision + 1
        other = msgspec.structs.replace(other, detail=detail, since_s=now_s, revision=revision)
        documents.open_task(tx, book.flow, not_stopped, other)
