# ruff: noqa: E501 - rules as an operator writes them, each in a line
"""Rules about orders: what each does to what is sent, to what waits, and to what stores may sell."""

import tomllib
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import orders, promises, rules
from dropstreamd.channels.look import Look
from dropstreamd.channels.run import Run
from dropstreamd.config.place import Place
from dropstreamd.config.rules import read_rules
from dropstreamd.errors import Problem
from dropstreamd.model.money import Money
from dropstreamd.model.order_rules import Rule
from dropstreamd.model.orders import OrderLine
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from dropstreamd.store.transitions import BEFORE_RESTORE
from tests.channels.plant import ENABLED_S, HOME, Plant, connection, order

HOLD = """
[[rules]]
when = "order.ship_to.country != 'US'"
then = { hold = "2h", reason = "foreign address" }
"""
ABROAD = replace(HOME, country="DE")


def made(text: str) -> tuple[Rule, ...]:
    problems = list[Problem]()
    read = read_rules(tomllib.loads(text)["rules"], Place("shop.toml", problems, "rules"))
    assert not problems
    assert read is not None
    return read


def plant_with(state: InlineStore, text: str, *, amends: frozenset[Part] = frozenset()) -> Plant:
    return Plant(state, connection(rules=made(text)), amends=amends)


def deducted(plant: Plant) -> dict[str, int]:
    look = partial(promises.unsent, account=plant.account, siblings=tuple(plant.connections.values()))
    return dict(plant.state.read(look).of(None))


async def release(plant: Plant, key: str) -> None:
    book = orders.book(plant.scopes["c-shop"])
    done = await plant.state.write(
        partial(documents.release, book=book, key=key, now_s=plant.clock.now_s(), run="", why="by ann")
    )
    assert done


def texts(plant: Plant, key: str) -> list[str]:
    return [event.text for event in plant.doc(key).history]


# ---- holding


async def test_a_hold_ends_by_itself(state: InlineStore) -> None:
    plant = plant_with(state, HOLD)
    plant.place(order("1", ship_to=ABROAD), order("2"))
    await plant.import_orders()
    doc = plant.doc("o1")
    assert (doc.state, doc.cause) == (State.PARKED, "rule:foreign-address")
    assert doc.reason == "held by rule foreign-address until 2026-03-02 11:00 UTC: foreign address"
    assert plant.warehouse.taken.created() == {"o2": 1}
    plant.later(minutes=119)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1}
    plant.later(minutes=1)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1, "o1": 1}
    assert "rule foreign-address: holds: foreign address" in texts(plant, "o1")


async def test_a_hold_until_released_waits_for_a_person(state: InlineStore) -> None:
    plant = plant_with(state, HOLD.replace('"2h"', "true"))
    plant.place(order("1", ship_to=ABROAD))
    await plant.import_orders()
    plant.later(days=400)
    await plant.import_orders()
    assert plant.doc("o1").reason == "held by rule foreign-address until it is released: foreign address"
    await release(plant, "o1")
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}
    assert "rule foreign-address: holds (passed): foreign address" in texts(plant, "o1")


async def test_what_was_released_is_held_again_once_it_changes(state: InlineStore) -> None:
    plant = plant_with(state, HOLD)
    plant.place(order("1", ship_to=ABROAD))
    await plant.import_orders()
    await release(plant, "o1")
    plant.place(order("1", ship_to=replace(ABROAD, city="Bonn")))
    await plant.import_orders()
    assert plant.doc("o1").state is State.PARKED
    assert not plant.warehouse.taken.created()


async def test_of_two_holds_the_longer_counts_and_then_the_other(state: InlineStore) -> None:
    longer = """
[[rules]]
when = "order.units > 5"
then = { hold = "until released", reason = "many" }
"""
    plant = plant_with(state, HOLD + longer)
    plant.place(order("1", ("A", 6), ship_to=ABROAD))
    await plant.import_orders()
    assert plant.doc("o1").cause == "rule:many"
    await release(plant, "o1")
    await plant.import_orders()
    assert plant.doc("o1").cause == "rule:foreign-address"
    plant.later(hours=3)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_a_changed_rule_holds_from_the_next_run(state: InlineStore) -> None:
    plant = plant_with(state, HOLD)
    plant.place(order("1", ship_to=ABROAD))
    await plant.import_orders()
    plant.configure(shop=connection(rules=made(HOLD.replace('"2h"', '"5h"'))))
    await plant.import_orders()
    assert "until 2026-03-02 14:00 UTC" in plant.doc("o1").reason
    plant.configure(shop=connection())
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


# ---- rejecting, archiving, failing


