"""An order that was marked as shipped and has not left: what the store was to be told of it is withdrawn."""

from functools import partial
from typing import Any

import pytest

from dropstreamd.channels import traces
from dropstreamd.platform.contract import Part
from dropstreamd.store import documents
from dropstreamd.store.documents import Book
from dropstreamd.store.records import Flow
from tests.channels.plant import ACCOUNT, order, package
from tests.control.office import Client, Office
from tests.control.test_order_edits import told
from tests.control.test_order_verbs import NEW_S, SHOP, handed, of_one, place, refused, say, shown, verb
from tests.fakes.sinks import Fault

SAID = "by hand SH1"
"""The key of the package that a person says has left."""


async def marked(office: Office, client: Client, **asked: Any) -> None:
    """The warehouse refused order 1, and a person says that it left in another way; the store is yet to be
    told."""
    place(office)
    office.warehouse.taken.refuse["o1"] = "odd"
    await client.enable()
    await client.run("sales_orders.import")
    await switched(client, "disable")
    await verb(client, "mark-shipped", **(asked or {"tell": True}))
    office.warehouse.taken.refuse.clear()


async def marked_there(office: Office, client: Client) -> None:
    """The warehouse has order 1, and a person says that it left in another way."""
    await handed(office, client)
    await switched(client, "disable")
    await verb(client, "mark-shipped", tell=True, confirmed=True)


async def switched(client: Client, to: str) -> None:
    """The channel that tells the store."""
    await client.ask("POST", f"{SHOP}/{to}", {"channel": "shipments"})


async def tell(client: Client) -> None:
    await switched(client, "enable")
    await client.run("shipments.export")
    await switched(client, "disable")


async def sent_by_the_warehouse(office: Office, client: Client) -> None:
    """Order 1 goes, leaves, and the store is told of it with its tracking number, and of nothing else."""
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1}
    office.ship(package("x-1", "SH1", ("A", 2), tracking="1Z1"))
    await tell(client)
    assert told(office) == [("o1", {"L1": 2}, ("1Z1",))]
    assert (await client.get(f"{SHOP}/tasks"))["tasks"] == []
    assert (await shown(client))["life"] == "shipped"


async def test_released_it_goes_and_the_store_is_told_of_its_package(office: Office, client: Client) -> None:
    await marked(office, client)
    said = await verb(client, "release")
    assert said == "1 goes with the next run; the store is not told that it has left"
    await tell(client)
    assert not told(office)
    await sent_by_the_warehouse(office, client)


async def test_so_it_is_where_the_store_had_refused_to_be_told(office: Office, client: Client) -> None:
    """Its units were laid to a package that never was."""
    await marked(office, client)
    office.stores["shop"].fulfilled.refuse[SAID] = "odd"
    await tell(client)
    [shown_package] = (await shown(client))["packages"]
    assert (shown_package["key"], shown_package["state"]) == (SAID, "parked")
    await verb(client, "release")
    assert (await shown(client))["packages"] == []
    await sent_by_the_warehouse(office, client)


async def test_what_was_taken_back_may_be_said_again(office: Office, client: Client) -> None:
    """Of the tracking number nothing is known any more: it may be another order's."""
    await marked(office, client, tracking=["77"])
    assert office.state.read(lambda tx: traces.find_parcel(tx, ACCOUNT, ["77"])) is not None
    await verb(client, "release")
    assert office.state.read(lambda tx: traces.find_parcel(tx, ACCOUNT, ["77"])) is None
    await verb(client, "mark-shipped", tracking=["77"])
    await verb(client, "release")
    await verb(client, "mark-shipped")
    await tell(client)
    assert not told(office)
    explained = (await shown(client))["explained"]
    assert explained[1].startswith("the store was not told; to tell it: dropstreamctl order mark-shipped")
    assert explained[3] == "to send it after all: dropstreamctl order release shop 1 --why …"
    await verb(client, "mark-shipped", tracking=["77"])
    await tell(client)
    assert told(office) == [("o1", {"L1": 2}, ("77",))]
    await client.run("sales_orders.import")
    assert not of_one(office).created()


async def test_what_the_store_was_told_is_replaced_and_not_released(office: Office, client: Client) -> None:
    """The store shows it as shipped: released it would be over with the store's next word, and never go."""
    await marked(office, client)
    await tell(client)
    status, kind, answer = await refused(client, "release")
    assert (status, kind) == (409, "not possible")
    assert answer["detail"] == "the store was told that 1 has left, and shows it as shipped"
    assert answer["remedy"] == "to send it all the same: dropstreamctl order replace shop 1 --why …"
    explained = (await shown(client))["explained"]
    assert explained[3] == "to send it after all: dropstreamctl order replace shop 1 --why …"
    assert (await refused(client, "replace"))[2]["detail"].startswith(
        "2 × A would be sent beside what has left"
    )
    await verb(client, "replace", confirmed=True)
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1+R1": 1}
    office.ship(package("x-1", "SH1-R1", ("A", 2), tracking="1Z1"))
    await tell(client)
    assert told(office) == [("o1", {"L1": 2}, ())], "the store shows it as shipped already"


@pytest.mark.parametrize("sent", [True, False])
async def test_nobody_takes_back_what_the_store_may_have_been_told(
    office: Office, client: Client, *, sent: bool
) -> None:
    await marked(office, client)
    office.stores["shop"].fulfilled.faults.append(Fault.SILENT)
    await tell(client)
    answer = (await refused(client, "release"))[2]
    assert answer["detail"] == "nobody knows whether the store was told that 1 has left"
    assert f"resolve shop shipments '{SAID}' with --sent or --not-sent" in answer["remedy"]
    await client.ask("POST", f"{SHOP}/in-doubt/shipments/{SAID}", {"applied": sent})
    if sent:
        assert (await refused(client, "release"))[:2] == (409, "not possible")
    else:
        assert "is not told" in await verb(client, "release")


