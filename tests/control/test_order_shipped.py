"""`mark-shipped` of orders that had ended by hand: the store is told once, and nothing is sent."""

import os
import pwd

import pytest

from dropstreamd.platform.contract import Part
from tests.channels.plant import package
from tests.control.office import Client, Office
from tests.control.test_order_edits import told
from tests.control.test_order_verbs import SHOP, handed, of_one, place, refused, shown, verb


async def cancelled(office: Office, client: Client) -> None:
    """Order 1 was handed over, and stopped by the warehouse since a person wanted it."""
    office.cancels |= {Part.ORDERS}
    await client.ask("POST", "/reload")
    await handed(office, client)
    await verb(client, "cancel")
    await client.run("sales_orders.import")
    assert of_one(office).stopped() == {"o1": 1}


async def ship(office: Office, client: Client, key: str, units: int) -> None:
    office.ship(package(key, "SH1", ("A", units), tracking=f"1Z{key}"))
    await client.run("shipments.export")


async def test_the_store_is_told_of_what_left_though_it_was_cancelled_by_hand(
    office: Office, client: Client
) -> None:
    await cancelled(office, client)
    await ship(office, client, "P1", 1)
    assert told(office) == []
    [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert task["detail"].endswith(
        "to tell the store that it has left: dropstreamctl order mark-shipped shop 1 --tell --why …"
    )
    for asked in ({}, {"tracking": ["77"]}, {"tell": True, "carrier": "DHL"}):
        status, kind, answer = await refused(client, "mark-shipped", **asked)
        assert (status, kind) == (409, "not possible")
        assert "package P1 has left: tracking number 1ZP1" in answer["detail"]
        assert answer["remedy"].startswith("dropstreamctl order mark-shipped shop 1 --tell")
    status, kind, answer = await refused(client, "mark-shipped", tell=True)
    assert (status, kind) == (409, "unconfirmed")
    assert answer["known"] == ["package P1 has left: tracking number 1ZP1"]
    assert "what left of 1 after all" in await verb(client, "mark-shipped", tell=True, confirmed=True)
    assert (await client.get(f"{SHOP}/tasks"))["tasks"] == []
    await ship(office, client, "P2", 1)
    await client.run("shipments.export")
    assert told(office) == [("o1", {"L1": 1}, ("1ZP1",)), ("o1", {"L1": 1}, ("1ZP2",))]
    assert (await client.get(f"{SHOP}/tasks"))["tasks"] == []
    after = await shown(client)
    assert after["life"] == "shipped after cancel"
    assert any("told: the warehouse lost it (by " in step["text"] for step in after["history"])
    status, _, answer = await refused(client, "mark-shipped", tell=True, confirmed=True)
    assert (status, answer["detail"]) == (409, "all of 1 has left the warehouse already")
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1}


