"""How much of an order a store may still be told to have come back: never more than was sent of it.

What comes back is counted against what a receipt names: the order, one of its replacements, or one of its
returns. The same unit may be booked in twice under two of these names, by the order's number when it came and
for the return that the merchant made of it afterwards. The store may restock, and pay back, all it is told.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from dropstreamd.channels import elsewhere, references, replacing, traces
from dropstreamd.channels.expanding import handed
from dropstreamd.channels.return_lines import Expected
from dropstreamd.channels.run import Scope
from dropstreamd.channels.traces import Brought, Trace
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.model.returns import ReturnReceipt
from dropstreamd.store import documents
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Document, Flow, State

ORDERS = "sales_orders"
RECEIPTS = "receipts"

_TOLD_OR_MAY_BE = (State.PENDING, State.OPEN, State.ACCEPTED, State.DOUBT)

_order = msgspec.msgpack.Decoder(Order)
_sent = msgspec.msgpack.Decoder(OutboundOrder)
_told = msgspec.msgpack.Decoder(ReturnReceipt)


class Returnable(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an order by the store's lines: what was `sold`, what is known to have `left`, and what the
    store was `told` to have come back under other names, `told_by` which receipts. `all_known`: no package is
    to come any more. Where none is known at all, none may ever be told: then all that was sold has left."""

    number: str
    sold: Counter[str]
    left: Counter[str]
    told: Counter[str]
    told_by: Mapping[str, str]
    all_known: bool

    def of_what_was_sold(self, expected: tuple[Expected, ...], others: Brought) -> tuple[Expected, ...]:
        """`expected`, less what came back under other names already. `others` are the other receipts that
        are counted against the same."""
        return _limited(expected, others, {line: self.sold[line] - self.told[line] for line in self.sold})

    def of_what_has_left(self, expected: tuple[Expected, ...], others: Brought) -> tuple[Expected, ...]:
        """The same, of what is known to have left."""
        return _limited(expected, others, {line: self.left[line] - self.told[line] for line in self.sold})

    def said(
        self, before: tuple[Expected, ...], after: tuple[Expected, ...], spare: Mapping[str, int]
    ) -> str:
        """Why units are to `spare`: the lines of which less may come back `after` all; "" for none."""
        both = zip(before, after, strict=True)
        short = [old for old, new in both if new.quantity < old.quantity and old.sku in spare]
        lines = "; ".join(dict.fromkeys(self._said_of(line.order_line) for line in short))
        return f"order {self.number}, {lines}" if short else ""

    def _said_of(self, line: str) -> str:
        by = self.told_by.get(line)
        back = f", {self.told[line]} came back before ({by})" if by else ""
        return f"line {line}: {self.left[line]} left{back}"


def find(tx: Reader, scope: Scope, order_key: str, counted: Trace, key: str) -> Returnable | None:
    """Of the order of the receipt `key`, which is counted against `counted`; None where the order never went
    through us."""
    if not documents.may_be_key(order_key):
        return None
    doc = documents.get(tx, Flow(scope.connection.id, ORDERS), order_key)
    if doc is None or not doc.sent:
        return None
    sent, told_by = _sent.decode(doc.sent), dict[str, str]()
    wanted = {line.key: line for line in _order.decode(doc.content).lines}
    in_packages = elsewhere.told_in_packages(tx, scope, doc, order_key, sent)
    sold, left, told = Counter[str](), Counter[str](), Counter[str]()
    for line, part in {each.order_line: each for each in sent.lines}.items():
        now = wanted.get(line)
        before = max(0, part.ordered - handed(part))
        sold[line] = max(part.ordered, handed(part), now.quantity if now else 0)
        left[line] = min(sold[line], max(before + in_packages[line], now.fulfilled if now else 0))
    for other, receipt in _told_under_other_names(tx, scope, order_key, counted):
        for each in receipt.lines if other != key else ():
            told[each.order_line] += each.quantity
            told_by[each.order_line] = ", ".join(filter(None, (told_by.get(each.order_line), other)))
    ended = doc.short or doc.stopped or not +(sold - left)
    packages = references.allocations(tx, scope.account, doc.reference).values()
    if not ended and (doc.stay == "shipped" or not any(packages)):
        left, ended = sold, True
    return Returnable(number=doc.number, sold=sold, left=left, told=told, told_by=told_by, all_known=ended)


def _told_under_other_names(
    tx: Reader, scope: Scope, order_key: str, counted: Trace
) -> Iterator[tuple[str, ReturnReceipt]]:
    """The receipts, and what the store was or may be told with each."""
    here = traces.brought(tx, scope.account, counted).units
    keys = dict.fromkeys(
        key
        for name in _names(tx, scope, order_key)
        for key in traces.brought(tx, scope.account, name).units
        if key not in here
    )
    for key in keys:
        doc = documents.get(tx, Flow(scope.connection.id, RECEIPTS), key)
        if doc is not None and _is_told(doc):
            yield key, _told.decode(doc.sent)


def _is_told(doc: Document) -> bool:
    return bool(doc.sent) and (doc.accepted > 0 or doc.state in _TOLD_OR_MAY_BE)


def _names(tx: Reader, scope: Scope, order_key: str) -> Iterator[Trace]:
    """All that a receipt of an order may be counted against."""
    own = scope.connection.id
    yield Trace(own, order_key)
    for number, _ in enumerate(replacing.replacements(tx, scope, order_key), start=1):
        yield Trace(own, replacing.key_of(order_key, number))
    for ret in traces.returns_of(tx, scope.account, own, order_key):
        yield Trace(own, ret=ret)


def _limited(
    expected: tuple[Expected, ...], others: Brought, room: Mapping[str, int]
) -> tuple[Expected, ...]:
    """At most the `room` of each of the store's lines; what others brought of a line has its place first. One
    of no known line is as it was."""
    rest = Counter(room)
    counts: dict[str, int] = {}
    wanted = {_of(line): line for line in expected if line.order_line in room}
    had = {name: min(_units(line), _had(line, others)) for name, line in wanted.items()}
    for name, line in wanted.items():
        counts[name] = had[name]
        rest[line.order_line] -= had[name]
    for name, line in wanted.items():
        more = max(0, min(_units(line) - had[name], rest[line.order_line]))
        counts[name] += more
        rest[line.order_line] -= more
    return tuple(_least(line, counts.get(_of(line))) for line in expected)


def _of(line: Expected) -> str:
    """What is limited as one: the components of a line that sold kits, else the line alone."""
    return f"kits {line.sold_by}" if line.kit else f"line {line.number}"


def _units(line: Expected) -> int:
    """The store's units: kits, where it is a part of one."""
    return line.quantity // (line.units_per_kit or 1)


def _had(line: Expected, others: Brought) -> int:
    if line.kit:
        return sum(kits.get(line.sold_by, 0) for kits in others.kits.values())
    return sum(one.quantity for came in others.units.values() for one in came if one.line == line.number)


def _least(line: Expected, count: int | None) -> Expected:
    if count is None or count >= _units(line):
        return line
    return msgspec.structs.replace(line, quantity=count * (line.units_per_kit or 1))
