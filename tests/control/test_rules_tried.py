"""Trying rules on orders: the route, on a real ledger, and what the client shows of it."""

from pathlib import Path

import pytest

from dropstreamd.control.messages.rules import (
    ChangeShown,
    FiredShown,
    OrderTried,
    RulesTried,
    TryRules,
)
from tests.channels.plant import HOME, order
from tests.control.conf_files import CONNECTION
from tests.control.fake_api import ctl, fake_api, golden
from tests.control.office import START_S, Client, Office
from tests.control.shown import NOW_S, WELL

NEW_S = START_S + 60
SHOP = "/connections/shop"
TRY = f"{SHOP}/rules/try"
HOLD = """
[[rules]]
when = "order.units > 5"
then = { hold = "2h", reason = "many units" }
"""
OTHER = """
[[rules]]
name = "note"
when = "order.number == '1001'"
then = { set = { note = "fragile" }, reject_line = "line.sku == 'B'" }
[[rules]]
name = "dear"
when = "order.total > 500.0"
then = { fail = "ask" }
"""


async def fill(office: Office, client: Client) -> None:
    changes = office.stores["shop"].changes
    changes.change("o1001", order("1001", ("A", 2), ("B", 1), placed_s=NEW_S))
    changes.change("o1002", order("1002", ("A", 9), placed_s=NEW_S, ship_to=HOME))
    office.write("shop", CONNECTION.format(name="shop", letter="SH") + HOLD)
    await client.ask("POST", "/reload", {})
    await client.enable()
    await client.run("sales_orders.import")


async def test_the_present_rules_are_tried_on_the_newest_orders(office: Office, client: Client) -> None:
    await fill(office, client)
    held = await client.get(f"{SHOP}/orders/1002")
    assert (held["state"], held["cause"]) == ("parked", "rule:many-units")
    tried = await client.ask("POST", TRY, {})
    assert tried["rules"] == ["many-units"]
    by_number = {each["number"]: each for each in tried["orders"]}
    assert (by_number["1001"]["state"], by_number["1001"]["outcome"]) == ("accepted", "goes")
    assert (by_number["1002"]["outcome"], by_number["1002"]["reason"]) == ("held", "many units")
    assert by_number["1002"]["until_s"] == pytest.approx(held["first_s"] + 7200)
    assert await client.get(f"{SHOP}/orders/1002") == held
    released = await client.ask("POST", f"{SHOP}/release", {"channel": "sales_orders", "key": "o1002"})
    assert released["released"] == 1
    await client.run("sales_orders.import")
    assert (await client.get(f"{SHOP}/orders/1002"))["state"] == "accepted"


async def test_rules_of_a_file_are_tried_before_they_are_saved(office: Office, client: Client) -> None:
    await fill(office, client)
    tried = await client.ask("POST", TRY, {"orders": ["SH1001"], "text": OTHER})
    assert tried["rules"] == ["note", "dear"]
    [one] = tried["orders"]
    note, dear = one["fired"]
    assert (note["changes"], note["lines"]) == ([{"field": "note", "before": "", "after": "fragile"}], ["B"])
    assert dear["error"].startswith("the order has no such amount")
    assert (one["outcome"], one["reason"]) == ("waits", dear["error"])
    rejected = "[[rules]]\nwhen = 'true'\nthen = { reject = true }\n"
    tried = await client.ask("POST", TRY, {"text": rejected + OTHER})
    assert {each["outcome"] for each in tried["orders"]} == {"rejected"}
    archived = rejected.replace("reject", "archive")
    tried = await client.ask("POST", TRY, {"text": archived})
    assert {each["outcome"] for each in tried["orders"]} == {"archived"}
    assert (await client.get(f"{SHOP}/orders/1001"))["state"] == "accepted"


async def test_what_keeps_an_order_whatever_rules_say_is_told(office: Office, client: Client) -> None:
    await fill(office, client)
    office.stores["shop"].changes.change("o1003", order("1003", ("A", 1), placed_s=START_S - 60))
    office.stores["shop"].changes.change(
        "o1004", order("1004", ("A", 1), placed_s=NEW_S, method="Express", status="waiting")
    )
    await client.run("sales_orders.import")
    await client.ask("POST", f"{SHOP}/order-hold/1002", {"why": "the buyer called"})
    tried = await client.ask("POST", TRY, {"text": OTHER})
    stays = {each["number"]: (each["outcome"], each["stays"]) for each in tried["orders"]}
    who = (await client.get(f"{SHOP}/orders/1002"))["reason"]
    assert who.startswith("the buyer called (by ")
    assert stays["1001"][1] == ""
    assert stays["1002"] == ("waits", f"held by hand: {who}")
    assert stays["1003"][1].startswith("held: placed before")
    assert stays["1004"][1].startswith("held by the store")
    goes = "[[rules]]\nwhen = 'false'\nthen = { fail = 'x' }\n"
    tried = await client.ask("POST", TRY, {"orders": ["1002"], "text": goes})
    assert [(each["outcome"], each["stays"]) for each in tried["orders"]] == [
        ("stays", f"held by hand: {who}")
    ]


async def test_a_rejected_order_is_brought_back_by_a_release(office: Office, client: Client) -> None:
    rejecting = HOLD.replace('hold = "2h"', "reject = true")
    await fill(office, client)
    office.write("shop", CONNECTION.format(name="shop", letter="SH") + rejecting)
    await client.ask("POST", "/reload", {})
    await client.run("sales_orders.import")
    shown = await client.get(f"{SHOP}/orders/1002")
    assert (shown["state"], shown["history"][-1]["text"]) == (
        "void",
        "rule many-units: rejects the order: many units",
    )
    await client.ask("POST", f"{SHOP}/release", {"channel": "sales_orders", "key": "o1002"})
    await client.run("sales_orders.import")
    assert (await client.get(f"{SHOP}/orders/1002"))["state"] == "accepted"


