"""Packages of an order that was cancelled: recorded, shown to a person, never told to the store."""

import shlex
from collections import Counter

import msgspec

from dropstreamd.channels import orders, promises, too_late
from dropstreamd.channels.references import Allocation
from dropstreamd.channels.run import Scope
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.store import documents
from dropstreamd.store.base import Writer
from dropstreamd.store.handover import Nothing
from dropstreamd.store.records import Document, State, Task
from dropstreamd.store.transitions import noted, waiting

BEFORE = " before it left"
"""Ends the history of such a package."""


def nothing_to_tell(
    scope: Scope,
    package: Package,
    order: OutboundOrder,
    order_key: str,
    allocation: tuple[Allocation, ...],
    now_s: float,
    *,
    ended: str,
    by_hand: bool,
) -> Nothing:
    """A store takes no fulfillment of an order that `ended`: a person has to intercept the parcel, or
    expect it back. Where it ended `by_hand` the order is open in the store: a person may let it be told."""
    lines = ", ".join(f"{line.quantity} × {line.sku}" for line in package.lines) or "all of it"
    tracking = ", ".join(package.tracking_numbers) or "none"
    rest = "intercept it, or expect it back"
    if by_hand:
        named = shlex.quote(order.number)
        tell = f"dropstreamctl order mark-shipped {scope.connection.name} {named} --tell --why …"
        rest = f"{rest}; to tell the store that it has left: {tell}"
    task = Task(
        kind="late",
        number=order.number,
        title=f"{order.number} {ended}, and the warehouse has shipped it",
        detail=f"package {package.key}: {lines}; tracking number {tracking}: {rest}",
        since_s=now_s,
    )

    def then(tx: Writer) -> None:
        account, connection = scope.account, scope.connection.id
        free = promises.unpromised(tx, account, connection, order_key, _units(package, allocation))
        promises.shipped(
            tx, account, connection, order_key, order, package, allocation, spare=free, now_s=now_s
        )
        book = orders.book(scope)
        doc = documents.get(tx, book.flow, order_key)
        if doc is not None and not doc.late:
            documents.save(tx, book, order_key, msgspec.structs.replace(doc, late=True), doc)
        documents.open_task(tx, book.flow, task_key(order_key, package.key), task)
        too_late.renew(tx, scope, book, order_key, now_s=now_s)

    return Nothing(why=f"its order {ended}{BEFORE}", then=then)


def _units(package: Package, allocation: tuple[Allocation, ...]) -> Counter[str]:
    """By the warehouse's SKU; one that names none is all of its order."""
    units: Counter[str] = Counter()
    for line in package.lines or allocation:
        units[line.sku] += line.quantity
    return units


def task_key(order_key: str, package: str) -> str:
    """Of the task that such a package is."""
    return f"{order_key} late {package}"


def is_untold(doc: Document) -> bool:
    """Whether the store was told nothing of a package for that."""
    return doc.state is State.VOID and doc.history[-1].text.endswith(BEFORE)


def told_after_all(doc: Document, now_s: float, why: str) -> Document:
    """Such a package, of which the store is told: a person says so."""
    return waiting(noted(doc, now_s, "", f"to be told to the store after all: {why}"))
