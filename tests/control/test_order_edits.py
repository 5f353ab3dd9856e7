"""What a person changes of an order by hand, on the real ledger: replace, edit-address, mark-shipped."""

from typing import Any

import pytest
from msgspec.structs import replace

from dropstreamd.channels.outbound import NOT_MAPPED
from dropstreamd.platform.contract import Part
from tests.channels.plant import HOME, order, package
from tests.control.office import Client, Office
from tests.control.test_order_verbs import (
    NEW_S,
    SHOP,
    handed,
    of_one,
    place,
    refused,
    shown,
    verb,
)

MOVED = {"line1": "2 Side St", "city": "Shelbyville"}


def told(office: Office) -> list[tuple[str, dict[str, int], tuple[str, ...]]]:
    """Order, lines and tracking of every fulfillment that the store has."""
    return [
        (
            each.document.order_key,
            {line.order_line: line.quantity for line in each.document.lines},
            each.document.tracking_numbers,
        )
        for each in office.stores["shop"].fulfilled.effects
    ]


def fulfilled(office: Office, units: int) -> None:
    """The store shows so many units of order 1 as shipped."""
    placed = order("1", ("A", 2), placed_s=NEW_S)
    lines = tuple(replace(line, fulfilled=units) for line in placed.lines)
    office.stores["shop"].changes.change("o1", replace(placed, lines=lines))


# ---- replace


async def test_a_replacement_goes_under_a_reference_of_its_own(office: Office, client: Client) -> None:
    await handed(office, client)
    status, kind, answer = await refused(client, "replace")
    assert (status, kind) == (409, "unconfirmed")
    assert answer["detail"].startswith("2 × A would be sent beside what the warehouse has of 1")
    assert await verb(client, "replace", confirmed=True) == (
        "1-R1 goes with the next run, under the reference SH1-R1"
    )
    assert (await refused(client, "replace", "SH1-R1", confirmed=True))[:2] == (409, "not possible")
    await client.run("sales_orders.import")
    assert "SH1-R2" in await verb(client, "replace", "1-R1", confirmed=True, lines={"A": 1})
    await client.run("sales_orders.import")
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1, "o1+R1": 1, "o1+R2": 1}
    sent = office.warehouse.taken.newest()
    assert [each.reference for each in sent.values()] == ["SH1", "SH1-R1", "SH1-R2"]
    assert [each.lines[0].quantity for each in sent.values()] == [2, 2, 1]
    assert (await shown(client, "SH1-R1"))["life"] == "sent"
    assert "it replaces what was sent of order o1" in (await shown(client, "1-R1"))["explained"]


async def test_two_who_ask_for_a_replacement_at_once_get_one(office: Office, client: Client) -> None:
    """Each saw that there was none; so does one whose answer was lost."""
    await handed(office, client)
    await verb(client, "replace", confirmed=True)
    status, kind, answer = await refused(client, "replace", confirmed=True)
    assert (status, kind) == (409, "not possible")
    assert answer["detail"] == "1-R1 is to be sent in its place already; it is pending"
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1, "o1+R1": 1}
    assert "SH1-R2" in await verb(client, "replace", confirmed=True)
    assert "never handed over" in await verb(client, "cancel", "1-R2")
    assert "SH1-R3" in await verb(client, "replace", confirmed=True)


async def test_the_store_is_told_of_a_replacement_what_it_does_not_know(
    office: Office, client: Client
) -> None:
    await handed(office, client)
    office.ship(package("P1", "SH1", ("A", 1), tracking="1Z1"))
    await client.run("shipments.export")
    await verb(client, "replace", confirmed=True)
    await client.run("sales_orders.import")
    office.ship(package("P2", "SH1-R1", ("A", 2), tracking="1Z2"))
    await client.run("shipments.export")
    assert told(office) == [("o1", {"L1": 1}, ("1Z1",)), ("o1", {"L1": 1}, ("1Z2",))]
    fulfilled(office, 2)
    await client.run("sales_orders.import")
    assert (await shown(client, "1-R1"))["life"] == "shipped"
    assert (await client.get(f"{SHOP}/tasks"))["tasks"] == []
    await verb(client, "replace", confirmed=True, lines={"A": 1})
    await client.run("sales_orders.import")
    office.ship(package("P3", "SH1-R2", ("A", 1), tracking="1Z3"))
    await client.run("shipments.export")
    assert len(told(office)) == 2
    assert (await shown(client, "1-R2"))["life"] == "shipped"
    of_one(office)


