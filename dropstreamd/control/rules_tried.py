"""What rules would make of orders that are here; nothing is changed."""

import heapq
import math
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
import trio

from dropstreamd.channels import orders, rules
from dropstreamd.channels.rules import Decision, Fired
from dropstreamd.config.rules import rules_of_text
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.rules import (
    ChangeShown,
    FiredShown,
    OrderTried,
    Outcome,
    RulesTried,
    TryRules,
)
from dropstreamd.control.order_shown import find
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.model.order_rules import Rule
from dropstreamd.model.orders import Order
from dropstreamd.store import documents
from dropstreamd.store.base import Reader
from dropstreamd.store.keys import is_part
from dropstreamd.store.records import Document, Flow, Standing, State, Stay
from dropstreamd.store.tables import Table

NEWEST = 50
NAMED_LIMIT = 200

_order = msgspec.msgpack.Decoder(Order)
_document = msgspec.msgpack.Decoder(Document)


async def try_rules(desk: Desk, call: Call[Empty, TryRules]) -> RulesTried:
    """Try rules on stored orders: those named, or the newest."""
    connection = desk.connection(call.path["c"])
    asked = call.body
    if len(asked.orders) > NAMED_LIMIT or not all(each and is_part(each) for each in asked.orders):
        refuse("bad request", f"name at most {NAMED_LIMIT} orders, each by a text without NUL")
    tried = connection.rules
    if asked.text is not None:
        tried = await trio.to_thread.run_sync(rules_of_text, asked.text, asked.file)
    account = desk.account_of(connection)
    look = partial(_look, connection=connection, account=account, named=asked.orders, tried=tried)
    found, missing = await desk.scan(look)
    if missing:
        refuse("not found", f"{connection.name} has no order {missing[0][:100]!r}")
    return RulesTried(rules=tuple(rule.name for rule in tried), orders=tuple(found))


def _look(
    tx: Reader,
    connection: Connection,
    account: WarehouseAccount,
    named: Sequence[str],
    tried: Sequence[Rule],
) -> tuple[list[OrderTried], list[str]]:
    flow = Flow(connection.id, orders.CHANNEL)
    keys = {name: find(tx, connection, account, flow, name) for name in named}
    docs = [(key, documents.get(tx, flow, key)) for key in keys.values() if key is not None]
    picked = [(doc, key) for key, doc in docs if doc is not None] if named else _newest(tx, flow)
    return [_tried(key, doc, tried) for doc, key in picked], [each for each in keys if keys[each] is None]


def _newest(tx: Reader, flow: Flow) -> list[tuple[Document, str]]:
    every = ((_document.decode(raw), path[-1]) for path, raw in tx.scan(Table.DOCUMENTS, tuple(flow)))
    return heapq.nlargest(NEWEST, every, key=lambda each: (each[0].first_s, each[1]))


def _tried(key: str, doc: Document, tried: Sequence[Rule]) -> OrderTried:
    decision = rules.decide(tried, _order.decode(doc.content))
    outcome, reason, until_s = _outcome(decision, doc.first_s)
    stays = _stays(doc)
    return OrderTried(
        key=key,
        number=doc.number,
        state=doc.state,
        stays=stays,
        outcome="stays" if stays and outcome == "goes" else outcome,
        reason=reason,
        until_s=until_s,
        fired=tuple(_fired(each) for each in decision.fired),
    )


_BY_HAND: Mapping[Stay, str] = {
    "held": "held by hand",
    "withdrawn": "cancelled by hand",
    "shipped": "marked as shipped by hand",
}


def _stays(doc: Document) -> str:
    """What keeps the order where it is, whatever rules say; a person's word bears who it was, and why."""
    if doc.stay:
        return f"{_BY_HAND[doc.stay]}: {doc.stay_why}"
    if doc.standing is Standing.OVER:
        return "over in the store"
    if doc.standing is Standing.HELD:
        return f"held by the store: {doc.reason}" if doc.reason else "held by the store"
    return f"held: {doc.reason}" if doc.state is State.HELD else ""


def _outcome(decision: Decision, first_s: float) -> tuple[Outcome, str, float]:
    end, hold = decision.end, decision.hold
    if end is not None and end.verdict == "reject":
        return "rejected", end.reason, 0.0
    if end is not None and end.verdict == "archive":
        return "archived", end.reason, 0.0
    if end is not None:
        return "waits", end.error or end.reason, 0.0
    if hold is not None and hold.hold_s is not None:
        return "held", hold.reason, 0.0 if hold.hold_s == math.inf else first_s + hold.hold_s
    return "goes", "", 0.0


def _fired(fired: Fired) -> FiredShown:
    return FiredShown(
        rule=fired.rule,
        did=rules.done(fired),
        changes=tuple(
            ChangeShown(field=each.field, before=each.before, after=each.after) for each in fired.changes
        ),
        lines=fired.lines,
        error=fired.error,
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/rules/try",
        name="try_rules",
        summary="What rules would make of orders that are here",
        handle=try_rules,
        query=Empty,
        body=TryRules,
        answer=RulesTried,
    ),
)