async def test_cancelled_at_the_warehouse_it_left_in_another_way(office: Office, client: Client) -> None:
    await cancelled(office, client)
    assert (await refused(client, "mark-shipped", tracking=["77"]))[1] == "unconfirmed"
    assert "the store is told" in await verb(client, "mark-shipped", tracking=["77"], confirmed=True)
    await client.run("shipments.export")
    await client.run("sales_orders.import")
    assert told(office) == [("o1", {"L1": 2}, ("77",))]
    after = await shown(client)
    assert (after["life"], after["explained"][1]) == ("shipped", "the store was told")
    assert after["explained"][2].endswith("does not send it: 2 × A")
    await ship(office, client, "P1", 2)  # and then the warehouse sends it too: that is a person's
    [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert task["title"] == "1 was marked as shipped by hand, and the warehouse has shipped it"
    await verb(client, "mark-shipped", tell=True, confirmed=True)
    await client.run("shipments.export")
    assert len(told(office)) == 1, "all of its units were told"
    assert of_one(office).created() == {"o1": 1}


async def test_what_was_done_and_what_remains_is_said(office: Office, client: Client) -> None:
    await handed(office, client)
    there = "the warehouse has it as SH1 since 2026-03-02 04:00 EST, and "
    not_told = f"{there}was not told of this: unless somebody stops it there, it ships too: 2 × A"
    marked = f"marked as shipped by hand: the warehouse lost it (by {pwd.getpwuid(os.getuid()).pw_name})"
    said = await verb(client, "mark-shipped", confirmed=True)
    assert said.endswith("was told; the warehouse sends it too unless it is stopped there")
    tell = "the store was not told; to tell it: dropstreamctl order mark-shipped shop 1 --why … --tell"
    assert (await shown(client))["explained"] == [marked, tell, not_told]
    await verb(client, "mark-shipped", tracking=["77"], confirmed=True)
    await client.run("shipments.export")
    assert (await shown(client))["explained"] == [marked, "the store was told", not_told]
    await ship(office, client, "P1", 2)
    after = await shown(client)
    assert (after["life"], after["explained"][2]) == ("shipped", f"{there}has shipped it too")


async def test_a_cancellation_that_has_yet_to_go_is_not_taken_back(office: Office, client: Client) -> None:
    """The warehouse would ship it, beside what left in another way."""
    office.cancels |= {Part.ORDERS}
    await client.ask("POST", "/reload")
    await handed(office, client)
    await verb(client, "cancel")
    status, _, answer = await refused(client, "mark-shipped", tracking=["77"], confirmed=True)
    assert (status, "the next run asks the warehouse to stop it" in answer["detail"]) == (409, True)
    await client.run("sales_orders.import")
    assert of_one(office).stopped() == {"o1": 1}


@pytest.mark.parametrize("by_the_warehouse", [True, False])
async def test_where_the_warehouse_cannot_be_asked_the_task_is_done_with_it(
    office: Office, client: Client, *, by_the_warehouse: bool
) -> None:
    await handed(office, client)
    await verb(client, "cancel")
    assert len((await client.get(f"{SHOP}/tasks"))["tasks"]) == 1
    if by_the_warehouse:
        await ship(office, client, "P1", 2)
        assert told(office) == [("o1", {"L1": 2}, ("1ZP1",))]
        [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
        assert task["detail"].startswith(
            "cancelled by hand, too late to stop it: all of it has left (package P1"
        )
        return
    await verb(client, "mark-shipped", tracking=["77"], confirmed=True)
    await client.run("shipments.export")
    assert told(office) == [("o1", {"L1": 2}, ("77",))]
    assert (await client.get(f"{SHOP}/tasks"))["tasks"] == []
    of_one(office)


async def test_cancelled_before_its_hand_over_it_left_in_another_way(office: Office, client: Client) -> None:
    """Released for that, a run might send it meanwhile."""
    place(office)
    await client.enable()
    await client.ask("POST", f"{SHOP}/disable", {"channel": "shipments"})
    office.warehouse.taken.refuse["o1"] = "odd"
    await client.run("sales_orders.import")
    await verb(client, "cancel")
    assert (await verb(client, "mark-shipped")).endswith("neither the warehouse nor the store was told")
    after = await shown(client)
    assert (after["life"], after["explained"][2]) == (
        "shipped",
        "the warehouse never had it, and does not get it",
    )
    assert (await refused(client, "mark-shipped"))[2]["detail"] == "1 was marked as shipped by hand already"
    await verb(client, "mark-shipped", tracking=["77"])
    assert (await refused(client, "mark-shipped", tell=True))[0] == 409
    await client.ask("POST", f"{SHOP}/enable", {"channel": "shipments"})
    await client.run("shipments.export")
    await client.run("sales_orders.import")
    assert told(office) == [("o1", {"L1": 2}, ("77",))]
    assert not of_one(office).created()


async def test_what_the_store_itself_cancelled_it_is_not_told(office: Office, client: Client) -> None:
    await cancelled(office, client)
    place(office, "1", status="cancelled")
    await client.run("sales_orders.import")
    await ship(office, client, "P1", 2)
    assert "1 is cancelled in the store" in (await refused(client, "mark-shipped", tell=True))[2]["detail"]
    [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert "mark-shipped" not in task["detail"]