async def test_all_that_a_wrong_rule_rejected_is_brought_back_at_once(office: Office, client: Client) -> None:
    office.write(
        "shop", CONNECTION.format(name="shop", letter="SH") + HOLD.replace('hold = "2h"', "reject = true")
    )
    await client.ask("POST", "/reload", {})
    await client.enable()
    for number in range(5):
        office.stores["shop"].changes.change(f"o{number}", order(str(number), ("A", 9), placed_s=NEW_S))
    await client.run("sales_orders.import")
    asked = {"channel": "sales_orders", "cause": "rule:many-units"}
    assert await client.ask("POST", f"{SHOP}/release", asked) == {"released": 5, "more": False}
    await client.run("sales_orders.import")
    assert len(office.warehouse.taken.created()) == 5
    assert (await client.refused("POST", f"{SHOP}/release", asked))[1] == "not found"


async def test_what_cannot_be_tried(office: Office, client: Client) -> None:
    await fill(office, client)
    status, kind, told = await client.refused("POST", TRY, {"text": "[[rules]]\nwhen = 'order.totl'\n"})
    assert (status, kind) == (422, "config")
    assert [each["key"] for each in told["problems"]] == ["rules[0].when", "rules[0].then"]
    assert (await client.refused("POST", TRY, {"text": "[[rules"}))[0] == 422
    assert (await client.refused("POST", TRY, {"text": ""}))[2]["problems"][0]["key"] == "rules"
    assert (await client.refused("POST", TRY, {"orders": ["none"]}))[:2] == (404, "not found")
    assert (await client.refused("POST", TRY, {"orders": [""]}))[:2] == (400, "bad request")
    assert (await client.refused("POST", TRY, {"orders": ["x"] * 201}))[0] == 400


# ---- the client

TRIED = RulesTried(
    rules=("many-units", "note", "dear"),
    orders=(
        OrderTried(
            key="o2",
            number="1002",
            state="parked",
            outcome="held",
            reason="many units",
            until_s=NOW_S,
            fired=(FiredShown(rule="many-units", did="holds: many units"),),
        ),
        OrderTried(
            key="o1",
            number="1001",
            state="accepted",
            outcome="goes",
            fired=(
                FiredShown(
                    rule="note",
                    did="sets note",
                    changes=(ChangeShown(field="note", before="", after="fragile"),),
                ),
            ),
        ),
    ),
)
LINE = "POST /v1/connections/acme-vendure/rules/try"


def test_the_client_shows_what_would_be(tmp_path: Path) -> None:
    with fake_api(tmp_path) as api:
        api.answer("GET /v1/status/acme-vendure", WELL)
        api.answer(LINE, TRIED)
        told = ctl(api, "rules", "try", "acme-vendure")
        assert (told.code, told.err) == (0, "")
        golden("rules_try", told.out)
        assert api.asked[0].read(TryRules) == TryRules()
        (tmp_path / "new.toml").write_text(OTHER)
        told = ctl(
            api, "rules", "try", "acme-vendure", "1", "2", "--file", str(tmp_path / "new.toml"), "--json"
        )
        assert told.code == 0
        expected = TryRules(orders=("1", "2"), text=OTHER, file="new.toml")
        assert api.asked[-1].read(TryRules) == expected
        assert '"rule":"many-units"' in told.out


def test_the_client_shows_what_stays(tmp_path: Path) -> None:
    goes = OrderTried(key="o1", number="1", state="held", outcome="stays", stays="held by hand: x (by ann)")
    held = OrderTried(
        key="o2", number="2", state="held", outcome="waits", reason="ask", stays="held by hand: x (by ann)"
    )
    with fake_api(tmp_path) as api:
        api.answer("GET /v1/status/acme-vendure", WELL)
        api.answer(LINE, RulesTried(rules=("dear",), orders=(goes, held)))
        shown = ctl(api, "rules", "try", "acme-vendure").out
    assert shown.startswith("1 rule on 2 orders, 2 of which stay whatever rules say; nothing is changed.\n")
    assert "1      held   stays held by hand: x (by ann)\n" in shown
    assert "2      held   stays held by hand: x (by ann); once let go, waits: ask\n" in shown


def test_a_rule_that_fails_is_an_exit_code(tmp_path: Path) -> None:
    failed = OrderTried(
        key="o1",
        number="1",
        state="parked",
        outcome="waits",
        reason="no amount",
        fired=(FiredShown(rule="dear", did="cannot be evaluated: no amount", error="no amount"),),
    )
    with fake_api(tmp_path) as api:
        api.answer("GET /v1/status/acme-vendure", WELL)
        api.answer(LINE, RulesTried(rules=("dear",), orders=(failed,)))
        api.answer(LINE, RulesTried(rules=("dear",), orders=()))
        told = ctl(api, "rules", "try", "acme-vendure", "1")
        assert told.code == 1
        assert "waits: no amount" in told.out
        told = ctl(api, "rules", "try", "acme-vendure")
        assert (told.code, told.out) == (0, "1 rule on 0 orders; nothing is changed.\n")


def test_files_that_cannot_be_tried(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff")
    (tmp_path / "big.toml").write_bytes(b"#" * (200 * 1024 + 1))
    found = {
        "none": "No such file or directory",
        "bad": "a byte that is no UTF-8",
        "big": "more than 200 KiB",
    }
    with fake_api(tmp_path) as api:
        for name, words in found.items():
            told = ctl(api, "rules", "try", "acme-vendure", "--file", str(tmp_path / f"{name}.toml"))
            assert told.code == 2
            assert f"{name}.toml: found {words}, expected a TOML file to read" in told.err
