"""What a person does to an order by hand, on the real ledger: resend, hold, release, cancel."""

from typing import Any

import pytest
from msgspec.structs import replace

from dropstreamd.control.whereabouts import Look
from dropstreamd.model.acknowledgements import Acknowledgement, Verdict
from dropstreamd.platform.contract import Part, Whereabouts
from dropstreamd.store.records import Document, Standing, State
from tests.channels.plant import order, package
from tests.control.office import START_S, Client, Office
from tests.fakes.sinks import Fault
from tests.store.owners import check_owners

NEW_S = START_S + 60
SHOP = "/connections/shop"
WHY = {"why": "the warehouse lost it"}


def place(office: Office, number: str = "1", **changed: Any) -> None:
    placed = order(number, ("A", 2), placed_s=NEW_S)
    office.stores["shop"].changes.change(f"o{number}", replace(placed, **changed))


async def handed(office: Office, client: Client) -> None:
    """Order 1 is with the warehouse."""
    place(office)
    await client.enable()
    assert (await client.run("sales_orders.import"))["counts"]["accepted"] == 1


async def verb(client: Client, name: str, named: str = "1", /, **asked: object) -> str:
    told = await client.ask("POST", f"{SHOP}/order-{name}/{named}", {**WHY, **asked})
    return str(told["text"])


async def refused(client: Client, name: str, named: str = "1", /, **asked: object) -> tuple[int, str, Any]:
    return await client.refused("POST", f"{SHOP}/order-{name}/{named}", {**WHY, **asked})


async def shown(client: Client, named: str = "1") -> Any:
    return await client.get(f"{SHOP}/orders/{named}")


def say(office: Office, verdict: Verdict, *codes: str, reason: str = "") -> None:
    number = len(office.warehouse.words.files) + len(office.warehouse.words.archived)
    word = Acknowledgement(key=f"ack-{number}", reference="SH1", verdict=verdict, codes=codes, reason=reason)
    office.warehouse.words.put(f"ack-{number}", word)


def of_one(office: Office) -> Any:
    """Whatever happened, each order has its one owner."""
    office.state.read(lambda tx: check_owners(tx, people=True))
    return office.warehouse.taken


def more(name: str) -> Any:
    """What a verb wants besides the reason."""
    return {"confirmed": True} if name == "resend" else {}


# ---- resend


async def test_an_order_that_the_warehouse_lost_goes_again(office: Office, client: Client) -> None:
    await handed(office, client)
    status, kind, told = await refused(client, "resend")
    assert (status, kind) == (409, "unconfirmed")
    assert told["known"][0] == "it is sent"
    assert "as out-" in told["known"][1]
    assert "no package of it is known" in told["known"]
    assert "the warehouse's shipments have never been fetched: it may have left" in told["known"]
    await client.run("shipments.export")
    told = (await refused(client, "resend"))[2]
    [fetched] = [each for each in told["known"] if "were last fetched on 20" in each]
    assert fetched.endswith(": it may have left since")
    assert told["known"][-1] == "whether the warehouse has taken it cannot be looked up with this platform"
    assert (await shown(client))["accepted"] == 1
    assert await verb(client, "resend", confirmed=True) == (
        "1 goes again with the next run, under its reference SH1"
    )
    assert (await shown(client))["life"] == "queued"
    await client.run("sales_orders.import")
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 2}
    assert [effect.document.reference for effect in office.warehouse.taken.effects] == ["SH1", "SH1"]
    after = await shown(client)
    assert (after["life"], after["state"]) == ("sent", "accepted")
    assert any("the warehouse lost it" in step["text"] for step in after["history"])
    [line] = [line for line in (await client.get(f"{SHOP}/log"))["lines"] if line["event"] == "resent"]
    assert line["who"]
    assert line["text"].endswith(": the warehouse lost it")


async def test_what_was_agreed_to_is_what_was_shown(office: Office, client: Client) -> None:
    """What the warehouse says meanwhile is read before it is agreed to."""
    office.offers |= {Part.ACKNOWLEDGEMENTS}
    await client.ask("POST", "/reload")
    await handed(office, client)
    before = (await refused(client, "resend"))[2]
    say(office, "rejected", "R003", reason="no such SKU")
    await client.run("sales_orders.import")
    status, kind, now = await refused(client, "resend", shown=before["shown"])
    assert (status, kind) == (409, "unconfirmed")
    assert "this has changed since it was shown" in now["detail"]
    assert "the warehouse said: rejected (R003): no such SKU" in now["known"]
    assert now["known"] != before["known"]
    await verb(client, "resend", shown=now["shown"])
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 2}