async def test_the_store_is_told_of_an_order_what_its_replacement_has_not_told(
    office: Office, client: Client
) -> None:
    """Thought to be lost, its package is told after that of its replacement."""
    await handed(office, client)
    await verb(client, "replace", confirmed=True, lines={"A": 1})
    await client.run("sales_orders.import")
    office.ship(package("P2", "SH1-R1", ("A", 1), tracking="1Z2"))
    await client.run("shipments.export")
    office.ship(package("P1", "SH1", ("A", 2), tracking="1Z1"))
    await client.run("shipments.export")
    assert told(office) == [("o1", {"L1": 1}, ("1Z2",)), ("o1", {"L1": 1}, ("1Z1",))]
    of_one(office)


async def test_a_package_is_a_word_of_the_warehouse(office: Office, client: Client) -> None:
    await handed(office, client)
    _, _, answer = await refused(client, "replace")
    assert "the warehouse has not said anything of it" in answer["known"]
    office.ship(package("P1", "SH1", ("A", 1), tracking="1Z1"))
    await client.run("shipments.export")
    _, kind, answer = await refused(client, "replace")
    assert (kind, answer["known"][-1]) == ("unconfirmed", "package P1 has left: tracking number 1Z1")
    assert "the warehouse has not said anything of it" not in answer["known"]


async def test_a_replacement_of_a_cancelled_order_does_not_go(office: Office, client: Client) -> None:
    await handed(office, client)
    await verb(client, "replace", confirmed=True)
    place(office, "1", status="cancelled")
    await client.run("sales_orders.import")
    after = await shown(client, "1-R1")
    assert (after["life"], after["reason"]) == ("parked", "order 1 was cancelled in the store")
    assert of_one(office).created() == {"o1": 1}
    assert (await refused(client, "replace", confirmed=True))[:2] == (409, "not possible")


