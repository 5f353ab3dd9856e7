"""What waits, grouped by what it waits for."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby, islice

from dropstreamd.channels import acknowledged, intake, inventory, kept_words, orders, receipts, receiving
from dropstreamd.channels.jobs import ALL_FLOWS, all_flows
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import Parked, ParkedExample, ParkedGroup
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.control.running import held_orders
from dropstreamd.store import documents, level_flows, levels
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Flow
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import BEFORE_START

SCAN_LIMIT = 50_000
"""Rows looked at in one channel; what is beyond is not counted, and the last group says so."""

GROUPS_LIMIT = 500
EXAMPLES = 5

_KINDS = {"parked": "parked", "held": "held"}
"""The index's names of what is shown here; what is in doubt is shown elsewhere."""

_BAD = "bad"
"""The index's name of what cannot be decoded: it is grouped by its reason."""


async def parked(desk: Desk, call: Call[Empty, Empty]) -> Parked:
    """Everything of a connection that waits, with what its warehouse account cannot place."""
    connection = desk.connection(call.path["c"])
    account = desk.account_of(connection)
    return await desk.scan(partial(_parked, connection=connection.id, account=account))


def _parked(tx: Reader, connection: str, account: WarehouseAccount) -> Parked:
    path = "/".join((account.merchant, account.name))
    groups = [
        group for channel in all_flows(tx, connection) for group in _groups(tx, Flow(connection, channel), "")
    ]
    groups += [group for channel in ALL_FLOWS for group in _groups(tx, Flow(path, channel), path)]
    groups += _unmatched(tx, account, path)
    groups.sort(key=lambda group: -group.count)
    return Parked(groups=tuple(groups[:GROUPS_LIMIT]), backlog=held_orders(tx, connection, 0.0))


def _groups(tx: Reader, flow: Flow, account: str) -> Iterator[ParkedGroup]:
    """The index is in the order of kind and cause, so that a group is never held whole."""
    seen = 0
    rows = (path[2:5] for path, _ in tx.scan(Table.PARKED, tuple(flow), limit=SCAN_LIMIT))
    for (kind, cause), members in groupby(rows, key=lambda row: row[:2]):
        keys = [row[-1] for row in islice(members, EXAMPLES)]
        count = len(keys) + sum(1 for _ in members)
        seen += count
        if kind == _BAD:
            yield from _undecodable(tx, flow, cause, account)
        backlog = cause == BEFORE_START and flow.channel == orders.CHANNEL
        if kind not in _KINDS or backlog:
            continue
        examples, told = _examples(tx, flow, keys)
        yield ParkedGroup(
            channel=flow.channel,
            kind=_KINDS[kind],
            cause=told or legible(cause),
            count=count,
            more=seen == SCAN_LIMIT,
            examples=tuple(examples),
            account=account,
        )


def legible(part: str) -> str:
    """A part of a key for people: a very long one is kept as a digest that is no text."""
    return part.encode("utf-8", "replace").decode()


def _undecodable(tx: Reader, flow: Flow, cause: str, account: str) -> Iterator[ParkedGroup]:
    """By reason; those of further reasons than `GROUPS_LIMIT` are counted with the last one."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[ParkedExample]] = {}
    reason = ""
    for key, record in islice(documents.bad_records(tx, flow), SCAN_LIMIT):
        if record.reason in counts or len(counts) < GROUPS_LIMIT:
            reason = record.reason
        counts[reason] += 1
        some = examples.setdefault(reason, [])
        if len(some) < EXAMPLES:
            some.append(
                ParkedExample(
                    key=legible(key), number=record.place, reason=record.reason, since_s=record.at_s
                )
            )
    for each, count in counts.items():
        yield ParkedGroup(
            channel=flow.channel,
            kind="undecodable",
            cause=cause,
            count=count,
            more=counts.total() == SCAN_LIMIT,
            examples=tuple(examples[each]),
            account=account,
        )


def _examples(tx: Reader, flow: Flow, keys: Iterable[str]) -> tuple[list[ParkedExample], str]:
    """Some of a group, and its cause in full where they know it."""
    if level_flows.location_of(flow.channel)[0] == inventory.CHANNEL:
        return _refused_levels(tx, flow, keys)
    return _documents(tx, flow, keys)


def _documents(tx: Reader, flow: Flow, keys: Iterable[str]) -> tuple[list[ParkedExample], str]:
    found, cause = [], ""
    for key in keys:
        doc = documents.get(tx, flow, key)
        if doc is not None:
            cause = doc.cause
            found.append(
                ParkedExample(key=legible(key), number=doc.number, reason=doc.reason, since_s=doc.changed_s)
            )
    return found, cause


def _refused_levels(tx: Reader, flow: Flow, skus: Iterable[str]) -> tuple[list[ParkedExample], str]:
    found, cause = [], ""
    for sku in skus:
        record = levels.get(tx, flow, sku)
        if record is not None:
            cause = record.cause
            found.append(
                ParkedExample(
                    key=legible(sku), number=legible(sku), reason=record.reason, since_s=record.at_s
                )
            )
    return found, cause


def _unmatched(tx: Reader, account: WarehouseAccount, path: str) -> Iterator[ParkedGroup]:
    """Packages whose order nobody knows, and receipts of nothing that anybody knows: a group each. The
    warehouse's words for connections that are away: a group for each of those."""
    packages = (
        (each.package.key, each.package.reference, each.since_s) for each in intake.unmatched(tx, account)
    )
    yield from _unknown("shipments", "no order", "no order was sent under this reference", packages, path)
    came = (
        (each.receipt.key, each.receipt.reference or each.receipt.order_reference, each.since_s)
        for each in receiving.unmatched(tx, account)
    )
    reason = "no return, order, stock notice or parcel of ours bears its reference or its tracking number"
    yield from _unknown(receipts.FLOW, "no return", reason, came, path)
    words = islice(kept_words.kept(tx, account, acknowledged.BOOKS), SCAN_LIMIT)
    for connection, of_it in groupby(words, key=lambda each: each[0]):
        cause = f"connection {connection} is away"
        reason = f"{cause}: they are taken once its file is back, and sound"
        said = ((word.key, word.reference or word.name, since_s) for _, word, since_s in of_it)
        yield from _unknown(acknowledged.FLOW, cause, reason, said, path)


def _unknown(
    flow: str, cause: str, reason: str, found: Iterator[tuple[str, str, float]], path: str
) -> Iterator[ParkedGroup]:
    examples = tuple(
        ParkedExample(key=key, number=reference, reason=reason, since_s=since_s)
        for key, reference, since_s in islice(found, EXAMPLES)
    )
    if not examples:
        return
    rest = sum(1 for _ in islice(found, SCAN_LIMIT))
    yield ParkedGroup(
        channel=flow,
        kind="unmatched",
        cause=cause,
        count=len(examples) + rest,
        more=rest == SCAN_LIMIT,
        examples=examples,
        account=path,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/connections/{c}/parked",
        name="parked",
        summary="What waits, by cause",
        handle=parked,
        query=Empty,
        body=Empty,
        answer=Parked,
    ),
)