WAITING = Whereabouts(where="waiting", detail="its file out-1 still lies in in: it was not taken yet")
THERE = Whereabouts(where="there", detail="the warehouse has its shipment 7")


@pytest.mark.parametrize("where", [WAITING, THERE])
async def test_what_the_warehouse_has_not_taken_or_has_is_not_sent_again(
    office: Office, client: Client, where: Whereabouts
) -> None:
    await handed(office, client)
    office.warehouse.looks, office.warehouse.where = True, {"SH1": where}
    for confirmed in (False, True):
        status, kind, told = await refused(client, "resend", confirmed=confirmed)
        assert (status, kind) == (409, "not possible")
        assert told["detail"] == f"1: {where.detail}; sent again, it would be there twice"
        assert "order cancel shop 1" in told["remedy"]
    office.warehouse.where = None
    assert (await refused(client, "resend", confirmed=True))[:2] == (503, "unreachable")
    assert (await shown(client))["life"] == "sent"
    office.warehouse.where = {}
    assert (await refused(client, "resend"))[2]["known"][-1] == "its file was taken"
    await verb(client, "resend", confirmed=True)
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 2}


def test_a_look_at_an_earlier_hand_over_says_nothing() -> None:
    doc = Document(
        state=State.ACCEPTED,
        standing=Standing.READY,
        revision=1,
        digest=b"",
        content=b"",
        number="1",
        accepted=1,
        remote="second",
    )
    assert Look(remote="first", found=WAITING).hinders(doc) == "it was handed over anew meanwhile"


async def test_an_order_that_was_sent_back_goes_again(office: Office, client: Client) -> None:
    office.offers |= {Part.ACKNOWLEDGEMENTS}
    await client.ask("POST", "/reload")
    await handed(office, client)
    say(office, "rejected", "R003", reason="segment N3 is missing")
    await client.run("sales_orders.import")
    before = await shown(client)
    assert before["life"] == "parked"
    assert "the warehouse sent it back: rejected (R003): segment N3 is missing" in before["explained"]
    _, _, told = await refused(client, "resend")
    assert any("segment N3 is missing" in each for each in told["known"])
    await verb(client, "resend", confirmed=True)
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 2}
    assert (await shown(client))["life"] == "sent"


