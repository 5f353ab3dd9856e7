"""The rules of a connection, applied to an order before it is resolved.

They are asked one after the other, as the file has them, and each sees the order as those before it left
it. `accept`, `reject`, `archive` and `fail` end it, and so does a rule that cannot be evaluated: the order
waits then, it is never dropped. A hold does not: a later rule may still reject the order, and of several
holds the longest counts.

A rule that a person let an order pass (by a release) does not stop it again while the order stays as it is.
After the hand-over holds are over: fields are set and lines rejected as before, except lines that the
warehouse has; what a rule would reject or fail then becomes a task.
"""

import math
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from dropstreamd.clock import utc
from dropstreamd.model.expressions import Failure
from dropstreamd.model.order_facts import field, line_facts, lines_facts, order_facts, with_field
from dropstreamd.model.order_rules import Rule, Setting, Then, Verdict
from dropstreamd.model.orders import Order, OutboundOrder
from dropstreamd.store.handover import Nothing, Park
from dropstreamd.store.records import Document, State
from dropstreamd.store.transitions import BEFORE_RESTORE, RULE

VALUE_LIMIT = 500
"""Characters of a value that an expression may set."""

_decode_sent = msgspec.msgpack.Decoder(OutboundOrder)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A field that a rule set."""

    field: str
    before: str
    after: str


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that applied, and what it did. `error` is why it came to nothing; `passed`: a person let
    the order pass it, so that only its settings count."""

    rule: str
    changes: tuple[Change, ...] = ()
    lines: tuple[str, ...] = ()
    hold_s: float | None = None
    verdict: Verdict | None = None
    reason: str = ""
    error: str = ""
    passed: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The order as the rules leave it, and every rule that fired, in order."""

    order: Order
    fired: tuple[Fired, ...] = ()

    @property
    def end(self) -> Fired | None:
        """The rule that keeps the order from going for good, or cannot be evaluated."""
        last = self.fired[-1] if self.fired else None
        if last is None or last.passed or not (last.error or last.verdict not in (None, "accept")):
            return None
        return last

    @property
    def hold(self) -> Fired | None:
        """The rule that holds it longest."""
        holds = [each for each in self.fired if each.hold_s is not None and not each.passed]
        return max(holds, key=lambda each: each.hold_s or 0.0, default=None)

    @property
    def never_goes(self) -> bool:
        """Whether it will not be sent as things are here."""
        return self.end is not None and self.end.verdict in ("reject", "archive")

    @property
    def note(self) -> str:
        """What its history says of it."""
        return "; ".join(f"rule {each.rule}: {done(each)}" for each in self.fired)


def decide(rules: Sequence[Rule], order: Order, doc: Document | None = None) -> Decision:
    """What the rules make of an order. `doc` is what the ledger knows of it."""
    passed = frozenset(doc.passed) if doc is not None else frozenset[str]()
    handed = _handed(doc) if doc is not None else frozenset[str]()
    fired: list[Fired] = []
    facts = _facts(order) if rules else {}
    for rule in rules:
        applies = rule.when.evaluate(facts)
        if applies is False:
            continue
        if isinstance(applies, Failure):
            one = Fired(rule=rule.name, error=applies.message, passed=rule.name in passed)
        else:
            changed, one = _apply(rule, order, facts, passed=rule.name in passed, handed=handed)
            if changed is not order:
                order, facts = changed, _facts(changed)
        fired.append(one)
        if (one.error or one.verdict is not None) and (not one.passed or one.verdict == "accept"):
            break
    return Decision(order=order, fired=tuple(fired))


def _handed(doc: Document) -> frozenset[str]:
    """The lines that the warehouse has."""
    if not (doc.accepted and doc.sent):
        return frozenset()
    return frozenset(line.order_line for line in _decode_sent.decode(doc.sent).lines)


def _facts(order: Order) -> dict[str, object]:
    return order_facts(order) | lines_facts(order)


def _apply(
    rule: Rule, order: Order, facts: dict[str, object], *, passed: bool, handed: frozenset[str]
) -> tuple[Order, Fired]:
    """The order after a rule that applies; unchanged where part of the rule cannot be evaluated."""
    then = rule.then
    changed = _set(order, facts, then.settings)
    if isinstance(changed, Failure):
        return order, Fired(rule=rule.name, error=changed.message, passed=passed)
    rejected = _rejected(changed, then, handed)
    if isinstance(rejected, Failure):
        return order, Fired(rule=rule.name, error=rejected.message, passed=passed)
    changes = [
        Change(field=each.field, before=field(order, each.field), after=field(changed, each.field))
        for each in then.settings
        if field(order, each.field) != field(changed, each.field)
    ]
    left = [line for line in changed.lines if line.open_quantity and line.key not in rejected]
    none_left = bool(rejected) and not left and not handed
    if none_left and passed:
        rejected = frozenset()
    lines = tuple(line for line in changed.lines if line.key not in rejected)
    gone = tuple(line.sku or line.name for line in changed.lines if line.key in rejected)
    fired = Fired(
        rule=rule.name,
        changes=tuple(changes),
        lines=gone,
        hold_s=then.hold_s,
        verdict=then.verdict,
        reason=then.reason,
        passed=passed,
    )
    if none_left and not passed and then.verdict is None:
        fired = replace(fired, verdict="reject", reason=then.reason or "it rejects every line")
    return replace(changed, lines=lines) if gone else changed, fired


def _set(order: Order, facts: dict[str, object], settings: Sequence[Setting]) -> Order | Failure:
    """All settings of a rule see the order as it was before the first of them."""
    for each in settings:
        value = each.value if isinstance(each.value, str) else each.value.evaluate(facts)
        if isinstance(value, Failure):
            return value
        if len(value) > VALUE_LIMIT or "\0" in value:
            return Failure(
                message=f"{each.field} would have {len(value)} characters, {VALUE_LIMIT} may be set"
            )
        order = with_field(order, each.field, value)
    return order


def _rejected(order: Order, then: Then, handed: frozenset[str]) -> frozenset[str] | Failure:
    if then.reject_line is None:
        return frozenset()
    facts = order_facts(order)
    found = set[str]()
    for line in order.lines:
        answer = then.reject_line.evaluate(facts | line_facts(line))
        if isinstance(answer, Failure):
            return answer
        if answer and line.key not in handed:
            found.add(line.key)
    return frozenset(found)


# ---- what becomes of the order


def stopped(decision: Decision, doc: Document, now_s: float, zone: ZoneInfo) -> Park | Nothing | None:
    """What the rules make of a hand-over; None where it goes on. What may have been handed over before
    a restore is not theirs to stop."""
    if doc.state is State.DOUBT or doc.cause == BEFORE_RESTORE:
        return None
    end, hold = decision.end, decision.hold
    if end is not None and end.error:
        return _park(end, f"rule {end.rule} cannot be evaluated: {end.error}")
    if end is not None and (doc.accepted or end.verdict != "fail"):
        return Nothing(why=f"rule {end.rule}: {done(end)}", cause=f"{RULE}{end.rule}")
    if end is not None:
        return _park(end, end.reason)
    if doc.accepted or hold is None or hold.hold_s is None or doc.first_s + hold.hold_s <= now_s:
        return None
    until = "it is released"
    if hold.hold_s != math.inf:
        until = f"{utc(doc.first_s + hold.hold_s).astimezone(zone):%Y-%m-%d %H:%M %Z}"
    return _park(hold, f"held by rule {hold.rule} until {until}{_because(hold)}")


def _park(fired: Fired, reason: str) -> Park:
    return Park(cause=f"{RULE}{fired.rule}", reason=reason)


def _because(fired: Fired) -> str:
    return f": {fired.reason}" if fired.reason else ""


def done(fired: Fired) -> str:
    """What a rule did, without any value of the order."""
    if fired.error:
        return f"cannot be evaluated: {fired.error}"
    did = [f"sets {', '.join(each.field for each in fired.changes)}"] if fired.changes else []
    did += [f"rejects {', '.join(fired.lines[:5])}{' …' if fired.lines[5:] else ''}"] if fired.lines else []
    did += ["holds"] if fired.hold_s is not None else []
    did += [_VERDICTS[fired.verdict]] if fired.verdict is not None else []
    words = ", ".join(did) or "changes nothing"
    return f"{words}{' (passed)' if fired.passed else ''}{_because(fired)}"


_VERDICTS: dict[Verdict, str] = {
    "accept": "accepts the order",
    "reject": "rejects the order",
    "archive": "archives the order",
    "fail": "fails the order",
}
