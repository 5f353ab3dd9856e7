"""Reads `[[rules]]` of a connection's file, and compiles them."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from dropstreamd.config.files import ConfFolder
from dropstreamd.config.place import Parser, Place, Table, mapping, meant, shown
from dropstreamd.config.values import duration, text
from dropstreamd.errors import ConfigError, Problem
from dropstreamd.model.expressions import Expression, ExpressionProblem, Failure, Language
from dropstreamd.model.money import Money
from dropstreamd.model.order_facts import (
    LINE_KINDS,
    OVER_LINE,
    OVER_ORDER,
    SETTABLE,
    line_facts,
    lines_facts,
    order_facts,
)
from dropstreamd.model.order_rules import Rule, Setting, Then, Verdict
from dropstreamd.model.orders import Address, Order, OrderLine

R = TypeVar("R", bound=bool | str)

MAX_RULES = 50
MAX_HOLD = timedelta(days=90)
NAME_LENGTH = 40

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_NAME_ALLOWED = "a name of lower-case letters, digits, - and _, at most 40"
_UNTIL_RELEASED = "until released"
_HOLD_ALLOWED = f'a duration such as "2h", or true or "{_UNTIL_RELEASED}"'

_PRICE = Money(amount=Decimal(7), currency="USD")
_SAMPLE = Order(
    key="7",
    number="1007",
    status="open",
    placed_at=datetime(2026, 1, 2, tzinfo=UTC),
    updated_at=datetime(2026, 1, 2, tzinfo=UTC),
    ship_to=Address(name="A. Buyer", line1="1 Main St", city="Springfield", country="US"),
    lines=tuple(
        OrderLine(key=key, sku=key, quantity=2, name=key, weight_g=7, unit_price=_PRICE)
        for key in ("L1", "L2")
    ),
    ship_method="Standard",
    total=Money(amount=Decimal(28), currency="USD"),
    ship_by=datetime(2026, 1, 5, tzinfo=UTC),
    deliver_by=datetime(2026, 1, 9, tzinfo=UTC),
)
"""What every rule is tried on before it is believed: an order that has all there is."""


def read_rules(value: object, place: Place) -> tuple[Rule, ...] | None:
    """The rules in their order; None after every problem of each was reported."""
    if not isinstance(value, list) or len(value) > MAX_RULES:
        found = shown(value)
        place.wrong(found=found, allowed=f"at most {MAX_RULES} tables, each under its own [[rules]]")
        return None
    reader = _Reader()
    read = [reader.rule(item, index, place.item(index)) for index, item in enumerate(value)]
    rules = tuple(rule for rule in read if rule is not None)
    names: set[str] = set()
    for index, rule in enumerate(read):
        if rule is not None and rule.name in names:
            found = f"a second rule {shown(rule.name)}"
            place.item(index).at("name").wrong(found=found, allowed="a name of its own")
        elif rule is not None:
            names.add(rule.name)
    return rules if len(names) == len(read) else None


class _Reader:
    """Compiles what the rules of one connection say."""

    def __init__(self) -> None:
        self._order = Language(OVER_ORDER, frozenset(LINE_KINDS))
        self._line = Language(OVER_LINE)
        self._of_order = order_facts(_SAMPLE) | lines_facts(_SAMPLE)
        self._of_line = order_facts(_SAMPLE) | line_facts(_SAMPLE.lines[0])

    def rule(self, value: object, index: int, place: Place) -> Rule | None:
        data = mapping(value, place)
        if data is None:
            return None
        table = Table(data, place)
        problems = len(place.problems)
        when = table.need("when", self._parser(self._order, bool), "an expression over order, in quotes")
        then = table.need("then", self._then, "a table of what to do, such as { hold = true }")
        name = table.maybe("name", text(_NAME_ALLOWED, pattern=_NAME))
        table.close()
        if when is None or then is None or len(place.problems) > problems:
            return None
        return Rule(name=name or _name_of(then.reason) or f"rule-{index + 1}", when=when, then=then)

    def _then(self, value: object, place: Place) -> Then | None:
        data = mapping(value, place)
        if data is None:
            return None
        table = Table(data, place)
        problems = len(place.problems)
        settings = table.maybe("set", self._settings) or ()
        reject_line = table.maybe("reject_line", self._parser(self._line, bool))
        hold_s = table.maybe("hold", _hold)
        fail = table.maybe("fail", text("the message that the order waits with"))
        verdicts: list[Verdict] = ["fail"] if table.holds("fail") else []
        verdicts += [each for each in _SWITCHES if table.maybe(each, _true)]
        reason = table.get("reason", text("what people are told"), "")
        table.close()
        if len(place.problems) > problems:
            return None
        ends = [*verdicts, *(["hold"] if hold_s is not None else [])]
        if len(ends) > 1:
            place.wrong(found=" and ".join(ends), allowed="one of hold, accept, reject, archive, fail")
        elif not ends and not settings and reject_line is None:
            allowed = "something to do: set, reject_line, hold, accept, reject, archive or fail"
            place.wrong(found="nothing that it does", allowed=allowed)
        elif fail is not None and reason:
            place.at("reason").wrong(found="fail and reason", allowed="the message in fail alone")
        else:
            return Then(
                settings=settings,
                reject_line=reject_line,
                hold_s=hold_s,
                verdict=verdicts[0] if verdicts else None,
                reason=fail or reason,
            )
        return None

    def _settings(self, value: object, place: Place) -> tuple[Setting, ...] | None:
        data = mapping(value, place)
        if data is None:
            return None
        read = [self._setting(name, each, at) for name, each, at in _flat(data, place)]
        settings = tuple(each for each in read if each is not None)
        return settings if len(settings) == len(read) else None

    def _setting(self, name: str, value: object, place: Place) -> Setting | None:
        if name not in SETTABLE:
            allowed = f"one of {', '.join(SETTABLE)}"
            place.wrong(found="a field that rules do not set", allowed=allowed, hint=meant(name, SETTABLE))
            return None
        if isinstance(value, str):
            return Setting(field=name, value=value) if _fits(value, place) else None
        if not isinstance(value, dict) or set(value) != {"cel"}:
            place.wrong(found=shown(value), allowed='a text, or { cel = "an expression over order" }')
            return None
        made = self._parser(self._order, str)(value["cel"], place.at("cel"))
        return None if made is None else Setting(field=name, value=made)

    def _parser(self, language: Language, result: type[R]) -> Parser[Expression[R]]:
        def parse(value: object, place: Place) -> Expression[R] | None:
            if not isinstance(value, str):
                place.wrong(found=shown(value), allowed="an expression in CEL, in quotes")
                return None
            try:
                made = language.compile(value, result)
            except ExpressionProblem as problem:
                place.wrong(found=problem.found, allowed=problem.allowed, hint=problem.hint)
                return None
            tried = made.evaluate(self._of_line if language is self._line else self._of_order)
            if isinstance(tried, Failure) and tried.mistaken:
                place.wrong(found=tried.message, allowed="an expression that a sample order has values for")
                return None
            return made

        return parse


_SWITCHES: Sequence[Verdict] = ("accept", "reject", "archive")


def _true(value: object, place: Place) -> bool | None:
    if value is True:
        return True
    place.wrong(found=shown(value), allowed="true, or no such key")
    return None


def _hold(value: object, place: Place) -> float | None:
    if value is True or value == _UNTIL_RELEASED:
        return math.inf
    if not isinstance(value, str):
        place.wrong(found=shown(value), allowed=_HOLD_ALLOWED)
        return None
    return duration(timedelta(minutes=1), MAX_HOLD)(value, place)


def _flat(data: Mapping[str, object], place: Place) -> list[tuple[str, object, Place]]:
    """Fields by their dotted names: TOML makes tables of keys that are dotted without quotes."""
    found: list[tuple[str, object, Place]] = []
    for name, value in data.items():
        if name == "ship_to" and isinstance(value, dict) and "cel" not in value:
            below = place.at(name)
            found += [(f"{name}.{part}", each, below.at(part)) for part, each in value.items()]
        else:
            found.append((name, value, place.at(name)))
    return found


def _fits(value: str, place: Place) -> bool:
    """Whether a text may be set: it may be empty, which removes what is there."""
    return not value or text("text")(value, place) is not None


def _name_of(reason: str) -> str:
    """A name that stays with a rule wherever it stands in the file."""
    return re.sub(r"[^a-z0-9]+", "-", reason.lower()).strip("-")[:NAME_LENGTH].rstrip("-")


def rules_of_text(content: str, file: str) -> tuple[Rule, ...]:
    """The `[[rules]]` of a TOML file that is not saved yet; other keys of it are not looked at. Raises
    ConfigError with every problem."""
    problems = list[Problem]()
    place = Place(file, problems)
    data = ConfFolder(Path(), {file: content.encode()}).toml(file, place)
    rules = None
    if data is not None:
        rules = Table(data, place).need("rules", read_rules, "tables, each under its own [[rules]]")
    if problems or rules is None:
        raise ConfigError(problems)
    return rules
