"""A return, as far as store and warehouse know of it; and what came back of an order."""

from collections.abc import Iterable, Iterator
from functools import partial

import msgspec

from dropstreamd.channels import receipts, returns, traces
from dropstreamd.channels.traces import Trace
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.returned import ReceiptShown, ReturnShown, ReturnStep
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.model.returns import OutboundReturn, Receipt, Return, ReturnReceipt
from dropstreamd.store import documents
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Document, Flow
from dropstreamd.store.tables import Table

RETURNS_LIMIT = 20
"""Returns of one order that are shown."""

WAITING_LIMIT = 500
"""Documents that wait and are looked through."""

_return = msgspec.msgpack.Decoder(Return)
_outbound = msgspec.msgpack.Decoder(OutboundReturn)
_receipt = msgspec.msgpack.Decoder(Receipt)
_told = msgspec.msgpack.Decoder(ReturnReceipt)


async def one_return(desk: Desk, call: Call[Empty, Empty]) -> ReturnShown:
    """A return by its key, its reference at the warehouse, or the number that people see."""
    connection = desk.connection(call.path["c"])
    named = desk.key(call.path["ret"])
    look = partial(_look, connection=connection, account=desk.account_of(connection), named=named)
    found = await desk.scan(look)
    if found is None:
        refuse("not found", f"{connection.name} has no return {named[:100]!r}")
    return found


def _look(tx: Reader, *, connection: Connection, account: WarehouseAccount, named: str) -> ReturnShown | None:
    flow = Flow(connection.id, returns.CHANNEL)
    link = traces.find_return(tx, account, named)
    keys = [named] if link is None or link.connection != connection.id else [named, link.order]
    for key in keys:
        doc = documents.get(tx, flow, key)
        if doc is not None:
            return _shown(tx, connection, account, key, doc)
    for path, _ in tx.scan(Table.DOCUMENTS, tuple(flow)):
        doc = documents.get(tx, flow, path[-1])
        if doc is not None and doc.number == named:
            return _shown(tx, connection, account, path[-1], doc)
    return None


def returns_of(
    tx: Reader, connection: Connection, account: WarehouseAccount, order: str
) -> tuple[ReturnShown, ...]:
    """The returns of an order that were handed over, or wait."""
    flow = Flow(connection.id, returns.CHANNEL)
    keys = dict.fromkeys(traces.returns_of(tx, account, connection.id, order))
    for key in _waiting(tx, flow):
        doc = documents.get(tx, flow, key)
        if doc is not None and _return.decode(doc.content).order_key == order:
            keys[key] = None
    found = ((key, documents.get(tx, flow, key)) for key in list(keys)[:RETURNS_LIMIT])
    return tuple(_shown(tx, connection, account, key, doc) for key, doc in found if doc is not None)


def receipts_of(
    tx: Reader, connection: Connection, account: WarehouseAccount, order: str
) -> tuple[ReceiptShown, ...]:
    """What came back of an order without a return."""
    came = traces.brought(tx, account, Trace(connection.id, order)).units
    return tuple(_receipts(tx, Flow(connection.id, receipts.FLOW), came))


def _waiting(tx: Reader, flow: Flow) -> Iterator[str]:
    for table in (Table.PENDING, Table.PARKED):
        for path, _ in tx.scan(table, tuple(flow), limit=WAITING_LIMIT):
            yield path[-1]


def _shown(
    tx: Reader, connection: Connection, account: WarehouseAccount, key: str, doc: Document
) -> ReturnShown:
    flow = Flow(connection.id, receipts.FLOW)
    keys = dict.fromkeys(traces.brought(tx, account, Trace(connection.id, ret=key)).units)
    for waiting in _waiting(tx, flow):
        receipt = documents.get(tx, flow, waiting)
        if receipt is not None and doc.reference and receipt.number == doc.reference:
            keys[waiting] = None
    return ReturnShown(
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
        handed_s=doc.handed_s,
        asked=_return.decode(doc.content),
        sent=_outbound.decode(doc.sent) if doc.sent else None,
        receipts=tuple(_receipts(tx, flow, keys)),
        history=tuple(ReturnStep(at_s=each.at_s, run=each.run, text=each.text) for each in doc.history),
    )


def _receipts(tx: Reader, flow: Flow, keys: Iterable[str]) -> Iterator[ReceiptShown]:
    for key in keys:
        doc = documents.get(tx, flow, key)
        if doc is not None:
            yield ReceiptShown(
                key=key,
                state=doc.state,
                cause=doc.cause,
                reason=doc.reason,
                receipt=_receipt.decode(doc.content),
                told=_told.decode(doc.sent) if doc.sent else None,
            )


ROUTES = (
    Route(
        method="GET",
        path="/v1/connections/{c}/returns/{ret:path}",
        name="one_return",
        summary="One return, by its number, its reference or its key",
        handle=one_return,
        query=Empty,
        body=Empty,
        answer=ReturnShown,
    ),
)