@pytest.mark.parametrize("what", ["reject", "archive"])
async def test_what_never_ships_takes_no_stock_and_can_be_brought_back(state: InlineStore, what: str) -> None:
    rule = (
        f'[[rules]]\nname = "pickup"\nwhen = "order.ship_method == \'Pickup\'"\nthen = {{ {what} = true }}\n'
    )
    plant = plant_with(state, rule)
    plant.place(order("1", ("A", 3), method="Pickup"), order("2", ("A", 1), method="Other"))
    await plant.import_orders()
    doc = plant.doc("o1")
    assert (doc.state, doc.cause) == (State.VOID, "rule:pickup")
    assert texts(plant, "o1")[-1] == f"rule pickup: {what}s the order"
    assert deducted(plant) == {"A": 1}
    plant.configure(shop=connection(rules=made(rule), methods={"Pickup": "PCK", "Other": "GND"}))
    await release(plant, "o1")
    assert deducted(plant) == {"A": 4}
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_a_rejected_order_is_not_deducted_even_before_it_is_resolved(state: InlineStore) -> None:
    rule = "[[rules]]\nwhen = \"order.number == '1'\"\nthen = { reject = true }\n"
    plant = plant_with(state, rule + HOLD)
    plant.place(order("1", ("A", 3)), order("2", ("A", 2), ship_to=ABROAD))
    run = Run(plant.scopes["c-shop"], run_id="r")
    await Look(run, orders.book(run.scope), ENABLED_S).at_changes()
    assert plant.doc("o1").state is State.PENDING
    assert deducted(plant) == {"A": 2}
    await plant.import_orders()
    assert deducted(plant) == {"A": 2}
    assert plant.doc("o2").state is State.PARKED


async def test_a_failed_order_waits_with_the_message(state: InlineStore) -> None:
    rule = """
[[rules]]
name = "no-phone"
when = "order.ship_to.phone == ''"
then = { fail = "the carrier wants a phone number: ask the buyer" }
"""
    plant = plant_with(state, rule)
    plant.place(order("1"), order("2", ship_to=replace(HOME, phone="1")))
    await plant.import_orders()
    doc = plant.doc("o1")
    assert (doc.cause, doc.reason) == ("rule:no-phone", "the carrier wants a phone number: ask the buyer")
    assert plant.warehouse.taken.created() == {"o2": 1}
    plant.place(order("1", ship_to=replace(HOME, phone="2")))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


GIFTS = """
[[rules]]
name = "gift-cards"
when = "true"
then = { reject_line = "line.sku.startsWith('GIFT') || line.sku == ''" }
"""


async def test_rejected_lines_stay_away(state: InlineStore) -> None:
    plant = plant_with(state, GIFTS, amends=frozenset({Part.ORDERS}))
    nameless = OrderLine(key="L3", sku="", quantity=1, name="Wrapping")
    plant.place(order("1", ("A", 2), ("GIFT-50", 1)), order("2", ("GIFT-50", 1)))
    plant.place(order("3", OrderLine(key="L1", sku="A", quantity=1), nameless))
    await plant.import_orders()
    sent = plant.warehouse.taken.newest()
    assert {key: [line.sku for line in each.lines] for key, each in sent.items()} == {
        "o1": ["A"],
        "o3": ["A"],
    }
    assert (plant.doc("o2").state, plant.doc("o2").cause) == (State.VOID, "rule:gift-cards")
    assert "rule gift-cards: rejects GIFT-50" in texts(plant, "o1")
    assert deducted(plant) == {"A": 3}
    await release(plant, "o2")
    await plant.import_orders()
    assert [line.sku for line in plant.warehouse.taken.newest()["o2"].lines] == ["GIFT-50"]


async def test_a_rule_that_cannot_be_evaluated_holds_the_order(state: InlineStore) -> None:
    rule = """
[[rules]]
name = "dear"
when = "order.total > 500.0"
then = { reject = true }
"""
    plant = plant_with(state, rule)
    plant.place(order("1", ("A", 2)), order("2", total=Money(amount=Decimal("5.00"), currency="USD")))
    await plant.import_orders()
    doc = plant.doc("o1")
    assert (doc.state, doc.cause) == (State.PARKED, "rule:dear")
    assert doc.reason.startswith("rule dear cannot be evaluated: the order has no such amount")
    assert deducted(plant) == {"A": 2 + 1}
    mended = rule.replace("order.total >", "order.total != null && order.total >")
    plant.configure(shop=connection(rules=made(mended)))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_a_person_may_let_an_order_pass_a_rule_that_fails(state: InlineStore) -> None:
    plant = plant_with(state, '[[rules]]\nwhen = "order.total > 500.0"\nthen = { reject = true }\n' + GIFTS)
    plant.place(order("1", ("A", 2), ("GIFT", 1)))
    await plant.import_orders()
    await release(plant, "o1")
    await plant.import_orders()
    assert [line.sku for line in plant.warehouse.taken.newest()["o1"].lines] == ["A"]


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ('{ reject_line = "line.unit_price > 5.0" }', "the order has no such amount"),
        ('{ set = { note = { cel = "order.skus[5]" } } }', "Index error"),
    ],
)
async def test_what_a_rule_cannot_do_holds_the_order(state: InlineStore, then: str, why: str) -> None:
    plant = plant_with(state, f'[[rules]]\nname = "x"\nwhen = "true"\nthen = {then}\n')
    plant.place(order("1"))
    await plant.import_orders()
    doc = plant.doc("o1")
    assert (doc.state, doc.cause) == (State.PARKED, "rule:x")
    assert doc.reason.startswith(f"rule x cannot be evaluated: {why}")
    assert deducted(plant) == {"A": 1}