async def test_a_command_that_is_shown_is_one_that_a_shell_takes(office: Office, client: Client) -> None:
    """A `#` begins a comment there: Shopify's numbers have one."""
    place(office, "#1001", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    _, _, told = await refused(client, "resend", "%231001", confirmed=True)
    assert told["remedy"] == "dropstreamctl order release shop '#1001' --why …"
    await verb(client, "hold", "%231001")
    said = (await shown(client, "%231001"))["explained"]
    assert any("dropstreamctl order release shop '#1001' --why" in each for each in said)


async def test_what_may_not_be_sent_again(office: Office, client: Client) -> None:
    place(office, "1", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    status, kind, told = await refused(client, "resend", confirmed=True)
    assert (status, kind) == (409, "not possible")
    assert "never handed over" in told["detail"]
    assert told["remedy"] == "dropstreamctl order release shop 1 --why …"
    status, kind, told = await refused(client, "resend", "none", confirmed=True)
    assert (status, kind) == (404, "not found")
    assert "one with a # in quotes" in told["remedy"]
    for why in ("", "  ", "x" * 201, "a\x1b[31m"):
        assert (await refused(client, "resend", why=why))[:2] == (400, "bad request")
    assert (await client.refused("POST", f"{SHOP}/order-resend/1", {}))[0] == 400


async def test_an_order_in_doubt_is_resolved_first(office: Office, client: Client) -> None:
    place(office)
    office.warehouse.taken.faults.append(Fault.SILENT)
    await client.enable()
    await client.run("sales_orders.import")
    for name in ("resend", "hold", "release", "cancel"):
        status, kind, told = await refused(client, name, **more(name))
        assert (status, kind) == (409, "not possible")
        assert "resolve shop sales_orders o1" in told["remedy"]


async def test_what_has_left_in_part_is_not_sent_again(office: Office, client: Client) -> None:
    await handed(office, client)
    office.ship(package("P1", "SH1", ("A", 1), tracking="1Z9"))
    await client.run("shipments.export")
    status, kind, told = await refused(client, "resend", confirmed=True)
    assert (status, kind) == (409, "not possible")
    assert "package P1 has left: tracking number 1Z9" in told["detail"]
    assert "order replace shop 1" in told["remedy"]


async def test_a_package_of_the_first_hand_over_ends_the_second(office: Office, client: Client) -> None:
    await handed(office, client)
    await verb(client, "resend", confirmed=True)
    office.ship(package("P1", "SH1", ("A", 2)))
    await client.run("shipments.export")
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1}
    assert (await shown(client))["life"] == "shipped"


async def test_cancelled_in_the_store_it_is_not_sent_again(office: Office, client: Client) -> None:
    await handed(office, client)
    place(office, "1", status="cancelled")
    await client.run("sales_orders.import")
    status, _, told = await refused(client, "resend", confirmed=True)
    assert (status, told["detail"]) == (409, "1 is cancelled in the store")


async def test_what_the_store_shows_as_shipped_is_replaced_and_not_sent_again(
    office: Office, client: Client
) -> None:
    await handed(office, client)
    place(office, "1", status="closed")
    await client.run("sales_orders.import")
    status, _, told = await refused(client, "resend", confirmed=True)
    assert (status, told["detail"]) == (409, "1 is closed in the store")
    assert told["remedy"] == "dropstreamctl order replace shop 1 --lines SKU=UNITS --why …"
    status, kind, _ = await refused(client, "replace", lines={"A": 1})
    assert (status, kind) == (409, "unconfirmed")


async def test_what_another_has_just_cancelled_by_hand_is_not_sent_again(
    office: Office, client: Client
) -> None:
    """Two people work at one order: what the one confirms was known before the other cancelled it."""
    office.cancels |= {Part.ORDERS}
    await client.ask("POST", "/reload")
    await handed(office, client)
    await verb(client, "cancel")
    status, _, told = await refused(client, "resend", confirmed=True)
    assert (status, told["detail"]) == (
        409,
        "1 was cancelled by hand, and the warehouse has yet to stop it",
    )
    await client.run("sales_orders.import")
    assert (of_one(office).created(), office.warehouse.taken.stopped()) == ({"o1": 1}, {"o1": 1})
    assert "goes again" in await verb(client, "resend", confirmed=True)


# ---- hold and release


async def test_an_older_order_that_was_held_too_goes_by_one_release(office: Office, client: Client) -> None:
    office.stores["shop"].changes.change("o1", order("1", ("A", 2), placed_s=START_S - 3600))
    await client.enable()
    await client.run("sales_orders.import")
    assert (await shown(client))["life"] == "held"
    await verb(client, "hold")
    assert await verb(client, "release") == "1 goes with the next run"
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1}


async def test_a_held_order_waits_until_it_is_released(office: Office, client: Client) -> None:
    place(office, "1", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    assert await verb(client, "hold", why="the buyer calls back") == "1 is held until it is released"
    place(office)  # its cause is gone, and it changed
    await client.run("sales_orders.import")
    held = await shown(client)
    assert (held["life"], held["cause"]) == ("held", "held-by-hand")
    assert held["reason"].startswith("the buyer calls back (by ")
    assert not of_one(office).created()
    assert (await refused(client, "hold"))[:2] == (409, "not possible")
    released = await client.refused("POST", f"{SHOP}/release", {"channel": "sales_orders", "cause": "x"})
    assert released[0] == 404
    assert await verb(client, "release") == "1 goes with the next run"
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1}


async def test_a_hold_outlives_that_of_the_store(office: Office, client: Client) -> None:
    place(office, "1", status="waiting")
    await client.enable()
    await client.run("sales_orders.import")
    await verb(client, "hold")
    assert (await refused(client, "release"))[:2] == (409, "not possible")
    place(office)
    await client.run("sales_orders.import")
    assert (await shown(client))["cause"] == "held-by-hand"
    place(office, "1", status="cancelled")
    await client.run("sales_orders.import")
    assert (await shown(client))["life"] == "cancelled"
    assert not of_one(office).created()