async def test_what_may_not_be_replaced(office: Office, client: Client) -> None:
    place(office, "2")
    place(office, "1", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    assert (await refused(client, "replace", "1", confirmed=True))[:2] == (409, "not possible")
    for lines in ({"A": 3}, {"A": 0}, {"B": 1}):
        status, kind, answer = await refused(client, "replace", "2", lines=lines, confirmed=True)
        assert (status, kind) == (400, "bad request")
        assert "were ordered" in answer["detail"]
    assert (await refused(client, "replace", "2", lines={"A": "x"}))[:2] == (400, "bad request")


async def test_a_reference_that_would_be_too_long(office: Office, client: Client) -> None:
    number = "9" * 31
    office.stores["shop"].changes.change("o9", order(number, placed_s=NEW_S, key="o9"))
    await client.enable()
    await client.run("sales_orders.import")
    status, _, answer = await refused(client, "replace", "o9", confirmed=True)
    assert status == 409
    assert "characters, the warehouse takes" in answer["detail"]


# ---- edit-address


async def test_an_address_before_the_hand_over(office: Office, client: Client) -> None:
    office.warehouse.taken.refuse["o1"] = "address"
    place(office)
    await client.enable()
    await client.run("sales_orders.import")
    office.warehouse.taken.refuse.clear()
    assert await verb(client, "edit-address", **MOVED) == "1 goes to that address"
    place(office, "1", note="ring twice")
    await client.run("sales_orders.import")
    [sent] = of_one(office).newest().values()
    assert (sent.ship_to, sent.note) == (replace(HOME, **MOVED), "ring twice")
    assert (await shown(client))["address"]["city"] == "Shelbyville"
    history = "".join(step["text"] for step in (await shown(client))["history"])
    assert "changed by hand" in history
    assert "Shelbyville" not in history + str(await client.get(f"{SHOP}/log"))


@pytest.mark.parametrize("amends", [True, False])
async def test_an_address_after_the_hand_over(office: Office, client: Client, *, amends: bool) -> None:
    office.amends = frozenset({Part.ORDERS}) if amends else frozenset()
    await client.ask("POST", "/reload")
    await handed(office, client)
    said = await verb(client, "edit-address", **MOVED)
    await client.run("sales_orders.import")
    tasks = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert of_one(office).newest()["o1"].ship_to.city == ("Shelbyville" if amends else HOME.city)
    assert office.warehouse.taken.created() == {"o1": 1}
    if amends:
        assert "told of the address of 1 with the next run" in said
        assert not tasks
    else:
        assert "by hand" in said
        assert [task["detail"] for task in tasks] == ["another address"]


async def test_the_store_s_own_change_of_the_address_wins(office: Office, client: Client) -> None:
    place(office, "1", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    await verb(client, "edit-address", **MOVED)
    place(office, "1", ship_to=replace(HOME, line1="3 Third St"))
    await client.run("sales_orders.import")
    [sent] = of_one(office).newest().values()
    assert sent.ship_to == replace(HOME, line1="3 Third St")
    assert "gave way to a change in the source" in str((await shown(client))["history"])


async def test_an_address_goes_back_to_the_store_s(office: Office, client: Client) -> None:
    place(office, "1", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    await verb(client, "edit-address", **MOVED)
    await verb(client, "edit-address", reset=True)
    place(office)
    await client.run("sales_orders.import")
    [sent] = of_one(office).newest().values()
    assert sent.ship_to == HOME


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"country": "usa"},
        {"line1": "x" * 101},
        {"name": "a\x1b[0m"},
        {"reset": True, "city": "X"},
        {"line1": HOME.line1},
        {"street": "x"},
    ],
)
async def test_addresses_that_are_none(office: Office, client: Client, asked: dict[str, Any]) -> None:
    place(office, "1", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    assert (await refused(client, "edit-address", **asked))[:2] == (400, "bad request")
    assert (await shown(client))["revision"] == 1


# ---- mark-shipped


async def test_marked_as_shipped_before_its_hand_over(office: Office, client: Client) -> None:
    office.report({"A": 10})
    place(office, "1", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    assert "neither the warehouse nor the store was told" in await verb(client, "mark-shipped")
    assert (await shown(client))["life"] == "shipped"
    place(office)
    await client.run("sales_orders.import")
    assert not of_one(office).created()
    await client.run("shipments.export")
    assert not told(office)
    await client.run("inventory.smart")
    assert office.stores["shop"].shows() == {"A": 10}
    assert (await refused(client, "mark-shipped"))[:2] == (409, "not possible")
    await verb(client, "release")
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1}


async def test_the_store_is_told_that_it_left_in_another_way(office: Office, client: Client) -> None:
    place(office, "1")
    await client.enable()
    await client.ask("POST", f"{SHOP}/disable", {"channel": "shipments"})
    office.warehouse.taken.refuse["o1"] = "odd"
    await client.run("sales_orders.import")
    assert "the store is told" in await verb(client, "mark-shipped", carrier="DHL", tracking=["77"])
    await client.ask("POST", f"{SHOP}/enable", {"channel": "shipments"})
    await client.run("shipments.export")
    await client.run("sales_orders.import")
    assert told(office) == [("o1", {"L1": 2}, ("77",))]
    assert not of_one(office).created()
    assert (await shown(client))["life"] == "shipped"


async def test_what_the_warehouse_has_wants_a_second_look(office: Office, client: Client) -> None:
    await handed(office, client)
    status, kind, answer = await refused(client, "mark-shipped", tell=True)
    assert (status, kind) == (409, "unconfirmed")
    assert "sends it too unless it is stopped there" in answer["detail"]
    await verb(client, "mark-shipped", tell=True, confirmed=True)
    await client.run("shipments.export")
    assert told(office) == [("o1", {"L1": 2}, ())]
    office.ship(package("P1", "SH1", ("A", 2), tracking="1Z1"))
    await client.run("shipments.export")
    assert len(told(office)) == 1
    [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert task["title"] == "1 was marked as shipped by hand, and the warehouse has shipped it"
    of_one(office)


async def test_what_cannot_be_told(office: Office, client: Client) -> None:
    place(office, "1", ship_method="Express")
    await client.enable()
    await client.run("sales_orders.import")
    status, _, answer = await refused(client, "mark-shipped", tell=True)
    assert (status, answer["detail"]) == (
        409,
        f"the store cannot be told: ship method 'Express' {NOT_MAPPED}",
    )
    assert (await shown(client))["life"] == "parked"
    assert (await refused(client, "mark-shipped", tracking=["x"] * 11))[:2] == (400, "bad request")
