"""One order, found by whatever name a person has for it, with every step that it took."""

from functools import partial
from itertools import chain
from typing import NoReturn

import msgspec

from dropstreamd.channels import corrections, orders, references, shipments
from dropstreamd.channels.life import life_of
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.control.desk import Desk
from dropstreamd.control.in_the_way import in_the_way
from dropstreamd.control.looking import task_shown
from dropstreamd.control.messages.look import AttemptShown, OrderShown, PackageShown, Step, TaskShown
from dropstreamd.control.order_explained import explained
from dropstreamd.control.refused import refuse
from dropstreamd.control.return_shown import receipts_of, returns_of
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.store import documents, handover
from dropstreamd.store.base import Reader
from dropstreamd.store.keys import is_part
from dropstreamd.store.records import Document, Flow, State
from dropstreamd.store.tables import Table

PACKAGES_LIMIT = 1_000
"""Packages looked through that are not yet laid to an order, in each state."""

_order = msgspec.msgpack.Decoder(Order)
_outbound = msgspec.msgpack.Decoder(OutboundOrder)
_package = msgspec.msgpack.Decoder(Package)


async def order(desk: Desk, call: Call[Empty, Empty]) -> OrderShown:
    """An order by its key, its reference at the warehouse, or the number that people see."""
    connection = desk.connection(call.path["c"])
    named = call.path["order"]
    if not named or not is_part(named):
        refuse("not found", "there is no order without a name")
    found = await desk.scan(
        partial(_look, connection=connection, account=desk.account_of(connection), named=named)
    )
    if found is None:
        refuse_unknown(connection, named)
    waits = list(in_the_way(desk, connection, orders.CHANNEL)) if found.state == State.PENDING else []
    if any(package.state == State.PENDING for package in found.packages):
        waits += in_the_way(desk, connection, shipments.CHANNEL)
    return msgspec.structs.replace(found, explained=(*found.explained, *waits))


def refuse_unknown(connection: Connection, named: str) -> NoReturn:
    """There is no order that is named so."""
    refuse(
        "not found",
        f"{connection.name} has no order {named[:100]!r}",
        remedy="name its number as the store shows it (one with a # in quotes: '#1001'), its reference at"
        " the warehouse once it was handed over, or the store's id",
    )


def _look(tx: Reader, connection: Connection, account: WarehouseAccount, named: str) -> OrderShown | None:
    flow = Flow(connection.id, orders.CHANNEL)
    key = find(tx, connection, account, flow, named)
    doc = None if key is None else documents.get(tx, flow, key)
    return None if key is None or doc is None else _shown(tx, connection, account, key, doc)


def find(tx: Reader, connection: Connection, account: WarehouseAccount, flow: Flow, named: str) -> str | None:
    """The key of an order by any of its names. One that was ever resolved is found by its reference, one
    that was not is among those that wait; the rest, which came to nothing, are looked through."""
    if documents.get(tx, flow, named) is not None:
        return named
    for reference in (named, references.make(connection, named)):
        link = references.find(tx, account, reference) if reference else None
        doc = documents.get(tx, flow, link.order) if link and link.connection == connection.id else None
        if link is not None and doc is not None and named in (doc.reference, doc.number):
            return link.order
    waiting = (path[-1] for table in (Table.PENDING, Table.PARKED) for path, _ in tx.scan(table, tuple(flow)))
    every = (path[-1] for path, _ in tx.scan(Table.DOCUMENTS, tuple(flow)))
    for key in chain(waiting, every):
        doc = documents.get(tx, flow, key)
        if doc is not None and doc.number == named:
            return key
    return None


def _shown(
    tx: Reader, connection: Connection, account: WarehouseAccount, key: str, doc: Document
) -> OrderShown:
    flow = Flow(connection.id, orders.CHANNEL)
    return OrderShown(
        connection=connection.name,
        key=key,
        number=doc.number,
        reference=doc.reference,
        state=doc.state,
        standing=doc.standing,
        cause=doc.cause,
        reason=doc.reason,
        revision=doc.revision,
        accepted=doc.accepted,
        remote=doc.remote,
        first_s=doc.first_s,
        changed_s=doc.changed_s,
        handed_s=doc.handed_s,
        life=life_of(tx, account, doc),
        explained=explained(tx, connection, account, doc),
        order=_order.decode(doc.content),
        address=corrections.wanted(doc).ship_to if doc.override else None,
        sent=_outbound.decode(doc.sent) if doc.sent else None,
        attempt=_attempt(tx, flow, doc),
        packages=tuple(packages(tx, connection, account, doc.reference)) if doc.reference else (),
        tasks=tuple(_tasks(tx, connection, key, doc.number)),
        history=tuple(Step(at_s=each.at_s, run=each.run, text=each.text) for each in doc.history),
        returns=returns_of(tx, connection, account, key),
        receipts=receipts_of(tx, connection, account, key),
    )


def _attempt(tx: Reader, flow: Flow, doc: Document) -> AttemptShown | None:
    for attempt_id, attempt in handover.attempts(tx, flow) if doc.attempt else ():
        if attempt_id == doc.attempt:
            return AttemptShown(
                id=attempt_id,
                name=attempt.name,
                run=attempt.run,
                opened_s=attempt.opened_s,
                step=attempt.step,
                unsure_s=attempt.unsure_s,
            )
    return None


def packages(
    tx: Reader, connection: Connection, account: WarehouseAccount, reference: str
) -> list[PackageShown]:
    """Every package of the order of that reference that is known."""
    flow = Flow(connection.id, shipments.CHANNEL)
    keys = dict.fromkeys(references.allocations(tx, account, reference))
    for table in (Table.PENDING, Table.PARKED):
        keys.update(dict.fromkeys(path[-1] for path, _ in tx.scan(table, tuple(flow), limit=PACKAGES_LIMIT)))
    found = []
    for key in keys:
        doc = documents.get(tx, flow, key)
        if doc is not None and doc.number == reference:
            found.append(
                PackageShown(
                    key=key,
                    state=doc.state,
                    cause=doc.cause,
                    reason=doc.reason,
                    remote=doc.remote,
                    package=_package.decode(doc.content),
                )
            )
    return found


def _tasks(tx: Reader, connection: Connection, key: str, number: str) -> list[TaskShown]:
    return [
        task_shown(channel, task_key, task)
        for channel, task_key, task in documents.tasks(tx, connection.id)
        if task.number == number or (channel == orders.CHANNEL and task_key == key)
    ]


ROUTES = (
    Route(
        method="GET",
        path="/v1/connections/{c}/orders/{order:path}",
        name="order",
        summary="One order, by its number, its reference or its key",
        handle=order,
        query=Empty,
        body=Empty,
        answer=OrderShown,
    ),
)
