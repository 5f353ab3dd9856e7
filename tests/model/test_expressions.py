"""Expressions over orders: what they come to, what is refused, and what a hostile one may cost."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from dropstreamd.model.expressions import MAX_TEXT, Expression, ExpressionProblem, Failure, Language
from dropstreamd.model.money import Money
from dropstreamd.model.order_facts import (
    LINE_KINDS,
    OVER_LINE,
    OVER_ORDER,
    SETTABLE,
    field,
    line_facts,
    lines_facts,
    order_facts,
    with_field,
)
from dropstreamd.model.orders import Address, Order, OrderLine


def usd(text: str) -> Money:
    return Money(amount=Decimal(text), currency="USD")


def order(total: str | None = "500.01", **changed: object) -> Order:
    plain = Order(
        key="o1",
        number="1001",
        status="open",
        placed_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        updated_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        ship_to=Address(name="A. Buyer", line1="P.O. Box 7", city="Berlin", country="DE"),
        lines=(
            OrderLine(key="L1", sku="TEE", quantity=3, fulfilled=1, unit_price=usd("19.99")),
            OrderLine(key="L2", sku="GIFT-50", quantity=1, name="Gift card"),
            OrderLine(key="L3", sku="OLD", quantity=2, fulfilled=2),
        ),
        ship_method="Standard",
        total=None if total is None else usd(total),
    )
    return replace(plain, **changed)


@pytest.fixture(scope="module")
def language() -> Language:
    return Language(OVER_ORDER, frozenset(LINE_KINDS))


def told(made: Expression[bool], of: Order) -> bool | Failure:
    return made.evaluate(order_facts(of) | lines_facts(of))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("order.total > 500.0 && order.ship_to.country != 'US'", True),
        ("order.total > 500.01", False),
        ("order . total\n > 500.0", True),
        ("order.total >= 500.01", True),
        ("order.total == null", False),
        ("order.currency == 'USD'", True),
        ("order.bill_to.country == ''", True),
        ("order.units == 3", True),
        ("order.skus == ['TEE', 'GIFT-50']", True),
        ("'GIFT-50' in order.skus", True),
        ("order.lines.exists(l, l.sku != '+') && order.units + 1 == 4", True),
        ("order.lines.size() == 3", True),
        ("order.lines.exists(l, l.sku.startsWith('GIFT-'))", True),
        ("order.lines.all(l, l.unit_price == null || l.unit_price < 20.0)", True),
        ("order.lines.filter(l, l.open_quantity > 0).size() == 2", True),
        ("order.lines.exists_one(l, l.name == 'Gift card')", True),
        ("order.lines[0].unit_price == 19.99", True),
        ("order.ship_to.line1.lower().contains('p.o. box')", True),
        ("order.placed_at > timestamp('2026-03-01T00:00:00Z')", True),
        ("order.placed_at.getHours('America/New_York') == 4", True),
        ("order.ship_method in ['Standard', 'Economy'] ? order.units > 2 : false", True),
        ("order.has_ship_by && order.ship_by < timestamp('2026-03-01T00:00:00Z')", False),
        ("order.lines.exists(l, l.weight_g != null && l.weight_g > 500)", False),
        ("order.lines[0].declared_value == 19.99", True),
        ("order.cancel_requested || order.tax_ids.size() > 0", False),
        ("order.note == 'l.skuu'", False),
        ("order.note == \"[0].skuu\"", False),
    ],
)  # fmt: skip
def test_what_expressions_come_to(language: Language, source: str, expected: bool) -> None:
    assert told(language.compile(source, bool), order()) is expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("order.lines[9].sku == 'A'", "Index error"),
        ("int(order.po_number) > 5", "cannot convert"),
        ("1 / (order.units - 3) == 1", "divide by zero"),
        ("order.lines[1].unit_price > 5.0", "the order has no such amount"),
        ("order.placed_at > timestamp('yesterday')", "Timestamp"),
        ("order.ship_by > order.placed_at", "order.ship_by has no value"),
    ],
)
def test_what_fails_says_why(language: Language, source: str, message: str) -> None:
    failed = told(language.compile(source, bool), order())
    assert isinstance(failed, Failure)
    assert message in failed.message
    assert not failed.mistaken


def test_a_total_that_is_not_there_fails_only_where_it_is_needed(language: Language) -> None:
    assert told(language.compile("order.total != null && order.total > 5.0", bool), order(None)) is False
    failed = told(language.compile("order.total > 5.0", bool), order(None))
    assert failed == Failure(message="the order has no such amount: ask whether it is != null first")
    assert told(language.compile("order.units == 0 && order.total > 5.0", bool), order(None)) is False


@pytest.mark.parametrize("cents", [*range(1, 2000, 7), 99_999_999_999_999, 999_999_999_999_999])
def test_amounts_of_fifteen_digits_compare_exactly(language: Language, cents: int) -> None:
    amount, more, less = (f"{Decimal(each) / 100:.2f}" for each in (cents, cents + 1, cents - 1))
    for source in (f"order.total == {amount}", f"order.total < {more}", f"order.total > {less}"):
        if len(source.split()[-1].replace(".", "").lstrip("0")) <= 15:
            assert told(language.compile(source, bool), order(amount)) is True, source


def test_an_amount_that_a_comparison_could_get_wrong_fails(language: Language) -> None:
    failed = told(language.compile("order.total > 5.0", bool), order("12345678901234567.01"))
    assert isinstance(failed, Failure)
    assert failed.message == "order.total has no value that could be compared"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("order.totl > 5.0", 'found the unknown name order.totl in column 6|did you mean "order.total"?'),
        ("order.ship_to.contry == ''", 'order.ship_to.contry|did you mean "order.ship_to.country"?'),
        ("order.ship_to == ''", "unknown name order.ship_to"),
        ("ordr.total > 5.0", "unknown name ordr"),
        ("order.total > 500", "> between (amount, int) in column 13|write an amount with a point"),
        ("order.units > 'a'", "> between (int, string)"),
        ("order.lines.exists(l, l.skuu == 'A')", 'the unknown field skuu|did you mean "sku"?'),
        ("order.lines[0].skuu == 'A'", "the unknown field skuu"),
        ("order.lines.exists(l, l.skuu.contains('A'))", "the unknown field skuu"),
        ("order.note.startWith('A')", 'unknown name startWith in column 21|did you mean "startsWith"?'),
        ("order.note.matches('(a*)*')", "matches()|there are no patterns"),
        ("matches(order.note, 'a')", "matches()"),
        ("order.lines.map(l, l.sku) == []", "map()|there is no map"),
        ("order.lines.exists(l, (l.sku + l.sku).contains('A'))", "+ within exists()"),
        (
            "order.lines.all(l, l.sku != '') && order.lines.filter (l, l.sku + 'a' == '').size() > 0",
            "+ within filter()",
        ),
        ("order.note", "an expression for string, expected one for true or false"),
        ("order.lines[0].sku", "an expression for dyn"),
        ("order.total >", "Syntax error: mismatched input '<EOF>' in column"),
        ("", "0 characters"),
        (" ", "1 characters"),
    ],
)
def test_what_is_refused_says_where_and_what_is_meant(language: Language, source: str, found: str) -> None:
    with pytest.raises(ExpressionProblem) as raised:
        language.compile(source, bool)
    words, _, hint = found.partition("|")
    assert words in str(raised.value)
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    "source",
    [
        "(" * 480 + "true" + ")" * 480,
        "[" * 480 + "]" * 480 + " == []",
        "true ? " * 120 + "true",
        "+".join(["order.units"] * 80) + " > 0",
        "order" + ".a" * 400 + " == ''",
        "['aaaaaaaa']" + ".map(x, x + x)" * 60 + " == []",
        "order.note == ''" + " || order.note == 'x'" * 60,
        "!" * 1001 + "true",
        "\0",
        "'" + "a" * 500,
    ],
)
def test_what_is_huge_or_deep_is_refused(language: Language, source: str) -> None:
    with pytest.raises(ExpressionProblem):
        language.compile(source, bool)


def test_the_longest_expression_is_cheap(language: Language) -> None:
    made = language.compile("!" * (MAX_TEXT - 4) + "true", bool)
    assert told(made, order()) is True


def test_loops_in_loops_end(language: Language) -> None:
    source = "order.lines.all(a, " * 5 + "a.sku != ''" + ")" * 5
    many = order(lines=tuple(OrderLine(key=f"L{n}", sku="A", quantity=1) for n in range(60)))
    failed = told(language.compile(source, bool), many)
    assert failed == Failure(message="Iteration budget exceeded")


def test_one_line_is_asked_about_by_its_fields() -> None:
    of_line = Language(OVER_LINE)
    made = of_line.compile("line.sku.startsWith('GIFT-') && order.units > 1", bool)
    answers = [made.evaluate(order_facts(order()) | line_facts(line)) for line in order().lines]
    assert answers == [False, True, False]
    with pytest.raises(ExpressionProblem, match=r"line\.skuu"):
        of_line.compile("line.skuu == ''", bool)
    with pytest.raises(ExpressionProblem, match="unknown name"):
        of_line.compile("order.lines.size() > 1", bool)


def test_texts_are_made_too(language: Language) -> None:
    made = language.compile("order.ship_to.name + ' / ' + order.number", str)
    assert made.evaluate(order_facts(order())) == "A. Buyer / 1001"
    with pytest.raises(ExpressionProblem, match="expected one for text"):
        language.compile("order.units", str)


def test_expressions_are_what_they_say(language: Language) -> None:
    other = Language(OVER_ORDER, frozenset(LINE_KINDS))
    one, two = (each.compile("order.units > 1", bool) for each in (language, other))
    assert (one == two, hash(one) == hash(two)) == (True, True)
    assert one != language.compile("order.units > 2", bool)
    assert repr(one) == "Expression('order.units > 1')"


def test_what_may_be_set_is_set_and_read() -> None:
    for name in SETTABLE:
        assert field(with_field(order(), name, "new"), name) == "new"
    assert with_field(order(), "ship_to.city", "Bonn").ship_to.line1 == "P.O. Box 7"


def test_a_key_that_a_map_lacks_is_not_shown(language: Language) -> None:
    """It may be a buyer's: the message is kept with the order's history, and logged."""
    failed = told(language.compile("{'1 Main St': true}[order.po_number]", bool), order())
    assert isinstance(failed, Failure)
    assert failed.mistaken
    assert "no such key" in failed.message
    assert '"' not in failed.message
