"""`dropstreamctl order VERB`: what is asked, what is shown before a person agrees, how it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dropstreamd.control.messages.audits import InventoryAudited, LevelFound, OrderFound, OrdersAudited
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.plans import (
    Applied,
    ApplyPlan,
    MakePlan,
    NotPlanned,
    PlanItemShown,
    PlanShown,
)
from dropstreamd.control.messages.verbs import ByHand, Confirmed, EditAddress, Replace, Shipped
from tests.control.fake_api import FakeApi, ctl, fake_api, refusal
from tests.control.shown import NOW_S, WELL

AT = "/v1/connections/acme"
KNOWN = ("it is sent", "no package of it is known")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with fake_api(tmp_path) as api:
        yield api


@pytest.mark.parametrize("name", ["hold", "release", "cancel"])
def test_a_verb_says_why(api: FakeApi, name: str) -> None:
    api.answer(f"POST {AT}/order-{name}/gid%3A%2F%2F1", Done(text="it was done"))
    told = ctl(api, "order", name, "acme", "gid://1", "--why", "asked for")
    assert (told.code, told.out) == (0, "it was done\n")
    assert api.asked[0].read(ByHand) == ByHand(why="asked for")


def test_a_verb_wants_a_reason(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    told = ctl(api, "order", "hold", "acme", "1")
    assert (told.code, api.asked) == (2, [])
    assert "required: --why" in capsys.readouterr().err


def test_a_verb_that_is_refused(api: FakeApi) -> None:
    api.answer(
        f"POST {AT}/order-hold/1",
        refusal("not possible", 409, "the warehouse has 1", remedy="order cancel"),
    )
    told = ctl(api, "order", "hold", "acme", "1", "--why", "x")
    assert told.code == 2
    assert told.err == "Refused: the warehouse has 1\nWhat to do: order cancel\n"


def unsure(api: FakeApi, changes: int = 0) -> None:
    path = f"POST {AT}/order-resend/1"
    detail = f"the warehouse had 1 once: {'; '.join(KNOWN)}"
    for number in range(changes + 1):
        shown = f"f00d-{number}"
        api.answer(path, refusal("unconfirmed", 409, detail, known=KNOWN, shown=shown))
    api.answer(path, Done(text="it goes again"))


def test_resend_shows_what_is_known_and_asks(api: FakeApi) -> None:
    unsure(api)
    argv = ("order", "resend", "acme", "1", "--why", "lost")
    told = ctl(api, *argv, typed="y\n", is_terminal=True)
    assert (told.code, told.out) == (0, "it goes again\n")
    assert told.err == (
        "the warehouse had 1 once\n  - it is sent\n  - no package of it is known\nSend it again? [y/N] "
    )
    assert [asked.read(Confirmed) for asked in api.asked] == [
        Confirmed(why="lost"),
        Confirmed(why="lost", shown="f00d-0"),
    ]


def test_what_has_changed_since_is_shown_and_asked_about_again(api: FakeApi) -> None:
    unsure(api, changes=1)
    argv = ("order", "resend", "acme", "1", "--why", "lost")
    told = ctl(api, *argv, typed="y\ny\n", is_terminal=True)
    assert (told.code, told.out) == (0, "it goes again\n")
    assert told.err.count("  - it is sent\n") == 2
    assert "[y/N] Meanwhile this has changed.\nthe warehouse had 1 once\n" in told.err
    assert [asked.read(Confirmed) for asked in api.asked][1:] == [
        Confirmed(why="lost", shown=f"f00d-{number}") for number in (0, 1)
    ]


def test_what_changes_all_the_time_is_given_up(api: FakeApi) -> None:
    unsure(api, changes=9)
    argv = ("order", "resend", "acme", "1", "--why", "lost")
    told = ctl(api, *argv, typed="y\n" * 9, is_terminal=True)
    assert (told.code, told.out, len(api.asked)) == (4, "", 6)


@pytest.mark.parametrize(("more", "code", "asked"), [((), 4, 1), (("--yes",), 0, 2), (("--json",), 4, 1)])
def test_resend_in_scripts(api: FakeApi, more: tuple[str, ...], code: int, asked: int) -> None:
    unsure(api)
    told = ctl(api, "order", "resend", "acme", "1", "--why", "lost", *more)
    assert (told.code, len(api.asked)) == (code, asked)
    assert all(each.read(Confirmed) == Confirmed(why="lost", confirmed=True) for each in api.asked[1:])


def test_a_connection_that_is_named_as_a_verb(api: FakeApi) -> None:
    api.answer("GET /v1/connections/hold/orders/1", refusal("not found", 404, "no such order"))
    assert ctl(api, "order", "show", "hold", "1").err == "Refused: no such order\n"
    assert ctl(api, "order", "hold", "1").code == 2


# ---- replace, edit-address, mark-shipped


def test_replace(api: FakeApi) -> None:
    path = f"POST {AT}/order-replace/1"
    api.answer(path, refusal("unconfirmed", 409, "1 × A would be sent beside it: it is sent", known=KNOWN))
    api.answer(path, Done(text="1-R1 goes"))
    argv = ("order", "replace", "acme", "1", "--why", "lost", "--lines", "A=1, B-C=2")
    told = ctl(api, *argv, "--yes")
    assert (told.code, told.out) == (0, "1-R1 goes\n")
    assert api.asked[1].read(Replace) == Replace(why="lost", lines={"A": 1, "B-C": 2}, confirmed=True)


@pytest.mark.parametrize("lines", ["A", "A=0", "A=x", "=1", "A=1,A=2", "", "A=²"])
def test_lines_that_are_none(api: FakeApi, lines: str) -> None:
    told = ctl(api, "order", "replace", "acme", "1", "--why", "x", "--lines", lines)
    assert (told.code, api.asked) == (2, [])
    assert "SKU=UNITS" in told.err


def test_edit_address(api: FakeApi) -> None:
    api.answer(f"POST {AT}/order-edit-address/1", Done(text="1 goes there"))
    argv = (
        "order",
        "edit-address",
        "acme",
        "1",
        "--why",
        "typo",
        "--line1",
        "2 Main St",
        "--postal-code",
        "1",
    )
    assert ctl(api, *argv).out == "1 goes there\n"
    assert api.asked[0].read(EditAddress) == EditAddress(why="typo", line1="2 Main St", postal_code="1")
    ctl(api, "order", "edit-address", "acme", "1", "--why", "typo", "--reset")
    assert api.asked[1].read(EditAddress) == EditAddress(why="typo", reset=True)


def test_mark_shipped(api: FakeApi) -> None:
    api.answer(f"POST {AT}/order-mark-shipped/1", Done(text="1 is closed"))
    argv = ("--carrier", "UPS", "--tracking", "1Z1", "--tracking", "1Z2")
    assert ctl(api, "order", "mark-shipped", "acme", "1", "--why", "x", *argv).out == "1 is closed\n"
    assert api.asked[0].read(Shipped) == Shipped(why="x", carrier="UPS", tracking=("1Z1", "1Z2"))


# ---- audit

AUDITED = OrdersAudited(
    connection="acme",
    at_s=NOW_S,
    looked_at=7,
    unaccounted=0,
    overdue=0,
    unaccounted_orders=(),
    overdue_orders=(),
)


def test_audit(api: FakeApi) -> None:
    found = OrderFound(key="o1", number="1", what="it was never told to us", since_s=NOW_S)
    path = f"POST {AT}/audit/orders"
    api.answer(path, AUDITED)
    api.answer(path, replace(AUDITED, unaccounted=3, unaccounted_orders=(found,), trouble="it is down"))
    api.answer("GET /v1/status/acme", WELL)
    told = ctl(api, "audit", "acme", "orders")
    assert told.code == 0
    assert told.out.startswith("7 orders of the store compared with ours.\n0 open in the store")
    told = ctl(api, "audit", "acme", "orders")
    assert told.code == 1
    assert "Not all of them: it is down" in told.out
    assert "1       o1   2026-03-05 14:30:12 EST  it was never told to us\nand 2 more\n" in told.out
    assert ctl(api, "audit", "acme", "parcels").code == 2
    api.answer(f"GET {AT}/audit/orders", replace(AUDITED, overdue=1))
    told = ctl(api, "audit", "acme", "orders", "--last")
    assert told.code == 1
    assert told.out.startswith("7 orders of the store compared with ours, 2026-03-05 14:30:12 EST.\n")
    told = ctl(api, "audit", "acme", "inventory", "--last")
    assert "no other audit is kept" in told.err


def test_audit_of_inventory(api: FakeApi) -> None:
    found = InventoryAudited(
        connection="acme",
        looked_at=3,
        more=1,
        fewer=0,
        missing=1,
        levels=(LevelFound(sku="B", told=3, shows=None), LevelFound(sku="A", told=5, shows=9)),
    )
    api.answer(f"POST {AT}/audit/inventory", found)
    told = ctl(api, "audit", "acme", "inventory")
    assert told.code == 1
    assert "1 show more than they were told." in told.out
    assert "A       5  9" in told.out


# ---- plan, apply


def test_plan(api: FakeApi) -> None:
    items = (PlanItemShown(key="o1", number="1", before="accepted", after="sent again as SH1"),)
    made = PlanShown(
        id="01J",
        connection="acme",
        what="resend",
        at_s=NOW_S,
        expires_s=NOW_S,
        who="root",
        items=items,
        left_out=(NotPlanned(named="9", why="there is no such order"),),
    )
    api.answer(f"POST {AT}/plans", made)
    api.answer("GET /v1/status/acme", WELL)
    told = ctl(api, "plan", "acme", "resend", "1", "9")
    assert told.code == 1, "not all that was asked for is in it"
    assert told.out == (
        "1 item; 0 stay as they are.\n"
        "WHAT  NOW       THEN\n"
        "1     accepted  sent again as SH1\n"
        "Left out: 9: there is no such order\n"
        "Until 2026-03-05 14:30:12 EST: dropstreamctl apply acme 01J --why …\n"
    )
    assert api.asked[0].read(MakePlan) == MakePlan(what="resend", orders=("1", "9"))


@pytest.mark.parametrize(
    ("left_out", "code"), [((), 0), ((NotPlanned(named="9", why="there is no such order"),), 1)]
)
def test_an_empty_plan(api: FakeApi, left_out: tuple[NotPlanned, ...], code: int) -> None:
    made = PlanShown(
        id="01J", connection="acme", what="resend", at_s=0, expires_s=0, who="", items=(), left_out=left_out
    )
    api.answer(f"POST {AT}/plans", made)
    told = ctl(api, "plan", "acme", "resend", "9")
    assert (told.code, told.out.endswith("There is nothing to apply.\n")) == (code, True)


@pytest.mark.parametrize(
    "argv",
    [
        ("resend",),
        ("resend", "1", "--since", "2026-01-01"),
        ("inventory.full", "1"),
        ("sales_orders.import",),
        ("shipments.export",),
    ],
)
def test_plans_that_cannot_be_meant(api: FakeApi, argv: tuple[str, ...]) -> None:
    told = ctl(api, "plan", "acme", *argv)
    assert (told.code, api.asked) == (2, [])
    assert "None" not in told.err


def test_apply(api: FakeApi) -> None:
    path = f"POST {AT}/plans/01J/apply"
    api.answer(path, Applied(done=2, moved=(NotPlanned(named="B", why="it would be 3 by now"),), run="01K"))
    api.answer(path, Applied(done=1, moved=()))
    assert ctl(api, "apply", "acme", "01J", "--why", "agreed").out == (
        "2 items applied.\nMoved since, and left alone: B: it would be 3 by now\nRun 01K was asked for.\n"
    )
    assert api.asked[0].read(ApplyPlan) == ApplyPlan(why="agreed")
    told = ctl(api, "apply", "acme", "01J", "--why", "agreed")
    assert told.out == "1 item applied.\nThe channel is off: they go with its next run.\n"
    assert ctl(api, "apply", "acme", "01J").code == 2
