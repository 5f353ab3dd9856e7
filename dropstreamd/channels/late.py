"""Packages of an order that was cancelled: recorded, shown to a person, never told to the store."""

import msgspec

from dropstreamd.channels import orders, promises, references
from dropstreamd.channels.references import Allocation
from dropstreamd.channels.run import Scope
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.store import documents
from dropstreamd.store.base import Writer
from dropstreamd.store.handover import Nothing
from dropstreamd.store.records import Task


def nothing_to_tell(
    scope: Scope,
    package: Package,
    order: OutboundOrder,
    order_key: str,
    allocation: tuple[Allocation, ...],
    now_s: float,
    *,
    ended: str,
) -> Nothing:
    """A store takes no fulfillment of an order that `ended`: a person has to intercept the parcel, or
    expect it back."""
    lines = ", ".join(f"{line.quantity} × {line.sku}" for line in package.lines) or "all of it"
    tracking = ", ".join(package.tracking_numbers) or "none"
    task = Task(
        kind="late",
        number=order.number,
        title=f"{order.number} {ended}, and the warehouse has shipped it",
        detail=f"package {package.key}: {lines}; tracking number {tracking}: intercept it, or expect it back",
        since_s=now_s,
    )

    def then(tx: Writer) -> None:
        references.allocate(tx, scope.account, order.reference, package.key, allocation)
        promises.shipped(
            tx, scope.account, scope.connection.id, order_key, order, now_s=now_s, facility=package.facility
        )
        book = orders.book(scope)
        doc = documents.get(tx, book.flow, order_key)
        if doc is not None and not doc.late:
            documents.save(tx, book, order_key, msgspec.structs.replace(doc, late=True), doc)
        documents.open_task(tx, book.flow, f"{order_key} late {package.key}", task)

    return Nothing(why=f"its order {ended} before it left", then=then)