async def test_one_that_an_earlier_version_released_is_not_told_either(
    office: Office, client: Client
) -> None:
    """It left what the store was to be told as it was."""
    await marked(office, client)
    book = Book(flow=Flow("c-shop", "sales_orders"), amends=False, describe=lambda _: "")
    released = partial(documents.release, book=book, key="o1", now_s=NEW_S, run="", why="by ann")
    assert await office.state.write(released)
    await sent_by_the_warehouse(office, client)


async def test_with_other_work_that_waits_it_is_not_released(office: Office, client: Client) -> None:
    """That way would leave to the store's turn what it is told."""
    await marked(office, client)
    asked = {"channel": "sales_orders", "key": "o1"}
    status, _, answer = await client.refused("POST", f"{SHOP}/release", asked)
    assert (status, answer["detail"]) == (409, "1 was marked as shipped by hand")
    assert answer["remedy"] == "dropstreamctl order release shop 1 --why …"


@pytest.mark.parametrize("planned", [True, False])
async def test_sent_again_it_goes_and_the_store_is_told_of_its_package(
    office: Office, client: Client, *, planned: bool
) -> None:
    await marked_there(office, client)
    status, kind, answer = await refused(client, "replace", confirmed=True)
    assert (status, kind) == (409, "not possible")
    assert answer["detail"] == "the store has yet to be told that 1 has left"
    assert answer["remedy"].endswith("if it has not left: dropstreamctl order resend shop 1 --why …")
    if planned:
        plan = await client.ask("POST", f"{SHOP}/plans", {"what": "resend", "orders": ["1"]})
        why = {"why": "the warehouse lost it"}
        assert (await client.ask("POST", f"{SHOP}/plans/{plan['id']}/apply", why))["done"] == 1
    else:
        known = (await refused(client, "resend"))[2]["known"]
        assert "it was marked as shipped by hand, which the store is not told then" in known
        await verb(client, "resend", confirmed=True)
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 2}
    office.ship(package("x-1", "SH1", ("A", 2), tracking="1Z1"))
    await tell(client)
    assert told(office) == [("o1", {"L1": 2}, ("1Z1",))]
    assert (await client.get(f"{SHOP}/tasks"))["tasks"] == []


async def test_released_it_is_with_the_warehouse_as_before(office: Office, client: Client) -> None:
    await marked_there(office, client)
    said = await verb(client, "release")
    assert said == "1 is with the warehouse, as before; the store is not told that it has left"
    assert (await shown(client))["life"] == "sent"
    assert (await refused(client, "release"))[2]["detail"] == "1 does not wait: it is accepted"
    await sent_by_the_warehouse(office, client)


async def test_what_changed_meanwhile_is_still_a_task(office: Office, client: Client) -> None:
    """Whoever marked it may have told the warehouse."""
    office.amends |= {Part.ORDERS}
    await client.ask("POST", "/reload")
    await marked_there(office, client)
    office.stores["shop"].changes.change("o1", order("1", ("A", 3), placed_s=NEW_S))
    await client.run("sales_orders.import")
    await verb(client, "release")
    await client.run("sales_orders.import")
    [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert (task["kind"], task["detail"]) == ("changed", "A: 2 were ordered, now 3 are")
    assert len(of_one(office).effects) == 1


async def test_what_the_warehouse_has_shipped_or_does_not_ship_is_not_left_to_it(
    office: Office, client: Client
) -> None:
    office.offers |= {Part.ACKNOWLEDGEMENTS}
    await client.ask("POST", "/reload")
    await marked_there(office, client)
    say(office, "closed-short")
    await client.run("sales_orders.import")
    answer = (await refused(client, "release"))[2]
    assert answer["detail"] == "the warehouse does not ship 1, or was asked not to"
    assert answer["remedy"] == "to send it after all: dropstreamctl order resend shop 1 --why …"
    office.ship(package("P1", "SH1", ("A", 1)))
    office.stores["shop"].fulfilled.refuse[SAID] = "odd"
    await tell(client)
    answer = (await refused(client, "release"))[2]
    assert answer["detail"] == "the warehouse has shipped 1 itself"
    assert answer["remedy"].startswith(
        "dropstreamctl order mark-shipped shop 1 --tell --why … tells the store"
    )


async def test_what_is_over_in_the_store_is_left_as_it_is(office: Office, client: Client) -> None:
    await marked_there(office, client)
    place(office, "1", status="closed")
    await client.run("sales_orders.import")
    assert (await refused(client, "release"))[2]["detail"] == "1 is closed in the store"


async def test_what_the_store_was_told_is_not_sent_again(office: Office, client: Client) -> None:
    await handed(office, client)
    await verb(client, "mark-shipped", tell=True, confirmed=True)
    await client.run("shipments.export")
    answer = (await refused(client, "release"))[2]
    assert answer["detail"] == "the store was told that 1 has left, and shows it as shipped"
    assert answer["remedy"].startswith("mend that there; if the warehouse ships it too, that is a task")
    answer = (await refused(client, "resend", confirmed=True))[2]
    assert answer["detail"].startswith("part of 1 has left: sent again, it would be sent twice")