async def test_what_may_have_been_sent_before_a_restore_is_not_stopped(state: InlineStore) -> None:
    plant = plant_with(state, HOLD)
    plant.place(order("1", ship_to=ABROAD))
    await plant.import_orders()
    doc = plant.doc("o1")
    decision = rules.decide(plant.connections["shop"].rules, order("1", ship_to=ABROAD), doc)
    zone = plant.connections["shop"].timezone
    assert rules.stopped(decision, doc, plant.clock.now_s(), zone) is not None
    older = replace(doc, state=State.HELD, cause=BEFORE_RESTORE)
    assert rules.stopped(decision, older, plant.clock.now_s(), zone) is None


# ---- setting


async def test_fields_are_set_before_the_maps(state: InlineStore) -> None:
    rule = """
[[rules]]
name = "heavy"
when = "order.units > 10"
then = { set = { ship_method = "Freight", "ship_to.company" = { cel = "order.ship_to.name + ' Ltd'" }, ship_to.phone = "1" } }
[[rules]]
name = "freight"
when = "order.ship_method == 'Freight'"
then = { set = { note = "lift gate" }, accept = true }
[[rules]]
name = "never-asked"
when = "true"
then = { reject = true }
"""
    plant = Plant(state, connection(rules=made(rule), methods={"Freight": "LTL"}))
    plant.place(order("1", ("A", 11)))
    await plant.import_orders()
    sent = plant.warehouse.taken.newest()["o1"]
    assert (sent.ship_method, sent.note) == ("LTL", "lift gate")
    assert (sent.ship_to.company, sent.ship_to.phone) == ("A. Buyer Ltd", "1")
    assert (
        "rule heavy: sets ship_method, ship_to.company, ship_to.phone; "
        "rule freight: sets note, accepts the order"
    ) in texts(plant, "o1")


async def test_a_value_that_is_too_long_holds_the_order(state: InlineStore) -> None:
    rule = '[[rules]]\nname = "twice"\nwhen = "true"\nthen = { set = { note = { cel = "order.note + order.note" } } }\n'
    plant = plant_with(state, rule)
    plant.place(order("1", note="x" * 300))
    await plant.import_orders()
    assert (
        plant.doc("o1").reason
        == "rule twice cannot be evaluated: note would have 600 characters, 500 may be set"
    )


# ---- after the hand-over


async def test_an_amendment_keeps_what_was_set_and_is_not_held(state: InlineStore) -> None:
    noted = '[[rules]]\nname = "note"\nwhen = "true"\nthen = { set = { note = "fragile" } }\n'
    plant = plant_with(state, noted + GIFTS, amends=frozenset({Part.ORDERS}))
    plant.place(order("1", ("A", 2), ("GIFT-50", 1)))
    await plant.import_orders()
    everything = '[[rules]]\nname = "all"\nwhen = "true"\nthen = { reject_line = "true", hold = true }\n'
    plant.configure(shop=connection(rules=made(noted + GIFTS + everything)))
    plant.place(order("1", ("A", 3), ("GIFT-50", 1)))
    await plant.import_orders()
    sent = plant.warehouse.taken.newest()["o1"]
    assert ([(line.sku, line.quantity) for line in sent.lines], sent.note) == ([("A", 3)], "fragile")
    assert not plant.tasks()


async def test_what_a_rule_would_reject_after_the_hand_over_is_a_task(state: InlineStore) -> None:
    rule = '[[rules]]\nname = "abroad"\nwhen = "order.ship_to.country != \'US\'"\nthen = { fail = "not abroad" }\n'
    plant = plant_with(state, rule, amends=frozenset({Part.ORDERS}))
    plant.place(order("1", ("A", 2)))
    await plant.import_orders()
    plant.place(order("1", ("A", 2), ship_to=ABROAD))
    await plant.import_orders()
    assert plant.doc("o1").state is State.ACCEPTED
    [task] = plant.tasks().values()
    assert "another address" in task.detail
    assert "rule abroad: fails the order: not abroad" in texts(plant, "o1")


def test_a_decision_tells_what_it_did() -> None:
    decision = rules.decide(made(HOLD + GIFTS), order("1", ("A", 1), ("GIFT", 1), ship_to=ABROAD))
    assert [(each.rule, each.lines, each.hold_s) for each in decision.fired] == [
        ("foreign-address", (), timedelta(hours=2).total_seconds()),
        ("gift-cards", ("GIFT",), None),
    ]
    assert (decision.end, decision.never_goes) == (None, False)
