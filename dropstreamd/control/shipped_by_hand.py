"""What was done when a person marked an order as shipped, and what remains to be done, in sentences."""

from collections import Counter
from collections.abc import Iterator

from dropstreamd.channels import acknowledged, references, shipments
from dropstreamd.clock import utc
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.store import documents
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Document, Flow, Standing, State
from dropstreamd.store.transitions import may_come_back

TOLD = {
    State.PENDING: "the store is told with the next run of shipments.export",
    State.OPEN: "the store is being told",
    State.ACCEPTED: "the store was told",
    State.DOUBT: "nobody knows whether the store was told",
    State.VOID: "the store was told nothing",
}


def explained(
    tx: Reader, connection: Connection, account: WarehouseAccount, doc: Document, command: str
) -> Iterator[str]:
    """Of an order that was marked as shipped; `command` has VERB in the place of a verb."""
    yield f"marked as shipped by hand: {doc.stay_why}"
    said = _said_package(tx, connection, doc)
    yield _store(doc, said, command)
    if not doc.accepted:
        yield "the warehouse never had it, and does not get it"
        if may_come_back(doc):
            verb = "replace" if said is not None and said.accepted else "release"
            yield f"to send it after all: {command.replace('VERB', verb)}"
        return
    at = utc(doc.handed_s).astimezone(connection.timezone)
    since = f"the warehouse has it as {doc.reference} since {at:%Y-%m-%d %H:%M %Z}"
    yield f"{since}, and {_warehouse(tx, account, doc)}"


def _said_package(tx: Reader, connection: Connection, doc: Document) -> Document | None:
    """The package that is a person's word alone, unless that was taken back (`taken_back.py`)."""
    flow = Flow(connection.id, shipments.CHANNEL)
    package = documents.get(tx, flow, shipments.by_hand_key(doc.reference)) if doc.reference else None
    return package if package is not None and package.digest else None


def _store(doc: Document, package: Document | None, command: str) -> str:
    if doc.left_after_all:
        return "the store is told of what the warehouse has shipped of it after all, since a person says so"
    if package is not None:
        why = f": {package.reason}" if package.reason else ""
        return f"{TOLD.get(package.state, 'the store was not told yet')}{why}"
    if doc.standing is Standing.OVER:
        return "the store was not told by us, and does not wait for it any more"
    return f"the store was not told; to tell it: {command.replace('VERB', 'mark-shipped')} --tell"


def _warehouse(tx: Reader, account: WarehouseAccount, doc: Document) -> str:
    left = in_the_warehouse(tx, account, doc)
    units = ", ".join(f"{count} × {sku}" for sku, count in sorted(left.items()))
    if doc.late:
        return "has shipped it too"
    if not left:
        return "all of it has left there"
    if not sends_it_too(doc):
        return f"does not send it: {units}"
    if doc.stopping == "refused":
        return f"does not stop it: expect it to ship too: {units}"
    asked = "was asked to stop it, and has not answered yet" if doc.stopping else "was not told of this"
    return f"{asked}: unless somebody stops it there, it ships too: {units}"


def sends_it_too(doc: Document) -> bool:
    """Whether the warehouse has an order, and has said nothing from which it does not send it."""
    if not doc.accepted or doc.short:
        return False
    return doc.stopping in ("sent", "refused") or not (doc.stopped or doc.word in ("rejected", "cancelled"))


def in_the_warehouse(tx: Reader, account: WarehouseAccount, doc: Document) -> Counter[str]:
    """Units that were handed over and that no package of the warehouse's own has taken."""
    left = acknowledged.left(tx, account, doc)
    by_hand = references.allocations(tx, account, doc.reference).get(shipments.by_hand_key(doc.reference), ())
    for one in by_hand:
        left[one.sku] += one.quantity
    return left
