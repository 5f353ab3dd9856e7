"""Documents in doubt, and a person's word on them."""

from dropstreamd.platform.contract import Part
from tests.channels.plant import order
from tests.control.conf_files import CONNECTION
from tests.control.office import Client, Office
from tests.control.test_work import NEW_S, SHOP
from tests.fakes.sinks import Fault

# ---- in doubt


async def doubted(office: Office, client: Client) -> str:
    """One order in doubt; its revision is 1."""
    office.stores["shop"].changes.change("o/1", order("1", placed_s=NEW_S, key="o/1"))
    office.warehouse.taken.faults.append(Fault.SILENT)
    await client.enable()
    await client.run("sales_orders.import")
    return f"{SHOP}/in-doubt/sales_orders/o%2F1"


async def test_what_is_in_doubt_names_the_file_to_look_for(office: Office, client: Client) -> None:
    await doubted(office, client)
    [doubt] = (await client.get(f"{SHOP}/in-doubt"))["documents"]
    assert (doubt["key"], doubt["number"], doubt["reference"], doubt["revision"]) == ("o/1", "1", "SH1", 1)
    assert doubt["name"] == office.warehouse.taken.pushed[0]
    [card] = (await client.get("/status/shop"))["connections"]
    assert card["channels"][0]["work"]["in_doubt"]["count"] == 1


async def test_a_document_in_doubt_that_arrived(office: Office, client: Client) -> None:
    path = await doubted(office, client)
    assert (await client.refused("POST", path, {"applied": True, "revision": 7}))[:2] == (409, "changed")
    told = await client.ask("POST", path, {"applied": True, "revision": 1})
    assert told["text"] == "1 was handed over"
    assert (await client.get(f"{SHOP}/orders/o%2F1"))["state"] == "accepted"
    assert (await client.refused("POST", path, {"applied": True}))[:2] == (409, "changed")


async def test_a_document_in_doubt_goes_by_its_number_too(office: Office, client: Client) -> None:
    await doubted(office, client)
    path = f"{SHOP}/in-doubt/sales_orders/1"
    assert (await client.ask("POST", path, {"applied": True}))["text"] == "1 was handed over"
    kind, told = (await client.refused("POST", path, {"applied": True}))[1:]
    assert (kind, told["detail"]) == ("changed", "1 is not in doubt: it is accepted")


async def test_a_number_of_two_documents_in_doubt_names_neither(office: Office, client: Client) -> None:
    await doubted(office, client)
    office.write("shop", CONNECTION.format(name="shop", letter="XX"))
    await client.ask("POST", "/reload", {})
    office.stores["shop"].changes.change("o2", order("1", placed_s=NEW_S, key="o2"))
    office.warehouse.taken.faults.append(Fault.SILENT)
    await client.run("sales_orders.import")
    path = f"{SHOP}/in-doubt/sales_orders/1"
    kind, told = (await client.refused("POST", path, {"applied": True}))[1:]
    assert (kind, told["detail"]) == ("not possible", "2 documents in doubt have this number: o/1, o2")


async def test_a_document_in_doubt_that_did_not_arrive_goes_again(office: Office, client: Client) -> None:
    path = await doubted(office, client)
    await client.ask("POST", path, {"applied": False})
    assert (await client.run("sales_orders.import"))["counts"]["accepted"] == 1
    assert (await client.get(f"{SHOP}/in-doubt"))["documents"] == []


async def test_a_cancellation_in_doubt_says_so_and_waits_for_the_warehouse(
    office: Office, client: Client
) -> None:
    """The order itself is at the warehouse: who looks for that alone would say that it was handed over."""
    office.cancels = frozenset({Part.ORDERS})
    await office.reload()
    changes = office.stores["shop"].changes
    changes.change("o1", order("1", placed_s=NEW_S))
    await client.enable()
    await client.run("sales_orders.import")
    office.warehouse.taken.faults.append(Fault.SILENT)
    changes.change("o1", order("1", placed_s=NEW_S, status="cancelled"))
    await client.run("sales_orders.import")
    [doubt] = (await client.get(f"{SHOP}/in-doubt"))["documents"]
    assert doubt["why"].startswith("its cancellation: ")
    told = await client.ask("POST", f"{SHOP}/in-doubt/sales_orders/o1", {"applied": True})
    assert told["text"] == "the cancellation of 1 was handed over"
    shown = await client.get(f"{SHOP}/orders/o1")
    assert shown["history"][-1]["text"] == "the other side was asked to stop it"


async def test_a_document_that_is_none(client: Client) -> None:
    path = f"{SHOP}/in-doubt/sales_orders/none"
    assert (await client.refused("POST", path, {"applied": True}))[:2] == (404, "not found")
    path = f"{SHOP}/in-doubt/inventory/A"
    assert (await client.refused("POST", path, {"applied": True}))[:2] == (409, "not possible")