async def test_what_the_warehouse_has_is_not_held_here(office: Office, client: Client) -> None:
    await handed(office, client)
    status, _, told = await refused(client, "hold")
    assert status == 409
    assert "order cancel shop 1" in told["remedy"]
    assert (await refused(client, "release"))[:2] == (409, "not possible")


# ---- cancel


async def test_cancelled_before_its_hand_over_it_never_goes(office: Office, client: Client) -> None:
    office.report({"A": 10})
    place(office, "1", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    await client.run("inventory.smart")
    assert office.stores["shop"].shows() == {"A": 8}
    assert "never handed over, unless it is released" in await verb(client, "cancel")
    for changed in ({}, {"note": "ring"}, {"status": "waiting"}, {"status": "open"}):
        place(office, "1", **changed)
        await client.run("sales_orders.import")
        assert (await shown(client))["life"] == "cancelled", changed
    assert not of_one(office).created()
    await client.run("inventory.full")
    assert office.stores["shop"].shows() == {"A": 10}
    assert (await refused(client, "cancel"))[:2] == (409, "not possible")
    await verb(client, "release")
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1}


async def test_cancelled_after_its_hand_over_the_warehouse_is_asked(office: Office, client: Client) -> None:
    office.cancels |= {Part.ORDERS}
    await client.ask("POST", "/reload")
    await handed(office, client)
    assert "asked to stop 1 with the next run" in await verb(client, "cancel")
    assert (await shown(client))["life"] == "cancel requested"
    await client.run("sales_orders.import")
    assert of_one(office).stopped() == {"o1": 1}
    assert (await shown(client))["life"] == "cancelled"
    place(office, "1", status="cancelled")
    await client.run("sales_orders.import")
    assert of_one(office).stopped() == {"o1": 1}
    assert (await client.get(f"{SHOP}/tasks"))["tasks"] == []


async def test_a_cancellation_by_hand_that_the_warehouse_refuses(office: Office, client: Client) -> None:
    office.cancels |= {Part.ORDERS}
    await client.ask("POST", "/reload")
    await handed(office, client)
    office.warehouse.taken.refuse["o1"] = "picked"
    await verb(client, "cancel")
    await client.run("sales_orders.import")
    await client.run("sales_orders.import")
    assert (await shown(client))["life"] == "cancel requested"
    [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert "cancelled by hand: stop it at the warehouse" in task["detail"]
    assert len(office.warehouse.taken.pushed) == 2


async def test_where_nothing_can_be_cancelled_it_is_a_task(office: Office, client: Client) -> None:
    office.report({"A": 10})
    await handed(office, client)
    assert "among the tasks" in await verb(client, "cancel")
    [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert task["title"] == "1 was cancelled by hand after hand-over"
    assert (await shown(client))["life"] == "cancel requested"
    await client.ask("POST", f"{SHOP}/tasks/sales_orders/o1", {"revision": task["revision"]})
    assert (await shown(client))["life"] == "cancelled"
    of_one(office)
    await verb(client, "resend", confirmed=True)
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 2}


@pytest.mark.parametrize("name", ["resend", "cancel"])
async def test_what_was_sent_back_is_cancelled_without_a_word(
    office: Office, client: Client, name: str
) -> None:
    office.offers |= {Part.ACKNOWLEDGEMENTS}
    await client.ask("POST", "/reload")
    await handed(office, client)
    say(office, "rejected", "R003")
    await client.run("sales_orders.import")
    await verb(client, name, **more(name))
    expected = {"resend": "queued", "cancel": "cancelled"}
    assert (await shown(client))["life"] == expected[name]
    of_one(office)


@pytest.mark.parametrize("by_hand", [True, False])
async def test_over_before_it_was_sent_again_the_first_one_is_a_task(
    office: Office, client: Client, *, by_hand: bool
) -> None:
    await handed(office, client)
    await verb(client, "resend", confirmed=True)
    if by_hand:
        await verb(client, "cancel")
    else:
        place(office, "1", status="cancelled")
    await client.run("sales_orders.import")
    await client.run("sales_orders.import")
    [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert "may have it as SH1 from the first time" in task["detail"]
    assert of_one(office).created() == {"o1": 1}
    await client.ask("POST", f"{SHOP}/tasks/sales_orders/o1%20first", {"revision": task["revision"]})
    assert (await client.get(f"{SHOP}/tasks"))["tasks"] == []
