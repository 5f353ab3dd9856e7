# ruff: noqa: E501 - tables of cases, a case a line
"""`[[rules]]` of a connection: what they become, and what is said of wrong ones."""

import math

import pytest

from dropstreamd.config.changes import diff
from dropstreamd.config.rules import MAX_RULES
from dropstreamd.model.order_rules import Rule
from tests.config.fakes import Folder, connection, loaded, only, problems

ALWAYS = '[[rules]]\nwhen = "true"\n'


def write(folder: Folder, rules: str) -> None:
    folder.write("connections.d/a.toml", connection(1, rest=rules))


def read(folder: Folder, rules: str) -> tuple[Rule, ...]:
    write(folder, rules)
    found = loaded(folder)
    assert not found.problems
    return found.config.connections["c-001"].rules


def test_rules_are_read_in_their_order(folder: Folder) -> None:
    rules = read(
        folder,
        """
[[rules]]
when = "order.total > 500.0 && order.ship_to.country != 'US'"
then = { hold = "2h", reason = "High value, foreign address!" }
[[rules]]
when = "order.units > 100"
then = { hold = "until released" }
[[rules]]
name = "gifts"
when = "true"
then = { reject_line = "line.sku.startsWith('GIFT-')", set = { note = "", ship_to.company = "x", "ship_to.phone" = { cel = "order.number" } } }
""",
    )
    assert [rule.name for rule in rules] == ["high-value-foreign-address", "rule-2", "gifts"]
    assert [rule.then.hold_s for rule in rules] == [7200.0, math.inf, None]
    assert rules[0].then.reason == "High value, foreign address!"
    assert [(each.field, str(each.value)) for each in rules[2].then.settings] == [
        ("note", ""),
        ("ship_to.company", "x"),
        ("ship_to.phone", "Expression('order.number')"),
    ]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("rules = 3", None),
        ("rules = [1]", None),
        ("[rules]\nwhen = 1", 'rules: found a table, expected at most 50 tables, each under its own [[rules]]'),
        ("[[rules]]\nthen = { hold = true }", "rules[0].when: found nothing, expected an expression over order"),
        ('[[rules]]\nwhen = true\nthen = { hold = true }', "rules[0].when: found true, expected an expression in CEL, in quotes"),
        ('[[rules]]\nwhen = "true"', "rules[0].then: found nothing, expected a table of what to do"),
        ('[[rules]]\nwhen = "true"\nthen = "hold"', 'rules[0].then: found "hold", expected a table'),
        ('[[rules]]\nwhen = "order.totl > 5.0"\nthen = { hold = true }', 'rules[0].when: found the unknown name order.totl in column 6, expected a name that orders have, such as order.total; did you mean "order.total"?'),
        ('[[rules]]\nwhen = "order.lines.exists(l, l.sk == \'A\')"\nthen = { hold = true }', 'rules[0].when: found the unknown field sk, expected a field of a line: declared_value,'),
        ('[[rules]]\nwhen = "order.lines.exists(l, l.quantity > \'a\')"\nthen = { hold = true }', "rules[0].when: found No matching overloads found : _>_(int64, string), expected an expression that a sample order has values for"),
        (ALWAYS + "then = {}", "rules[0].then: found nothing that it does, expected something to do: set,"),
        (ALWAYS + "then = { hold = true, reject = true }", "rules[0].then: found reject and hold, expected one of hold, accept"),
        (ALWAYS + "then = { accept = true, archive = true }", "rules[0].then: found accept and archive, expected one of"),
        (ALWAYS + 'then = { fail = "x", reason = "y" }', "rules[0].then.reason: found fail and reason, expected the message in fail alone"),
        (ALWAYS + "then = { hold = 2 }", 'rules[0].then.hold: found 2, expected a duration such as "2h", or true or "until released"'),
        (ALWAYS + "then = { hold = false }", "rules[0].then.hold: found false"),
        (ALWAYS + 'then = { hold = "1s" }', 'rules[0].then.hold: found "1s", expected a duration such as "90s"'),
        (ALWAYS + 'then = { hold = "91d" }', 'rules[0].then.hold: found "91d"'),
        (ALWAYS + "then = { reject = false }", "rules[0].then.reject: found false, expected true, or no such key"),
        (ALWAYS + 'then = { fail = "" }', "rules[0].then.fail: found empty text"),
        (ALWAYS + "then = { hodl = true }", 'rules[0].then.hodl: found an unknown key, expected one of accept, archive, fail, hold, reason, reject, reject_line, set; did you mean "hold"?'),
        (ALWAYS + 'then = { reject_line = "line.skuu == \'\'" }', 'did you mean "line.sku"?'),
        (ALWAYS + 'then = { reject_line = "line.sku" }', "rules[0].then.reject_line: found an expression for string, expected one for true or false"),
        (ALWAYS + 'then = { set = { shipmethod = "x" } }', 'rules[0].then.set.shipmethod: found a field that rules do not set, expected one of ship_method,'),
        (ALWAYS + 'then = { set = { ship_to = { citty = "x" } } }', 'rules[0].then.set.ship_to.citty: found a field that rules do not set'),
        (ALWAYS + 'then = { set = { ship_to = { cel = "x" } } }', "rules[0].then.set.ship_to: found a field that rules do not set"),
        (ALWAYS + "then = { set = { note = 5 } }", 'rules[0].then.set.note: found 5, expected a text, or { cel = "an expression over order" }'),
        (ALWAYS + 'then = { set = { note = { cel = "order.units" } } }', "rules[0].then.set.note.cel: found an expression for int, expected one for text"),
        (ALWAYS + "then = { set = { note = { cel = 5 } } }", "rules[0].then.set.note.cel: found 5, expected an expression in CEL, in quotes"),
        (ALWAYS + "then = { set = { note = {} } }", "rules[0].then.set.note: found a table, expected a text"),
        (ALWAYS + "then = { set = 5 }", "rules[0].then.set: found 5, expected a table"),
        ('[[rules]]\nname = "A b"\nwhen = "true"\nthen = { hold = true }', 'rules[0].name: found "A b", expected a name of lower-case letters'),
        ((ALWAYS + 'then = { hold = true, reason = "same" }\n') * 2, 'rules[1].name: found a second rule "same", expected a name of its own'),
        ((ALWAYS + "then = { hold = true }\n") * (MAX_RULES + 1), "rules: found a list of 51, expected at most 50 tables"),
        ('[[rules]]\nwhen = "true"\nthen = { hold = true }\nif = "x"', "rules[0].if: found an unknown key, expected one of name, then, when"),
    ],
)  # fmt: skip
def test_wrong_rules(folder: Folder, rules: str, expected: str | None) -> None:
    if expected is None:  # a key at the top, before the tables
        folder.write("connections.d/a.toml", connection(1, top=rules))
        expected = (
            "rules: found 3, expected at most 50" if "3" in rules else "rules[0]: found 1, expected a table"
        )
    else:
        write(folder, rules)
    assert f"connections.d/a.toml: {expected}" in only(folder) or expected in only(folder)


def test_every_problem_of_every_rule_is_told(folder: Folder) -> None:
    write(folder, '[[rules]]\nwhen = "x"\nthen = { hold = 1 }\n[[rules]]\nwhen = "("\nthen = { a = 1 }\n')
    assert [each.split(": ")[1] for each in problems(folder)] == [
        "rules[0].when",
        "rules[0].then.hold",
        "rules[1].when",
        "rules[1].then.a",
    ]


def test_a_rule_that_is_only_sometimes_wrong_is_believed(folder: Folder) -> None:
    rules = read(folder, "[[rules]]\nwhen = \"order.lines[4].sku == 'A'\"\nthen = { hold = true }\n")
    assert len(rules) == 1


def test_a_reload_changes_only_what_says_something_else(folder: Folder) -> None:
    write(folder, ALWAYS + 'then = { hold = "2h" }')
    before, same = loaded(folder).config, loaded(folder).config
    assert diff(before, same).unchanged == ("c-001", "c-002")
    write(folder, ALWAYS + 'then = { hold = "3h" }')
    assert diff(before, loaded(folder).config).hot == ("c-001",)
