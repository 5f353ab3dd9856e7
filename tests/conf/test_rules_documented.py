"""The examples of rules in conf/README.md do what is said of them."""

import re
import tomllib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from dropstreamd.channels.rules import decide
from dropstreamd.config.place import Place
from dropstreamd.config.rules import read_rules
from dropstreamd.errors import Problem
from dropstreamd.model.money import Money
from dropstreamd.model.order_facts import SETTABLE
from dropstreamd.model.order_rules import Rule
from dropstreamd.model.orders import Address, Order, OrderLine
from tests.channels.plant import HOME, order

README = (Path(__file__).parents[2] / "conf" / "README.md").read_text(encoding="utf-8")
ABROAD = replace(HOME, country="DE", phone="1")


def usd(text: str) -> Money:
    return Money(amount=Decimal(text), currency="USD")


def line(sku: str, **more: object) -> OrderLine:
    return replace(OrderLine(key=f"L-{sku}", sku=sku, quantity=1), **more)


def documented() -> dict[str, Rule]:
    text = "".join(re.findall(r"```toml\n(.*?)```", README, re.DOTALL))
    problems = list[Problem]()
    rules = read_rules(tomllib.loads(text)["rules"], Place("conf/README.md", problems, "rules"))
    assert not problems
    assert rules is not None
    return {rule.name: rule for rule in rules}


RULES = documented()
PLAIN = order("1", total=usd("500.00"), email="a@example.com")

# By example: an order that it applies to, and the words of the order's history.
APPLIED: dict[str, tuple[Order, str]] = {
    "dear-and-abroad": (
        order("1", total=usd("500.01"), ship_to=ABROAD),
        "holds: high value, foreign address",
    ),
    "many": (order("1", ("A", 101)), "holds: is it a wholesaler?"),
    "other-address": (order("1", bill_to=Address(country="CA")), "holds: billed in another country"),
    "buyer-may-cancel": (order("1"), "holds"),
    "pickup": (order("1", method="Store Pickup"), "rejects the order: collected in the shop"),
    "test-orders": (order("1", email="eve@acme.example"), "archives the order"),
    "gift-cards": (order("1", ("A", 1), ("GIFT-50", 1)), "rejects GIFT-50"),
    "free-samples": (
        order("1", ("A", 1), line("S", name="Sample of soap", unit_price=usd("0"))),
        "rejects S",
    ),
    "no-phone-abroad": (
        order("1", ship_to=replace(ABROAD, phone="")),
        "fails the order: customs want a phone number: ask the buyer",
    ),
    "no-po-box": (
        order("1", method="Express", ship_to=replace(HOME, line1="PO Box 7")),
        "sets ship_method: couriers do not deliver to boxes",
    ),
    "no-tariff-number": (
        order("1", line("A", hs_code="6109"), line("B"), ship_to=ABROAD),
        "holds: a line has no customs tariff number",
    ),
    "heavy": (order("1", line("A", weight_g=30_001)), "sets ship_method, delivery_note"),
    "urgent": (order("1", note="x", ship_by=PLAIN.placed_at + timedelta(hours=5)), "sets note"),
    "company": (order("1", bill_to=Address(company="Acme")), "sets ship_to.company"),
}


@pytest.mark.parametrize("name", RULES)
def test_an_example_applies_where_it_should(name: str) -> None:
    applies, words = APPLIED[name]
    assert decide([RULES[name]], applies).note == f"rule {name}: {words}"


@pytest.mark.parametrize("name", [name for name in RULES if name != "buyer-may-cancel"])
def test_an_example_leaves_a_plain_order_alone(name: str) -> None:
    assert decide([RULES[name]], PLAIN).note == ""


def test_what_examples_set() -> None:
    changed = {
        name: decide([RULES[name]], APPLIED[name][0]).order for name in ("no-po-box", "urgent", "company")
    }
    assert changed["no-po-box"].ship_method == "Post"
    assert changed["urgent"].note == "URGENT x"
    assert changed["company"].ship_to.company == "Acme"


def test_every_field_that_may_be_set_is_named() -> None:
    row = next(each for each in README.splitlines() if each.startswith("| `set = "))
    assert all(f"`{name}`" in row for name in SETTABLE if "." not in name)
