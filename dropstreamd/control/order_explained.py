"""Why an order stands where it stands, and what comes next: sentences for a person."""

import shlex
from collections.abc import Iterator

from dropstreamd.channels import acknowledged
from dropstreamd.clock import utc
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.control import shipped_by_hand
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Document, Standing, State
from dropstreamd.store.transitions import BY_HAND, may_come_back, sent_back

STOPPING = {
    "sent": "the warehouse was asked to stop it, and has not answered yet",
    "done": "the warehouse has stopped it",
    "refused": "the warehouse does not stop it: expect it to ship",
}


def explained(
    tx: Reader, connection: Connection, account: WarehouseAccount, doc: Document
) -> tuple[str, ...]:
    """From what the store wants to what the warehouse has made of it."""
    command = f"dropstreamctl order VERB {connection.name} {shlex.quote(doc.number)} --why …"
    if doc.stay == "shipped" and doc.state in (State.ACCEPTED, State.VOID):
        return (*shipped_by_hand.explained(tx, connection, account, doc, command), *_corrected(doc))
    steps = (*_by_hand(doc), *_corrected(doc), *_place(doc, command))
    return (*steps, *_at_the_warehouse(tx, connection, account, doc))


def _by_hand(doc: Document) -> Iterator[str]:
    if doc.stay:
        yield f"a person has the last word on it: {BY_HAND[doc.stay].replace('-', ' ')}: {doc.stay_why}"
    if doc.left_after_all:
        yield "it left all the same: the store is told of its packages, since a person says so"


def _corrected(doc: Document) -> Iterator[str]:
    if doc.override:
        yield "its address was put right by hand; a change of it in the store wins over that"
    if doc.resent:
        yield f"it was handed over before, and sent again by hand ({doc.resent} times)"
    if doc.replaces:
        yield f"it replaces what was sent of order {doc.replaces}"
    if doc.purged:
        yield "it was closed long ago: names and addresses are not kept any more"


def _place(doc: Document, command: str) -> Iterator[str]:
    match doc.state:
        case State.PENDING if doc.accepted:
            yield "the warehouse is told of its change with the next run of sales_orders.import"
        case State.PENDING:
            yield "it goes with the next run of sales_orders.import"
        case State.OPEN:
            yield "it is being handed over"
        case State.DOUBT:
            yield f"nobody knows whether it was handed over: {doc.reason}"
        case State.PARKED if sent_back(doc):
            yield f"the warehouse sent it back: {doc.reason}"
            yield f"once that is put right: {command.replace('VERB', 'resend')}"
        case State.PARKED:
            yield f"it waits: {doc.reason}"
            if doc.by_sink:
                yield f"it goes again when it changes in the store, or: {command.replace('VERB', 'release')}"
            else:
                yield "it goes by itself once that is put right"
        case State.HELD:
            yield f"it is held: {doc.reason}"
            if doc.standing is Standing.READY:
                yield f"to let it go: {command.replace('VERB', 'release')}"
        case State.VOID:
            yield "nothing is handed over of it"
            if may_come_back(doc):
                yield f"to send it after all: {command.replace('VERB', 'release')}"


def _at_the_warehouse(
    tx: Reader, connection: Connection, account: WarehouseAccount, doc: Document
) -> Iterator[str]:
    if not doc.accepted:
        return
    at = utc(doc.handed_s).astimezone(connection.timezone)
    yield f"the warehouse has it as {doc.reference} since {at:%Y-%m-%d %H:%M %Z}"
    if doc.word:
        yield f"the warehouse's newest word: {doc.word}"
    if doc.stopping:
        yield STOPPING[doc.stopping]
    left = acknowledged.left(tx, account, doc)
    if left:
        units = ", ".join(f"{count} × {sku}" for sku, count in sorted(left.items()))
        yield f"{'will not leave' if doc.short or doc.stopped else 'still to leave'}: {units}"
    else:
        yield "all of it has left"
